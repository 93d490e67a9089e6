"""StreamGlobalJoin: each record of the stream looks up the row of a global table that an expression names; the table triggers nothing.

A record with a null value is dropped. One for which the expression is null is dropped by an inner join, and has an absent right side in a
left one (KIP-962, KAFKA-19208). Its own key is of no matter and stays.
"""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines, comment, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.joins.lookup import lookup, side
from penstock.engine.rows import ALWAYS, NEVER, PSEUDO, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.StreamGlobalJoin, index: int) -> set[str]:
    """Columns behind the keys and the projections, and the stream's key where it is read."""
    wanted = graph.needed(node)
    keys = {theirs for mine, theirs in same_place(node, graph.input(node)).items() if mine in wanted}
    return keys | reads(node.keys) | reads([c.expr for c in node.columns if c.name in wanted]) | (wanted & PSEUDO)


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Looks up, then projects over both rows."""
    node: n.StreamGlobalJoin = edge.node
    if row.present == NEVER:
        return []
    wanted = frozenset(reads([c.expr for c in node.columns if c.name in gen.graph.needed(node)], source=1))
    lines, names = _mapped(gen, node, row)
    code = gen.encode(node.table.topic.key_format, node.table.schema.key, "key", list(names.values()))
    key = gen.name(f"{node.table.name}_key")
    found_lines, right = lookup(gen, node.table, replace(row, columns={**row.columns, **names}), key, wanted)
    inner_join = node.join is n.JoinKind.INNER
    right_lines, right_side = side(gen, right.only_if(ALWAYS) if inner_join else right, wanted)
    projected, columns = gen.projections(node, node.columns, gen.graph.needed(node), row, right_side)
    moved = row.moved(same_place(node, gen.graph.input(node)))
    inner = gen.rows(node.name, moved.with_columns({**moved.columns, **columns}))
    if not inner:
        return []
    known = " and ".join(f"{name} is not None" for name in names.values())
    found = [*code.lines, f"{key} = {code.value}", *found_lines]
    head = [comment(node, f"join of global table {node.table.name} by", *node.keys), *lines]
    if inner_join:
        return [*head, f"if {known}:", *indent([*found, f"if {right.present}:", *indent([*right_lines, *projected, *inner])])]
    return [*head, f"{right.present} = False", f"if {known}:", *indent(found), *right_lines, *projected, *inner]


def _mapped(gen: Generator, node: n.StreamGlobalJoin, row: Row) -> tuple[Lines, dict[str, str]]:
    """Lines that compute the table's key columns, and their variables."""
    lines: Lines = []
    names: dict[str, str] = {}
    for column, expr in zip(node.table.schema.key, node.keys, strict=True):
        more, names[column.name] = gen.value(node, expr, f"{node.table.name}_{column.name}", row)
        lines += more
    return lines, names


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("a stream joins a global table")
