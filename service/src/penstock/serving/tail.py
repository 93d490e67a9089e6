"""One shared tail for each topic of a gateway: what arrives is read once, decoded once, and kept in a bounded ring for all subscriptions.

A Feed is a subscription's cursor. It follows the ring while the ring has what it needs; one that falls off its end reads the log by itself
until it meets the ring again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from penstock.errors import LogUnavailable, OffsetOutOfRange, UnknownTopic
from penstock.log.port import Chunk, Log, LogReader, TopicPartition

log = logging.getLogger("penstock.tail")

RING_BYTES = 32 << 20
RING_CHUNKS = 4096
AT_ONCE = 8
"""Chunks (of about 2000 records) that a feed takes at once."""
RETRY_SECONDS = 0.5


@dataclass(slots=True)
class Batch:
    """A chunk, and what was made of it, shared by all who read it: by a key that names the maker."""

    chunk: Chunk
    made: dict[object, object] = field(default_factory=dict)


class TopicTail:
    """The live end of a topic. floor: for each partition the first offset that the ring still has (or will have)."""

    def __init__(self, reader: LogReader, topic: str, starts: Mapping[int, int]) -> None:
        self.topic = topic
        self.floor = dict(starts)
        self.first = 0
        self.failure: Exception | None = None
        self.users = 0
        self._reader = reader
        self._ring: deque[Batch] = deque()
        self._bytes = 0
        self._events: set[asyncio.Event] = set()
        self._task = asyncio.create_task(self._run(), name=f"tail-{topic}")

    @property
    def next(self) -> int:
        """Number of the next batch."""
        return self.first + len(self._ring)

    def since(self, number: int, most: int) -> list[Batch]:
        """Batches from this number on, which must not be before `first`."""
        at = number - self.first
        return [self._ring[i] for i in range(at, min(at + most, len(self._ring)))]

    def attach(self, event: asyncio.Event) -> None:
        """Set this event whenever something arrives."""
        self._events.add(event)

    def detach(self, event: asyncio.Event) -> None:
        """Stop that."""
        self._events.discard(event)

    async def close(self) -> None:
        """Stop reading."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._reader.close()

    async def _run(self) -> None:
        while True:
            try:
                for chunk in await self._reader.poll(1.0):
                    self._add(chunk)
            except LogUnavailable as e:
                log.warning("tail of %s: %s", self.topic, e)
                await asyncio.sleep(RETRY_SECONDS)
            except OffsetOutOfRange as e:
                # Records were deleted under the reader (a repartition topic, a very short retention): whoever needs them is told by its
                # own reader; the tail goes on at what is left.
                self._reader.remove([TopicPartition(e.topic, e.partition)])
                self._reader.add({TopicPartition(e.topic, e.partition): e.earliest if e.offset < e.earliest else e.end})
            except (UnknownTopic, OSError) as e:
                self.failure = e
                self._wake()
                return

    def _add(self, chunk: Chunk) -> None:
        self._ring.append(Batch(chunk))
        self._bytes += chunk.size
        while len(self._ring) > 1 and (self._bytes > RING_BYTES or len(self._ring) > RING_CHUNKS):
            old = self._ring.popleft().chunk
            self.first += 1
            self._bytes -= old.size
            self.floor[old.tp.partition] = old.next
        self._wake()

    def _wake(self) -> None:
        for event in self._events:
            event.set()


class Tails:
    """The tails of a gateway; one lives while somebody uses it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._tails: dict[str, TopicTail] = {}
        self._opening: dict[str, asyncio.Lock] = {}

    async def acquire(self, topic: str, partitions: int) -> TopicTail:
        """The tail of a topic, begun at its present end. Raises LogUnavailable, UnknownTopic."""
        async with self._opening.setdefault(topic, asyncio.Lock()):
            tail = self._tails.get(topic)
            if tail is None or tail.failure is not None:
                tps = [TopicPartition(topic, p) for p in range(partitions)]
                ends = await self._log.ends(tps)
                reader = self._log.reader()
                reader.add(ends)
                tail = self._tails[topic] = TopicTail(reader, topic, {tp.partition: end for tp, end in ends.items()})
            tail.users += 1
            return tail

    async def release(self, tail: TopicTail) -> None:
        """Somebody is done with it."""
        tail.users -= 1
        if tail.users == 0:
            if self._tails.get(tail.topic) is tail:
                del self._tails[tail.topic]
            await tail.close()


class Feed:
    """A cursor: batches of some partitions from given offsets. live: it follows the ring; fell: it has just fallen off it."""

    def __init__(self, log: Log, tail: TopicTail, starts: Mapping[int, int], wake: asyncio.Event) -> None:
        self.next = dict(starts)
        self.fell = False
        self._log = log
        self._tail = tail
        self._wake = wake
        self._at = tail.first
        self._reader: LogReader | None = None
        self.live = self._in_ring()
        tail.attach(wake)

    def _in_ring(self) -> bool:
        floor = self._tail.floor
        return all(offset >= floor[p] for p, offset in self.next.items())

    async def poll(self, timeout: float) -> list[Batch]:
        """What comes next; empty after timeout seconds or when woken for another reason. The caller moves `next`. Raises
        OffsetOutOfRange, UnknownTopic, LogUnavailable."""
        if self._tail.failure is not None:
            raise self._tail.failure
        if not self.live:
            return await self._catch_up(timeout)
        woken = self._wake.is_set()
        self._wake.clear()
        found = self._from_ring()
        if found or woken or not self.live:
            return found  # woken while nobody waited: the caller looks around before it waits
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        if self._tail.failure is not None:
            raise self._tail.failure
        return self._from_ring()

    def _from_ring(self) -> list[Batch]:
        if self._at < self._tail.first:
            if not self._in_ring():
                self.live, self.fell = False, True
                return []
            self._at = self._tail.first
        batches = self._tail.since(self._at, AT_ONCE)
        self._at += len(batches)
        return self._wanted(batches)

    async def _catch_up(self, timeout: float) -> list[Batch]:
        if self._reader is None:
            self._reader = self._log.reader()
            self._reader.add({TopicPartition(self._tail.topic, p): offset for p, offset in self.next.items()})
        elif self._in_ring():
            await self._leave_reader()
            return []
        chunks = await self._reader.poll(min(timeout, 0.2), AT_ONCE)
        if not chunks and self._in_ring():
            await self._leave_reader()
        return self._wanted([Batch(c) for c in chunks])

    async def _leave_reader(self) -> None:
        """The ring has everything from here on. Batches that it holds from before are told apart by their offsets."""
        if self._reader is not None:
            await self._reader.close()
        self._reader, self.live, self._at = None, True, self._tail.first

    def _wanted(self, batches: Sequence[Batch]) -> list[Batch]:
        return [b for b in batches if b.chunk.next > self.next.get(b.chunk.tp.partition, b.chunk.next)]

    async def close(self) -> None:
        """Let go of ring and reader."""
        self._tail.detach(self._wake)
        if self._reader is not None:
            await self._reader.close()
