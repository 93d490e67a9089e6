"""partition_by and group_by: new keys. The Repartition behind them comes when the plan is resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import Format, GroupBy, PartitionBy, Projection, RelationKind
from penstock.planner.logical import formats
from penstock.planner.logical.expressions import items, placed_at, steady, typed, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed
from penstock.types.schema import Column, Role, Schema

NONE = Format("NONE")


def partition_by(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A new key for a stream."""
    flow = inputs[0]
    if flow.kind is not RelationKind.STREAM:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: partition_by takes a stream; put to_stream before it", node=node.name,
                     field=f"topology.nodes[{node.index}].inputs[0]")
    if node.proto.partition_by.without_key:
        return _keyless(node, flow)
    if not node.proto.partition_by.keys:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: partition_by needs keys", node=node.name, field=node.path("keys"))
    keys, out = _rekeyed(node, flow, node.proto.partition_by.keys)
    made = PartitionBy(node.name, node.inputs, out.schema, out.kind, None, keys, out.key_format)
    return Built((made,), replace(out, offsets=False))


def _keyless(node: Placed, flow: Flow) -> Built:
    """Rows without a key, where they are."""
    if node.proto.partition_by.keys:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: partition_by takes keys or without_key, not both", node=node.name, field=node.path("keys"))
    schema = Schema(tuple(Column(c.name, c.type) for c in (*flow.schema.value, *_headers(flow), *flow.schema.key)))
    made = PartitionBy(node.name, node.inputs, schema, flow.kind, None, (), NONE)
    return Built((made,), replace(flow, schema=schema, window=None, key_format=NONE))


def group_by(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """The group of an aggregate. Without keys, and with exactly the present ones, the key stays (see rules/keep_key.py)."""
    flow = inputs[0]
    if node.proto.group_by.keys:
        keys, out = _rekeyed(node, flow, node.proto.group_by.keys)
    else:
        if not flow.schema.key or flow.window is not None:
            why = "its input has no key" if not flow.schema.key else "the key of its input is windowed"
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: group_by needs keys, since {why}", node=node.name, field=node.path("keys"))
        keys, out = tuple(Projection(c.name, ColumnRef(c.type, c.name)) for c in flow.schema.key), flow
    made = GroupBy(node.name, node.inputs, out.schema, flow.kind, None, keys, out.key_format, rekey=True)
    return Built((made,), replace(out, grouped=True, offsets=False))


def _rekeyed(node: Placed, flow: Flow, given: Sequence[topology_pb2.Projection]) -> tuple[tuple[Projection, ...], Flow]:
    """The key columns and the output: new keys, then value columns, then old keys, by name."""
    here = scope((node.inputs[0], flow))
    keys: list[Projection] = []
    columns: list[Column] = []
    for item in items(node, given, "keys", here, set()):
        if item is None:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: * is no key", node=node.name, field=node.path("keys"))
        expr, kind = typed(node, item, here)
        if flow.kind is RelationKind.TABLE:
            with placed_at(node, item[0]):
                steady(expr, item[1], "the group of a table's row is looked up again when it changes")
        keys.append(Projection(item[2], expr))
        columns.append(Column(item[2], kind, Role.KEY))
    unique(node, [k.name for k in keys], "keys")
    names = {k.name for k in keys}
    rest = [Column(c.name, c.type) for c in (*flow.schema.value, *_headers(flow), *flow.schema.key) if c.name not in names]
    schema = Schema((*columns, *rest))
    key_format = formats.check(formats.inherited_key(flow.key_format, columns), columns, "key", node.name, node.path("keys"))
    return tuple(keys), replace(flow, schema=schema, window=None, key_format=key_format)


def _headers(flow: Flow) -> tuple[Column, ...]:
    """Header columns, which are like value columns from here on."""
    return tuple(c for c in flow.schema if c.role is Role.HEADER)
