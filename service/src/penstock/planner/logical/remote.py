"""remote_processor: a stream that programs of the user process, behind a topic of its own."""

from __future__ import annotations

import re
from dataclasses import replace

from penstock.errors import RequestError
from penstock.plan.nodes import ProcessorStore, RelationKind, RemoteProcessor, Repartition, StoreKind, TopicRef
from penstock.planner.convert import millis, to_schema
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.logical.processors import CONFIG, output_of
from penstock.planner.names import remote_rows_node, valid_name
from penstock.planner.plugins import Output, plain
from penstock.planner.refuse import refuse
from penstock.planner.repartition import INTERNAL
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.types.schema import Column, Role, Schema

PROCESSOR = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
ROWS, DEFAULT_ROWS = 10_000, 1_000
ROWS_OUTPUT = "rows"
"""An output of this name would be the node before the processor (names.remote_rows_node)."""
TIMEOUT_MS, DEFAULT_TIMEOUT_MS = (100, 3_600_000), 30_000


def remote_processor(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """The topic, the processor, and a node behind it for each output."""
    proto, flow = node.proto.remote_processor, _stream(node, inputs[0])
    _check(node, flow)
    columns = sorted((Column(c.name, c.type, Role.KEY if c.role is Role.KEY else Role.VALUE) for c in flow.schema), key=lambda c: c.role is not Role.KEY)
    flow = replace(flow, schema=Schema(tuple(columns)), offsets=False)
    rows = Repartition(remote_rows_node(node.name), node.inputs, flow.schema, flow.kind, None, TopicRef("", 0, flow.key_format, INTERNAL))
    timeout = millis(proto.bundle_timeout) if proto.HasField("bundle_timeout") else DEFAULT_TIMEOUT_MS
    made = RemoteProcessor(node.name, (rows.name,), Schema(()), RelationKind.STREAM, None, proto.processor, tuple(sorted(proto.config.items())),
                           tuple(_store(node, i, flow) for i in range(len(proto.stores))), proto.bundle_rows or DEFAULT_ROWS, timeout, proto.max_attempts,
                           store(f"{node.name}-set-timers", StoreKind.KEY_VALUE, (), None) if proto.timers else None)
    try:
        declared = [Output(o.name, plain(to_schema(o.schema)), o.keeps_key) for o in proto.outputs]
    except RequestError as e:
        raise refuse(e.reason, f"{node.name}: {e.message}", **{**e.metadata, "node": node.name, "field": node.path("outputs")}) from e
    outputs = [output_of(node, output, flow) for output in declared]
    flows = {f"{node.name}.{o.output}": out for o, out in outputs} | {o.name: out for o, out in outputs} | {rows.name: flow}
    return Built((*(o for o, _ in outputs), rows, made), replace(flow, schema=Schema(()), grouped=False), outputs=flows)


def _stream(node: Placed, flow: Flow) -> Flow:
    if flow.kind is RelationKind.STREAM and flow.window is None:
        return flow
    what, instead = ("a table", "to_stream") if flow.kind is RelationKind.TABLE else ("windowed", "partition_by")
    raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[0]} is {what}, and a remote_processor takes a stream without windows; put {instead} before it",
                 node=node.name, field=f"topology.nodes[{node.index}].inputs[0]")


def _check(node: Placed, flow: Flow) -> None:
    proto = node.proto.remote_processor
    timeout = millis(proto.bundle_timeout) if proto.HasField("bundle_timeout") else DEFAULT_TIMEOUT_MS
    wrong = {
        "processor": "" if PROCESSOR.fullmatch(proto.processor) else f"processor name {proto.processor!r} is not {PROCESSOR.pattern}",
        "outputs": f"the output name {ROWS_OUTPUT} is what the rows that go in are called; choose another" if any(
            o.name == ROWS_OUTPUT for o in proto.outputs) else "" if proto.outputs else "a remote_processor needs outputs",
        "config": f"{len(proto.config)} entries are over the {CONFIG} of config" if len(proto.config) > CONFIG else "",
        "bundle_rows": f"bundle_rows is {proto.bundle_rows}; at most {ROWS}" if proto.bundle_rows > ROWS else "",
        "bundle_timeout": "" if TIMEOUT_MS[0] <= timeout <= TIMEOUT_MS[1] else f"bundle_timeout is {timeout} ms; {TIMEOUT_MS[0]} ms to 1 h",
        "stores": f"{node.inputs[0]} has no key for the stores to go by; put partition_by before it" if proto.stores and not flow.schema.key else "",
        "timers": f"{node.inputs[0]} has no key for the timers to go by; put partition_by before it" if proto.timers and not flow.schema.key else "",
    }
    for field, why in wrong.items():
        if why:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: {why}", node=node.name, field=node.path(field))


def _store(node: Placed, i: int, flow: Flow) -> ProcessorStore:
    """A store under the key of the rows."""
    declared, field = node.proto.remote_processor.stores[i], node.path(f"stores[{i}]")
    if not valid_name(declared.name) or declared.name in [s.name for s in list(node.proto.remote_processor.stores)[:i]]:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: store name {declared.name!r} is given twice, or not [A-Za-z][A-Za-z0-9_]{{0,63}}", node=node.name,
                     field=field)
    try:
        schema = plain(to_schema(declared.schema))
    except RequestError as e:
        raise refuse(e.reason, f"{node.name}: store {declared.name}: {e.message}", **{**e.metadata, "node": node.name, "field": field}) from e
    taken = {c.name for c in flow.schema.key}
    bad = next((c for c in schema if c.role is not Role.VALUE or c.name in taken), None)
    if bad is not None or not schema.value:
        why = f"column {bad.name} is a key column or named as one: the key is that of the rows" if bad is not None else "it has no column"
        raise refuse("INVALID_SCHEMA", f"{node.name}: store {declared.name}: {why}", node=node.name, field=field, column=bad.name if bad else "")
    spec = store(f"{node.name}-{declared.name}", StoreKind.KEY_VALUE, tuple((c.name, str(c.type)) for c in schema.value), None)
    return ProcessorStore(declared.name, Schema((*flow.schema.key, *schema.value)), flow.key_format, None, spec)
