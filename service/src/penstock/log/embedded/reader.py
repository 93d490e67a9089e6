"""Reading the embedded log: many partitions with one position each, fairly, in chunks.

A look at the log is one short LMDB transaction; when its number is the one seen last, nothing has changed and nothing else is done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from penstock.errors import OffsetOutOfRange, UnknownTopic
from penstock.log.embedded.segments import SegmentReader
from penstock.log.embedded.tables import Entry, Environment, Tables
from penstock.log.embedded.wakeups import Wakeups
from penstock.log.port import Chunk, Record, TopicPartition
from penstock.log.records import decode

CHUNK = 2000
FETCH_BYTES = 1 << 20
TURN = 0.004
"""Seconds of decoding in one poll, so that the event loop goes round."""
TRIES = 3


def read_entries(segments: SegmentReader, entries: Sequence[Entry]) -> bytearray:
    """The bytes of these batches one after the other, each with its base offset. One read for each stretch of a file."""
    data = bytearray()
    i = 0
    while i < len(entries):
        first, end = entries[i], entries[i].position + entries[i].length
        j = i + 1
        while j < len(entries) and entries[j].file == first.file and entries[j].position == end:
            end += entries[j].length
            j += 1
        stretch = segments.read(first.file, first.position, end - first.position)
        data = data + stretch if data else stretch
        i = j
    at = 0
    for e in entries:
        data[at:at + 8] = e.base.to_bytes(8)
        at += e.length
    return data


class _Place:
    """Where a reader is in a partition. records[taken:] are decoded and not yet delivered; behind is the offset after them."""

    __slots__ = ("tp", "topic", "position", "start", "end", "paused", "records", "taken", "behind", "size")

    def __init__(self, tp: TopicPartition, position: int) -> None:
        self.tp = tp
        self.topic = 0
        self.position = self.behind = position
        self.start, self.end = 0, -1
        self.paused = False
        self.records: list[Record] = []
        self.taken = self.size = 0


class EmbeddedReader:
    """Implements LogReader."""

    def __init__(self, environment: Environment, segments: SegmentReader, wakeups: Wakeups) -> None:
        self._environment = environment
        self._segments = segments
        self._wakeups = wakeups
        self._event = wakeups.register()
        self._places: dict[TopicPartition, _Place] = {}
        self._seen = -1
        self._turn = 0

    def add(self, positions: Mapping[TopicPartition, int]) -> None:
        for tp, position in positions.items():
            self._places[tp] = _Place(tp, position)
        self._look_again()

    def remove(self, tps: Sequence[TopicPartition]) -> None:
        for tp in tps:
            self._places.pop(tp, None)

    def pause(self, tps: Sequence[TopicPartition]) -> None:
        for tp in tps:
            if tp in self._places:
                self._places[tp].paused = True

    def resume(self, tps: Sequence[TopicPartition]) -> None:
        for tp in tps:
            if tp in self._places:
                self._places[tp].paused = False
        self._event.set()

    def ends(self) -> Mapping[TopicPartition, tuple[int, int]]:
        return {tp: (p.position, p.end) for tp, p in self._places.items()}

    async def poll(self, timeout: float, max_chunks: int = 64) -> list[Chunk]:
        deadline = time.monotonic() + timeout
        await asyncio.sleep(0)  # a caller that finds data each time must not starve the others
        while True:
            self._event.clear()
            chunks = self._collect(max_chunks)
            left = deadline - time.monotonic()
            if chunks or left <= 0:
                return chunks
            try:
                async with asyncio.timeout(min(left, self._wakeups.look_every)):
                    await self._event.wait()
            except TimeoutError:
                pass  # time for another look

    async def close(self) -> None:
        self._wakeups.unregister(self._event)
        self._places.clear()

    def _look_again(self) -> None:
        self._seen = -1
        self._event.set()

    def _collect(self, max_chunks: int) -> list[Chunk]:
        for _ in range(TRIES):
            try:
                with self._environment.read() as tables:
                    return self._read(tables, max_chunks)
            except FileNotFoundError:
                continue  # retention or compaction removed a file between our look at the index and the read: look again
        return []

    def _read(self, tables: Tables, max_chunks: int) -> list[Chunk]:
        number = tables.txn.id()
        if number != self._seen:
            self._refresh(tables)
            self._seen = number
        ready = [p for p in self._places.values() if p.position < p.end and not p.paused]
        if not ready:
            return []
        self._turn %= len(ready)
        ready = ready[self._turn:] + ready[:self._turn]
        chunks: list[Chunk] = []
        until = time.perf_counter() + TURN
        while ready and len(chunks) < max_chunks:
            for place in ready:
                chunks.append(self._next_chunk(tables, place))
                self._turn += 1
                if len(chunks) >= max_chunks or time.perf_counter() >= until:
                    return chunks
            ready = [p for p in ready if p.position < p.end]
        return chunks

    def _refresh(self, tables: Tables) -> None:
        """Bounds of every partition. Raises UnknownTopic, OffsetOutOfRange; then the next poll looks at all of them again."""
        topics: dict[str, int] = {}
        for place in self._places.values():
            tp = place.tp
            number = topics.get(tp.topic)
            if number is None:
                topics[tp.topic] = number = tables.known_topic(tp.topic, tp.partition).number
            if place.topic not in (0, number):
                raise UnknownTopic(tp.topic)  # deleted and created anew: positions mean nothing in it
            place.topic = number
            place.start, place.end = tables.ends(number, tp.partition)
            if not place.start <= place.position <= place.end:
                raise OffsetOutOfRange(tp.topic, tp.partition, place.position, place.start, place.end)

    def _next_chunk(self, tables: Tables, place: _Place) -> Chunk:
        if place.taken >= len(place.records):
            self._fetch(tables, place)
        records = place.records[place.taken:place.taken + CHUNK]
        place.taken += len(records)
        last = place.taken >= len(place.records)
        start, behind = place.position, place.behind if last else place.records[place.taken].offset
        size = place.size
        if last:
            place.records, place.taken, place.size = [], 0, 0
        else:
            size = place.size * len(records) // (len(place.records) - place.taken + len(records))
            place.size -= size
        place.position = behind
        return Chunk(place.tp, records, start, behind, place.end, size)

    def _fetch(self, tables: Tables, place: _Place) -> None:
        """Decode what comes next; when compaction has left nothing, the position goes behind it."""
        entries: list[Entry] = []
        count = size = 0
        for e in tables.entries(place.topic, place.tp.partition, place.position):
            if entries and (count >= CHUNK or size + e.length > FETCH_BYTES):
                break
            entries.append(e)
            count += e.records
            size += e.length
        if not entries:
            place.records, place.behind = [], place.end
            return
        place.records, _ = decode(read_entries(self._segments, entries), place.position)
        place.taken, place.size, place.behind = 0, size, max(place.position, entries[-1].next)
