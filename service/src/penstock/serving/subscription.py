"""Subscriptions: the hub that knows them all, and what a request becomes: a plan of positions, a view, and the events of one push.

push_stream.py pushes the records of a topic, push_table.py the rows of a store and its changelog. Both yield Event messages; Rows with a
position are resume points. The hub ends them all with a position when the node drains, and each when its relation goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from penstock_client.gen.penstock.v1 import subscription_service_pb2 as pb
from penstock_client.gen.penstock.v1 import types_pb2

from penstock.catalog.view import Served, find, resolve
from penstock.errors import LogError, OffsetOutOfRange, RequestError
from penstock.log.port import DELETE_RETENTION_MS, TopicInfo, TopicPartition
from penstock.log.records import murmur2
from penstock.plan.nodes import SourceTable
from penstock.serving.codec import TopicCodec, topic_codec
from penstock.serving.columns import View, view
from penstock.serving.freshness import wait_catalog
from penstock.serving.gateway import Gateway
from penstock.serving.positions import Position, decode
from penstock.serving.push import Push, Terms
from penstock.serving.push_copy import CopyPush
from penstock.serving.push_stream import StreamPush
from penstock.serving.push_table import TablePush
from penstock.serving.tables import Table, Tables
from penstock.serving.tail import Tails

"""delete.retention of changelogs: a table's position older than this may have missed deletes."""
CATALOG_WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Start:
    """kind: "", "snapshot", "earliest", "latest", "after" (token) or "at_time" (time_ms)."""

    kind: str = ""
    token: str = ""
    time_ms: int = 0


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A subscription as asked for. until: None (never), "" (the present end) or a token."""

    relation: str
    columns: Sequence[str]
    where: str
    parameters: Mapping[str, types_pb2.Value]
    start: Start
    until: str | None
    limit: int
    partitions: Sequence[int]
    max_batch_rows: int
    linger: float
    progress: float
    view: View | None = None  # of the relation's rows, in the place of columns, where and parameters


@dataclass
class Hub:
    """All subscriptions of a gateway. ended_rows: rows pushed by those that have ended."""

    gateway: Gateway
    tables: Tables
    draining: bool = False
    ended_rows: int = 0
    tails: Tails = field(init=False)
    _open: set[Push] = field(default_factory=set)
    _views: dict[tuple[object, ...], View] = field(default_factory=dict)
    _codecs: dict[tuple[str, int], TopicCodec] = field(default_factory=dict)
    _watch: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.tails = Tails(self.gateway.log)

    @property
    def count(self) -> int:
        """Open subscriptions."""
        return len(self._open)

    @property
    def rows(self) -> int:
        """Rows pushed since start."""
        return self.ended_rows + sum(p.sent for p in self._open)

    def drain(self) -> None:
        """End every subscription with its position."""
        self.draining = True
        for push in self._open:
            push.wake.set()

    async def events(self, request: Subscribe) -> AsyncIterator[pb.Event]:
        """The events of one subscription. Raises RequestError, LogError."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._follow_catalog(), name="subscriptions")
        push = await self._begin(request)
        self._open.add(push)
        try:
            async for event in push.events():
                yield event
        except OffsetOutOfRange as e:
            raise await self._expired(push.served, e) from e
        finally:
            self._open.discard(push)
            self.ended_rows += push.sent
            await push.close()

    async def close(self) -> None:
        """Stop following the catalog."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    async def _follow_catalog(self) -> None:
        """Wake every subscription when the catalog changed: its relation may be gone."""
        registry = self.gateway.registry
        seen = registry.state.position
        while True:
            try:
                if await registry.changed(seen, 30.0):
                    seen = registry.state.position
                    for push in self._open:
                        push.wake.set()
            except LogError:
                await asyncio.sleep(1.0)

    async def _begin(self, request: Subscribe) -> Push:
        position = None
        if request.start.kind == "after":
            position = decode(request.start.token, self.gateway.log.log_id, "start.after")
            if position.catalog > self.gateway.registry.state.position:
                await wait_catalog(self.gateway, position.catalog, CATALOG_WAIT)
        served = resolve(self.gateway.registry.state, request.relation)
        chosen = self._view(served, request)
        store = served.published is not None and bool(served.published.store)
        table = self.tables.get(served) if store else None
        copied = table.sub.nodes[0] if table is not None and table.copied else None
        if isinstance(copied, SourceTable):
            served, topic = replace(served, topic=copied.topic), copied.topic.topic
            if request.partitions:
                raise RequestError("INVALID_ARGUMENT", f"{served.name} is a global table, whose copies hold all partitions: leave out partitions",
                                   {"field": "partitions", "relation": served.name})
        else:
            topic = self._topic(served, table)
        if not topic:
            raise RequestError("UNSUPPORTED", f"{served.name} has no changelog to follow", {"feature": "push without changelog"})
        info = (await self.gateway.topics.get([topic])).get(topic)
        if info is None:
            raise RequestError("MISSING_TOPIC", f"topic {topic} of {served.name} does not exist", {"relation": served.name, "topic": topic})
        partitions = self._narrowed(_partitions(request, served, info), served, chosen, table, info.partitions)
        until = await self._until(request, info, partitions)
        terms = Terms(chosen, topic, info.topic_id, partitions, until, request.limit, request.max_batch_rows, request.linger, request.progress)
        starts = await self._starts(request.start, served, info, partitions, position, table is not None)
        tail = await self.tails.acquire(topic, info.partitions)
        if table is not None and copied is not None:
            return CopyPush(self, served, terms, tail, table, starts, self._codec(served))
        if table is not None:
            return TablePush(self, served, terms, tail, table, starts)
        if not starts.keys() >= set(partitions):
            ends = await self.gateway.log.ends([TopicPartition(topic, p) for p in partitions if p not in starts])
            starts = {**starts, **{tp.partition: end for tp, end in ends.items()}}
        return StreamPush(self, served, terms, tail, self._codec(served), starts)

    def _narrowed(self, asked: list[int], served: Served, chosen: View, table: Table | None, count: int) -> list[int]:
        """Partitions that can have rows of the view: those of its keys, where this service has placed them (a copy of a global
        table does not say where)."""
        if not chosen.narrow.keys or table is not None and table.copied:
            return asked
        if table is not None:
            places = set(table.places(chosen.narrow.keys))
        elif served.published is not None and served.window is None:
            write = self._codec(served).write_key
            places = {(murmur2(write(k) or b"") & 0x7FFFFFFF) % count for k in chosen.narrow.keys}
        else:
            return asked
        return [p for p in asked if p in places] or asked[:1]

    @staticmethod
    def _topic(served: Served, table: Table | None) -> str:
        """Where changes come from."""
        return table.spec.changelog if table is not None else served.topic.topic if served.topic is not None else ""

    def gone(self, served: Served) -> pb.EndReason | None:
        """Why a subscription of this relation must end now."""
        if self.draining:
            return pb.END_REASON_NODE_DRAINING
        now = find(self.gateway.registry.state, served.name)
        if now is None:
            return pb.END_REASON_RELATION_DELETED
        return pb.END_REASON_RELATION_REPLACED if now.epoch != served.epoch else None

    def _view(self, served: Served, request: Subscribe) -> View:
        if request.view is not None:
            return request.view
        if request.parameters:
            return view(served, request.columns, request.where, request.parameters)
        at = (served.name, served.epoch, tuple(request.columns), request.where)
        known = self._views.get(at)
        if known is None:
            if len(self._views) > 1000:
                self._views.clear()
            known = self._views[at] = view(served, request.columns, request.where, {})
        return known

    def _codec(self, served: Served) -> TopicCodec:
        at = (served.name, served.epoch)
        if at not in self._codecs:
            self._codecs[at] = topic_codec(served)
        return self._codecs[at]

    async def _starts(self, start: Start, served: Served, info: TopicInfo, partitions: Sequence[int], position: Position | None,
                      stored: bool) -> dict[int, int]:
        """First offsets by partition. Empty for a table's snapshot; a partition that a stream's token does not name begins at the end."""
        tps = [TopicPartition(info.name, p) for p in partitions]
        log = self.gateway.log
        table = served.kind.value == "TABLE"
        kind = start.kind or ("snapshot" if table else "latest")
        if stored and kind == "earliest":
            kind = "snapshot"
        match kind:
            case "snapshot" if stored:
                return {}
            case "snapshot" if not table:
                raise RequestError("NOT_A_TABLE", f"{served.name} is a stream; a snapshot needs a table", {"relation": served.name})
            case "snapshot" | "earliest":
                return {tp.partition: o for tp, o in (await log.earliest(tps)).items()}
            case "latest":
                return {tp.partition: o for tp, o in (await log.ends(tps)).items()}
            case "at_time":
                return {tp.partition: o for tp, o in (await log.offsets_at(tps, start.time_ms)).items()}
            case _:
                assert position is not None
                return await self._after(served, info, tps, position, stored)

    async def _after(self, served: Served, info: TopicInfo, tps: Sequence[TopicPartition], position: Position,
                     stored: bool) -> dict[int, int]:
        if position.relation and position.relation.lower() == served.name.lower() and position.epoch != served.epoch:
            raise RequestError("RELATION_REPLACED", f"{served.name} has another history than at that position: start with a snapshot",
                               {"relation": served.name})
        known = position.topics.get(info.name)
        if known is None and stored:
            raise RequestError("INVALID_ARGUMENT", f"start.after is no position of {served.name}: take one of its own subscription, lookup or "
                               "scan", {"field": "start.after", "relation": served.name})
        if known is not None and known.topic_id != info.topic_id:
            raise RequestError("FOREIGN_TOKEN", f"topic {info.name} was recreated since", {"field": "start.after"})
        offsets = {} if known is None else {tp.partition: known.offsets[tp.partition] for tp in tps if tp.partition in known.offsets}
        earliest = await self.gateway.log.earliest(tps)
        if stored and len(offsets) < len(tps):
            offsets = {**{tp.partition: earliest[tp] for tp in tps}, **offsets}
        old = stored and position.time_ms and self.gateway.clock.now_ms() - position.time_ms > DELETE_RETENTION_MS
        if old or any(offsets.get(tp.partition, o) < o for tp, o in earliest.items()):
            token = self.gateway.token_of({info.name: {tp.partition: o for tp, o in earliest.items()}}, {info.name: info})
            raise RequestError("POSITION_EXPIRED", f"what follows that position of {served.name} is no longer kept: start anew",
                               {"relation": served.name, "earliest": "" if stored else token})
        return offsets

    async def _until(self, request: Subscribe, info: TopicInfo, partitions: Sequence[int]) -> dict[int, int] | None:
        if request.until is None:
            return None
        if request.until:
            known = decode(request.until, self.gateway.log.log_id, "until.position").topics.get(info.name)
            return {} if known is None else {p: o for p, o in known.offsets.items() if p in partitions}
        # the high watermark: Kafka's last stable offset lags behind an acknowledged commit, whose records must not be missed
        ends = await self.gateway.log.ends([TopicPartition(info.name, p) for p in partitions], committed=False)
        return {tp.partition: end for tp, end in ends.items()}

    async def _expired(self, served: Served, e: OffsetOutOfRange) -> RequestError:
        info = (await self.gateway.topics.get([e.topic])).get(e.topic)
        token = await self.gateway.token({e.topic: {e.partition: e.earliest}}) if info is not None else ""
        return RequestError("POSITION_EXPIRED", f"{served.name}: {e}", {"relation": served.name, "earliest": token[:1000]})


def _partitions(request: Subscribe, served: Served, info: TopicInfo) -> list[int]:
    wrong = [p for p in request.partitions if p >= info.partitions]
    if wrong:
        raise RequestError("INVALID_ARGUMENT", f"{served.name} has {info.partitions} partitions, no {wrong[0]}", {"field": "partitions"})
    return sorted(set(request.partitions)) or list(range(info.partitions))
