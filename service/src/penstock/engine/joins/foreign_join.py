"""ForeignKeyJoin: an answer meets the left row that asked, if it is still the same; the result is kept in the join's store."""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines, columns_where
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.joins.foreign_keys import row_hash
from penstock.engine.joins.lookup import lookup, named_as
from penstock.engine.operators.materialize import put
from penstock.engine.rows import NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.ForeignKeyJoin, index: int) -> set[str]:
    """Answers; the left table is read from its store."""
    return {c.name for c in graph.input(node, 0).schema} if index == 0 else set()


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """A change of the left table asks elsewhere; the answer brings it here."""
    return []


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """An answer."""
    node: n.ForeignKeyJoin = edge.node
    if row.present == NEVER:
        return []
    source, table = gen.graph.input(node, 0), gen.graph.input(node, 1)
    values = [c.name for c in table.schema.value]
    found_lines, left = lookup(gen, table, named_as(row, source, table), row.key, frozenset(values))
    current, present = gen.name("current"), gen.name(f"{node.name}_row")
    hashed = "".join(f"{left.columns[name]}, " for name in values)
    right = row.with_columns({name: row.columns[n.answer_column(name)] for name in node.answers})
    left = left.with_columns({**left.columns, "ROWTIME": left.ts})
    computed, columns = gen.projections(node, node.columns, frozenset(c.name for c in node.columns), left, right)
    keys = {mine: row.columns[theirs] for mine, theirs in same_place(node, source).items()}
    form = gen.graph.store_form(node)
    made = replace(row, columns={**keys, **columns, "ROWTIME": row.ts}, form=form, present=present)
    stored, change = put(gen, node, made, row.key)
    rule = left.present if node.join is n.JoinKind.LEFT else f"{left.present} and {row.columns[n.PRESENT]}"
    body = [f"{present} = {rule}", *columns_where(present, computed, columns), *stored, *gen.changes(node.name, change)]
    return [f"# {node.name}: {node.join.value.lower()} foreign-key join", *found_lines,
            f"{current} = {gen.bind(row_hash, 'hash_of')}(({hashed})) if {left.present} else None",
            f"if {current} == {row.columns[n.ROW_HASH]}:", *indent(body)]
