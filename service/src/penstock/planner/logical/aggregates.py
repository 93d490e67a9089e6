"""aggregate: folds the groups of a group_by."""

from __future__ import annotations

from dataclasses import replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.aggregates import for_session
from penstock.plan.nodes import Aggregate, AggregateColumn, Emit, RelationKind, StoreKind, StoreSpec, Window, WindowKind
from penstock.planner.logical.expressions import aggregated, items, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.planner.windows import to_window
from penstock.types.schema import Column, Schema


def aggregate(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A table of the groups' results. Store fields are `COLUMN.state`, typed by function, so that a changed function is another schema."""
    flow, proto = inputs[0], node.proto.aggregate
    if not flow.grouped:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: aggregate takes a group_by", node=node.name,
                     field=f"topology.nodes[{node.index}].inputs[0]")
    of_table = flow.kind is RelationKind.TABLE
    window = _window(node, of_table)
    emit = _emit(node, window)
    here = scope((node.inputs[0], flow))
    columns: list[AggregateColumn] = []
    outputs: list[Column] = list(flow.schema.key)
    fields: list[tuple[str, str]] = []
    if not proto.columns:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: aggregate needs columns", node=node.name, field=node.path("columns"))
    for item in items(node, proto.columns, "columns", here, {c.name for c in flow.schema.key}):
        if item is None:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: * is no aggregate", node=node.name, field=node.path("columns"))
        call = aggregated(node, item, here, of_table)
        if window is not None and window.kind is WindowKind.SESSION and call.aggregate.merge is None:
            merging = for_session(call.aggregate, call.literals)
            call = replace(call, name=merging.name, aggregate=merging)
        if window is not None and window.kind is WindowKind.SESSION and call.aggregate.merge is None:
            raise refuse("UNSUPPORTED", f"{node.name}: two results of {call.name.partition('/')[0]} cannot be merged, as sessions are when "
                         "a record falls between them", node=node.name, field=node.path("columns"))
        columns.append(AggregateColumn(item[2], call.name, call.arguments, call.literals))
        outputs.append(Column(item[2], call.aggregate.result))
        fields += [(f"{item[2]}.{name}", call.name) for name in call.aggregate.state]
    unique(node, [c.name for c in outputs], "columns")
    schema = Schema(tuple(outputs))
    spec, results = _stores(node.name, tuple(fields), schema, window, emit)
    made = Aggregate(node.name, node.inputs, schema, RelationKind.TABLE, window, tuple(columns), spec, of_table, emit, results)
    return Built((made,), replace(flow, schema=schema, kind=RelationKind.TABLE, window=window, grouped=False))


def _window(node: Placed, of_table: bool) -> Window | None:
    proto = node.proto.aggregate
    if not proto.HasField("window"):
        return None
    if of_table:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a table is aggregated without windows", node=node.name, field=node.path("window"))
    return to_window(proto.window, node.name, node.path("window"))


def _emit(node: Placed, window: Window | None) -> Emit:
    name = topology_pb2.Emit.Name(node.proto.aggregate.emit).removeprefix("EMIT_")
    emit = Emit.CHANGES if name == "UNSPECIFIED" else Emit(name)
    if emit is Emit.FINAL and window is None:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a group without a window is never final; give it a window, or emit changes",
                     node=node.name, field=node.path("emit"))
    return emit


def _stores(name: str, fields: tuple[tuple[str, str], ...], schema: Schema, window: Window | None, emit: Emit
            ) -> tuple[StoreSpec, StoreSpec | None]:
    """The store of the states, and that of final rows. The latter has the node's name, since it is what others read. Windows that a
    record's time alone determines are not needed once they are closed."""
    kind = StoreKind.KEY_VALUE if window is None else window.store_kind
    if emit is Emit.CHANGES or window is None:
        return store(name, kind, fields, window), None
    fixed = window.kind in (WindowKind.TUMBLING, WindowKind.HOPPING)
    opened = replace(window, retention_ms=window.size_ms + window.grace_ms) if fixed else window
    rows = tuple((c.name, str(c.type)) for c in schema.value)
    return store(f"{name}-open", kind, fields, opened), store(name, kind, rows, window)
