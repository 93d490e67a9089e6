"""The generated Python of a sub-topology, for EXPLAIN: compiled over empty stores, never run."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.clock import SystemClock
from penstock.engine.compile import compile_sub
from penstock.engine.port import BadRecord, Bindings
from penstock.log.port import Record
from penstock.plan.nodes import RoutedSink
from penstock.plan.resolved import Settings, SubTopology
from penstock.serving.graph import output_topics
from penstock.state.memory import MemoryTaskState

RoutedRow = tuple[str | None, bytes | None, bytes | None, int, Sequence[tuple[str, bytes | None]], Record]
OutputRow = tuple[bytes | None, bytes | None, int, Sequence[tuple[str, bytes | None]]]


class _NoOutput:
    """An output that is bound and never written."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.rows: list[OutputRow] = []


class _NoRoutes:
    """As _NoOutput, of a sink that names the topic of each row."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.rows: list[RoutedRow] = []


def source_of(sub: SubTopology, settings: Settings) -> str:
    """The module that a task of this sub-topology runs."""
    specs = (*sub.stores, *sub.global_stores)
    state = MemoryTaskState(specs)
    outputs = {t: _NoOutput(t) for t in output_topics(sub)}
    routed = {n.name: _NoRoutes(n.name) for n in sub.nodes if isinstance(n, RoutedSink)}
    bindings = Bindings(topology="", partition=0, stores={s.name: state.store(s.name) for s in specs}, outputs=outputs, bad=_never,
                        expression_error=lambda node, error: None, late=lambda node: None, clock=SystemClock(), routed=routed)
    return compile_sub(sub, settings, bindings).source


def _never(record: BadRecord) -> None:
    raise AssertionError("a program that is only shown has processed a record")
