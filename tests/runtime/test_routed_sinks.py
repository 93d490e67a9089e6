"""Rows to topics that an expression names: known ones, made ones, and those that are not there; exactly once through a crash."""

from __future__ import annotations

import asyncio

import pytest
from harness import Bench
from penstock.log.port import TopicConfig
from penstock_client.builder import Topology
from penstock_client.declare import Binding


def routing(bench: Bench, create: bool, on_bad_record: str = "") -> Topology:
    t = Topology("routing", on_bad_record=on_bad_record)
    binding = Binding(partitions=2) if create else None
    t.stream(columns="K STRING KEY, T STRING, V BIGINT", binding=Binding(topic=f"{bench.config.service_id}.in", create=False), name="input").to_topics(
        f"'{bench.config.service_id}.' + T", binding=binding, headers={"to": "T"}, name="routed")
    return t


async def test_topics_are_made_when_the_sink_says_so(on_either_log: Bench) -> None:
    bench, service = on_either_log, on_either_log.config.service_id
    await bench.log.create_topic(f"{service}.in", TopicConfig(2))
    await bench.register(routing(bench, create=True))
    await bench.start()
    await bench.append(f"{service}.in", [(f"k{i}", {"T": f"t{i % 3}", "V": i}, 1000 + i) for i in range(60)], partitions=2)
    async with asyncio.timeout(20):
        while len(await bench.log.topics([f"{service}.t{n}" for n in range(3)])) < 3:
            await asyncio.sleep(0.05)
    await bench.crash()
    await bench.append(f"{service}.in", [(f"k{i}", {"T": f"t{i % 4}", "V": i}, 2000 + i) for i in range(60)], partitions=2)
    await bench.start()
    for n in range(3):
        got = sorted(row["V"] for _, row in await bench.read(f"{service}.t{n}", 35))  # type: ignore[index]
        assert got == sorted([i for i in range(60) if i % 3 == n] + [i for i in range(60) if i % 4 == n])
    assert len(await bench.read(f"{service}.t3", 15)) == 15
    assert (await bench.log.topics([f"{service}.t3"]))[f"{service}.t3"].partitions == 2


async def test_a_row_without_a_topic_is_a_dead_letter(on_either_log: Bench) -> None:
    bench, service = on_either_log, on_either_log.config.service_id
    for topic in ("in", "there"):
        await bench.log.create_topic(f"{service}.{topic}", TopicConfig(1))
    entry = await bench.register(routing(bench, create=False))
    await bench.start()
    await bench.append(f"{service}.in", [("a", {"T": "there", "V": 1}, 1000), ("b", {"T": "gone", "V": 2}, 1001), ("c", {"T": "there", "V": 3}, 1002)])
    assert [row["V"] for _, row in await bench.read(f"{service}.there", 2)] == [1, 3]  # type: ignore[index]
    ((_, letter),) = await bench.read(entry.plan.dead_letter_topic, 1)
    assert isinstance(letter, dict)
    assert (letter["NODE"], letter["TOPIC"], letter["OFFSET"]) == ("routed", f"{service}.in", 1)
    assert letter["REASON"] == f"topic {service}.gone does not exist"
    await bench.log.create_topic(f"{service}.gone", TopicConfig(1))
    await bench.append(f"{service}.in", [("d", {"T": "gone", "V": 4}, 1003)])
    assert [row["V"] for _, row in await bench.read(f"{service}.gone", 1)] == [4]  # type: ignore[index]


@pytest.mark.parametrize("policy", ["fail"])
async def test_a_row_without_a_topic_fails_its_task_when_bad_records_do(on_either_log: Bench, policy: str) -> None:
    bench, service = on_either_log, on_either_log.config.service_id
    await bench.log.create_topic(f"{service}.in", TopicConfig(1))
    await bench.register(routing(bench, create=False, on_bad_record=policy))
    await bench.start()
    await bench.append(f"{service}.in", [("b", {"T": "gone", "V": 2}, 1001)])
    async with asyncio.timeout(20):
        while not any("does not exist" in t.state_reason for t in bench.board.tasks()):
            await asyncio.sleep(0.05)
