"""Which record a task takes next, and when it waits for an input without records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from penstock.clock import ManualClock
from penstock.log.port import Chunk, TaskId, TopicPartition
from penstock.plan.resolved import SubTopology
from penstock.planner.definition import relation_of
from penstock.runtime import task as tasks
from penstock.runtime.poison import NoteFile
from penstock.runtime.remote import RemoteLink
from penstock.runtime.task import Task
from penstock.testing.driver import planned
from penstock.testing.records import DriverRecord
from penstock.testing.relations import FixedRelations, relation_info

A, B = TopicPartition("a", 0), TopicPartition("b", 0)


class Recorder:
    """A program that notes what it is given."""

    source = ""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def run(self, topic: str, records: Sequence[DriverRecord]) -> None:
        self.seen += [(topic, r.timestamp) for r in records]

    def expire(self) -> None:
        """It keeps nothing."""

    def remote(self, topic: str) -> None:
        return None


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    at = [100.0]
    monkeypatch.setattr(tasks.time, "monotonic", lambda: at[0])
    return at


def a_task(tmp_path: Path, idle_ms: int) -> Task:
    return Task("t", TaskId(0, 0), SubTopology("s", (), 1), None, Recorder(), {A: 0, B: 0}, (), (), NoteFile(tmp_path / "note"), None, RemoteLink(tmp_path), ManualClock(), idle_ms)  # type: ignore[arg-type]


def chunk(tp: TopicPartition, *times: int, first: int = 0, end: int | None = None) -> Chunk:
    records = [DriverRecord(first + i, at, None, b"", ()) for i, at in enumerate(times)]
    return Chunk(tp, records, first, first + len(times), first + len(times) if end is None else end, 0)  # type: ignore[arg-type]


def seen(task: Task) -> list[tuple[str, int]]:
    task.process(float("inf"))
    return task.program.seen  # type: ignore[attr-defined, no-any-return]


def test_records_known_to_exist_are_waited_for(tmp_path: Path, now: list[float]) -> None:
    task = a_task(tmp_path, 0)
    task.deliver(chunk(A, 5))
    assert seen(task) == []  # nothing is known of b
    task.input(B).end = 1
    now[0] += 3600
    assert seen(task) == []  # it has a record that was not fetched
    task.deliver(chunk(B, 3))
    assert seen(task) == [("b", 3), ("a", 5)]


def test_without_idle_an_empty_input_is_not_waited_for(tmp_path: Path, now: list[float]) -> None:
    task = a_task(tmp_path, 0)
    task.input(B).end = 0
    task.deliver(chunk(A, 5))
    assert seen(task) == [("a", 5)]


def test_an_empty_input_is_waited_for_so_long(tmp_path: Path, now: list[float]) -> None:
    task = a_task(tmp_path, 1000)
    task.input(B).end = 0
    task.deliver(chunk(A, 5, 9))
    assert seen(task) == [] and task.wait_until == 101.0
    task.deliver(chunk(B, 3))
    now[0] = 100.9
    assert seen(task) == [("b", 3)] and task.wait_until == 101.9  # it waits anew
    now[0] = 102
    assert seen(task) == [("b", 3), ("a", 5), ("a", 9)] and task.wait_until is None


def test_the_time_begins_when_something_waits(tmp_path: Path, now: list[float]) -> None:
    task = a_task(tmp_path, 1000)
    task.input(A).end = task.input(B).end = 0
    assert seen(task) == []
    now[0] += 3600
    task.deliver(chunk(A, 5))
    assert seen(task) == [] and task.wait_until == now[0] + 1


def test_never_takes_records_as_they_come(tmp_path: Path, now: list[float]) -> None:
    task = a_task(tmp_path, -1)
    task.deliver(chunk(A, 5))
    assert seen(task) == [("a", 5)]


def test_inputs_are_chosen_by_the_times_of_columns(tmp_path: Path) -> None:
    """As Kafka Streams chooses by its timestamp extractor; a record without such a time by its own."""
    relations = [relation_info(relation_of({"stream": "a", "columns": ["K STRING KEY", "V BIGINT", "T BIGINT"], "timestamp": "T"})),
                 relation_info(relation_of({"stream": "b", "columns": ["K STRING KEY", "T BIGINT"]}))]
    plan = planned("topology: t\nnodes:\n  a: {stream: a}\n  b: {stream: b}\n  some: {from: a, select: [T]}\n  other: {from: b, select: [T]}\n"
                   "  all: {from: [some, other], merge: {}}\n  out: {from: all, sink: out}\n", FixedRelations(relations, 1))
    program = Recorder()
    task = Task("t", TaskId(0, 0), plan.subs[0], None, program, {A: 0, B: 0}, (), (), NoteFile(tmp_path / "note"), None, RemoteLink(tmp_path), ManualClock())  # type: ignore[arg-type]
    task.reads(A, "a", False)
    records = [DriverRecord(0, 900, b"k", b'{"T": 10}', ()), DriverRecord(1, 901, b"k", b'{"T": 30}', ()),
               DriverRecord(2, 35, b"k", b"no json", ()), DriverRecord(3, 40, b"k", None, ())]
    task.deliver(Chunk(A, records, 0, 4, 4, 0))  # type: ignore[arg-type]
    task.deliver(chunk(B, 20, 31, 38, 50))
    task.process(float("inf"))
    assert program.seen == [("a", 900), ("b", 20), ("a", 901), ("b", 31), ("a", 35), ("b", 38), ("a", 40), ("b", 50)]
