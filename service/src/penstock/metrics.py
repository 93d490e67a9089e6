"""Every metric of the service by name, unit and meaning. Declared here, counted by those who know, exported by node/telemetry.py.

Values are read when an exporter asks: a source is a function that answers (value, labels) pairs, so nothing is done for each record. A
process watches what it has; without an exporter nothing is read at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

Labels = Mapping[str, str]
Source = Callable[[], Iterable[tuple[float, Labels]]]


class Kind(Enum):
    """COUNTER only grows while its process lives; GAUGE is a value of now."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """name: as OpenTelemetry has it (Prometheus writes dots as underscores). unit: UCUM, empty for a count."""

    name: str
    kind: Kind
    unit: str
    meaning: str


LAG = Metric("penstock.task.lag", Kind.GAUGE, "", "Records between a task's committed position and the known end of its inputs; labels topology, sub, partition")
TASKS = Metric("penstock.tasks", Kind.GAUGE, "", "Tasks of this node; labels topology, state")
RECORDS_IN = Metric("penstock.records.in", Kind.COUNTER, "", "Records processed")
RECORDS_OUT = Metric("penstock.records.out", Kind.COUNTER, "", "Records produced to outputs, repartition topics and changelogs")
DEAD_LETTERS = Metric("penstock.dead_letters", Kind.COUNTER, "", "Records sent to dead letters")
LATE = Metric("penstock.records.late", Kind.COUNTER, "", "Records dropped because their window was closed")
EXPRESSION_ERRORS = Metric("penstock.expression.errors", Kind.COUNTER, "", "Expressions that failed on a record and gave null")
COMMITS = Metric("penstock.commits", Kind.COUNTER, "", "Commits that succeeded")
COMMIT_SECONDS = Metric("penstock.commit.seconds", Kind.COUNTER, "s", "Time spent in commits; divided by penstock.commits, the mean latency")
LAST_COMMIT = Metric("penstock.commit.last", Kind.GAUGE, "s", "Duration of the newest commit")
RESETS = Metric("penstock.topology.resets", Kind.COUNTER, "", "Times a topology was opened again on a worker after a failure")
RESTORED = Metric("penstock.restore.records", Kind.COUNTER, "", "Changelog records read to restore stores")
SUBSCRIPTIONS = Metric("penstock.subscriptions", Kind.GAUGE, "", "Open subscriptions")
PUSHED = Metric("penstock.push.rows", Kind.COUNTER, "", "Rows sent to subscribers")
LOOKUPS = Metric("penstock.lookups", Kind.COUNTER, "", "Lookups answered; label kind")
CALLS = Metric("penstock.calls", Kind.COUNTER, "", "API calls that ended; labels method, code")
CALL_SECONDS = Metric("penstock.call.seconds", Kind.COUNTER, "s", "Time spent in API calls; label method")
APPENDED = Metric("penstock.append.rows", Kind.COUNTER, "", "Rows appended through the API")

ALL = tuple(m for m in list(globals().values()) if isinstance(m, Metric))

_sources: dict[Metric, list[Source]] = {m: [] for m in ALL}


def watch(metric: Metric, source: Source) -> Callable[[], None]:
    """Read this metric from source from now on; the answer ends it. Several sources add their values."""
    _sources[metric].append(source)
    return lambda: _sources[metric].remove(source)


def read(metric: Metric) -> list[tuple[float, Labels]]:
    """What the sources say now."""
    return [pair for source in tuple(_sources[metric]) for pair in source()]


class WorkerCounters(Protocol):
    """The totals of a worker (runtime/context.py)."""

    records_in: int
    records_out: int
    dead_letters: int
    expression_errors: int
    late: int
    commits: int
    commit_seconds: float
    last_commit_seconds: float
    resets: int
    restored: int


_OF_COUNTERS: Mapping[Metric, str] = {
    RECORDS_IN: "records_in", RECORDS_OUT: "records_out", DEAD_LETTERS: "dead_letters", EXPRESSION_ERRORS: "expression_errors", LATE: "late",
    COMMITS: "commits", COMMIT_SECONDS: "commit_seconds", LAST_COMMIT: "last_commit_seconds", RESETS: "resets", RESTORED: "restored"}


def watch_counters(counters: WorkerCounters, worker: str) -> Callable[[], None]:
    """Export a worker's totals from now on; the answer ends it."""
    def source(field: str) -> Source:
        return lambda: [(float(getattr(counters, field)), {"worker": worker})]

    return _all(watch(metric, source(field)) for metric, field in _OF_COUNTERS.items())


def _all(ends: Iterable[Callable[[], None]]) -> Callable[[], None]:
    every = tuple(ends)

    def end() -> None:
        for one in every:
            one()

    return end


class TaskLag(Protocol):
    """What is exported of a task (runtime/board_port.py)."""

    @property
    def topology(self) -> str: ...
    @property
    def sub(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def lag(self) -> int: ...
    @property
    def state(self) -> Enum: ...


def watch_tasks(tasks: Callable[[], Iterable[TaskLag]]) -> Callable[[], None]:
    """Export lag and states of the node's tasks (the gateway does); the answer ends it."""
    def lags() -> list[tuple[float, Labels]]:
        return [(float(t.lag), {"topology": t.topology, "sub": t.sub, "partition": str(t.partition)}) for t in tasks()]

    def states() -> list[tuple[float, Labels]]:
        counts: dict[tuple[str, str], int] = {}
        for t in tasks():
            key = (t.topology, str(t.state.value))
            counts[key] = counts.get(key, 0) + 1
        return [(float(n), {"topology": topology, "state": state}) for (topology, state), n in counts.items()]

    return _all((watch(LAG, lags), watch(TASKS, states)))
