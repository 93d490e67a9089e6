"""aggregate: folds the groups of a group_by."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.nodes import Aggregate, AggregateColumn, RelationKind, StoreKind, Window
from penstock.planner.convert import to_window
from penstock.planner.logical.expressions import aggregated, items, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.types.schema import Column, Schema


def aggregate(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A table of the groups' results. Store fields are `COLUMN.state`, typed by function, so that a changed function is another schema."""
    flow, proto = inputs[0], node.proto.aggregate
    if not flow.grouped:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: aggregate takes a group_by", node=node.name,
                     field=f"topology.nodes[{node.index}].inputs[0]")
    of_table = flow.kind is RelationKind.TABLE
    window = _window(node, of_table)
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
        columns.append(AggregateColumn(item[2], call.name, call.arguments, call.literals))
        outputs.append(Column(item[2], call.aggregate.result))
        fields += [(f"{item[2]}.{name}", call.name) for name in call.aggregate.state]
    unique(node, [c.name for c in outputs], "columns")
    spec = store(node.name, StoreKind.KEY_VALUE if window is None else StoreKind.WINDOW, tuple(fields), window)
    schema = Schema(tuple(outputs))
    made = Aggregate(node.name, node.inputs, schema, RelationKind.TABLE, window, tuple(columns), spec, of_table)
    return Built((made,), replace(flow, schema=schema, kind=RelationKind.TABLE, window=window, grouped=False))


def _window(node: Placed, of_table: bool) -> Window | None:
    proto = node.proto.aggregate
    if not proto.HasField("window"):
        return None
    if of_table:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a table is aggregated without windows", node=node.name, field=node.path("window"))
    return to_window(proto.window, node.name, node.path("window"))
