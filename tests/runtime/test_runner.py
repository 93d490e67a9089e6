"""A worker on the embedded log: process, commit, crash, recover, pause, delete."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from harness import Bench
from penstock.errors import LogUnavailable
from penstock.log.port import MARKER, TopicConfig, TopicPartition, TxnWriter
from penstock.plan.nodes import Repartition
from penstock.runtime import commit as commits
from penstock.runtime import runner
from penstock.runtime.runner import Runner
from penstock_client.builder import Topology
from penstock_client.declare import Binding


@pytest.fixture
async def bench(on_either_log: Bench) -> Bench:
    b = on_either_log
    b.input, b.output = f"in-{b.config.service_id}", f"out-{b.config.service_id}"
    await b.log.create_topic(b.input, TopicConfig(2))
    return b


def counting(bench: Bench, updates: str = "EVERY") -> Topology:
    t = Topology("counting", updates=updates)
    t.stream(columns="K STRING KEY, V BIGINT", binding=Binding(topic=bench.input, create=False), name="input").group_by("K").aggregate(
        n="COUNT(*)", total="SUM(V)", name="counts").to("counts_out", binding=Binding(topic=bench.output))
    return t


async def counts(bench: Bench, records: int) -> list[tuple[bytes | None, object]]:
    return await bench.read(bench.output, records)


async def test_counts_through_a_crash(bench: Bench) -> None:
    await bench.register(counting(bench))
    await bench.start()
    await bench.append(bench.input, [(f"k{i % 3}", {"V": i}, 1000 + i) for i in range(300)], partitions=2)
    first = await counts(bench, 300)
    assert len(first) == 300
    await bench.crash()
    await bench.append(bench.input, [(f"k{i % 3}", {"V": i}, 2000 + i) for i in range(300)], partitions=2)
    await bench.start()
    out = await counts(bench, 600)
    assert len(out) == 600
    last = dict(out)
    assert {k: (v["n"], v["total"]) for k, v in last.items()} == {  # type: ignore[index]
        f"k{j}".encode(): (200, 2 * sum(range(j, 300, 3))) for j in range(3)}
    await bench.stop()


async def test_latest_per_commit_gives_the_newest(bench: Bench) -> None:
    await bench.register(counting(bench, "LATEST_PER_COMMIT"))
    await bench.append(bench.input, [("k", {"V": 1}, 1000)] * 500)
    await bench.start()
    out = await counts(bench, 1)
    assert out[-1] == (b"k", {"n": 500, "total": 500})
    assert len(out) < 500


async def test_restart_uses_the_store(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await bench.register(counting(bench))
    await bench.start()
    await bench.append(bench.input, [("k", {"V": 1}, 1000)] * 10)
    assert len(await counts(bench, 10)) == 10
    await bench.stop()
    caplog.clear()
    await bench.start()
    await bench.append(bench.input, [("k", {"V": 1}, 1000)])
    assert (await counts(bench, 11))[-1][1] == {"n": 11, "total": 11}
    assert any("USE" in r.getMessage() for r in caplog.records)
    await bench.stop()


async def test_a_commit_that_fails_while_the_worker_stops_is_not_made_up_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tasks hold is then no more what the log will say: a last commit would keep the positions without what belongs to them."""
    open_next, write = Runner._open_next, commits.write

    async def unanswered(frozen: commits.FrozenCommit, writer: TxnWriter, *_: object) -> commits.Written:
        for topic, partition, batch in frozen.batches:
            await writer.send(topic, partition, batch)
        monkeypatch.setattr(commits, "write", write)
        raise LogUnavailable("no answer")

    def stopped_in_the_middle(self: Runner) -> None:
        open_next(self)
        if self._commit is not None and self._commit.done():
            self._stopping = True

    await bench.register(counting(bench))
    await bench.start()
    await bench.append(bench.input, [("k", {"V": 1}, 1000)] * 10)
    assert len(await counts(bench, 10)) == 10
    monkeypatch.setattr(commits, "write", unanswered)
    monkeypatch.setattr(Runner, "_open_next", stopped_in_the_middle)
    await bench.append(bench.input, [("k", {"V": 1}, 1000)] * 10)
    async with asyncio.timeout(10):
        while bench.board.tasks("counting"):
            await asyncio.sleep(0.02)
    monkeypatch.undo()
    await bench.stop()
    await bench.start()
    await bench.append(bench.input, [("k", {"V": 1}, 1000)])
    assert [value for _, value in await counts(bench, 21)] == [{"n": n, "total": n} for n in range(1, 22)]
    await bench.stop()


async def test_rebuild_from_the_changelog(bench: Bench, tmp_path: Path) -> None:
    import shutil

    await bench.register(counting(bench))
    await bench.start()
    await bench.append(bench.input, [(f"k{i}", {"V": i}, 1000) for i in range(100)], partitions=2)
    assert len(await counts(bench, 100)) == 100
    await bench.stop()
    shutil.rmtree(tmp_path / "state")
    await bench.start()
    await bench.append(bench.input, [(f"k{i}", {"V": 1}, 1000) for i in range(100)], partitions=2)
    last = dict(await counts(bench, 200))
    assert last[b"k7"] == {"n": 2, "total": 8}
    await bench.stop()


async def test_bad_records_go_to_the_dead_letter(bench: Bench) -> None:
    entry = await bench.register(counting(bench))
    await bench.start()
    await bench.append(bench.input, [("k", {"V": 1}, 1000), ("k", b"{no json", 1001), ("k", {"V": 1}, 1002)])
    assert (await counts(bench, 2))[-1][1] == {"n": 2, "total": 2}
    letters = await bench.read(entry.plan.dead_letter_topic, 1)
    assert len(letters) == 1
    letter = letters[0][1]
    assert isinstance(letter, dict)
    assert (letter["TOPIC"], letter["PARTITION"], letter["OFFSET"], letter["NODE"]) == (bench.input, letter["PARTITION"], 1, "input")
    await bench.stop()


def chain(bench: Bench) -> Topology:
    t = Topology("chain", updates="EVERY")
    t.stream(columns="K STRING KEY, G STRING, V BIGINT", binding=Binding(topic=bench.input, create=False), name="input").group_by("G").aggregate(
        total="SUM(V)", name="by_group").to("groups_out", binding=Binding(topic=bench.output))
    return t


async def test_repartition_chain(bench: Bench) -> None:
    await bench.register(chain(bench))
    await bench.start()
    await bench.append(bench.input, [(f"k{i}", {"G": f"g{i % 2}", "V": i}, 1000 + i) for i in range(100)], partitions=2)
    last = dict(await bench.read(bench.output, 100))
    assert last == {b"g0": {"total": sum(range(0, 100, 2))}, b"g1": {"total": sum(range(1, 100, 2))}}
    await bench.stop()


async def test_repartition_topics_keep_nothing_that_was_committed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PURGE_EVERY", 0.0)
    entry = await bench.register(chain(bench))
    repartitioned = next(n.topic for sub in entry.plan.subs for n in sub.nodes if isinstance(n, Repartition))
    tps = [TopicPartition(repartitioned.topic, p) for p in range(repartitioned.partitions)]
    await bench.start()
    for n in (1, 2):
        await bench.append(bench.input, [(f"k{i}", {"G": f"g{i}", "V": 1}, 1000 * n + i) for i in range(50)], partitions=2)
        out = await bench.read(bench.output, 50 * n)
        assert sorted(out[-50:]) == sorted((f"g{i}".encode(), {"total": n}) for i in range(50))
        async with asyncio.timeout(10):
            while True:
                starts, ends = await bench.log.earliest(tps), await bench.log.ends(tps)
                if sum(ends.values()) >= 50 * n and all(ends[tp] - starts[tp] <= MARKER for tp in tps):
                    break
                await asyncio.sleep(0.05)
    await bench.stop()


async def test_deleted_topology_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    from penstock.catalog.changes import delete

    await bench.register(counting(bench))
    await bench.start()
    await bench.append(bench.input, [("k", {"V": 1}, 1000)])
    await counts(bench, 1)
    assert list((tmp_path / "state").iterdir())
    await bench.change(lambda s: delete(s, "counting"))
    async with asyncio.timeout(10):
        while list((tmp_path / "state").iterdir()) or bench.board.tasks():
            await asyncio.sleep(0.05)
    await bench.stop()


async def test_topics_that_go_before_the_worker_hears_of_the_deletion_are_no_failure(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    from penstock.catalog.changes import delete
    from penstock.catalog.register import of_plan

    entry = await bench.register(chain(bench))
    await bench.start()
    await bench.append(bench.input, [("k", {"G": "g", "V": 1}, 1000)])
    await counts(bench, 1)
    with caplog.at_level(logging.WARNING, "penstock"):
        await bench.log.delete_topics(list(of_plan(entry.plan)))
        await bench.append(bench.input, [("k", {"G": "g", "V": 2}, 2000)])
        await asyncio.sleep(0.3)
        await bench.change(lambda s: delete(s, "chain"))
        async with asyncio.timeout(10):
            while bench.board.tasks():
                await asyncio.sleep(0.05)
    assert [r.getMessage() for r in caplog.records if r.name == "penstock.runner"] == []
    await bench.stop()


async def test_on_bad_record_fail_shows_the_task_failed_until_resumed(bench: Bench) -> None:
    from penstock.catalog.changes import set_desired
    from penstock.catalog.port import Desired
    from penstock.runtime.board_port import TaskState

    t = Topology("strict", updates="EVERY", on_bad_record="FAIL")
    t.stream(columns="K STRING KEY, V BIGINT", binding=Binding(topic=bench.input, create=False), name="input").filter("V > 0").to(
        "strict_out", binding=Binding(topic=bench.output))
    await bench.register(t)
    await bench.start()
    await bench.append(bench.input, [("a", {"V": 1}, 1000), ("a", b"{broken", 1001), ("a", {"V": 2}, 1002)])
    async with asyncio.timeout(15):
        while not [e for e in bench.board.tasks("strict") if e.state is TaskState.FAILED]:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    failed = [e for e in bench.board.tasks("strict") if e.state is TaskState.FAILED]
    assert len(failed) == 1
    assert "input" in failed[0].state_reason and "offset 1" in failed[0].state_reason
    tried = failed[0].updated_ms
    await bench.change(lambda s: set_desired(s, "strict", Desired.RUNNING))
    async with asyncio.timeout(15):  # tried again; the record is still there
        while not [e for e in bench.board.tasks("strict") if e.state is TaskState.FAILED and e.updated_ms > tried]:
            await asyncio.sleep(0.05)
    await bench.stop()
