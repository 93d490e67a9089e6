"""StreamTableJoin: each record of the stream looks the table's row of its key up; changes of the table trigger nothing.

A record with a null value is dropped; one with a null key too, unless the join is a left join, which gives it an absent right side.
"""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.joins.lookup import lookup, named_as, side
from penstock.engine.rows import ALWAYS, NEVER, PSEUDO, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.StreamTableJoin, index: int) -> set[str]:
    """Of the stream: columns behind the projections, and the key where its bytes differ from the table's. Of the table: nothing, its
    columns are read from the store."""
    if index == 1:
        return set()
    wanted = graph.needed(node)
    source, table = graph.input(node), graph.input(node, 1)
    keys = {theirs for mine, theirs in same_place(node, source).items() if mine in wanted}
    form = graph.form(source)
    if form is None or not form.canonical or not form.same_bytes(graph.store_form(table)) or _reads_table_key(graph, node, table):
        keys |= {c.name for c in source.schema.key}
    return keys | reads([c.expr for c in node.columns if c.name in wanted]) | (wanted & PSEUDO)


def _right(graph: Graph, node: n.StreamTableJoin) -> set[str]:
    wanted = graph.needed(node)
    return reads([c.expr for c in node.columns if c.name in wanted], source=1)


def _reads_table_key(graph: Graph, node: n.StreamTableJoin, table: n.Node) -> bool:
    """A filter or select between store and join may read the key as well."""
    return not isinstance(table, n.Materialised) or bool(_right(graph, node) & {c.name for c in table.schema.key})


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Looks up, then projects over both rows."""
    node: n.StreamTableJoin = edge.node
    if edge.index == 1 or row.present == NEVER:
        return []
    source, table = gen.graph.input(node), gen.graph.input(node, 1)
    lines, key = gen.key_bytes(row, source, gen.graph.store_form(table))
    wanted = frozenset(_right(gen.graph, node))
    found_lines, right = lookup(gen, table, named_as(row, source, table), key, wanted)
    inner_join = node.join is n.JoinKind.INNER
    right_lines, right_side = side(gen, right.only_if(ALWAYS) if inner_join else right, wanted)
    projected, columns = gen.projections(node, node.columns, gen.graph.needed(node), row, right_side)
    moved = row.moved(same_place(node, source))
    inner = gen.rows(node.name, moved.with_columns({**moved.columns, **columns}))
    if not inner:
        return []
    head = [f"# {node.name}: stream table join", *lines]
    if inner_join:
        return [*head, f"if {key} is not None:", *indent([*found_lines, f"if {right.present}:", *indent([*projected, *inner])])]
    return [*head, f"if {key} is not None:", *indent(found_lines), "else:", f"    {right.present} = False", *right_lines, *projected, *inner]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Changes of the table trigger nothing."""
    return []
