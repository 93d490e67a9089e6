"""The implementations under contract."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from penstock.log.embedded import open_embedded
from penstock.log.kafka.log import open_kafka
from penstock.log.port import BatchBuilder, Chunk, Log, LogReader, Record, TopicPartition


@dataclass
class LogEnv:
    """One log cluster (or directory). open() gives what a further process of the node would have."""

    kind: str
    _open: Callable[[str], Awaitable[Log]]
    logs: list[Log] = field(default_factory=list)

    async def open(self) -> Log:
        log = await self._open(f"p{len(self.logs)}")
        self.logs.append(log)
        return log

    def name(self, text: str) -> str:
        """A topic, group or id of this test alone."""
        return f"{text}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def log_env(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogEnv]:
    """An environment; its logs are closed afterwards."""
    if request.param == "embedded":
        env = LogEnv("embedded", lambda process: open_embedded(tmp_path / "log", process=process))
    else:
        broker = request.getfixturevalue("kafka_broker")
        service = f"s{uuid.uuid4().hex[:8]}"
        env = LogEnv("kafka", lambda process: open_kafka(broker.bootstrap, {}, process=process, service=service))
    yield env
    for log in env.logs:
        await log.close()


def batch(log: Log, *rows: tuple[bytes | None, bytes | None], timestamp: int = 1_700_000_000_000, transactional: bool = False) -> BatchBuilder:
    """A batch of (key, value) rows, one millisecond apart."""
    builder = log.builder(transactional=transactional)
    for i, (key, value) in enumerate(rows):
        assert builder.append(timestamp + i, key, value, [])
    return builder


async def poll_for(reader: LogReader, records: int, seconds: float = 10.0) -> list[Chunk]:
    """Polls until so many records came; fails when they do not."""
    chunks: list[Chunk] = []
    count = 0
    for _ in range(int(seconds / 0.25)):
        for chunk in await reader.poll(0.25):
            assert not chunk.records or chunk.start <= chunk.records[0].offset and chunk.records[-1].offset < chunk.next
            chunks.append(chunk)
            count += len(chunk.records)
        if count >= records:
            return chunks
    raise AssertionError(f"{count} of {records} records after {seconds} s")


async def read_all(log: Log, tp: TopicPartition, start: int | None = None) -> list[Record]:
    """Everything committed in a partition, from its start (or `start`) to its end."""
    position = (await log.earliest([tp]))[tp] if start is None else start
    end = (await log.ends([tp], committed=False))[tp]  # Kafka's last stable offset lags behind an acknowledged commit
    reader = log.reader()
    reader.add({tp: position})
    records: list[Record] = []
    try:
        for _ in range(100):
            if position >= end:
                return records
            for chunk in await reader.poll(0.25):
                assert chunk.start == position, "chunks of a partition leave no gap"
                records += chunk.records
                position = chunk.next
        raise AssertionError(f"at {position} of {end} after 100 polls")
    finally:
        await reader.close()


@pytest.fixture(name="batch")
def _batch() -> Callable[..., BatchBuilder]:
    return batch


@pytest.fixture(name="poll_for")
def _poll_for() -> Callable[..., Awaitable[list[Chunk]]]:
    return poll_for


@pytest.fixture(name="read_all")
def _read_all() -> Callable[..., Awaitable[list[Record]]]:
    return read_all
