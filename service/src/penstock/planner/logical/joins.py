"""stream_table_join: the newest row of the same key beside each row of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.expr.tree import columns_of
from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import Format, JoinKind, Node, PartitionBy, Projection, RelationKind, StoreKind, StoreSpec, StreamTableJoin
from penstock.planner.convert import PSEUDO, millis
from penstock.planner.logical.expressions import unique
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.logical.join_parts import Typed, check_keys, check_kinds, join_kind, joined, kept_row, schema_of
from penstock.planner.names import rekey_node
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
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
    if node.proto.stream_table_join.HasField("grace"):
        stream = kept_row(stream)
    names = node.inputs
    extra: tuple[Node, ...] = ()
    if stream.key_format != table.key_format:
        extra, names = (rekey(node, 0, stream, table.key_format),), (rekey_node(node.name), node.inputs[1])
        stream = kept_row(stream)
    found = joined(node, node.proto.stream_table_join.columns, stream, kept_row(table))
    schema = schema_of(stream, found)
    unique(node, list(schema.names), "columns")
    grace, waiting = _grace(node, stream, table, found)
    made = StreamTableJoin(node.name, names, schema, RelationKind.STREAM, None, join, tuple(p for p, _ in found), grace, waiting)
    return Built((*extra, made), replace(stream, schema=schema, key_format=table.key_format))


def _grace(node: Placed, stream: Flow, table: Flow, columns: Sequence[Typed]) -> tuple[int, StoreSpec | None]:
    """How long the stream's rows wait, and the store in which they do: without any wait, none. Its fields are the columns that are read."""
    proto, field = node.proto.stream_table_join, node.path("grace")
    if not proto.HasField("grace"):
        return 0, None
    grace = millis(proto.grace)
    if grace < 0:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: grace is not negative", node=node.name, field=field)
    if not table.history_ms:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: grace needs a versioned table, and {node.inputs[1]} keeps no history: the row that was "
                     "valid at an earlier time is not known", node=node.name, field=field)
    if grace > table.history_ms:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: grace of {grace} ms is longer than the history of {node.inputs[1]}, {table.history_ms} "
                     "ms", node=node.name, field=field)
    if not grace:
        return 0, None
    read = {name for p, _ in columns for number, name in columns_of(p.expr) if number == 0}
    keys = {c.name for c in stream.schema.key}
    kept = tuple((c.name, str(c.type)) for c in stream.schema if c.name in read - keys - PSEUDO)
    return grace, store(f"{node.name}-waiting", StoreKind.KEY_VALUE, (("-headers", "ARRAY"), *kept), None)


def rekey(node: Placed, index: int, stream: Flow, key_format: Format) -> Node:
    """The same key in another format, through a topic."""
    keys = tuple(Projection(c.name, ColumnRef(c.type, c.name)) for c in stream.schema.key)
    return PartitionBy(rekey_node(node.name), node.inputs[index:index + 1], stream.schema, RelationKind.STREAM, None, keys, key_format)
