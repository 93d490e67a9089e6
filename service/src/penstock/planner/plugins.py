"""What a topology's processors are: the plug-in of a node, with its outputs and stores as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock_client import declare
from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.errors import RequestError
from penstock.planner.convert import to_schema
from penstock.plugins import installed
from penstock.plugins.processor import OutputDeclaration, Processor, StoreDeclaration
from penstock.types.schema import Role, Schema


@dataclass(frozen=True, slots=True)
class Output:
    """A way out. keeps_key as in the proto."""

    name: str
    schema: Schema
    keeps_key: bool


@dataclass(frozen=True, slots=True)
class Plugin:
    """A processor as a topology uses it."""

    inputs: tuple[int, int]
    outputs: tuple[Output, ...]
    stores: tuple[tuple[StoreDeclaration, Schema], ...]


def plugin(message: topology_pb2.Processor) -> Plugin:
    """Raises RequestError: UNKNOWN_PROCESSOR, PLUGIN_FAILED, INVALID_SCHEMA."""
    if not message.processor:
        raise RequestError("INVALID_TOPOLOGY", "a processor needs the name of its plug-in")
    found = installed.processor(message.processor)
    stores = tuple((store, _columns(message.processor, f"store {store.name}", store.columns)) for store in found.stores)
    for store, schema in stores:
        if not schema.key:
            raise _failed(message.processor, f"store {store.name} has no key column")
    return Plugin(found.inputs, tuple(_outputs(message, found)), stores)


def _outputs(message: topology_pb2.Processor, found: type[Processor]) -> Sequence[Output]:
    if message.outputs:
        return [Output(o.name, plain(to_schema(o.schema)), o.keeps_key) for o in message.outputs]
    declared = {name: o if isinstance(o, OutputDeclaration) else OutputDeclaration(o) for name, o in found.outputs.items()}
    return [Output(name, _columns(message.processor, f"output {name}", o.columns), o.keeps_key) for name, o in declared.items()]


def _columns(processor: str, what: str, text: str) -> Schema:
    try:
        return plain(to_schema(declare.schema(text)))
    except (ValueError, RequestError) as e:
        raise _failed(processor, f"the columns of {what} are not valid: {e}") from e


def plain(schema: Schema) -> Schema:
    """The columns of a processor's output or store. Raises RequestError INVALID_SCHEMA."""
    header = next((c.name for c in schema if c.role is Role.HEADER), None)
    if header is not None:
        raise RequestError("INVALID_SCHEMA", f"column {header}: headers are no columns here", {"column": header})
    return schema


def _failed(processor: str, why: str) -> RequestError:
    return RequestError("PLUGIN_FAILED", f"processor {processor}: {why}", {"processor": processor})
