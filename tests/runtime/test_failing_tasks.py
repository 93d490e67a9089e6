"""A task that cannot go on does not disturb its siblings: they keep their stores open, their results stay exact."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from harness import Bench
from penstock.catalog.changes import set_desired
from penstock.catalog.port import Desired
from penstock.engine.program import Compiled
from penstock.errors import OffsetOutOfRange, StoreFull
from penstock.log.port import TopicConfig
from penstock.runtime.board_port import TaskState
from penstock.runtime.runner import Runner
from penstock.runtime.task import Task
from penstock.state.lmdb import LmdbTaskState
from penstock_client.builder import Topology, tumbling
from penstock_client.declare import Binding

SLOW = {"commit_interval": 5.0}
"""Commits only when idle, so that the siblings have open work when the task fails."""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    b = await Bench(tmp_path).open()
    await b.log.create_topic("in", TopicConfig(2))
    yield b
    if b._worker is not None and not b._worker.done():
        await b.stop()
    await b.close()


def counting(**options: object) -> Topology:
    t = Topology("counting", updates="EVERY", **options)  # type: ignore[arg-type]
    grouped = t.stream(columns="K STRING KEY, V BIGINT", binding=Binding(topic="in", create=False), name="input").group_by("K")
    grouped.aggregate(n="COUNT(*)", total="SUM(V)", name="counts").to("counts_out")
    grouped.window(tumbling(seconds=1, grace=1, retention=2)).aggregate(n="COUNT(*)", name="windows").to("windows_out")
    return t


def rows(key: str, first: int, last: int) -> list[tuple[str | None, object, int]]:
    """Ten windows apart at each record: what is older has expired for the next one."""
    return [(key, {"V": n}, 1000 + 10_000 * n) for n in range(first, last)]


def running(first: int, last: int) -> list[object]:
    """The updates of counts for V = 0, 1, ..."""
    return [{"n": n + 1, "total": n * (n + 1) // 2} for n in range(first, last)]


async def failed(bench: Bench) -> str:
    """The reason of the one task that is FAILED, once it is."""
    async with asyncio.timeout(20):
        while not (found := [e.state_reason for e in bench.board.tasks("counting") if e.state is TaskState.FAILED]):
            await asyncio.sleep(0.02)
    assert len(found) == 1
    return found[0]


def openings(caplog: pytest.LogCaptureFixture, partition: int) -> int:
    return sum(f"/input-{partition}:" in r.getMessage() for r in caplog.records if r.name == "penstock.task")


def noting(into: list[Compiled]) -> Callable[[Compiled], None]:
    def method(program: Compiled) -> None:
        into.append(program)

    return method


async def check_sibling(bench: Bench, caplog: pytest.LogCaptureFixture, count: int) -> None:
    """Key b is in partition 0, which was opened once; every update is there once."""
    out = await bench.read("counts_out", 10_000, timeout=2)
    assert [value for key, value in out if key == b"b"] == running(0, count)
    windows = [key for key, _ in await bench.read("windows_out", 10_000, timeout=2) if key is not None and key.startswith(b"b")]
    assert len(windows) == len(set(windows)) == count
    assert openings(caplog, 0) == 1


async def test_a_record_that_stops_its_task(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    entry = await bench.register(counting(on_bad_record="FAIL", **SLOW))
    await bench.start()
    await bench.running(entry)
    await bench.append("in", [*rows("b", 0, 50), *rows("a", 0, 20), ("a", b"{broken", 1), *rows("b", 50, 100)], partitions=2)
    assert "offset 20" in await failed(bench)
    await bench.append("in", rows("b", 100, 120), partitions=2)
    await check_sibling(bench, caplog, 120)
    await bench.change(lambda s: set_desired(s, "counting", Desired.RUNNING))
    await bench.append("in", rows("b", 120, 130), partitions=2)
    await check_sibling(bench, caplog, 130)


async def test_a_topic_that_another_one_has_replaced(bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO)
    turn, told = Runner._turn, False

    def told_in_the_middle(self: Runner) -> int:
        nonlocal told
        worked = turn(self)
        task = next((t for t in self.tasks.values() if t.id.partition == 1 and t.inputs[0].position > 0), None)
        if task is not None and not told:  # its rows wait in batches for the commit
            told = True
            self.out_of_range(OffsetOutOfRange("in", 1, 20, 0, 0))
        return worked

    monkeypatch.setattr(Runner, "_turn", told_in_the_middle)
    entry = await bench.register(counting(**SLOW))
    await bench.start()
    await bench.running(entry)
    await bench.append("in", [*rows("b", 0, 50), *rows("a", 0, 20), *rows("b", 50, 100)], partitions=2)
    assert "reset the topology" in await failed(bench)
    await check_sibling(bench, caplog, 100)
    assert not [key for key, _ in await bench.read("counts_out", 10_000, timeout=1) if key == b"a"]
    await bench.change(lambda s: set_desired(s, "counting", Desired.RUNNING))
    await bench.append("in", rows("b", 100, 110), partitions=2)
    await check_sibling(bench, caplog, 110)
    assert [value for key, value in await bench.read("counts_out", 10_000, timeout=2) if key == b"a"] == running(0, 20)


async def test_a_defect(bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO)
    process, left = Task.process, 2

    def broken(self: Task, deadline: float) -> int:
        nonlocal left
        done = process(self, deadline)
        if self.id.partition == 1 and done and left:
            left -= 1
            raise RuntimeError("after its records were processed")
        return done

    opened, closed = list[Compiled](), list[Compiled]()
    monkeypatch.setattr(Task, "process", broken)
    monkeypatch.setattr(Compiled, "open", noting(opened))
    monkeypatch.setattr(Compiled, "close", noting(closed))
    entry = await bench.register(counting(**SLOW))
    await bench.start()
    await bench.running(entry)
    await bench.append("in", [*rows("b", 0, 50), *rows("a", 0, 20), *rows("b", 50, 100)], partitions=2)
    out = await bench.read("counts_out", 120)
    assert [value for key, value in out if key == b"a"] == running(0, 20) and not left
    await check_sibling(bench, caplog, 100)
    assert openings(caplog, 1) == 3
    await bench.stop()
    assert len(opened) >= 6 and set(map(id, closed)) == set(map(id, opened)) and len(closed) == len(opened), "plug-ins live as long as their task"


async def test_a_store_without_room(bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has what the store has not: the task comes back by replay, nothing is lost or doubled."""
    caplog.set_level(logging.INFO)
    commit, full = LmdbTaskState.commit, True

    def refused(self: LmdbTaskState, frozen: object, stamp: object) -> None:
        if full and self.path.name.endswith("-1") and any(f.entries for f in frozen):  # type: ignore[attr-defined]
            raise StoreFull("no room here")
        commit(self, frozen, stamp)  # type: ignore[arg-type]

    monkeypatch.setattr(LmdbTaskState, "commit", refused)
    entry = await bench.register(counting())
    await bench.start()
    await bench.running(entry)
    for n in range(5):
        await bench.append("in", [*rows("b", 20 * n, 20 * n + 20), *rows("a", 4 * n, 4 * n + 4)], partitions=2)
        await asyncio.sleep(0.1)
    assert "no room here" in await failed(bench)
    full = False
    out = await bench.read("counts_out", 120, timeout=20)
    assert [value for key, value in out if key == b"a"] == running(0, 20)
    await check_sibling(bench, caplog, 100)
