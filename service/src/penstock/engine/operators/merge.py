"""Merge: unites streams of one schema. Its code is a function that each input calls (Generator.rows sees to it)."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph
from penstock.engine.rows import PSEUDO, Change, Row
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.Merge, index: int) -> set[str]:
    """What is read downstream, under the names that it has in this input: columns correspond by place."""
    wanted = graph.needed(node)
    source = graph.input(node, index)
    place = {own.name: theirs.name for own, theirs in zip(node.schema.columns, source.schema.columns, strict=True)}
    return {place[name] for name in wanted if name in place} | (wanted & PSEUDO)


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Hands the row on."""
    return gen.rows(edge.node.name, row)


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("MERGE of tables")
