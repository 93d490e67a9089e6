"""Explode: a row for each element of the exploded arrays, zipped; shorter arrays are padded with null, a null array has no elements."""

from __future__ import annotations

from itertools import zip_longest

from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.operators import select
from penstock.engine.rows import NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.Explode, index: int) -> set[str]:
    """As a Select's, but exploded arrays are always read: their lengths make the rows."""
    exploded = reads([node.columns[i].expr for i in node.exploded])
    return select.demand(graph, node, index) | exploded


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A record with a null value gives no rows."""
    node: n.Explode = edge.node
    if row.present == NEVER:
        return []
    wanted = gen.graph.needed(node)
    plain = [c for i, c in enumerate(node.columns) if i not in node.exploded]
    lines, found = gen.projections(node, plain, wanted, row)
    arrays = []
    for i in node.exploded:
        column = node.columns[i]
        more, array = gen.value(node, column.expr, f"{column.name}_array", row)
        lines += more
        arrays.append(array)
        found[column.name] = gen.name(column.name)
    items = [found[node.columns[i].name] for i in node.exploded]
    moved = row.moved(same_place(node, gen.graph.input(node)))
    inner = gen.rows(node.name, moved.with_columns({**moved.columns, **found}))
    if not inner:
        return []
    return [f"# {node.name}: explode", *lines, _loop(gen, items, arrays), *indent(inner)]


def _loop(gen: Generator, items: list[str], arrays: list[str]) -> str:
    if len(items) == 1:
        return f"for {items[0]} in {arrays[0]} or ():"
    zipped = gen.bind(zip_longest, "zip_longest")
    return f"for {', '.join(items)} in {zipped}({', '.join(f'{a} or ()' for a in arrays)}):"


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("EXPLODE of a table")


