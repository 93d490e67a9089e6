"""Upkeep of the embedded log: retention by time, what is left of deleted topics, compaction, removal of files that nothing names.

Everything goes through the committer in small transactions, so that writers of other processes wait a few milliseconds at most.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import islice
from pathlib import Path

from penstock.clock import Clock
from penstock.log.embedded.committer import Committer
from penstock.log.embedded.compaction import Compaction
from penstock.log.embedded.segments import remove_if_unused, segment_number, segment_path
from penstock.log.embedded.tables import Environment, Tables

log = logging.getLogger("penstock.log")

SLICE = 2000
"""Index entries changed in one transaction."""


class Maintenance:
    """See the module docstring."""

    def __init__(self, directory: Path, environment: Environment, committer: Committer, clock: Clock) -> None:
        self._dir = directory
        self._environment = environment
        self._committer = committer
        self._clock = clock
        self._compaction = Compaction(directory, environment, committer, clock)
        self._running = asyncio.Lock()

    async def run(self, compact_all: bool) -> None:
        """One round."""
        async with self._running:
            await self._bury_dead_topics()
            await self._expire()
            await self._compaction.run(compact_all)
            await self._remove_files()

    @staticmethod
    def forget_before(tables: Tables, topic: int, partition: int, offset: int) -> None:
        """Move a partition's start; batches wholly before it leave the index."""
        start, end = tables.ends(topic, partition)
        offset = min(offset, end)
        if offset <= start:
            return
        gone = []
        for entry in tables.entries(topic, partition):
            if entry.next > offset:
                break
            gone.append(entry)
        for entry in gone:
            tables.remove_entry(topic, partition, entry)
        tables.set_ends(topic, partition, offset, end)

    async def _bury_dead_topics(self) -> None:
        with self._environment.read() as tables:
            dead = tables.dead_topics()
        for topic in dead:
            await self._bury(topic)

    async def _bury(self, topic: int) -> None:
        while await self._committer.submit(lambda tables, _: tables.remove_topic_entries(topic, SLICE)):
            pass
        await self._committer.submit(lambda tables, _: tables.bury(topic))

    async def _expire(self) -> None:
        """Drop what was written longer ago than the topic's retention. Compact topics keep what compaction keeps."""
        now = self._clock.now_ms()
        with self._environment.read() as tables:
            rows = [row for row in tables.topics().values() if row.retention_ms >= 0 and not row.compact]
        for row in rows:
            for partition in range(row.partitions):
                while (before := self._expired(row.number, partition, now - row.retention_ms)) is not None:
                    await self._forget(row.number, partition, before)

    async def _forget(self, topic: int, partition: int, before: int) -> None:
        await self._committer.submit(lambda tables, _: self.forget_before(tables, topic, partition, before))

    def _expired(self, topic: int, partition: int, written_before: int) -> int | None:
        """The offset behind the first expired batches (a slice of them); None: none."""
        behind = None
        with self._environment.read() as tables:
            for entry in islice(tables.entries(topic, partition), SLICE):
                if entry.written_ms >= written_before:
                    break
                behind = entry.next
        return behind

    async def _remove_files(self) -> None:
        with self._environment.read() as tables:
            live = tables.live_files()
            last = int(tables.meta("next_file") or 0)
        unused = [n for n in sorted(map(segment_number, self._dir.glob("*.seg"))) if n not in live and n <= last]
        gone = [n for n in unused if await asyncio.to_thread(remove_if_unused, segment_path(self._dir, n))]
        if gone:
            await self._committer.submit(lambda tables, _: tables.forget_files(gone))
            log.info("removed %d files of the embedded log that held nothing any more", len(gone))
