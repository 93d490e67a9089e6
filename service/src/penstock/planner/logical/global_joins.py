"""global_table and stream_global_join: a table that every worker reads whole, and a stream's rows beside its rows by any expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from penstock.expr.analyze import analyze
from penstock.expr.typed import ColumnRef, Expr
from penstock.plan.nodes import JoinKind, RelationKind, SourceTable, StreamGlobalJoin
from penstock.planner.logical.expressions import placed_at, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.logical.join_parts import join_kind, joined, kept_row, schema_of
from penstock.planner.logical.sources import source
from penstock.planner.names import input_aliases
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed


def global_table(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """As source_table, but no node of a sub-topology."""
    origin = node.proto.global_table.origin
    if origin.start.WhichOneof("position") not in (None, "earliest", "snapshot"):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a global table is the whole table: it is read from the beginning", node=node.name,
                     field=node.path("origin", "start"))
    built = source(node, origin, RelationKind.TABLE, context)
    made = built.node
    assert isinstance(made, SourceTable)
    if made.window is not None:
        raise refuse("UNSUPPORTED", f"{node.name}: {made.relation} has windowed keys; a global table of those is not built", node=node.name,
                     field=node.path("origin"))
    return replace(built, nodes=(), flow=replace(built.flow, global_table=made))


def stream_global_join(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """The stream's key stays, and its partitions."""
    stream, table = inputs
    proto = node.proto.stream_global_join
    for i, (flow, wanted) in enumerate(((stream, "a stream"), (table, "a global_table"))):
        if (flow.kind is RelationKind.STREAM) is not (i == 0) or (i == 1 and flow.global_table is None):
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: input {i} of a stream_global_join is {wanted}, which {node.inputs[i]} is not",
                         node=node.name, field=f"topology.nodes[{node.index}].inputs[{i}]")
    join = join_kind(proto.kind)
    if join not in (JoinKind.INNER, JoinKind.LEFT):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a stream and a global table join INNER or LEFT, not {join.value}: only the stream's rows "
                     "give results", node=node.name, field=node.path("kind"))
    assert table.global_table is not None
    keys = tuple(_keys(node, stream, table))
    found = joined(node, proto.columns, stream, kept_row(table))
    schema = schema_of(stream, found)
    unique(node, list(schema.names), "columns")
    made = StreamGlobalJoin(node.name, node.inputs[:1], schema, RelationKind.STREAM, stream.window, join, keys, tuple(p for p, _ in found),
                            table.global_table)
    return Built((made,), replace(stream, schema=schema))


def _keys(node: Placed, stream: Flow, table: Flow) -> Iterator[Expr]:
    """The table's key out of the stream's row. Raises RequestError."""
    given, field = node.proto.stream_global_join.keys, node.path("keys")
    wanted = table.schema.key
    if not given and [c.type for c in stream.schema.key] != [c.type for c in wanted]:
        names = ", ".join(f"{c.name} {c.type}" for c in wanted)
        raise refuse("TYPE_MISMATCH", f"{node.name}: the key of {node.inputs[0]} is not that of {node.inputs[1]}, {names}; say by keys what is "
                     "looked up", node=node.name, field=field)
    if given and len(given) != len(wanted):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {len(given)} keys for the {len(wanted)} key columns of {node.inputs[1]}", node=node.name,
                     field=field)
    here = scope((input_aliases(node.inputs)[0], stream))
    for number, column in enumerate(wanted):
        if not given:
            yield ColumnRef(stream.schema.key[number].type, stream.schema.key[number].name)
            continue
        with placed_at(node, f"{field}[{number}]"):
            found = analyze(given[number], here)
        if found.type != column.type:
            raise refuse("TYPE_MISMATCH", f"{node.name}: {given[number]} is {found.type}, the key {column.name} of {node.inputs[1]} is {column.type}",
                         node=node.name, field=f"{field}[{number}]")
        yield found
