"""LogReader on Kafka: raw fetches ahead of the caller, records decoded when they are polled.

A fetch that finds nothing is parked at the broker and with it its connection; so a partition that is added while one is parked is fetched
over another lane (of at most four a broker, each with a fetch session), and what is buffered for other partitions is never lost by add, remove or pause.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from penstock.errors import LogError, LogUnavailable, OffsetOutOfRange, UnknownTopic
from penstock.log.kafka import codes
from penstock.log.kafka.cluster import Cluster
from penstock.log.kafka.codes import as_log_error
from penstock.log.kafka.fetch_session import FetchSession
from penstock.log.kafka.lookups import Lookups
from penstock.log.kafka.protocol import FETCH
from penstock.log.kafka.wake import happens
from penstock.log.kafka.wire import by_topic
from penstock.log.port import Chunk, Record, TopicPartition
from penstock.log.records import HEADER, batches

CHUNK_RECORDS = 2000
_PARTITION_BYTES = 1024 * 1024  # not below the largest batch: the broker makes progress only for a request's first partition otherwise
_FETCH_BYTES = 2 * 1024 * 1024  # larger answers hold the event loop, and with it commits, for too long
_BUFFER_BYTES = 16 * 1024 * 1024
_LANES = 4
_LONGEST_WAIT = 8
"""A fetch that finds nothing again and again is parked for up to so many times max_wait. Not on the last lane of a broker: partitions that are
added while all others are parked wait for it to come back."""
_COMMITTED = 1
_TURN_SECONDS = 0.005
_PAUSE = 0.05
_NEW_TOPIC_SECONDS = 1.0
"""A topic that the brokers do not know may be one whose creation has not reached them yet."""
_OUTAGE_SECONDS = 12.0
"""Shorter outages of the log are waited out; poll raises LogUnavailable after that."""
_CONTROL_KEY = struct.Struct(">hh")  # version, type: 0 is the end of an aborted transaction
_ids = itertools.count()


class _Partition:
    """One partition's place: what to fetch next, what is buffered, what was polled."""

    __slots__ = ("fetch", "polled", "end", "raw", "chunks", "size", "in_flight", "paused", "fresh", "missing_since")

    def __init__(self, position: int) -> None:
        self.fetch = self.polled = position
        self.end = -1
        self.raw: deque[tuple[list[Any], int, int]] = deque()  # (batches, next offset, bytes)
        self.chunks: deque[Chunk] = deque()
        self.size = 0
        self.in_flight = self.paused = False
        self.fresh = True  # not answered yet: its first fetch does not wait at the broker
        self.missing_since = 0.0


class KafkaReader:
    """Belongs to one event loop."""

    def __init__(self, cluster: Cluster, lookups: Lookups, max_wait: float = 0.5) -> None:
        """max_wait: seconds for which the broker parks a fetch that finds nothing."""
        self._cluster, self._lookups = cluster, lookups
        self._wait_ms = int(max_wait * 1000)
        self._id = next(_ids)
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._ready: deque[TopicPartition] = deque()
        self._buffered = 0
        self._lanes: dict[int, set[int]] = {}
        self._sessions: dict[tuple[int, int], FetchSession] = {}  # by node and lane
        self._quiet: dict[tuple[int, int], int] = {}  # how often nothing was found
        self._ends: Mapping[TopicPartition, tuple[int, int]] | None = None
        self._fetches: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._data, self._wake = asyncio.Event(), asyncio.Event()
        self._error: LogError | None = None
        self._trouble_since = 0.0

    # ------------------------------------------------------------------------------------------------ partitions
    def add(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these too; a partition that is read already starts again at the given position."""
        self._ends = None
        for tp, position in positions.items():
            self._drop(tp)
            self._partitions[tp] = _Partition(position)
        self._wake.set()
        if self._loop is None:
            self._loop = asyncio.create_task(self._run(), name="kafka-reader")

    def remove(self, tps: Sequence[TopicPartition]) -> None:
        """Stop reading these; what is buffered of them is dropped."""
        for tp in tps:
            self._drop(tp)
        self._wake.set()

    def pause(self, tps: Sequence[TopicPartition]) -> None:
        """Neither fetch nor deliver these until resume. What is buffered stays and does not count against the buffer's bound."""
        for tp in tps:
            part = self._partitions.get(tp)
            if part is not None and not part.paused:
                part.paused = True
                self._buffered -= part.size
        self._wake.set()

    def resume(self, tps: Sequence[TopicPartition]) -> None:
        for tp in tps:
            part = self._partitions.get(tp)
            if part is not None and part.paused:
                part.paused = False
                self._buffered += part.size
                if part.raw or part.chunks:
                    self._offer(tp)
        self._wake.set()

    def ends(self) -> Mapping[TopicPartition, tuple[int, int]]:
        """(position, last stable offset) by partition; -1 until the first answer. The same object as before while nothing has changed."""
        if self._ends is None:
            self._ends = {tp: (p.polled, p.end) for tp, p in self._partitions.items()}
        return self._ends

    async def close(self) -> None:
        for tp in list(self._partitions):
            self._drop(tp)
        tasks = [t for t in (self._loop, *self._fetches) if t is not None]
        self._loop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in range(_LANES):
            self._cluster.drop_lane(self._lane(lane))

    # ------------------------------------------------------------------------------------------------ polling
    async def poll(self, timeout: float, max_chunks: int = 64) -> list[Chunk]:
        """Chunks in rotation over the partitions that have data; returns early rather than hold the event loop for long."""
        if not self._ready and self._error is None:
            self._data.clear()
            await happens(self._data, timeout)
        if self._error is not None:
            error, self._error = self._error, None
            self._wake.set()
            raise error
        found: list[Chunk] = []
        deadline = time.monotonic() + _TURN_SECONDS
        while self._ready and len(found) < max_chunks and (not found or time.monotonic() < deadline):
            tp = self._ready.popleft()
            part = self._partitions.get(tp)
            if part is None or part.paused or not (part.raw or part.chunks):
                continue
            found.append(self._next_chunk(tp, part))
            if part.raw or part.chunks:
                self._ready.append(tp)
        self._wake.set()
        return found

    def _next_chunk(self, tp: TopicPartition, part: _Partition) -> Chunk:
        if not part.chunks:
            group, behind, size = part.raw.popleft()
            part.chunks.extend(_chunks(tp, group, part.polled, behind, part.end, size))
        chunk = part.chunks.popleft()
        part.polled, self._ends = chunk.next, None
        part.size -= chunk.size
        self._buffered -= chunk.size
        return chunk

    def _offer(self, tp: TopicPartition) -> None:
        if tp not in self._ready:
            self._ready.append(tp)
        self._data.set()

    def _drop(self, tp: TopicPartition) -> None:
        self._ends = None
        part = self._partitions.pop(tp, None)
        if part is not None and not part.paused:
            self._buffered -= part.size

    # ------------------------------------------------------------------------------------------------ fetching
    def _lane(self, number: int) -> tuple[str, int, int]:
        return ("fetch", self._id, number)

    async def _run(self) -> None:
        """Keeps fetches under way for every partition that may be fetched, while the buffer has room."""
        while True:
            self._wake.clear()
            if self._buffered < _BUFFER_BYTES and self._error is None:
                try:
                    if self._start_fetches():
                        await self._relocate()
                        continue
                except Exception as error:
                    self._fail(as_log_error(error))
            await self._wake.wait()

    def _start_fetches(self) -> bool:
        """True: some partition has no known leader."""
        missing = False
        wanted: dict[int, list[tuple[TopicPartition, _Partition]]] = {}
        for tp, part in self._partitions.items():
            if part.paused or part.in_flight:
                continue
            node = self._cluster.leader_now(tp)
            if node < 0:
                self._missing(tp, part)
                missing = True
            else:
                wanted.setdefault(node, []).append((tp, part))
        for node, parts in wanted.items():
            busy = self._lanes.setdefault(node, set())
            lane = next((i for i in range(_LANES) if i not in busy), None)
            if lane is None:
                continue  # the next fetch to return takes these along
            busy.add(lane)
            for _, part in parts:
                part.in_flight = True
            task = asyncio.create_task(self._fetch(node, lane, parts))
            self._fetches.add(task)
            task.add_done_callback(self._fetches.discard)
        return missing

    def _missing(self, tp: TopicPartition, part: _Partition) -> None:
        """A topic that stays unknown, or a partition that stays without a leader, is an error and no endless wait."""
        now = time.monotonic()
        part.missing_since = part.missing_since or now
        waited = now - part.missing_since
        if waited > _NEW_TOPIC_SECONDS and self._cluster.missing(tp.topic):
            part.missing_since = 0.0
            raise UnknownTopic(tp.topic)
        if waited > _OUTAGE_SECONDS:
            part.missing_since = 0.0
            raise LogUnavailable(f"{tp.topic}[{tp.partition}] has no leader")

    async def _relocate(self) -> None:
        """Learn the leaders anew."""
        try:
            await self._cluster.refresh()
        except LogUnavailable as error:
            self._outage(error)
        await asyncio.sleep(_PAUSE)

    async def _fetch(self, node: int, lane: int, parts: list[tuple[TopicPartition, _Partition]]) -> None:
        session = self._sessions.setdefault((node, lane), FetchSession())
        whole = False
        try:
            fresh = [tp for tp, p in parts if p.fresh]
            delta = session.request({tp: p.fetch for tp, p in parts}, fresh)
            rows = by_topic({tp: (tp.partition, -1, at, -1, _PARTITION_BYTES) for tp, at in delta.changed.items()})
            forgotten = by_topic({tp: tp.partition for tp in delta.forgotten})
            call = FETCH(-1, 0 if fresh else self._parked_ms(node, lane), 1, _FETCH_BYTES, _COMMITTED, delta.session, delta.epoch, rows, forgotten, "")
            answer = await self._cluster.send(node, call, self._lane(lane))
            if answer.error in codes.SESSION_LOST:
                return  # the next request begins another one
            if answer.error:
                raise codes.error(answer.error, "fetching")
            self._trouble_since = 0.0
            self._quiet[node, lane] = 0 if fresh or answer.topics else self._quiet.get((node, lane), 0) + 1
            known = dict(parts)
            moved = False
            for topic, partitions in answer.topics:
                for row in partitions:
                    tp = TopicPartition(topic, row[0])
                    if self._partitions.get(tp) is known[tp]:  # else removed or added again meanwhile
                        moved |= await self._take(tp, known[tp], row)
            session.answered(answer.session)
            whole = True
            if moved:
                await self._relocate()
        except LogUnavailable as error:
            self._outage(error)
            await self._relocate()
        except Exception as error:
            self._fail(as_log_error(error))
        finally:
            if not whole:
                session.lost()
            for _, part in parts:
                part.in_flight = False
            self._lanes[node].discard(lane)
            self._wake.set()

    def _parked_ms(self, node: int, lane: int) -> int:
        """For how long the broker may park a fetch."""
        return self._wait_ms * (1 if lane == _LANES - 1 else min(_LONGEST_WAIT, 1 << min(self._quiet.get((node, lane), 0), 16)))

    async def _take(self, tp: TopicPartition, part: _Partition, row: tuple[Any, ...]) -> bool:
        """Buffer what came for one partition; True: its leader is another one now."""
        _, code, _, stable, log_start, aborted, _, raw = row
        if code == codes.OFFSET_OUT_OF_RANGE:
            start, end = await self._lookups.earliest([tp]), await self._lookups.ends([tp], committed=True)
            raise OffsetOutOfRange(tp.topic, tp.partition, part.fetch, start[tp], end[tp])
        if code in codes.LEADER_MOVED or code == codes.UNKNOWN_TOPIC:
            self._missing(tp, part)
            return True
        if code:
            raise codes.error(code, f"fetching {tp.topic}[{tp.partition}]", tp.topic)
        part.fresh, part.missing_since = False, 0.0
        if stable > part.end:
            part.end, self._ends = stable, None
        if not raw or len(raw) < HEADER:
            return False
        before = part.fetch
        for group, behind, size in _groups(raw, aborted or (), before):
            if behind > part.fetch:
                part.raw.append((group, behind, size))
                part.fetch = behind
                part.size += size
                self._buffered += 0 if part.paused else size
        if part.fetch > before:
            self._partitions[tp] = self._partitions.pop(tp)  # to the end: the broker serves the first of a request best
            if not part.paused:
                self._offer(tp)
        return False

    def _outage(self, error: LogUnavailable) -> None:
        now = time.monotonic()
        self._trouble_since = self._trouble_since or now
        if now - self._trouble_since > _OUTAGE_SECONDS:
            self._trouble_since = 0.0
            self._fail(error)

    def _fail(self, error: LogError) -> None:
        """The next poll raises it; fetching goes on after that."""
        self._error = error
        self._data.set()


def _groups(raw: bytes, aborted: Iterable[tuple[int, int]], position: int) -> list[tuple[list[Any], int, int]]:
    """(data batches, offset behind them, bytes), about CHUNK_RECORDS records each. Control batches and batches of aborted transactions
    only move the offset; the last group is there also when it has no batch."""
    pending = deque(sorted(aborted, key=lambda a: a[1]))
    gone: set[int] = set()
    groups: list[tuple[list[Any], int, int]] = []
    group: list[Any] = []
    count = total = 0
    for batch in batches(raw):
        while pending and pending[0][1] < batch.next_offset:
            gone.add(pending.popleft()[0])
        position = max(position, batch.next_offset)
        if batch.is_control_batch:
            if _CONTROL_KEY.unpack_from(next(iter(batch)).key)[1] == 0:
                gone.discard(batch.producer_id)
        elif not (batch.is_transactional and batch.producer_id in gone):
            group.append(batch)
            count += batch.last_offset_delta + 1
            if count >= CHUNK_RECORDS:
                groups.append((group, position, count))
                group, total, count = [], total + count, 0
    groups.append((group, position, count))
    total = total + count or 1
    return [(g, behind, len(raw) * n // total) for g, behind, n in groups]


def _chunks(tp: TopicPartition, group: list[Any], start: int, behind: int, end: int, size: int) -> list[Chunk]:
    """Decode a group. A batch with very many records gives several chunks."""
    records: list[Record] = []
    for batch in group:
        records += cast("list[Record]", list(batch))
    if records and records[0].offset < start:  # the position was inside the first batch
        records = [r for r in records if r.offset >= start]
    if len(records) <= 2 * CHUNK_RECORDS:
        return [Chunk(tp, records, start, behind, end, size)]
    found = []
    for at in range(0, len(records), CHUNK_RECORDS):
        part = records[at:at + CHUNK_RECORDS]
        last = at + CHUNK_RECORDS >= len(records)
        following = behind if last else records[at + CHUNK_RECORDS].offset
        found.append(Chunk(tp, part, start, following, end, size if last else 0))
        start = following
    return found
