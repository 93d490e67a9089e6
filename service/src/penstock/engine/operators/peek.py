"""Peek: shows some rows as they pass. Of each chunk of records the first row is shown, if the clock allows it; the others cost one
comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from penstock.clock import Clock
from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.rows import NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


class Sampler:
    """Passes on at most so many rows a second."""

    __slots__ = ("_node", "_names", "_rate", "_clock", "_show", "_second", "_shown")

    def __init__(self, node: str, names: Sequence[str], rate: int, clock: Clock, show: Callable[[str, int, Mapping[str, object]], None]) -> None:
        self._node, self._names, self._rate, self._clock, self._show = node, names, rate, clock, show
        self._second, self._shown = -1, 0

    def row(self, timestamp: int, *values: object) -> None:
        """A row; values in the order of the names."""
        second = int(self._clock.monotonic())
        if second != self._second:
            self._second, self._shown = second, 0
        if self._shown < self._rate:
            self._shown += 1
            self._show(self._node, timestamp, dict(zip(self._names, values, strict=True)))


def demand(graph: Graph, node: n.Peek, index: int) -> set[str]:
    """What is shown and what is read downstream."""
    return set(graph.needed(node)) | reads([c.expr for c in node.columns])


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A record with a null value shows null in its value columns."""
    node: n.Peek = edge.node
    shown = row
    if row.present == NEVER:
        shown = row.with_columns({**{name: gen.nothing() for name in reads([c.expr for c in node.columns])}, **row.columns})
    lines, found = gen.projections(node, node.columns, frozenset(c.name for c in node.columns), shown)
    left, show = _made(gen, node)
    values = ", ".join([row.ts, *(found[c.name] for c in node.columns)])
    return [f"# {node.name}: peek", f"if {left}:", f"    {left} = False", *indent([*lines, f"{show}({values})"]), *gen.rows(node.name, row)]


def _made(gen: Generator, node: n.Peek) -> tuple[str, str]:
    """Globals: whether this chunk has a row to show, and what shows it. Rows come by several ways."""
    if node.name not in gen.samples:
        sampler = Sampler(node.name, tuple(c.name for c in node.columns), node.max_per_second, gen.bindings.clock, gen.bindings.peek)
        gen.samples[node.name] = gen.cell(f"{node.name}_sample", "True"), gen.bind(sampler.row, f"show_{node.name}")
    return gen.samples[node.name]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("peek takes a stream")
