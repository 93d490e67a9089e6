"""Compaction of compact topics: of each key the newest record stays, tombstones go when delete retention has passed.

A partition is compacted when more bytes were written since the last time than were left by it. The newest offset of each key is worked
out over the new part; then everything from the start is rewritten, in groups of batches: read a group, write what stays into this
process's segment file, and exchange the index entries in one transaction if they are still the same. Offsets never change, so a reader
anywhere in the partition goes on; it sees each key's newest record, as on Kafka. Records without a key stay.

Other topics are written in small batches too (a few a second and partition): once there are many, they are merged into large ones in the
same way, all records kept, so that the index stays small.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from penstock.clock import Clock
from penstock.log.embedded.committer import Committer, Places
from penstock.log.embedded.reader import read_entries
from penstock.log.embedded.segments import SegmentReader
from penstock.log.embedded.tables import Entry, Environment, Tables, TopicRow
from penstock.log.port import Record
from penstock.log.records import decode, max_timestamp, rewrite

log = logging.getLogger("penstock.log")

LEAST = 1 << 20
"""Bytes that must be new before a compaction is worth it."""
KEYS = 1_000_000
"""Keys in memory at once; a longer new part is compacted in several rounds."""
GROUP_BYTES = 1 << 20
BATCH_BYTES = 384 << 10
SMALL = 32 << 10
"""Mean bytes of batches that are worth merging."""
MANY = 2000
"""Batches from which on they are merged."""


class Compaction:
    """See the module docstring."""

    def __init__(self, directory: Path, environment: Environment, committer: Committer, clock: Clock) -> None:
        self._dir = directory
        self._environment = environment
        self._committer = committer
        self._clock = clock
        self._seen: dict[tuple[int, int], int] = {}

    async def run(self, everything: bool) -> None:
        """All partitions that are due."""
        with self._environment.read() as tables:
            ends = {(row, p): tables.ends(row.number, p)[1] for row in tables.topics().values() for p in range(row.partitions)}
        for (row, partition), end in ends.items():
            if not everything and self._seen.get((row.number, partition)) == end:
                continue
            await (self._compact if row.compact else self._merge)(row, partition, everything)
            self._seen[row.number, partition] = end
        self._seen = {key: end for key, end in self._seen.items() if key in {(row.number, p) for row, p in ends}}

    async def _merge(self, row: TopicRow, partition: int, everything: bool) -> None:
        """Join small batches."""
        cleaned, entries = await asyncio.to_thread(self._entries, row.number, partition)
        new = [e for e in entries if e.base >= cleaned]
        if len(new) < MANY and not everything:
            return
        segments = SegmentReader(self._dir)
        try:
            for group in _groups(new):
                if len(group) > 1 and sum(e.length for e in group) < SMALL * len(group):
                    records = await asyncio.to_thread(self._all, segments, group)
                    if not await self._exchange(row.number, partition, group, records):
                        return
        except FileNotFoundError:
            return  # records were deleted under our hands: the next round looks again
        finally:
            segments.close()
        if new:
            await self._set_cleaned(row.number, partition, new[-1].next)

    async def _set_cleaned(self, topic: int, partition: int, until: int) -> None:
        await self._committer.submit(lambda tables, _: tables.set_cleaned(topic, partition, until))

    @staticmethod
    def _all(segments: SegmentReader, group: Sequence[Entry]) -> list[Record]:
        return decode(read_entries(segments, group), 0)[0]

    async def _compact(self, row: TopicRow, partition: int, everything: bool) -> None:
        cleaned, entries = await asyncio.to_thread(self._entries, row.number, partition)
        new = [e for e in entries if e.next > cleaned]
        new_bytes = sum(e.length for e in new)
        if not new or not everything and new_bytes < max(LEAST, sum(e.length for e in entries) - new_bytes):
            return
        segments = SegmentReader(self._dir)
        try:
            newest, until = await asyncio.to_thread(self._newest, segments, new)
            now = self._clock.now_ms()
            for group in _groups([e for e in entries if e.next <= until]):
                kept = await asyncio.to_thread(self._keep, segments, group, newest, now - row.delete_retention_ms)
                if kept is not None and not await self._exchange(row.number, partition, group, kept):
                    return  # the partition has changed under our hands (deleted records or topic); the next round looks again
        except FileNotFoundError:
            return  # records were deleted under our hands: the next round looks again
        finally:
            segments.close()
        await self._set_cleaned(row.number, partition, until)

    def _entries(self, topic: int, partition: int) -> tuple[int, list[Entry]]:
        with self._environment.read() as tables:
            return tables.cleaned(topic, partition), list(tables.entries(topic, partition))

    @staticmethod
    def _newest(segments: SegmentReader, entries: Sequence[Entry]) -> tuple[dict[bytes, int], int]:
        """The newest offset of each key in these batches, up to an offset."""
        newest: dict[bytes, int] = {}
        until = entries[0].base
        for entry in entries:
            if len(newest) >= KEYS:
                break
            for record in decode(read_entries(segments, [entry]), 0)[0]:
                if record.key is not None:
                    newest[record.key] = record.offset
            until = entry.next
        return newest, until

    @staticmethod
    def _keep(segments: SegmentReader, group: Sequence[Entry], newest: dict[bytes, int], tombstones_before: int) -> list[Record] | None:
        """What stays of a group; None when that is everything."""
        kept: list[Record] = []
        total = 0
        for entry in group:
            for r in decode(read_entries(segments, [entry]), 0)[0]:
                total += 1
                if r.key is not None and (newest.get(r.key, -1) > r.offset or r.value is None and entry.written_ms < tombstones_before):
                    continue
                kept.append(r)
        return None if len(kept) == total else kept

    async def _exchange(self, topic: int, partition: int, group: Sequence[Entry], kept: Sequence[Record]) -> bool:
        """Put the rewritten batches in the place of the group; False when the index says something else by now."""
        parts = list(_batches(kept))
        data = [rewrite(records) for records in parts]
        written = max(e.written_ms for e in group)

        def run(tables: Tables, places: Places) -> bool:
            if not all(tables.has(topic, partition, e) for e in group):
                return False
            for e in group:
                tables.remove_entry(topic, partition, e)
            for records, part, (file, position) in zip(parts, data, places, strict=True):
                tables.add_entry(topic, partition, Entry(records[0].offset, file, position, len(part), records[-1].offset + 1, len(records),
                                                         max_timestamp(part), written))
            return True

        return await self._committer.submit(run, data)


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    group: list[Entry] = []
    size = 0
    for e in entries:
        if group and size + e.length > GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(e)
        size += e.length
    if group:
        yield group


def _batches(records: Sequence[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for r in records:
        batch.append(r)
        size += 32 + len(r.key or b"") + len(r.value or b"")
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
