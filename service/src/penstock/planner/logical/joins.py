"""stream_table_join: the newest row of the same key beside each row of a stream."""

from __future__ import annotations

from dataclasses import replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import JoinKind, Node, PartitionBy, Projection, RelationKind, StreamTableJoin
from penstock.planner.logical.expressions import items, typed, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.names import rekey_node
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed
from penstock.types.schema import Column, Schema
from penstock.types.sqltype import SqlType


def stream_table_join(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Joins by key. Keys are compared as bytes: where the table's key format is another one, the stream is given it first."""
    stream, table = inputs
    _check(node, stream, table)
    names = node.inputs
    extra: tuple[Node, ...] = ()
    if stream.key_format != table.key_format:
        extra, names = (_rekey(node, stream, table),), (rekey_node(node.name), node.inputs[1])
    found = _columns(node, stream, table)
    schema = Schema((*stream.schema.key, *(Column(p.name, kind) for p, kind in found)))
    unique(node, list(schema.names), "columns")
    kind = topology_pb2.JoinKind.Name(node.proto.stream_table_join.kind).removeprefix("JOIN_KIND_")
    join = JoinKind.INNER if kind == "UNSPECIFIED" else JoinKind(kind)
    made = StreamTableJoin(node.name, names, schema, RelationKind.STREAM, None, join, tuple(p for p, _ in found))
    return Built((*extra, made), replace(stream, schema=schema, key_format=table.key_format))


def _check(node: Placed, stream: Flow, table: Flow) -> None:
    field = f"topology.nodes[{node.index}].inputs"
    for i, (flow, wanted) in enumerate(((stream, RelationKind.STREAM), (table, RelationKind.TABLE))):
        if flow.kind is not wanted:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: input {i} of a stream_table_join is a {wanted.value.lower()}, but {node.inputs[i]} "
                         f"is a {flow.kind.value.lower()}", node=node.name, field=f"{field}[{i}]")
        if flow.window is not None:
            raise refuse("UNSUPPORTED", f"{node.name}: {node.inputs[i]} has windowed keys; joins of those are not built", node=node.name,
                         field=f"{field}[{i}]")
    if _alias(node.inputs[0]) == _alias(node.inputs[1]):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: both inputs would be called {_alias(node.inputs[0])} in expressions", node=node.name,
                     field=field)
    if not stream.schema.key:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[0]} has no key to join by; put partition_by before it", node=node.name,
                     field=f"{field}[0]")
    if stream.key_types != table.key_types:
        left, right = (", ".join(map(str, f.key_types)) for f in (stream, table))
        raise refuse("TYPE_MISMATCH", f"{node.name}: the key of {node.inputs[0]} is {left}, that of {node.inputs[1]} is {right}",
                     node=node.name, field=field)


def _alias(name: str) -> str:
    return name.rpartition(".")[2]


def _rekey(node: Placed, stream: Flow, table: Flow) -> Node:
    keys = tuple(Projection(c.name, ColumnRef(c.type, c.name)) for c in stream.schema.key)
    return PartitionBy(rekey_node(node.name), node.inputs[:1], stream.schema, RelationKind.STREAM, None, keys, table.key_format)


def _columns(node: Placed, stream: Flow, table: Flow) -> list[tuple[Projection, SqlType]]:
    """Given columns (a key column of the stream stays as key), or all value columns of both as INPUT_COLUMN."""
    sides = tuple(zip(node.inputs, (stream, table), strict=True))
    everything = [(Projection(f"{_alias(name)}_{c.name}", ColumnRef(c.type, c.name, i)), c.type)
                  for i, (name, flow) in enumerate(sides) for c in flow.schema.value]
    given = node.proto.stream_table_join.columns
    if not given:
        return everything
    here = scope(*sides)
    keys = {c.name for c in stream.schema.key}
    found: list[tuple[Projection, SqlType]] = []
    for item in items(node, given, "columns", here, set(keys)):
        if item is None:
            found += everything
            continue
        expr, kind = typed(node, item, here)
        if not (isinstance(expr, ColumnRef) and expr.source == 0 and expr.name == item[2] and expr.name in keys):
            found.append((Projection(item[2], expr), kind))
    return found
