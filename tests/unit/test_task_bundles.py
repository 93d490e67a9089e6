"""Bundles of a task that are with programs: how many at once, and what counts as processed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from penstock.clock import ManualClock
from penstock.engine.internal import encode_row
from penstock.engine.processors.bundles import Bundle, OutputRows, Result, Rows
from penstock.engine.processors.calls import CallHost
from penstock.engine.processors.remote import RemoteHost
from penstock.log.port import Chunk, TaskId, TopicPartition
from penstock.planner.definition import relation_of
from penstock.runtime import task as tasks
from penstock.runtime.poison import NoteFile
from penstock.runtime.remote import RemoteLink, Waiting
from penstock.runtime.remote_port import Work
from penstock.runtime.task import Task
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import DriverRecord
from penstock.testing.relations import relation_info

FOREVER = float("inf")
NODES = """
topology: t
nodes:
  s: {stream: s}
  p: {from: s, remote_processor: {processor: p, bundle_rows: 2, outputs: {out: {columns: [K STRING KEY, V BIGINT], keeps_key: true}}STORES}}
  o: {from: p.out, sink: o}
"""


class Link(RemoteLink):
    """Keeps what is handed out."""

    def __init__(self, run: Path) -> None:
        super().__init__(run)
        self.given: list[Waiting] = []

    def submit(self, host: RemoteHost | CallHost, partition: int, lease: int, number: int, bundle: Bundle, wake: Callable[[], None]) -> Waiting:
        made = Waiting(Work(number, host.shape, partition, lease, number, bundle, 1, 0), wake)
        self.given.append(made)
        return made

    def answer(self, number: int) -> None:
        """As a program that sends its rows back would."""
        rows = self.given[number].work.bundle.input
        self.given[number].result = Result([OutputRows("out", Rows([(k, v, None) for k, v, _ in rows.rows]), range(len(rows)))])

    @property
    def sizes(self) -> list[int]:
        return [len(waiting.work.bundle.input) for waiting in self.given]


def a_task(tmp_path: Path, stores: str = "") -> tuple[Task, Link, list[tuple[object, ...]], TopicPartition]:
    """A task, its link, the rows that it writes and its input."""
    columns = relation_info(relation_of({"stream": "s", "columns": ["K STRING KEY", "V BIGINT"]}))
    driver = TopologyTestDriver(NODES.replace("STORES", stores), [columns], programs={"p": lambda shape, bundle: Result()})
    made = next(t for t in driver._tasks if t.program.remotes)
    (host,) = made.program.remotes
    link, tp = Link(tmp_path), TopicPartition(host.topic, 0)
    task = Task("t", TaskId(1, 0), made.sub, None, made.program, {tp: 0}, (), (), NoteFile(tmp_path / "note"), None, link, ManualClock())
    task.on_answer = lambda: None  # type: ignore[method-assign]
    return task, link, made.outputs["o"].rows, tp


def chunk(tp: TopicPartition, first: int, count: int) -> Chunk:
    records = [DriverRecord(n, n, b"k%d" % n, encode_row((n,)), ()) for n in range(first, first + count)]
    return Chunk(tp, records, first, first + count, first + count, 0)  # type: ignore[arg-type]


def test_full_bundles_follow_each_other_and_count_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MOST_AWAY", 3)
    task, link, rows, tp = a_task(tmp_path)
    task.deliver(chunk(tp, 0, 4))
    task.deliver(chunk(tp, 4, 5))
    source = task.input(tp)
    assert task.process(FOREVER) == 0 and link.sizes == [2]  # how long a program takes is not known
    assert (source.position, task.lag, task.dirty, task.away) == (0, 9, False, True)
    link.answer(0)
    assert task.process(FOREVER) == 2 and link.sizes == [2, 2, 2, 2] and source.position == 2
    link.answer(2)
    assert task.process(FOREVER) == 0 and len(rows) == 2
    link.answer(1)
    assert task.process(FOREVER) == 4 and source.position == 6
    assert [row[0] for row in rows] == [b"k%d" % n for n in range(6)]
    assert link.sizes == [2, 2, 2, 2]  # the last row alone waits until nothing is away
    link.answer(3)
    assert task.process(FOREVER) == 2 and source.position == 8 and link.sizes == [2, 2, 2, 2, 1]
    link.answer(4)
    assert task.process(FOREVER) == 1 and (source.position, task.lag, task.away) == (9, 0, False)
    assert [row[0] for row in rows] == [b"k%d" % n for n in range(9)]


def test_slow_programs_get_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, link, _, tp = a_task(tmp_path)
    now = [100.0]
    monkeypatch.setattr(tasks.time, "monotonic", lambda: now[0])
    task.deliver(chunk(tp, 0, 8))
    for number, (seconds, sizes) in enumerate([(5, [2, 2]), (1, [2, 2, 2, 2])]):  # of 30 s that a bundle has
        task.process(FOREVER)
        now[0] += seconds
        link.answer(number)
        task.process(FOREVER)
        assert link.sizes == sizes


def test_where_there_is_state_the_next_one_waits(tmp_path: Path) -> None:
    task, link, _, tp = a_task(tmp_path, ", stores: {n: [N BIGINT]}")
    task.deliver(chunk(tp, 0, 4))
    assert task.process(FOREVER) == 0 and link.sizes == [2]
    link.answer(0)
    assert task.process(FOREVER) == 2 and link.sizes == [2, 2] and task.input(tp).position == 2
