"""Sources of several topics on a running worker: topics that come later are read by the tasks that run, exactly once through a crash."""

from __future__ import annotations

import asyncio

import pytest
from harness import Bench
from penstock.log.port import TopicConfig
from penstock_client.builder import Topology
from penstock_client.declare import Binding


def counting(bench: Bench) -> Topology:
    t = Topology("counting", updates="EVERY")
    t.streams(pattern=rf"{bench.config.service_id}\.in\..*", columns="K STRING KEY, V BIGINT", name="input").group_by().aggregate(
        n="COUNT(*)", total="SUM(V)", name="counts").to("counts_out", binding=Binding(topic=f"{bench.config.service_id}.out"))
    return t


@pytest.mark.parametrize("how", ["crash", "stop"])
async def test_a_topic_that_comes_later_is_read_once(on_either_log: Bench, how: str) -> None:
    bench, service = on_either_log, on_either_log.config.service_id
    await bench.log.create_topic(f"{service}.in.a", TopicConfig(2))
    entry = await bench.register(counting(bench))
    await bench.start()
    await bench.append(f"{service}.in.a", [("k", {"V": 1}, 1000), ("m", {"V": 1}, 1000)], partitions=2)
    assert len(await bench.read(f"{service}.out", 2)) == 2
    await bench.log.create_topic(f"{service}.in.b", TopicConfig(2))
    await bench.log.create_topic(f"{service}.in.c", TopicConfig(3))
    await bench.append(f"{service}.in.b", [("k", {"V": 10}, 2000), ("m", {"V": 10}, 2000)], partitions=2)
    await bench.append(f"{service}.in.c", [("k", {"V": 1000}, 2000)], partitions=3)
    out = await bench.read(f"{service}.out", 4)
    assert dict(out) == {b"k": {"n": 2, "total": 11}, b"m": {"n": 2, "total": 11}}
    await (bench.crash() if how == "crash" else bench.stop())
    await bench.append(f"{service}.in.b", [("k", {"V": 100}, 3000)], partitions=2)
    await bench.start()
    await bench.append(f"{service}.in.a", [("k", {"V": 1}, 4000)], partitions=2)
    out = await bench.read(f"{service}.out", 6)
    assert len(out) == 6 and dict(out)[b"k"] == {"n": 4, "total": 112}
    async with asyncio.timeout(10):
        while not any("3 partitions" in t.state_reason for t in bench.board.tasks()):
            await asyncio.sleep(0.05)
    assert all(t.state.value == "RUNNING" for t in bench.board.tasks())
    committed = await bench.log.committed(entry.plan.group, [tp for tp in _both(service)])
    assert sum(c.offset for c in committed.values()) == 6


def _both(service: str) -> list[object]:
    from penstock.log.port import TopicPartition

    return [TopicPartition(f"{service}.in.{t}", p) for t in "ab" for p in (0, 1)]


async def test_a_topic_that_goes_away_leaves_the_others_and_the_state(on_either_log: Bench) -> None:
    """Also the first one, with whose offset the state's position was committed."""
    bench, service = on_either_log, on_either_log.config.service_id
    for name in "ab":
        await bench.log.create_topic(f"{service}.in.{name}", TopicConfig(1))
    await bench.register(counting(bench))
    await bench.start()
    await bench.append(f"{service}.in.a", [("k", {"V": 1}, 1000)])
    await bench.append(f"{service}.in.b", [("k", {"V": 10}, 1000)])
    assert len(await bench.read(f"{service}.out", 2)) == 2
    await bench.stop()
    await bench.log.delete_topics([f"{service}.in.a"])
    async with asyncio.timeout(10):
        while f"{service}.in.a" in await bench.log.topics():
            await asyncio.sleep(0.05)
    await bench.start()
    await bench.append(f"{service}.in.b", [("k", {"V": 100}, 2000)])
    assert (await bench.read(f"{service}.out", 3))[-1] == (b"k", {"n": 3, "total": 111})


async def test_topics_of_different_partitions_without_state(on_either_log: Bench) -> None:
    bench, service = on_either_log, on_either_log.config.service_id
    await bench.log.create_topic(f"{service}.one", TopicConfig(1))
    await bench.log.create_topic(f"{service}.three", TopicConfig(3))
    t = Topology("through")
    t.streams(topics=[f"{service}.one", f"{service}.three"], columns="K STRING KEY, V BIGINT").to("all", binding=Binding(topic=f"{service}.out"))
    await bench.register(t)
    await bench.start()
    await bench.append(f"{service}.one", [(f"k{i}", {"V": i}, 1000) for i in range(20)])
    await bench.append(f"{service}.three", [(f"k{i}", {"V": i}, 1000) for i in range(20, 40)], partitions=3)
    assert sorted(row["V"] for _, row in await bench.read(f"{service}.out", 40)) == list(range(40))  # type: ignore[index]
