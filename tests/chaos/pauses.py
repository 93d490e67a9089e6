"""How long tasks stand still: the input and the output of one topology are read on Kafka itself, and of each input record it is taken how
long its output is waited for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

STILL = 1.0
"""Seconds that an output is waited for, from which on its task counts as standing still."""


class Pauses:
    """Of a task that copies each record of a topic to another one under the same key. lengths: seconds, of all partitions."""

    def __init__(self, bootstrap: str, source: str, target: str, partitions: int) -> None:
        self._forget()
        self._bootstrap, self._source = bootstrap, source
        self._tps = [TopicPartition(t, p) for t in (source, target) for p in range(partitions)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    def _forget(self) -> None:
        self.lengths: list[float] = []
        self._waiting: dict[int, deque[float]] = defaultdict(deque)
        self._early: dict[int, int] = defaultdict(int)  # outputs that were read before their inputs
        self._still: dict[int, float] = {}

    def stop(self) -> list[float]:
        """The lengths."""
        self._stop.set()
        self._thread.join(20)
        self.lengths += self._still.values()
        return self.lengths

    async def _run(self) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, isolation_level="read_committed", enable_auto_commit=False,
                                    auto_offset_reset="earliest", metadata_max_age_ms=2_000, request_timeout_ms=5_000)
        await consumer.start()
        try:
            consumer.assign(self._tps)
            while not self._stop.is_set():
                try:
                    found = await consumer.getmany(timeout_ms=200)
                except KafkaError:  # a broker is away
                    continue
                for tp, records in sorted(found.items(), key=lambda x: x[0].topic != self._source):
                    for _ in records:
                        self._take(tp.partition, tp.topic == self._source, time.monotonic())
        finally:
            await consumer.stop()

    def _take(self, partition: int, is_input: bool, now: float) -> None:
        """Records of a partition answer each other in order."""
        waiting = self._waiting[partition]
        if is_input and self._early[partition]:
            self._early[partition] -= 1
        elif is_input:
            waiting.append(now)
        elif not waiting:
            self._early[partition] += 1
        else:
            waited = now - waiting.popleft()
            if waited >= STILL:
                self._still[partition] = max(waited, self._still.get(partition, 0.0))
            elif partition in self._still:
                self.lengths.append(self._still.pop(partition))


def summary(lengths: Iterable[float]) -> str:
    """How many, and p50, p99 and the longest."""
    found = sorted(lengths)
    return f"{len(found)} (p50 {_at(found, 0.5):.1f} s, p99 {_at(found, 0.99):.1f} s, longest {found[-1]:.1f} s)" if found else "none"


def _at(found: Sequence[float], part: float) -> float:
    return found[min(len(found) - 1, int(part * len(found)))]
