"""Pushing a stream: the records of its topic, in order by partition. Also a declared table that nobody materialises: its topic's records
are its changes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from penstock_client.gen.penstock.v1 import position_pb2, row_pb2
from penstock_client.gen.penstock.v1 import subscription_service_pb2 as pb

from penstock.catalog.view import Served
from penstock.serving.codec import Decoded, TopicCodec
from penstock.serving.push import Owner, Push, Terms
from penstock.serving.rows import DELETE, Row
from penstock.serving.tail import Batch, TopicTail

Picked = tuple[list[Row], list[row_pb2.RowKind], list[int]]
"""(rows in the view's layout, kinds, offsets)."""


@dataclass(slots=True)
class Segment:
    """Waiting rows of one chunk. next: the position behind all of them. source: set when these are all rows of that batch."""

    partition: int
    rows: Sequence[Row]
    kinds: Sequence[row_pb2.RowKind]
    offsets: Sequence[int]
    next: int
    source: Batch | None


class StreamPush(Push):
    """See the module docstring."""

    def __init__(self, owner: Owner, served: Served, terms: Terms, tail: TopicTail, codec: TopicCodec, starts: Mapping[int, int]) -> None:
        super().__init__(owner, served, terms, tail)
        self._codec = codec
        self._starts = {p: starts[p] for p in terms.partitions}
        self._sent_to = dict(self._starts)
        self._segments: deque[Segment] = deque()
        self._count = 0

    async def events(self) -> AsyncIterator[pb.Event]:
        yield self._schema()
        async for event in self._follow(self.feed(self._starts), caught_up=False):
            yield event

    @property
    def _waiting(self) -> int:
        return self._count

    def _take(self, batch: Batch) -> None:
        assert self._feed is not None
        chunk, feed = batch.chunk, self._feed
        partition = chunk.tp.partition
        start = feed.next[partition]
        stop = chunk.next if self.terms.until is None else min(chunk.next, self.terms.until.get(partition, chunk.next))
        feed.next[partition] = stop
        rows, kinds, offsets = self._picked(batch)
        source: Batch | None = batch
        if rows and (offsets[0] < start or offsets[-1] >= stop):
            first = next((i for i, o in enumerate(offsets) if o >= start), len(offsets))
            last = next((i for i, o in enumerate(offsets) if o >= stop), len(offsets))
            rows, kinds, offsets, source = rows[first:last], kinds[first:last], offsets[first:last], None
        if not rows:
            if not self._segments:
                self._sent_to[partition] = stop
            else:
                self._segments.append(Segment(partition, (), (), (), stop, None))
            return
        if not self._count:
            self._first_row = time.monotonic()
        self._segments.append(Segment(partition, rows, kinds, offsets, stop, source))
        self._count += len(rows)

    def _picked(self, batch: Batch) -> Picked:
        """Rows of a batch that this view shows, made once for all subscriptions of the view."""
        view, codec = self.terms.view, self._codec
        known = batch.made.get(("picked", view.serial))
        if known is not None:
            return known  # type: ignore[return-value]
        decoded = batch.made.get(("decoded", codec.serial))
        if decoded is None:
            decoded, _ = codec.decode(batch.chunk.records, batch.chunk.tp.partition)
            batch.made["decoded", codec.serial] = decoded
        rows, kinds, offsets = cast(Decoded, decoded)
        keep, pick = view.keep, view.pick
        if keep is None:
            picked: Picked = (list(map(pick, rows)), kinds, offsets)
        elif self._codec.table:
            # A row of a table that does not match is gone from the restricted table.
            kept = [(pick(r), k, o) if k == DELETE or keep(r) else (view.bare(r), DELETE, o)
                    for r, k, o in zip(rows, kinds, offsets, strict=True)]
            picked = ([r for r, _, _ in kept], [k for _, k, _ in kept], offsets)
        else:
            matching = [i for i, r in enumerate(rows) if keep(r)]
            picked = ([pick(rows[i]) for i in matching], [kinds[i] for i in matching], [offsets[i] for i in matching])
        batch.made["picked", view.serial] = picked
        return picked

    def _flush(self, everything: bool) -> list[pb.Event]:
        events = []
        while self._count and (everything or self._count >= self.terms.max_rows) and not self._full():
            events.append(self._batch())
        if not self._count:
            while self._segments:
                done = self._segments.popleft()
                self._sent_to[done.partition] = done.next
        return events

    def _batch(self) -> pb.Event:
        room = self._room()
        head = self._segments[0]
        if head.source is not None and len(head.rows) <= room and len(head.rows) == self._count:
            message = self._encoded(head)
            self._segments.popleft()
            self._count -= len(head.rows)
            self._sent_to[head.partition] = head.next
            return self._rows(message, self._position())
        rows: list[Row] = []
        kinds: list[row_pb2.RowKind] = []
        while self._segments and len(rows) < room:
            segment = self._segments.popleft()
            take = room - len(rows)
            rows += segment.rows[:take]
            kinds += segment.kinds[:take]
            if len(segment.rows) > take:
                self._sent_to[segment.partition] = segment.offsets[take - 1] + 1
                self._segments.appendleft(Segment(segment.partition, segment.rows[take:], segment.kinds[take:], segment.offsets[take:],
                                                  segment.next, None))
            else:
                self._sent_to[segment.partition] = segment.next
        self._count -= len(rows)
        return self._rows(self.terms.view.layout.encode(rows, kinds if DELETE in kinds else ()), self._position())

    def _encoded(self, segment: Segment) -> row_pb2.RowBatch:
        """All rows of a batch, encoded once for all subscriptions of the view."""
        assert segment.source is not None
        at = ("encoded", self.terms.view.serial)
        message = segment.source.made.get(at)
        if message is None:
            message = self.terms.view.layout.encode(segment.rows, segment.kinds if DELETE in segment.kinds else ())
            segment.source.made[at] = message
        assert isinstance(message, row_pb2.RowBatch)
        return message

    def _position(self) -> position_pb2.PositionToken:
        return self._token(self._sent_to)
