"""What pushes of streams and of tables have in common: terms, time limits, positions, endings."""

from __future__ import annotations

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from penstock_client.gen.penstock.v1 import position_pb2, row_pb2
from penstock_client.gen.penstock.v1 import subscription_service_pb2 as pb

from penstock.catalog.view import Served
from penstock.errors import UnknownTopic
from penstock.log.port import TopicInfo
from penstock.serving.columns import View
from penstock.serving.gateway import Gateway
from penstock.serving.tail import Batch, Feed, Tails, TopicTail


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed. until: offsets by partition at which it is complete; None never. Times in seconds."""

    view: View
    topic: str
    topic_id: str
    partitions: Sequence[int]
    until: Mapping[int, int] | None
    limit: int
    max_rows: int
    linger: float
    progress: float


class Owner(Protocol):
    """The hub, as a push sees it."""

    gateway: Gateway
    tails: Tails

    def gone(self, served: Served) -> pb.EndReason | None: ...


class Push(ABC):
    """One subscription."""

    def __init__(self, owner: Owner, served: Served, terms: Terms, tail: TopicTail) -> None:
        self.served = served
        self.terms = terms
        self.wake = asyncio.Event()
        self.sent = 0
        self._owner = owner
        self._tail = tail
        self._feed: Feed | None = None
        self._infos = {terms.topic: TopicInfo(terms.topic, terms.topic_id, len(terms.partitions))}
        self._spoke = time.monotonic()
        self._first_row = 0.0
        self._fresh = True

    @abstractmethod
    def events(self) -> AsyncIterator[pb.Event]:
        """Every event, the schema first."""

    @abstractmethod
    def _take(self, batch: Batch) -> None:
        """Rows of a batch into what waits to be sent; moves the feed's position."""

    @abstractmethod
    def _flush(self, everything: bool) -> list[pb.Event]:
        """Waiting rows as events: full batches, and with `everything` the rest too."""

    @property
    @abstractmethod
    def _waiting(self) -> int:
        """Rows that wait."""

    @abstractmethod
    def _position(self) -> position_pb2.PositionToken | None:
        """Where a resumption would begin after what was sent; None while there is no such place."""

    def feed(self, starts: Mapping[int, int]) -> Feed:
        """Begin to follow the topic."""
        self._feed = Feed(self._owner.gateway.log, self._tail, starts, self.wake)
        return self._feed

    async def _follow(self, feed: Feed, caught_up: bool) -> AsyncIterator[pb.Event]:
        """Everything that comes, until an ending."""
        while True:
            try:
                batches = await feed.poll(self._patience(feed))
            except UnknownTopic:
                yield self._end(pb.END_REASON_RELATION_DELETED, "the topic was deleted")
                return
            if feed.fell:
                feed.fell, caught_up = False, False
                for event in self._flush(True):
                    yield event
                yield self._said(pb.Event(fell_behind=pb.FellBehind(position=self._position(), rows_behind=self._behind(feed))))
            for batch in batches:
                self._take(batch)
                for event in self._flush(False):
                    yield self._said(event)
                if self._full():
                    yield self._end(pb.END_REASON_COMPLETED, "")
                    return
            if self._waiting and self._due(feed, bool(batches)):
                for event in self._flush(True):
                    yield self._said(event)
                if self._full():
                    yield self._end(pb.END_REASON_COMPLETED, "")
                    return
            if not caught_up and self._caught_up(feed):
                caught_up = True
                for event in self._flush(True):
                    yield event
                if self._full():
                    yield self._end(pb.END_REASON_COMPLETED, "")
                    return
                yield self._said(pb.Event(caught_up=pb.CaughtUp(position=self._position())))
            ending = self._ending(feed)
            if ending is not None:
                for event in self._flush(True):
                    yield event
                yield self._end(ending, "")
                return
            if not self._waiting and time.monotonic() - self._spoke >= self.terms.progress:
                yield self._said(pb.Event(progress=pb.Progress(position=self._position())))

    def _caught_up(self, feed: Feed) -> bool:
        return feed.live

    def _patience(self, feed: Feed) -> float:
        """Seconds to wait for more."""
        if self._fresh:  # look around once before waiting: there may be nothing to wait for
            self._fresh = False
            return 0.0
        now = time.monotonic()
        if self._waiting:
            return max(0.0, self._first_row + self.terms.linger - now)
        return max(0.001, self._spoke + self.terms.progress - now)

    def _due(self, feed: Feed, more: bool) -> bool:
        """Whether waiting rows should go now."""
        if not feed.live:
            return not more
        return time.monotonic() - self._first_row >= self.terms.linger

    def _ending(self, feed: Feed) -> pb.EndReason | None:
        until = self.terms.until
        if until is not None and all(feed.next[p] >= o for p, o in until.items()) and self._caught_up_for_until():
            return pb.END_REASON_COMPLETED
        return self._owner.gone(self.served)

    def _caught_up_for_until(self) -> bool:
        return True

    def _full(self) -> bool:
        return bool(self.terms.limit) and self.sent >= self.terms.limit

    def _room(self) -> int:
        """Rows that may still be sent in one batch."""
        return self.terms.max_rows if not self.terms.limit else min(self.terms.max_rows, self.terms.limit - self.sent)

    def _behind(self, feed: Feed) -> int:
        floor = self._tail.floor
        return sum(max(0, floor[p] - o) for p, o in feed.next.items())

    def _rows(self, batch: row_pb2.RowBatch, position: position_pb2.PositionToken | None, snapshot: bool = False) -> pb.Event:
        self.sent += batch.row_count
        return pb.Event(rows=pb.Rows(batch=batch, position=position, snapshot=snapshot))

    def _schema(self) -> pb.Event:
        return pb.Event(schema=self.terms.view.layout.message)

    def _end(self, reason: pb.EndReason, message: str) -> pb.Event:
        elsewhere = self._owner.gateway.cluster.elsewhere_alive() if reason == pb.END_REASON_NODE_DRAINING else ()
        address = random.choice(elsewhere) if elsewhere else ""
        return pb.Event(end=pb.End(reason=reason, position=self._position(), address=address, message=message))

    def _said(self, event: pb.Event) -> pb.Event:
        self._spoke = time.monotonic()
        return event

    def _token(self, offsets: Mapping[int, int]) -> position_pb2.PositionToken:
        value = self._owner.gateway.token_of({self.terms.topic: offsets}, self._infos, relation=self.served.name, epoch=self.served.epoch)
        return position_pb2.PositionToken(value=value)

    async def close(self) -> None:
        """Let go of the topic."""
        if self._feed is not None:
            await self._feed.close()
        await self._owner.tails.release(self._tail)
