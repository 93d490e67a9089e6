"""Select: computes the value columns; key and time stay."""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines, columns_where, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.rows import NEVER, PSEUDO, Change, Row
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.Select | n.Explode, index: int) -> set[str]:
    """Columns behind the projections that are read downstream, and key columns under their names in the input."""
    wanted = graph.needed(node)
    keys = same_place(node, graph.input(node))
    own = reads([c.expr for c in node.columns if c.name in wanted])
    return own | {theirs for mine, theirs in keys.items() if mine in wanted} | (wanted & PSEUDO)


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A null value stays null."""
    node: n.Select = edge.node
    lines, selected = project(gen, node, row)
    inner = gen.rows(node.name, selected)
    return [f"# {node.name}: select", *lines, *inner] if inner else []


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Both sides are computed."""
    node: n.Select = edge.node
    new_lines, new = project(gen, node, change.new)
    old_lines, old = project(gen, node, change.old) if change.old is not None else ([], None)
    inner = gen.changes(node.name, replace(change, new=new, old=old))
    return [f"# {node.name}: select", *new_lines, *old_lines, *inner] if inner else []


def project(gen: Generator, node: n.Select, row: Row) -> tuple[Lines, Row]:
    """Lines that compute the wanted columns where the row is present, and the row with them."""
    moved = row.moved(same_place(node, gen.graph.input(node)))
    if row.present == NEVER:
        return [], moved
    lines, found = gen.projections(node, node.columns, gen.graph.needed(node), row)
    return columns_where(row.present, lines, found), moved.with_columns({**moved.columns, **found})
