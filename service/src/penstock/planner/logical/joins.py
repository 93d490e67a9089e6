"""stream_table_join: the newest row of the same key beside each row of a stream."""

from __future__ import annotations

from dataclasses import replace

from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import Format, JoinKind, Node, PartitionBy, Projection, RelationKind, StreamTableJoin
from penstock.planner.logical.expressions import unique
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.logical.join_parts import check_keys, check_kinds, join_kind, joined, kept_row, schema_of
from penstock.planner.names import rekey_node
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed


def stream_table_join(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Joins by key. Keys are compared as bytes: where the table's key format is another one, the stream is given it first."""
    stream, table = inputs
    check_kinds(node, inputs, (RelationKind.STREAM, RelationKind.TABLE))
    check_keys(node, stream, table)
    join = join_kind(node.proto.stream_table_join.kind)
    if join not in (JoinKind.INNER, JoinKind.LEFT):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a stream and a table join INNER or LEFT, not {join.value}: only the stream's rows give "
                     "results", node=node.name, field=node.path("kind"))
    names = node.inputs
    extra: tuple[Node, ...] = ()
    if stream.key_format != table.key_format:
        extra, names = (rekey(node, 0, stream, table.key_format),), (rekey_node(node.name), node.inputs[1])
        stream = kept_row(stream)
    found = joined(node, node.proto.stream_table_join.columns, stream, kept_row(table))
    schema = schema_of(stream, found)
    unique(node, list(schema.names), "columns")
    made = StreamTableJoin(node.name, names, schema, RelationKind.STREAM, None, join, tuple(p for p, _ in found))
    return Built((*extra, made), replace(stream, schema=schema, key_format=table.key_format))


def rekey(node: Placed, index: int, stream: Flow, key_format: Format) -> Node:
    """The same key in another format, through a topic."""
    keys = tuple(Projection(c.name, ColumnRef(c.type, c.name)) for c in stream.schema.key)
    return PartitionBy(rekey_node(node.name), node.inputs[index:index + 1], stream.schema, RelationKind.STREAM, None, keys, key_format)
