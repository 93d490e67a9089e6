"""Branch: each row to the first output whose condition holds; the rest to the default output, or nowhere."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.rows import NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.Branch, index: int) -> set[str]:
    """The conditions' columns and what is read downstream."""
    return set(graph.needed(node)) | reads([o.where for o in node.outputs])


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A record with a null value matches no condition."""
    node: n.Branch = edge.node
    rest = gen.rows(f"{node.name}.{node.default_output}", row) if node.default_output else []
    if row.present == NEVER:
        return rest
    lines = rest
    for output in reversed(node.outputs):
        code = gen.condition(node, output.where, row)
        inner = gen.rows(f"{node.name}.{output.name}", row) or ["pass"]
        lines = [*code.lines, f"if {code.value}:", *indent(inner), *(["else:", *indent(lines)] if lines else [])]
    return [f"# {node.name}: branch", *lines]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("BRANCH of a table")
