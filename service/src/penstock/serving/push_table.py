"""Pushing a table: its present rows, then its changes.

The snapshot is read in chunks of keys, each a short read transaction with its own stamp: the changelog offset that the store had then. The
changelog is followed from the lowest stamp; a change at offset o of a key is delivered only if o >= the stamp of that key's chunk, since
the chunk has it already otherwise. At caught_up the client holds exactly the table at that position. Of the changes that wait to be sent
the last one of each key is kept, so that only a whole batch is a resume point.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from penstock_client.gen.penstock.v1 import position_pb2, row_pb2
from penstock_client.gen.penstock.v1 import subscription_service_pb2 as pb

from penstock.catalog.view import Served
from penstock.errors import RequestError, StateError
from penstock.formats.errors import FormatError
from penstock.log.port import Record, TopicPartition
from penstock.serving.chunks import read_chunk
from penstock.serving.cluster.remote import Span
from penstock.serving.push import Owner, Push, Terms
from penstock.serving.rows import DELETE, UPSERT, Row
from penstock.serving.tables import Table, Tables
from penstock.serving.tail import Batch, Feed, TopicTail
from penstock.state.codec import unpacker
from penstock.state.port import Stamp

CHUNK = 1000
MOVES_WITHIN = 20.0
"""Seconds that a snapshot waits for a task to be found on its next node: that of a node that vanished is free after its session only."""
LOOK_AGAIN = 0.1

Change = tuple[Row, row_pb2.RowKind]
"""A row of the view and its kind."""


@dataclass(slots=True)
class Stamps:
    """Of one partition's snapshot: the last key of each chunk and the changelog offset of its stamp. The keys behind the last chunk's
    belong to `rest`, the stamp of the last read, which found the end."""

    keys: list[bytes] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    rest: int = 0

    def of(self, key: bytes) -> int:
        """The stamp of a key's chunk."""
        at = bisect_left(self.keys, key)
        return self.offsets[at] if at < len(self.keys) else self.rest

    def note(self, offset: int, last: bytes | None) -> None:
        """A chunk's stamp and its last key; None for the last chunk."""
        if last is None:
            self.rest = offset
        else:
            self.keys.append(last)
            self.offsets.append(offset)

    @property
    def lowest(self) -> int:
        """Where the changes begin."""
        return min([*self.offsets, self.rest])

    @property
    def highest(self) -> int:
        """From here on no chunk is newer."""
        return max([*self.offsets, self.rest])


class TableOwner(Owner, Protocol):
    """The hub, as a table's push sees it."""

    tables: Tables


class TablePush(Push):
    """See the module docstring. starts: offsets to resume at; empty for a snapshot."""

    def __init__(self, owner: TableOwner, served: Served, terms: Terms, tail: TopicTail, table: Table, starts: Mapping[int, int]) -> None:
        super().__init__(owner, served, terms, tail)
        self._tables = owner.tables
        self._table = table
        self._starts = dict(starts)
        self._stamps: dict[int, Stamps] = {}
        self._changes: dict[tuple[int, bytes], Change] = {}
        self._sent_to: dict[int, int] = {}
        self._complete = True
        self._unpack = unpacker(table.spec)

    async def events(self) -> AsyncIterator[pb.Event]:
        yield self._schema()
        snapshot = not self._starts
        if snapshot:
            for partition in self.terms.partitions:
                async for event in self._snapshot(partition):
                    yield event
                    if self._full():
                        yield self._end(pb.END_REASON_COMPLETED, "")
                        return
            earliest = await self._owner.gateway.log.earliest([TopicPartition(self.terms.topic, p) for p in self.terms.partitions])
            self._starts = {p: max(s.lowest, earliest[TopicPartition(self.terms.topic, p)]) for p, s in self._stamps.items()}
        self._sent_to = dict(self._starts)
        async for event in self._follow(self.feed(self._starts), caught_up=False):
            yield event

    async def _snapshot(self, partition: int) -> AsyncIterator[pb.Event]:
        """One partition's rows; the loop gets its turn after each chunk, when the event goes out."""
        covered = self._covered(partition)
        self._stamps.update({p: Stamps() for p in covered})
        view, last = self.terms.view, b""
        while covered:
            entries, stamp, ends = await self._chunk(partition, last)
            rows = [row for key, row in entries if row is not None]
            if not ends:
                last = entries[-1][0] + b"\0"
            for p in covered:
                self._stamps[p].note(self._offset(stamp, p), None if ends else entries[-1][0])
            while rows and not self._full():
                room = self._room()
                yield self._said(self._rows(view.layout.encode(rows[:room]), None, snapshot=True))
                rows = rows[room:]
            if ends or self._full():
                return

    def _covered(self, partition: int) -> Sequence[int]:
        """Partitions of the topic of changes that a snapshot of one partition answers for."""
        return (partition,)

    def _offset(self, stamp: Stamp | None, partition: int) -> int:
        """How much of a partition's changes a store has."""
        return stamp.changelogs.get(self.terms.topic, 0) if stamp is not None else 0

    async def _chunk(self, partition: int, start: bytes) -> tuple[list[tuple[bytes, Row | None]], Stamp | None, bool]:
        """Up to CHUNK entries from a key on, as rows of the view (None: not shown), the stamp, and whether these are the last. A task that moves
        is waited for."""
        until = time.monotonic() + MOVES_WITHIN
        while True:
            try:
                return await self._read(partition, Span(self._table.spec.name, start, b"", CHUNK))
            except RequestError as e:
                if e.reason != "NOT_SERVING" or not self._owner.gateway.cluster.others or time.monotonic() >= until:
                    raise
                await asyncio.sleep(LOOK_AGAIN)

    async def _read(self, partition: int, span: Span) -> tuple[list[tuple[bytes, Row | None]], Stamp | None, bool]:
        table, view = self._table, self.terms.view
        with await read_chunk(self._owner.gateway, self._tables, table, partition, span) as chunk:
            entries: list[tuple[bytes, Row | None]] = []
            for key, value in chunk.entries:
                row = table.base_row(key, value)
                shown = row is not None and (view.keep is None or view.keep(row))
                entries.append((key, view.pick(row) if shown and row is not None else None))
                if len(entries) >= chunk.limit:
                    return entries, chunk.stamp, False
            return entries, chunk.stamp, True

    @property
    def _waiting(self) -> int:
        return len(self._changes)

    def _take(self, batch: Batch) -> None:
        assert self._feed is not None
        chunk, partition = batch.chunk, batch.chunk.tp.partition
        start, until = self._feed.next[partition], self.terms.until
        stop = chunk.next if until is None else min(chunk.next, max(until.get(partition, chunk.next), self._highest(partition)))
        self._feed.next[partition] = stop
        stamps = self._stamps.get(partition)
        if not self._changes:
            self._first_row = time.monotonic()
        for record in chunk.records:
            offset = record.offset
            if offset < start or offset >= stop or (key := self._key_of(record)) is None or (stamps is not None and offset < stamps.of(key)):
                continue
            change = self._change(batch, record, key)
            if change is not None:
                at = (partition, key)
                self._changes.pop(at, None)  # the newest change of a key stands last
                self._changes[at] = change
        if stamps is not None and stop >= stamps.highest:
            del self._stamps[partition]
        if not self._changes:
            self._sent_to[partition] = stop

    def _highest(self, partition: int) -> int:
        stamps = self._stamps.get(partition)
        return 0 if stamps is None else stamps.highest

    def _key_of(self, record: Record) -> bytes | None:
        """The store's key of a change; None when it is none."""
        return record.key

    def _change(self, batch: Batch, record: Record, key: bytes) -> Change | None:
        """The row of the view and its kind, made once for all subscriptions of the view; None for what is no change."""
        at = ("change", self.terms.view.serial, record.offset)
        known = batch.made.get(at)
        if known is None and at not in batch.made:
            known = batch.made[at] = self._row(record, key)
        return known  # type: ignore[return-value]

    def _row(self, record: Record, key: bytes) -> Change | None:
        table, view = self._table, self.terms.view
        if record.value is not None:
            try:
                row = table.base_row(key, self._unpack(record.value))
            except (StateError, FormatError) as e:
                raise StateError(f"{table.served.name}: the changelog record at {record.offset} cannot be read: {e}") from e
            if row is not None and (view.keep is None or view.keep(row)):
                return view.pick(row), UPSERT
        return view.pick(table.bare_row(key, record.timestamp)), DELETE

    def _flush(self, everything: bool) -> list[pb.Event]:
        if not everything and len(self._changes) < self.terms.max_rows:
            return []
        events = []
        changes = list(self._changes.values())
        self._changes.clear()
        assert self._feed is not None
        layout = self.terms.view.layout
        at = 0
        while at < len(changes) and not self._full():
            part = changes[at:at + self._room()]
            at += len(part)
            self._complete = at >= len(changes)
            if self._complete:
                self._sent_to = dict(self._feed.next)
            kinds = [k for _, k in part]
            events.append(self._rows(layout.encode([r for r, _ in part], kinds if DELETE in kinds else ()), self._position()))
        return events

    def _position(self) -> position_pb2.PositionToken | None:
        """None while the snapshot is newer than the changes in some key, or in the middle of a batch."""
        if self._stamps or not self._sent_to or not self._complete:
            return None
        return self._token(self._sent_to)

    def _caught_up(self, feed: Feed) -> bool:
        if not feed.live:
            return False
        for partition in [p for p, s in self._stamps.items() if feed.next[p] >= s.highest]:
            del self._stamps[partition]
        return not self._stamps

    def _caught_up_for_until(self) -> bool:
        return not self._stamps

