"""What the tests on a real broker share."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from penstock.log.kafka.log import open_kafka
from penstock.log.kafka.membership import Timing
from penstock.log.port import BatchBuilder, Log, LogReader, TopicConfig, TopicPartition

FAST = Timing(session=1500, rebalance=6000, heartbeat=200, moving=50)
_numbers = itertools.count(time.time_ns())


def run(coroutine: Coroutine[Any, Any, None], timeout: float = 60.0) -> None:
    """Run a test's coroutine; it fails when it takes longer than timeout seconds."""
    asyncio.run(asyncio.wait_for(coroutine, timeout))


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"{name}-{next(_numbers)}"


@asynccontextmanager
async def kafka(bootstrap: str, process: str = "test", service: str = "tests") -> AsyncIterator[Log]:
    """An open log."""
    log = await open_kafka(bootstrap, {}, process=process, service=service, timing=FAST)
    try:
        yield log
    finally:
        await log.close()


async def new_topic(log: Log, partitions: int = 1, name: str = "topic") -> list[TopicPartition]:
    """The partitions of a new topic."""
    info = await log.create_topic(unique(name), TopicConfig(partitions, retention_ms=-1))
    return [TopicPartition(info.name, p) for p in range(partitions)]


def batch(log: Log, *values: str, transactional: bool = True) -> BatchBuilder:
    """An open batch with these values, their keys alike."""
    builder = log.builder(transactional=transactional)
    for value in values:
        assert builder.append(int(time.time() * 1000), value.encode(), value.encode(), [])
    return builder


async def read(reader: LogReader, count: int, timeout: float = 20.0) -> list[str]:
    """The next count values, in the order in which they are polled."""
    found: list[str] = []
    deadline = time.monotonic() + timeout
    while len(found) < count:
        assert time.monotonic() < deadline, f"only {len(found)} of {count} records came: {found[-5:]}"
        for chunk in await reader.poll(0.2):
            found += [(r.value or b"").decode() for r in chunk.records]
    return found


async def read_all(log: Log, tps: Sequence[TopicPartition]) -> list[str]:
    """Every committed value, up to the high watermark now."""
    reader = log.reader()
    ends = await log.ends(tps, committed=False)
    start = await log.earliest(tps)
    reader.add(start)
    found: list[str] = []
    deadline = time.monotonic() + 30
    while any(reader.ends()[tp][0] < ends[tp] for tp in tps):
        assert time.monotonic() < deadline, f"the end is not reached: {reader.ends()} of {ends}"
        for chunk in await reader.poll(0.2):
            found += [(r.value or b"").decode() for r in chunk.records]
    await reader.close()
    return found


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], timeout: float = 20.0, what: str | Callable[[], str] = "") -> None:
    """Wait for a condition. what: a text, or what makes one when it did not happen."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result if isinstance(result, bool) else await result:
            return
        assert time.monotonic() < deadline, f"did not happen within {timeout} s: {what() if callable(what) else what}"
        await asyncio.sleep(0.02)
