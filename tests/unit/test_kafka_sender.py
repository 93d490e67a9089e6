"""The sender of batches to Kafka (log/kafka/sender.py) over a cluster that answers when it is told to."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from penstock.log.kafka.sender import Sender
from penstock.log.port import TopicPartition


class Cluster:
    """One broker, which answers one request for each release of `answers`; `leaders` of `known` are known at once."""

    def __init__(self) -> None:
        self.known, self.answers = asyncio.Event(), asyncio.Semaphore(0)
        self.known.set()
        self.sent: list[object] = []

    async def leaders(self, tps: list[TopicPartition], seconds: float) -> dict[int, list[TopicPartition]]:
        found = list(tps)
        await self.known.wait()
        return {1: found}

    async def send(self, node: int, call: Any, lane: object) -> Any:
        self.sent.append(call)
        number = len(self.sent) - 1
        await self.answers.acquire()
        return SimpleNamespace(topics=[("t", [(number, 0, 7, 0, 0)])])


class Batch:
    """One record."""

    count = 1

    def size(self) -> int:
        return 10

    def build(self, *_: object) -> bytes:
        return b"batch"


async def test_a_request_is_answered_while_leaders_are_asked_for() -> None:
    cluster = Cluster()
    sender = Sender(cluster, "", 1, 0)  # type: ignore[arg-type]
    first = sender.send(TopicPartition("t", 0), Batch())  # type: ignore[arg-type]
    while not cluster.sent:
        await asyncio.sleep(0)
    cluster.known.clear()
    second = sender.send(TopicPartition("t", 1), Batch())  # type: ignore[arg-type]
    await asyncio.sleep(0)
    cluster.answers.release()
    assert await first == 7
    cluster.known.set()
    cluster.answers.release()
    assert await asyncio.wait_for(second, 5) == 7 and sender.failure is None
    sender.stop()
