"""filter, select, explode: what happens to one row."""

from __future__ import annotations

from dataclasses import replace

from penstock.expr import ast
from penstock.expr.scope import Scope
from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import Explode, Filter, Projection, RelationKind, Select
from penstock.planner.logical.expressions import Item, condition, items, projected, star, typed, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed
from penstock.types.schema import Column, Schema
from penstock.types.sqltype import SqlType


def filter_(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Keeps rows."""
    flow, proto = inputs[0], node.proto.filter
    where = condition(node, proto.where, scope((node.inputs[0], flow)), "where")
    return Built((Filter(node.name, node.inputs, flow.schema, flow.kind, flow.window, where, proto.negate),), flow)


def select(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Computes the value columns. A bare key column without alias is skipped: it stays as key."""
    flow = inputs[0]
    here = scope((node.inputs[0], flow))
    keys = {c.name for c in flow.schema.key}
    found: list[tuple[Projection, SqlType]] = []
    if node.proto.select.key_names:
        keys = set()
    for item in _given(node, flow, here):
        if item is None:
            found += star(flow)
            continue
        expr, kind = typed(node, item, here)
        if not (isinstance(item[1], ast.Name) and isinstance(expr, ColumnRef) and expr.name == item[2] and expr.name in keys):
            found.append((Projection(item[2], expr), kind))
    schema = _schema(node, _renamed(node, flow), found)
    return Built((Select(node.name, node.inputs, schema, flow.kind, flow.window, tuple(p for p, _ in found)),), replace(flow, schema=schema))


def _renamed(node: Placed, flow: Flow) -> Flow:
    """The input with the key names that the select gives; keys go by place from node to node."""
    names = list(node.proto.select.key_names)
    if not names:
        return flow
    keys = flow.schema.key
    if len(names) != len(keys):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {len(names)} names for {len(keys)} key columns", node=node.name,
                     field=node.path("key_names"))
    renamed = tuple(replace(c, name=n) for c, n in zip(keys, names, strict=True))
    return replace(flow, schema=Schema((*renamed, *(c for c in flow.schema if c not in keys))))


def explode(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """As select, with arrays that become rows."""
    flow = inputs[0]
    if flow.kind is not RelationKind.STREAM:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: explode takes a stream; put to_stream before it", node=node.name,
                     field=f"topology.nodes[{node.index}].inputs[0]")
    here = scope((node.inputs[0], flow))
    found: list[tuple[Projection, SqlType]] = []
    exploded: list[int] = []
    for item in _given(node, flow, here):
        if item is None:
            found += star(flow)
            continue
        column, kind = projected(node, item, here)
        if column.explodes:
            exploded.append(len(found))
        found.append((Projection(item[2], column.expr), kind))
    if not exploded:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: explode needs a column EXPLODE(array)", node=node.name, field=node.path("columns"))
    schema = _schema(node, flow, found)
    made = Explode(node.name, node.inputs, schema, flow.kind, flow.window, tuple(p for p, _ in found), tuple(exploded))
    return Built((made,), replace(flow, schema=schema))


def _given(node: Placed, flow: Flow, here: Scope) -> list[Item | None]:
    columns = node.proto.select.columns if node.operator == "select" else node.proto.explode.columns
    if not columns:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.operator} needs columns", node=node.name, field=node.path("columns"))
    return items(node, columns, "columns", here, {c.name for c in flow.schema.key})


def _schema(node: Placed, flow: Flow, found: list[tuple[Projection, SqlType]]) -> Schema:
    columns = (*flow.schema.key, *(Column(p.name, kind) for p, kind in found))
    unique(node, [c.name for c in columns], "columns")
    return Schema(columns)
