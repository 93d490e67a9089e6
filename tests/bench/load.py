"""Opening the log under test, writing a data set into it, and reading a topic back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from penstock.log.embedded import open_embedded
from penstock.log.kafka.log import open_kafka
from penstock.log.port import BatchBuilder, Log, TopicConfig, TopicPartition
from penstock.log.records import partitions_of
from transactions import Row

SLICE = 5_000
"""Rows partitioned, and appended, in one go."""


@asynccontextmanager
async def opened(directory: Path, bootstrap: str) -> AsyncIterator[Log]:
    """The log under test, opened by this process; the embedded one only while no node runs on it."""
    log: Log = await open_kafka(bootstrap, {}, process="bench") if bootstrap else await open_embedded(directory / "data" / "log", process="bench")
    try:
        yield log
    finally:
        await log.close()


async def load(log: Log, topic: str, rows: Iterable[Row], partitions: int) -> None:
    """Make the topic and append the rows by Kafka's default partitioner. A topic that exists is taken as loaded."""
    if topic in await log.topics([topic]):
        return
    await log.create_topic(topic, TopicConfig(partitions, retention_ms=-1))
    for chunk in _slices(rows):
        for partition, batch in batches(log, chunk, partitions):
            await log.append(topic, partition, batch)


def _slices(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while chunk := list(islice(source, SLICE)):
        yield chunk


def batches(log: Log, rows: list[Row], partitions: int) -> Iterator[tuple[int, BatchBuilder]]:
    """(partition, full or last batch) of the rows in their order."""
    open_batches: dict[int, BatchBuilder] = {}
    for row, partition in zip(rows, partitions_of([r.key for r in rows], partitions), strict=True):
        batch = open_batches.get(partition)
        if batch is None or not batch.append(row.timestamp, row.key, row.value, ()):
            if batch is not None:
                yield partition, batch
            batch = open_batches[partition] = log.builder(transactional=False)
            if not batch.append(row.timestamp, row.key, row.value, ()):
                raise ValueError(f"a row of {len(row.value)} bytes does not fit an empty batch")
    yield from open_batches.items()


async def ends(log: Log, topic: str) -> dict[TopicPartition, int]:
    """End of each partition of a topic, committed records only."""
    info = (await log.topics([topic])).get(topic)
    return {} if info is None else dict(await log.ends([TopicPartition(topic, p) for p in range(info.partitions)]))


async def read(log: Log, topic: str) -> AsyncIterator[tuple[bytes, bytes]]:
    """(key, value) of every committed record of a topic, each partition in order."""
    left = {tp: end for tp, end in (await ends(log, topic)).items() if end}
    reader = log.reader()
    reader.add(dict.fromkeys(left, 0))
    try:
        while left:
            for chunk in await reader.poll(0.5):
                for record in chunk.records:
                    yield record.key or b"", record.value or b""
                if chunk.next >= left.get(chunk.tp, chunk.next + 1):
                    del left[chunk.tp]
    finally:
        await reader.close()
