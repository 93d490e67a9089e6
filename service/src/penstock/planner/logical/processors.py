"""processor: code of a plug-in, with outputs and stores of their own columns."""

from __future__ import annotations

from dataclasses import replace

from penstock.errors import RequestError
from penstock.plan.nodes import Processor, ProcessorOutput, ProcessorStore, RelationKind, StoreKind, Window, WindowKind
from penstock.planner.logical import formats
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.names import output_node, valid_name
from penstock.planner.plugins import Output, Plugin, plugin
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.plugins.processor import StoreDeclaration
from penstock.types.schema import Schema

CONFIG = 64


def processor(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """The plug-in's node, and one behind it for each output."""
    proto = node.proto.processor
    try:
        found = plugin(proto)
    except RequestError as e:
        raise refuse(e.reason, f"{node.name}: {e.message}", **{**e.metadata, "node": node.name, "field": node.path("processor")}) from e
    if len(proto.config) > CONFIG:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {len(proto.config)} entries are over the {CONFIG} of config", node=node.name,
                     field=node.path("config"))
    _count_inputs(node, found)
    stores = tuple(_store(node, declaration, schema) for declaration, schema in found.stores)
    made = Processor(node.name, node.inputs, Schema(()), RelationKind.STREAM, None, proto.processor, tuple(sorted(proto.config.items())), stores)
    outputs = [output_of(node, output, inputs[0]) for output in found.outputs]
    flows = {f"{node.name}.{o.output}": flow for o, flow in outputs} | {o.name: flow for o, flow in outputs}
    return Built((*(o for o, _ in outputs), made), replace(inputs[0], schema=Schema(()), grouped=False), outputs=flows)


def _count_inputs(node: Placed, found: Plugin) -> None:
    low, high = found.inputs
    if not low <= len(node.inputs) <= high:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.proto.processor.processor} takes {low if low == high else f'{low} to {high}'} inputs, "
                     f"not {len(node.inputs)}", node=node.name, field=f"topology.nodes[{node.index}].inputs")


def output_of(node: Placed, output: Output, first: Flow) -> tuple[ProcessorOutput, Flow]:
    """An output's node, and what flows out of it. first: the processor's first input. Raises RequestError."""
    field = node.path("outputs")
    keys = output.schema.key
    if output.keeps_key and tuple(c.type for c in keys) != first.key_types:
        raise refuse("TYPE_MISMATCH", f"{node.name}: output {output.name} keeps the key, but its key columns are not of the types of those of "
                     f"{node.inputs[0]}", node=node.name, field=field)
    key_format = first.key_format if output.keeps_key else formats.check(formats.inherited_key(first.key_format, keys), keys, "key", node.name, field)
    flow = Flow(output.schema, RelationKind.STREAM, None, key_format, first.value_format)
    name = output_node(node.name, output.name)
    return ProcessorOutput(name, (node.name,), output.schema, RelationKind.STREAM, None, output.name, key_format, output.keeps_key), flow


def _store(node: Placed, declared: StoreDeclaration, schema: Schema) -> ProcessorStore:
    if not valid_name(declared.name):
        raise refuse("PLUGIN_FAILED", f"{node.name}: store name {declared.name!r} is not [A-Za-z][A-Za-z0-9_]{{0,63}}", node=node.name,
                     field=node.path("processor"))
    kind = StoreKind(declared.kind)
    window = None
    if kind is not StoreKind.KEY_VALUE:
        if declared.retention_ms <= 0 or (kind is StoreKind.WINDOW and not 0 < declared.size_ms <= declared.retention_ms):
            raise refuse("PLUGIN_FAILED", f"{node.name}: store {declared.name} needs a retention, and windows a size up to it", node=node.name,
                         field=node.path("processor"))
        window = Window(WindowKind.SESSION if kind is StoreKind.SESSION else WindowKind.TUMBLING, declared.size_ms, 0, declared.retention_ms)
    key_format = formats.check(formats.inherited_key(formats.KAFKA, schema.key), schema.key, "key", node.name, node.path("processor"))
    spec = store(f"{node.name}-{declared.name}", kind, tuple((c.name, str(c.type)) for c in schema.value), window)
    return ProcessorStore(declared.name, schema, key_format, window, spec)
