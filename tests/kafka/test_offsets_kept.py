"""Kafka forgets the offsets of groups without members, and of topics that a group's members do not subscribe to; ours stay."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from broker import Broker, available, without_kafka
from penstock.log.port import CommittedOffset, Log, TaskId
from support import kafka, new_topic, run, until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

RETENTION = "offsets.retention.minutes=1\noffsets.retention.check.interval.ms=500\n"
"""The shortest that a broker takes; by default it is a week."""


def test_an_idle_topology_keeps_its_offsets(tmp_path: Path) -> None:
    if reason := available():
        without_kafka(reason)

    async def offset(log: Log, group: str, tp: tuple[str, int]) -> int:
        return (await log.committed(group, [tp]))[tp].offset  # type: ignore[list-item, index]

    async def test(bootstrap: str) -> None:
        async with kafka(bootstrap) as log:
            (ours,), (other,) = await new_topic(log), await new_topic(log)
            handle = log.membership("a", "n0").join("idle", [ours.topic], [TaskId(0, 0)], lambda: "", lambda: None)
            await until(lambda: handle.latest is not None)
            writer = await log.writer("w")
            token = await handle.token_for(frozenset({TaskId(0, 0)}), handle.epoch)
            await writer.commit("idle", token, lambda _: {ours: CommittedOffset(5), other: CommittedOffset(7)})
            await writer.commit("alone", None, lambda _: {ours: CommittedOffset(5)})

            async def forgotten() -> bool:
                return await offset(log, "alone", ours) == await offset(log, "idle", other) == -1

            await until(forgotten, 100, "the broker forgets what is old")
            await asyncio.sleep(2)  # several more looks of the broker
            assert await offset(log, "idle", ours) == 5

    with Broker(tmp_path / "broker", extra=RETENTION) as broker:
        run(test(broker.bootstrap), 140)
