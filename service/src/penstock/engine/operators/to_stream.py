"""ToStream: a table's changes as records; a deletion is a record with a null value."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph
from penstock.engine.rows import Change, Row
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.ToStream, index: int) -> set[str]:
    """What is read downstream."""
    return set(graph.needed(node))


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A stream is one already."""
    return gen.rows(edge.node.name, row)


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The new row goes on."""
    return gen.split(edge.node.name, change.new)
