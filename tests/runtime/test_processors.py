"""Plug-ins on a running worker: stores through crash, restart and the loss of their files; punctuations exactly once; faults and what is stuck."""

from __future__ import annotations

import asyncio
import shutil
import threading
from typing import Any

import pytest
from harness import Bench
from penstock.log.port import TopicConfig
from penstock.plugins import WALL_CLOCK, Context, Processor, Record, installed, key_value
from penstock_client.builder import Topology
from penstock_client.declare import Binding

COLUMNS = "K STRING KEY, V BIGINT, T STRING"


async def prepared(bench: Bench, partitions: int = 1) -> str:
    service = bench.config.service_id
    await bench.log.create_topic(f"{service}.in", TopicConfig(partitions))
    return service


def reading(bench: Bench, t: Topology) -> Any:
    return t.stream(columns=COLUMNS, binding=Binding(topic=f"{bench.config.service_id}.in", create=False), name="readings")


async def again(bench: Bench, how: str) -> None:
    await (bench.crash() if how == "crash" else bench.stop())
    if how == "rebuild":
        shutil.rmtree(bench.root / "state")
    await bench.start()


@pytest.mark.parametrize("how", ["crash", "stop", "rebuild"])
async def test_stores_and_stream_time_come_back(on_either_log: Bench, how: str) -> None:
    """What was put is there; what stream time has called for is not called for again."""
    bench = on_either_log
    service = await prepared(bench)
    t = Topology("quiet")
    reading(bench, t).process("silence", config={"limit": "10000"}, name="silence")["alerts"].to("alerts", binding=Binding(topic=f"{service}.out"))
    await bench.register(t)
    await bench.start()
    await bench.append(f"{service}.in", [("a", {"V": 1}, 1_000), ("b", {"V": 1}, 12_000)])
    assert await bench.read(f"{service}.out", 1) == [(b"a", {"SINCE": 1000})]
    await again(bench, how)
    await bench.append(f"{service}.in", [("c", {"V": 1}, 2_000), ("b", {"V": 1}, 13_000), ("b", {"V": 1}, 19_000)])  # not due again before 20,000
    await bench.append(f"{service}.in", [("d", {"V": 1}, 30_000)])
    assert await bench.read(f"{service}.out", 3) == [(b"a", {"SINCE": 1000}), (b"b", {"SINCE": 19_000}), (b"c", {"SINCE": 2000})]


async def test_the_clock_calls_without_records_and_in_the_commit(on_either_log: Bench) -> None:
    """Each tick leaves once, also through a crash; the count that it tells is the committed one."""
    bench = on_either_log
    service = await prepared(bench)
    t = Topology("clock")
    reading(bench, t).process("ticks", config={"every": "100"}, name="ticks")["ticks"].to("ticks", binding=Binding(topic=f"{service}.out"))
    await bench.register(t)
    await bench.start()
    await bench.append(f"{service}.in", [("a", {"V": 1}, 1_000)] * 7)
    first = await bench.read(f"{service}.out", 3)
    assert {row["N"] for _, row in first} <= {7} and len(first) >= 3  # type: ignore[index]
    await bench.crash()
    await bench.append(f"{service}.in", [("a", {"V": 1}, 2_000)] * 93)
    await bench.start()
    async with asyncio.timeout(20):
        while (out := await bench.read(f"{service}.out", 1))[-1][1] != {"N": 100}:
            await asyncio.sleep(0.1)
    assert [row["N"] for _, row in out] == sorted(row["N"] for _, row in out)  # type: ignore[index]
    await asyncio.sleep(0.5)
    assert len(await bench.read(f"{service}.out", 1)) == len(out)  # the schedule was cancelled


class Bills(Processor):
    """Every bill is counted in a store, and paid once by the clock: a punctuation that changes stores and sends."""

    outputs = {"paid": "K STRING KEY, V BIGINT"}
    stores = (key_value("open", "K STRING KEY, V BIGINT"),)

    def init(self, context: Context) -> None:
        self.open = context.key_value("open")
        context.schedule(50, WALL_CLOCK, self.pay)

    def process(self, record: Record, context: Context) -> None:
        assert record.key is not None and record.value is not None
        self.open.put(record.key, {"V": record.value["V"]})

    def pay(self, now: int, context: Context) -> None:
        for key, row in self.open.all():
            context.forward(Record(key, row, now))
            self.open.delete(key)


async def test_what_the_clock_sends_is_sent_once_through_crashes(on_either_log: Bench) -> None:
    bench = on_either_log
    installed.add("bills", Bills)
    service = await prepared(bench, 2)
    t = Topology("bills", commit_interval=0.02)
    reading(bench, t).process("bills", name="bills")["paid"].to("paid", binding=Binding(topic=f"{service}.out"))
    await bench.register(t)
    await bench.start()
    for n in range(6):
        await bench.append(f"{service}.in", [(f"k{n}.{i}", {"V": i}, 1000 + n) for i in range(20)], partitions=2)
        await asyncio.sleep(0.05 * n)
        await bench.crash()
        await bench.start()
    async with asyncio.timeout(30):
        while len(out := await bench.read(f"{service}.out", 120, timeout=1.0)) < 120:
            pass
    await asyncio.sleep(0.3)
    out = await bench.read(f"{service}.out", 121, timeout=1.0)
    assert sorted(k for k, _ in out) == sorted(f"k{n}.{i}".encode() for n in range(6) for i in range(20))


async def test_a_plug_in_that_raises_costs_its_record_only(on_either_log: Bench) -> None:
    bench = on_either_log
    service = await prepared(bench)
    t = Topology("faulty")
    reading(bench, t).process("faulty", name="faulty")["out"].to("out", binding=Binding(topic=f"{service}.out"))
    entry = await bench.register(t)
    await bench.start()
    await bench.append(f"{service}.in", [("a", {"T": "x"}, 1000), ("b", {"T": "raise"}, 1001), ("c", {"T": "xy"}, 1002)])
    assert await bench.read(f"{service}.out", 2) == [(b"a", {"V": 1}), (b"c", {"V": 2})]
    ((_, letter),) = await bench.read(entry.plan.dead_letter_topic, 1)
    assert isinstance(letter, dict)
    assert (letter["NODE"], letter["OFFSET"]) == ("faulty", 1)
    assert letter["REASON"].startswith("RuntimeError: this record is not for me\nTraceback") and "penstock_test_plugins.py" in letter["REASON"]


async def test_a_plug_in_that_is_gone_fails_its_task(on_either_log: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = on_either_log
    installed.add("gone", Bills)
    await prepared(bench)
    t = Topology("gone")
    reading(bench, t).process("gone", name="gone")["paid"].to("paid")
    await bench.register(t)
    monkeypatch.delitem(installed._added, "gone")
    await bench.start()
    async with asyncio.timeout(10):
        while not any(e.state.value == "FAILED" and "there is no processor gone" in e.state_reason for e in bench.board.tasks()):
            await asyncio.sleep(0.05)


class Waits(Processor):
    """Blocks until it is let go."""

    gate = threading.Event()
    outputs = {"out": "K STRING KEY, V BIGINT"}

    def process(self, record: Record, context: Context) -> None:
        self.gate.wait(30)
        context.forward(Record(record.key, {"V": 1}, record.timestamp))


async def test_a_task_that_is_stuck_says_where(on_either_log: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop of this process stands still with the plug-in's, so another thread looks at the board, and lets it go."""
    from penstock.runtime import stuck

    monkeypatch.setattr(stuck, "STUCK", 0.5)
    monkeypatch.setattr(stuck, "LOOK", 0.1)
    bench = on_either_log
    installed.add("waits", Waits)
    Waits.gate.clear()
    service = await prepared(bench)
    t = Topology("waiting")
    reading(bench, t).filter("V > 0").process("waits", name="lazy")["out"].to("out", binding=Binding(topic=f"{service}.out"))
    await bench.register(t)
    await bench.start()
    seen: list[str] = []

    def look() -> None:
        for _ in range(200):
            found = [e.state_reason for e in bench.board.tasks() if e.state.value == "STUCK"]
            if found:
                seen.extend(found)
                break
            Waits.gate.wait(0.05)
        Waits.gate.set()

    looking = threading.Thread(target=look)
    looking.start()
    await bench.append(f"{service}.in", [("a", {"V": 1}, 1000)])
    assert await bench.read(f"{service}.out", 1, timeout=20) == [(b"a", {"V": 1})]
    looking.join()
    assert seen and seen[0].startswith("stuck for") and seen[0].endswith("in node lazy")
    async with asyncio.timeout(10):
        while not all(e.state.value == "RUNNING" for e in bench.board.tasks()):
            await asyncio.sleep(0.05)
