"""One multiplexed fetcher a worker: every topology's input partitions share a LogReader.

A reader has one position for each partition, so a second topology that reads the same partition gets it from a second lane. Lanes are
made when they are needed and dropped when they are empty.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from penstock.errors import LogError, LogUnavailable, OffsetOutOfRange, UnknownTopic
from penstock.log.port import Chunk, Log, LogReader, TopicPartition

log = logging.getLogger("penstock.readers")

BUFFER_HIGH, BUFFER_LOW = 20_000, 8_000
"""Records that a consumer holds for later: with more than HIGH its partitions are paused, with less than LOW they go on."""
ENDS_EVERY = 0.1
"""Seconds between looks at the known ends of partitions that bring no data."""


class Consumer(Protocol):
    """Whoever reads partitions: a topology's runner."""

    def deliver(self, chunk: Chunk) -> None: ...
    def known_end(self, tp: TopicPartition, end: int) -> None: ...
    def out_of_range(self, error: OffsetOutOfRange) -> None: ...
    def unknown_topic(self, error: UnknownTopic) -> None: ...
    def reading_changed(self) -> None: ...


class Lane:
    """One reader and who gets what it reads."""

    def __init__(self, reader: LogReader) -> None:
        self.reader = reader
        self.owners: dict[TopicPartition, Consumer] = {}
        self.failure = ""
        self._pump = asyncio.create_task(self._run(), name="reader-lane")

    async def _run(self) -> None:
        looked = 0.0
        known: Mapping[TopicPartition, tuple[int, int]] = {}
        while True:
            try:
                chunks = await self.reader.poll(0.5)
                self._failed("")
            except OffsetOutOfRange as e:
                self._blame(TopicPartition(e.topic, e.partition), lambda owner, e=e: owner.out_of_range(e))
                continue
            except UnknownTopic as e:
                gone = [tp for tp in self.owners if tp.topic == e.topic]
                for tp in gone:
                    self._blame(tp, lambda owner, e=e: owner.unknown_topic(e))
                if not gone:
                    await asyncio.sleep(0.5)
                continue
            except LogUnavailable as e:
                if not self.failure:
                    log.warning("the log does not answer: %s", e)
                self._failed(str(e))
                await asyncio.sleep(0.3)
                continue
            except LogError as e:
                log.error("reading failed, trying again: %s", e)
                self._failed(str(e))
                await asyncio.sleep(0.5)
                continue
            for chunk in chunks:
                owner = self.owners.get(chunk.tp)
                if owner is not None:
                    owner.deliver(chunk)
            now = time.monotonic()
            if now - looked >= ENDS_EVERY:
                looked = now
                ends = self.reader.ends()
                changed, known = () if ends is known else ends.items(), ends
                for tp, (_, end) in changed:
                    if end >= 0 and (owner := self.owners.get(tp)) is not None:
                        owner.known_end(tp, end)
            if chunks:
                await asyncio.sleep(0)

    def _failed(self, why: str) -> None:
        """Reading stands still, or goes on when it is empty: whoever shows that is told."""
        if why != self.failure:
            self.failure = why
            for owner in set(self.owners.values()):
                owner.reading_changed()

    def _blame(self, tp: TopicPartition, tell: object) -> None:
        owner = self.owners.pop(tp, None)
        self.reader.remove([tp])
        if owner is not None:
            tell(owner)  # type: ignore[operator]

    async def close(self) -> None:
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
        await self.reader.close()


class Readers:
    """All lanes of a worker."""

    def __init__(self, source: Log) -> None:
        self._log = source
        self._lanes: list[Lane] = []

    @property
    def failure(self) -> str:
        """Why reading does not go on; empty when it does."""
        return next((lane.failure for lane in self._lanes if lane.failure), "")

    def add(self, owner: Consumer, positions: Mapping[TopicPartition, int]) -> None:
        """Read these for this owner, from these positions."""
        left = dict(positions)
        for lane in self._lanes:
            free = {tp: at for tp, at in left.items() if tp not in lane.owners}
            self._give(lane, owner, free)
            for tp in free:
                del left[tp]
        if left:
            lane = Lane(self._log.reader())
            self._lanes.append(lane)
            self._give(lane, owner, left)

    @staticmethod
    def _give(lane: Lane, owner: Consumer, positions: Mapping[TopicPartition, int]) -> None:
        if positions:
            lane.owners.update(dict.fromkeys(positions, owner))
            lane.reader.add(positions)

    def remove(self, owner: Consumer, tps: Sequence[TopicPartition]) -> None:
        """Stop reading them for this owner."""
        for lane in self._lanes:
            mine = [tp for tp in tps if lane.owners.get(tp) is owner]
            if mine:
                for tp in mine:
                    del lane.owners[tp]
                lane.reader.remove(mine)

    def pause(self, owner: Consumer, tp: TopicPartition) -> None:
        """Enough is buffered."""
        for lane in self._lanes:
            if lane.owners.get(tp) is owner:
                lane.reader.pause([tp])

    def resume(self, owner: Consumer, tp: TopicPartition) -> None:
        """There is room again."""
        for lane in self._lanes:
            if lane.owners.get(tp) is owner:
                lane.reader.resume([tp])

    async def close(self) -> None:
        for lane in self._lanes:
            await lane.close()
        self._lanes.clear()
