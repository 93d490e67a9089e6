"""What is on Kafka, seen with a stock client: committed records, and transactions that nobody ended."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from broker import LIBS

ENDED_WITHIN = 35.0
"""Seconds: the transaction timeout of 15 s, and what brokers take to look."""


IN_SYNC_WITHIN = 60.0
"""Seconds in which a broker that came back has caught up."""


@dataclass(frozen=True, slots=True)
class Read:
    """A record as it was read."""

    partition: int
    offset: int
    key: bytes
    value: bytes


@asynccontextmanager
async def consuming(bootstrap: str, committed: bool) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed" if committed else "read_uncommitted",
                                auto_offset_reset="earliest", enable_auto_commit=False, max_poll_records=10_000, fetch_max_wait_ms=100)
    await consumer.start()
    try:
        yield consumer
    finally:
        await asyncio.sleep(0.01)  # its tasks have begun then: one that has not is not to be stopped
        await consumer.stop()


async def read(bootstrap: str, topic: str) -> list[Read]:
    """Every committed record of a topic, by partition. TimeoutError when a transaction is left open."""
    async with consuming(bootstrap, True) as consumer:
        await consumer._client._wait_on_metadata(topic)
        tps = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(tps)
        ends = await _ends(bootstrap, tps)
        out: list[Read] = []
        stop = time.monotonic() + 40
        while any([await consumer.position(p) < ends[p] for p in tps]):
            if time.monotonic() > stop:
                raise TimeoutError(f"{topic}: not read to the end {ends}: a transaction was left open")
            for records in (await consumer.getmany(timeout_ms=300)).values():
                out += [Read(r.partition, r.offset, r.key, r.value) for r in records]
        return sorted(out, key=lambda r: (r.partition, r.offset))


async def _ends(bootstrap: str, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
    """High watermarks."""
    async with consuming(bootstrap, False) as consumer:
        return await consumer.end_offsets(tps)


def await_in_sync(bootstrap: str) -> None:
    """Until every replica of every partition follows its leader. TimeoutError."""
    asyncio.run(_await_in_sync(bootstrap))


async def _await_in_sync(bootstrap: str) -> None:
    end = time.monotonic() + IN_SYNC_WITHIN
    behind = ["no broker answers"]
    while behind:
        if time.monotonic() > end:
            raise TimeoutError(f"replicas behind their leaders: {behind[:4]}")
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        try:
            await admin.start()
            topics = await admin.describe_topics()
            behind = [f"{t['topic']}[{p['partition']}] {p['isr']} of {p['replicas']}" for t in topics for p in t["partitions"] if len(p["isr"]) < len(p["replicas"])]
        except (KafkaError, OSError) as e:
            behind = [f"{type(e).__name__}: {e}"]
        finally:
            await admin.close()
        await asyncio.sleep(0.3 if behind else 0)


def left_open(bootstrap: str, patience: float = ENDED_WITHIN) -> list[str]:
    """Transactions that are open though all producers are gone, by Kafka's own tool, once they had time to end."""
    end = time.monotonic() + patience
    while True:
        done = subprocess.run(["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*", "org.apache.kafka.tools.TransactionsCommand",
                               "--bootstrap-server", bootstrap, "list"], capture_output=True, text=True, timeout=60, check=True)
        found = [" ".join(words) for line in done.stdout.splitlines()[1:] if len(words := line.split()) >= 4 and words[3] in ("Ongoing", "PrepareCommit", "PrepareAbort")]
        if not found or time.monotonic() > end:
            return found
        time.sleep(2)


async def undecided(bootstrap: str) -> list[str]:
    """Partitions of any topic behind whose last stable offset there are records."""
    async with consuming(bootstrap, True) as stable:
        tps = [TopicPartition(t, p) for t in await stable.topics() for p in stable.partitions_for_topic(t) or ()]
        end = time.monotonic() + ENDED_WITHIN
        while True:
            ends, decided = await _ends(bootstrap, tps), await stable.end_offsets(tps)
            found = [f"{tp.topic}[{tp.partition}] {decided[tp]} of {ends[tp]}" for tp in tps if decided[tp] < ends[tp]]
            if not found or time.monotonic() > end:
                return found
            await asyncio.sleep(1)
