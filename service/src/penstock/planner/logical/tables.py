"""to_table and to_stream: records read as changes, and changes as records."""

from __future__ import annotations

from dataclasses import replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.plan.nodes import RelationKind, StoreKind, Suppress, ToStream, ToTable, WindowKind
from penstock.planner.convert import millis
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.logical.history import check_order, history
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.types.schema import Schema


def to_table(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A stream with a key, materialised."""
    flow = inputs[0]
    field = f"topology.nodes[{node.index}].inputs[0]"
    if flow.kind is not RelationKind.STREAM:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: to_table takes a stream", node=node.name, field=field)
    if not flow.schema.key:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a table needs a key; put partition_by before to_table", node=node.name, field=field)
    if flow.window is not None:
        raise refuse("UNSUPPORTED", f"{node.name}: a table of windowed keys is not built", node=node.name, field=field)
    # Headers belong to records, a table has none.
    schema = Schema((*flow.schema.key, *flow.schema.value))
    spec = store(node.name, StoreKind.KEY_VALUE, tuple((c.name, str(c.type)) for c in schema.value), None)
    kept = history(node, node.proto.to_table, spec, schema, windowed=False)
    made = ToTable(node.name, node.inputs, schema, RelationKind.TABLE, None, spec, kept)
    return Built((made,), replace(flow, schema=schema, kind=RelationKind.TABLE, offsets=False,
                                  history_ms=0 if kept is None else kept.retention_ms))


def to_stream(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A table's changes; a deletion is a record with a null value."""
    flow = inputs[0]
    if flow.kind is not RelationKind.TABLE:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: to_stream takes a table", node=node.name,
                     field=f"topology.nodes[{node.index}].inputs[0]")
    made = ToStream(node.name, node.inputs, flow.schema, RelationKind.STREAM, flow.window)
    return Built((made,), replace(flow, kind=RelationKind.STREAM))


def suppress(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A table whose updates wait; what left and what waits have a store each."""
    flow, proto = inputs[0], node.proto.suppress
    if flow.kind is not RelationKind.TABLE:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: suppress takes a table", node=node.name, field=f"topology.nodes[{node.index}].inputs[0]")
    check_order(node, flow)
    closes = proto.WhichOneof("until") == "window_closes"
    wait = _until_closed(node, flow) if closes else _time_limit(node)
    columns = tuple((c.name, str(c.type)) for c in flow.schema.value)
    buffer = store(f"{node.name}-waiting", StoreKind.KEY_VALUE, (("-time", "BIGINT"), ("-there", "BOOLEAN"), ("-headers", "ARRAY"), *columns), None)
    kept = store(node.name, StoreKind.KEY_VALUE if flow.window is None else flow.window.store_kind, columns, flow.window)
    made = Suppress(node.name, node.inputs, flow.schema, flow.kind, flow.window, wait, closes, proto.max_records, proto.max_bytes, buffer, kept,
                    proto.when_full == topology_pb2.WHEN_FULL_STOP)
    return Built((made,), flow)


def _until_closed(node: Placed, flow: Flow) -> int:
    """How far behind the end of a window stream time has to be."""
    proto = node.proto.suppress
    if flow.window is None:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[0]} has no windows that could close; give a time limit", node=node.name,
                     field=node.path("window_closes"))
    for name in ("max_records", "max_bytes"):
        if getattr(proto, name) and proto.when_full != topology_pb2.WHEN_FULL_STOP:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: a window that leaves early would not be the last of its updates; bounds go with "
                         "when_full = STOP or with a time limit", node=node.name, field=node.path(name))
    return flow.window.grace_ms + (flow.window.size_ms if flow.window.kind is WindowKind.SESSION else 0)


def _time_limit(node: Placed) -> int:
    if node.proto.suppress.WhichOneof("until") is None:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: suppress needs what it waits for: that windows close, or a time limit", node=node.name,
                     field=node.path("until"))
    wait = millis(node.proto.suppress.time_limit)
    if wait < 0:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a time limit is not negative", node=node.name, field=node.path("time_limit"))
    return wait
