"""What only the embedded log has: crashes, full disks, retention, compaction, the split of tasks. The rest is in tests/contract."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from penstock.clock import ManualClock
from penstock.errors import AssignmentLost, LogError, LogUnavailable
from penstock.log.embedded import EmbeddedLog, open_embedded
from penstock.log.embedded import reader as reading
from penstock.log.embedded.membership import split
from penstock.log.embedded.segments import SegmentWriter
from penstock.log.port import BatchBuilder, Record, TaskId, TopicConfig, TopicPartition

COMMITTER = """
import asyncio, sys
from pathlib import Path
from penstock.log.embedded import open_embedded
from penstock.log.port import *

async def main():
    log = await open_embedded(Path(sys.argv[1]), process=sys.argv[2])
    await log.create_topic("t", TopicConfig(2))
    tps = [TopicPartition("t", 0), TopicPartition("t", 1)]
    writer = await log.writer("w")
    n = max(0, (await log.committed("g", tps))[tps[0]].offset)
    while True:
        for tp in tps:
            batch = log.builder()
            batch.append(n, b"%d" % n, b"x" * 500, [])
            await writer.send("t", tp.partition, batch)
        await writer.commit("g", None, lambda ends: {tps[0]: CommittedOffset(n + 1, str(ends[tps[1]]))})
        n += 1
        print(n, flush=True)

asyncio.run(main())
"""


def rows(log: EmbeddedLog, *pairs: tuple[bytes | None, bytes | None]) -> BatchBuilder:
    builder = log.builder()
    for key, value in pairs:
        builder.append(1, key, value, [])
    return builder


async def read(log: EmbeddedLog, tp: TopicPartition) -> list[Record]:
    position = (await log.earliest([tp]))[tp]
    end = (await log.ends([tp]))[tp]
    reader = log.reader()
    reader.add({tp: position})
    records: list[Record] = []
    while position < end:
        for chunk in await reader.poll(5):
            assert chunk.start == position < chunk.next
            records += chunk.records
            position = chunk.next
    await reader.close()
    return records


async def test_kill_9_in_the_middle_of_commits_loses_and_tears_nothing(tmp_path: Path) -> None:
    rng = random.Random(5)
    tps = [TopicPartition("t", 0), TopicPartition("t", 1)]
    for life in range(6):
        child = subprocess.Popen([sys.executable, "-c", COMMITTER, str(tmp_path), f"w{life}"], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.15))
        os.kill(child.pid, signal.SIGKILL)
        said = [int(line) for line in child.communicate()[0].split("\n") if line.isdigit()]
        log = await open_embedded(tmp_path, process="check")
        committed = (await log.committed("g", tps))[tps[0]]
        assert committed.offset >= max(said, default=0), "what was acknowledged is there"
        for tp in tps:
            assert [int(r.key or b"-1") for r in await read(log, tp)] == list(range(committed.offset))
        assert committed.metadata == str(committed.offset)
        await log.maintain()
        await log.close()


async def test_a_full_disk_is_said_and_heals(tmp_path: Path) -> None:
    log = await open_embedded(tmp_path, process="a")
    await log.create_topic("t", TopicConfig(1))
    tp = TopicPartition("t", 0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, before[1]))
    written = 0
    try:
        with pytest.raises(LogUnavailable):
            for _ in range(10):
                await log.append("t", 0, rows(log, (b"k", b"x" * 400_000)))
                written += 1
        assert log.healthy() != ""
        assert (await log.ends([tp]))[tp] == written == 3
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert await log.append("t", 0, rows(log, (b"again", b"x"))) == (written, False)
    assert log.healthy() == ""
    assert [r.key for r in await read(log, tp)] == [b"k"] * written + [b"again"]
    await log.close()


async def test_retention_deletes_by_the_time_of_writing_and_removes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SegmentWriter.__init__, "__defaults__", (1,))
    clock = ManualClock(1_700_000_000_000)
    log = await open_embedded(tmp_path, process="a", clock=clock)
    await log.create_topic("short", TopicConfig(1, retention_ms=50))
    await log.create_topic("long", TopicConfig(1, retention_ms=-1))
    for _ in range(3):
        await log.append("short", 0, rows(log, (b"old event time, written now", b"v")))
        await log.append("long", 0, rows(log, (b"k", b"v")))
    await log.maintain()
    assert len(list(tmp_path.glob("*.seg"))) == 6
    clock.advance(60)
    await log.append("short", 0, rows(log, (b"new", b"v")))
    await log.maintain()
    assert [r.key for r in await read(log, TopicPartition("short", 0))] == [b"new"]
    assert [r.offset for r in await read(log, TopicPartition("long", 0))] == [0, 1, 2]
    assert len(list(tmp_path.glob("*.seg"))) == 4
    await log.delete_topics(["long"])
    await log.maintain()
    assert len(list(tmp_path.glob("*.seg"))) == 1
    await log.close()


async def test_compaction_keeps_the_newest_of_each_key_at_its_offset(tmp_path: Path) -> None:
    clock = ManualClock(1_700_000_000_000)
    log = await open_embedded(tmp_path, process="a", clock=clock)
    await log.create_topic("t", TopicConfig(1, compact=True, delete_retention_ms=10))
    tp = TopicPartition("t", 0)
    for i in range(50):
        await log.append("t", 0, rows(log, *[(b"%d" % k, b"%d" % i) for k in range(10)], (b"gone", b"v")))
    await log.append("t", 0, rows(log, (b"gone", None), (None, b"no key")))
    reader = log.reader()
    reader.add({tp: 25})
    await log.maintain(compact_all=True)
    kept = await read(log, tp)
    assert [(r.offset, r.key, r.value) for r in kept] == [(539 + k, b"%d" % k, b"49") for k in range(10)] + [(550, b"gone", None), (551, None, b"no key")]
    assert [r.offset for c in await reader.poll(5) for r in c.records] == [r.offset for r in kept], "a reader in the middle goes on"
    clock.advance(20)
    await log.append("t", 0, rows(log, (b"0", b"50")))
    await log.maintain(compact_all=True)
    assert [(r.offset, r.key) for r in await read(log, tp)] == [(539 + k, b"%d" % k) for k in range(1, 10)] + [(551, None), (552, b"0")]
    assert (await log.ends([tp]))[tp] == 553
    assert (await log.append("t", 0, rows(log, (b"0", b"51"))))[0] == 553
    await reader.close()
    await log.close()


async def test_small_batches_are_merged_and_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.log.embedded.compaction.MANY", 100)
    log = await open_embedded(tmp_path, process="a")
    await log.create_topic("t", TopicConfig(1))
    tp = TopicPartition("t", 0)
    for i in range(150):
        await log.append("t", 0, rows(log, (b"%d" % i, b"v"), (b"%d" % i, None)))
    await log.delete_records({tp: 7})
    before = [(r.offset, r.timestamp, r.key, r.value) for r in await read(log, tp)]
    await log.maintain()
    with log._environment.read() as tables:
        assert len(list(tables.entries(1, 0))) == 1
    assert [(r.offset, r.timestamp, r.key, r.value) for r in await read(log, tp)] == before and before[0][0] == 7
    await log.append("t", 0, rows(log, (b"last", b"v")))
    assert (await read(log, tp))[-1].offset == 300
    await log.close()


async def test_a_reader_survives_files_that_go_while_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SegmentWriter.__init__, "__defaults__", (1,))
    log = await open_embedded(tmp_path, process="a")
    await log.create_topic("t", TopicConfig(1, compact=True))
    for i in range(300):
        await log.append("t", 0, rows(log, (b"%d" % (i % 7), b"%d" % i)))

    async def tidy() -> None:
        for _ in range(5):
            await log.maintain(compact_all=True)
            await log.append("t", 0, rows(log, (b"x", b"y")))

    task = asyncio.create_task(tidy())
    while not task.done():
        found = {r.key: r.value for r in await read(log, TopicPartition("t", 0))}
        assert all(found[b"%d" % (i % 7)] == b"%d" % i for i in range(293, 300))
    await task
    await log.close()


async def test_writers_of_one_process_commit_together(tmp_path: Path) -> None:
    log = await open_embedded(tmp_path, process="a")
    await log.create_topic("t", TopicConfig(4))
    await asyncio.gather(*(log.append("t", i % 4, rows(log, (b"%d" % i, b"v"))) for i in range(400)))
    ends = await log.ends([TopicPartition("t", p) for p in range(4)])
    assert set(ends.values()) == {100}
    await log.close()


async def test_a_cancelled_append_is_decided_and_harms_nobody(tmp_path: Path) -> None:
    log = await open_embedded(tmp_path, process="a")
    await log.create_topic("t", TopicConfig(1))
    task = asyncio.create_task(log.append("t", 0, rows(log, (b"1", b"v"))))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await log.append("t", 0, rows(log, (b"2", b"v")))
    assert [r.key for r in await read(log, TopicPartition("t", 0))] in ([b"1", b"2"], [b"2"])
    await log.close()
    with pytest.raises(LogUnavailable):
        await log.append("t", 0, rows(log, (b"3", b"v")))


async def test_damaged_bytes_are_refused(tmp_path: Path) -> None:
    log = await open_embedded(tmp_path, process="a")
    await log.create_topic("t", TopicConfig(1))
    await log.append("t", 0, rows(log, (b"k", b"v" * 100)))
    (segment,) = tmp_path.glob("*.seg")
    with segment.open("r+b") as f:
        f.seek(100)
        f.write(b"\0")
    reader = log.reader()
    reader.add({TopicPartition("t", 0): 0})
    with pytest.raises(LogError, match="checksum"):
        await reader.poll(1)
    await reader.close()
    await log.close()


def test_tasks_are_split_evenly_and_completely() -> None:
    tasks = [TaskId(s, p) for s in range(2) for p in range(8)]
    parts = [split("group", tasks, i, 3) for i in range(3)]
    assert frozenset().union(*parts) == frozenset(tasks) and sum(map(len, parts)) == 16
    assert sorted(map(len, parts)) == [5, 5, 6]
    assert split("group", tasks, 0, 1) == frozenset(tasks)
    owners = {next(i for i in range(3) if split(f"group{g}", [TaskId(0, 0)], i, 3)) for g in range(50)}
    assert owners == {0, 1, 2}, "topologies of one task are spread"


async def test_a_change_of_the_number_of_workers_moves_tasks_and_ends_old_tokens(tmp_path: Path) -> None:
    log, other = await open_embedded(tmp_path, process="w0"), await open_embedded(tmp_path, process="w1")
    await log.create_topic("t", TopicConfig(4))
    tasks = [TaskId(0, p) for p in range(4)]
    first, second = log.membership("w0", "n"), other.membership("w1", "n")
    a = first.join("g", ["t"], tasks, lambda: "", lambda: None)
    b = second.join("g", ["t"], tasks, lambda: "", lambda: None)
    await until(lambda: a.latest is not None and b.latest is not None)
    assert a.latest is not None and b.latest is not None
    assert a.latest.active == frozenset(tasks) and b.latest.active == frozenset()
    stale, epoch = a.latest.token, a.epoch
    await log.set_workers(2)
    await until(lambda: a.latest is not None and b.latest is not None and len(b.latest.active) == 2 and a.epoch > epoch)
    assert a.latest.active | b.latest.active == frozenset(tasks) and len(a.latest.active) == 2
    writer = await log.writer("x")
    with pytest.raises(AssignmentLost):
        await writer.commit("g", stale, lambda ends: {})
    usurper = other.membership("w0", "n")
    c = usurper.join("g", ["t"], tasks, lambda: "", lambda: None)
    await until(lambda: c.latest is not None and a.latest is None)
    for membership in (first, second, usurper):
        await membership.close()
    await log.close()
    await other.close()


async def until(condition: object, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_an_idle_reader_only_looks_at_the_transaction_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = await open_embedded(tmp_path, process="a")
    await log.create_topic("t", TopicConfig(1))
    looks = 0
    refresh = reading.EmbeddedReader._refresh

    def counted(self: reading.EmbeddedReader, tables: object) -> None:
        nonlocal looks
        looks += 1
        refresh(self, tables)  # type: ignore[arg-type]

    monkeypatch.setattr(reading.EmbeddedReader, "_refresh", counted)
    reader = log.reader()
    reader.add({TopicPartition("t", 0): 0})
    assert await reader.poll(0.3) == []
    assert looks == 1
    await reader.close()
    await log.close()
