"""aggregate: folds the groups of a group_by, or of several."""

from __future__ import annotations

from dataclasses import replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.aggregates import by_id, for_session
from penstock.plan.nodes import Aggregate, AggregateColumn, Emit, RelationKind, StoreKind, StoreSpec, Window, WindowKind
from penstock.planner.logical.accumulators import accumulators
from penstock.planner.logical.expressions import aggregated, items, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.planner.windows import to_window
from penstock.types.schema import Column, Schema


def aggregate(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A table of the groups' results. Store fields are `COLUMN.state`, typed by function, so that a changed function is another schema;
    an accumulator's is its name and type."""
    flow, proto = inputs[0], node.proto.aggregate
    _check_inputs(node, inputs)
    of_table = flow.kind is RelationKind.TABLE
    window = _window(node, of_table)
    emit = _emit(node, window)
    if not proto.columns and not proto.accumulators:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: aggregate needs columns or accumulators", node=node.name, field=node.path("columns"))
    columns, fields = _columns(node, flow, of_table, window)
    folded = accumulators(node, inputs, window)
    fields += [(a.name, str(a.type)) for a in folded]
    results = [Column(c.name, by_id(c.function, c.literals).result) for c in columns]
    schema = Schema((*flow.schema.key, *results, *(Column(a.name, a.type) for a in folded)))
    unique(node, list(schema.names), "columns" if columns else "accumulators")
    spec, final = _stores(node.name, tuple(fields), schema, window, emit)
    made = Aggregate(node.name, node.inputs, schema, RelationKind.TABLE, window, tuple(columns), spec, of_table, emit, final, folded)
    return Built((made,), replace(flow, schema=schema, kind=RelationKind.TABLE, window=window, grouped=False))


def _check_inputs(node: Placed, inputs: tuple[Flow, ...]) -> None:
    """Groups; several are streams with keys of one form, and no built-in function tells which of them a row came by."""
    field = f"topology.nodes[{node.index}].inputs"
    for i, flow in enumerate(inputs):
        if not flow.grouped:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: aggregate takes a group_by, and {node.inputs[i]} is none", node=node.name,
                         field=f"{field}[{i}]")
        if len(inputs) > 1 and flow.kind is RelationKind.TABLE:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[i]} groups a table, which is aggregated alone; put to_stream before it",
                         node=node.name, field=f"{field}[{i}]")
    first = inputs[0]
    for i, flow in enumerate(inputs[1:], 1):
        if flow.key_types != first.key_types:
            one, other = (", ".join(map(str, f.key_types)) for f in (first, flow))
            raise refuse("TYPE_MISMATCH", f"{node.name}: the groups of {node.inputs[0]} are {one}, those of {node.inputs[i]} are {other}",
                         node=node.name, field=f"{field}[{i}]")
        named = first.key_format.name == "JSON" and len(first.key_types) > 1 and [c.name for c in flow.schema.key] != [c.name for c in first.schema.key]
        if flow.key_format != first.key_format or named:
            raise refuse("CO_PARTITIONING", f"{node.name}: keys of {node.inputs[0]} and {node.inputs[i]} are written differently "
                         f"({first.key_format.name}, {flow.key_format.name}), so equal ones lie in different partitions; declare the sources "
                         "with one key_format" + (", and name the groups' columns alike" if named else ""), node=node.name, left=node.inputs[0],
                         right=node.inputs[i], field=f"{field}[{i}]")
    if len(inputs) > 1 and node.proto.aggregate.columns:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: columns take one input; several are folded by accumulators, each with an add for every "
                     "input", node=node.name, field=node.path("columns"))


def _columns(node: Placed, flow: Flow, of_table: bool, window: Window | None) -> tuple[list[AggregateColumn], list[tuple[str, str]]]:
    """The calls of built-in functions, and the fields of their states."""
    here = scope((node.inputs[0], flow))
    columns: list[AggregateColumn] = []
    fields: list[tuple[str, str]] = []
    session = window is not None and window.kind is WindowKind.SESSION
    for item in items(node, node.proto.aggregate.columns, "columns", here, {c.name for c in flow.schema.key}):
        if item is None:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: * is no aggregate", node=node.name, field=node.path("columns"))
        call = aggregated(node, item, here, of_table)
        if session and call.aggregate.merge is None:
            merging = for_session(call.aggregate, call.literals)
            call = replace(call, name=merging.name, aggregate=merging)
        if session and call.aggregate.merge is None:
            raise refuse("UNSUPPORTED", f"{node.name}: two results of {call.name.partition('/')[0]} cannot be merged, as sessions are when "
                         "a record falls between them", node=node.name, field=node.path("columns"))
        columns.append(AggregateColumn(item[2], call.name, call.arguments, call.literals))
        fields += [(f"{item[2]}.{name}", call.name) for name in call.aggregate.state]
    return columns, fields


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
    if emit is Emit.FINAL and len(node.inputs) > 1:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: several inputs have times of their own, which close no window together; emit changes and "
                     "put a suppress until window_close behind it", node=node.name, field=node.path("emit"))
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
