"""The registry over one compacted topic of the log, `<service_id>-registry` with one partition.

Every process of every node tails the topic and holds the same CatalogState. A change is decided on the state at the topic's end and
written only if nothing came between (Log.compare_and_append); otherwise the decision is taken anew on what came.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from penstock.catalog.codec import decode, encode
from penstock.catalog.port import CatalogState, Change, RelationEntry, TopologyEntry
from penstock.clock import Clock, SystemClock
from penstock.errors import LogUnavailable
from penstock.log.port import Log, LogReader, Record, TopicConfig, TopicPartition

_log = logging.getLogger(__name__)

EMPTY = CatalogState(0, {}, {})
POLL_SECONDS = 1.0
RETRY_SECONDS = 0.5
READ_SECONDS = 30.0
"""How long the end of the registry may take to become readable before the log counts as unavailable."""


def topic_name(service_id: str) -> str:
    """The registry's topic."""
    return f"{service_id}-registry"


class NoticeSender(Protocol):
    """The part of the node's notices that the registry uses (runtime is a room above this one)."""

    def send(self, what: str) -> None:
        """Tell the node's other processes to look again."""


async def open_registry(log: Log, service_id: str, notices: NoticeSender | None = None, *,
                        clock: Clock | None = None) -> TopicRegistry:
    """Open the registry of a service and read it to its end. Raises LogUnavailable."""
    topic = topic_name(service_id)
    await log.create_topic(topic, TopicConfig(1, compact=True, retention_ms=-1))
    registry = TopicRegistry(log, topic, notices, clock or SystemClock())
    await registry.start()
    return registry


class TopicRegistry:
    """Implements catalog/port.py Registry."""

    def __init__(self, log: Log, topic: str, notices: NoticeSender | None, clock: Clock) -> None:
        self._log = log
        self._tp = TopicPartition(topic, 0)
        self._notices = notices
        self._clock = clock
        self._state = EMPTY
        self._advanced = asyncio.Condition()
        self._failure: Exception | None = None
        self._tail: asyncio.Task[None] | None = None
        self._reader: LogReader | None = None

    @property
    def state(self) -> CatalogState:
        return self._state

    async def start(self) -> None:
        """Begin to tail the topic; returns when the present end is read."""
        start = (await self._log.earliest([self._tp]))[self._tp]
        self._state = CatalogState(start, {}, {})
        self._reader = self._log.reader()
        self._reader.add({self._tp: start})
        self._tail = asyncio.create_task(self._run(self._reader), name="registry-tail")
        await self.refresh()

    async def close(self) -> None:
        """Stop tailing."""
        if self._tail is not None:
            self._tail.cancel()
            with suppress(asyncio.CancelledError):
                await self._tail
        if self._reader is not None:
            await self._reader.close()

    async def refresh(self) -> CatalogState:
        end = (await self._log.ends([self._tp]))[self._tp]
        await self._reach(end)
        return self._state

    async def change(self, decide: Callable[[CatalogState], Sequence[Change]]) -> CatalogState:
        while True:
            state = await self.refresh()
            changes = decide(state)
            if not changes:
                return state
            batch = self._log.builder(limit=4 << 20)
            for change in changes:
                key, value = encode(change)
                batch.append(self._clock.now_ms(), key, value, ())
            end = await self._log.compare_and_append(self._tp.topic, state.position, batch)
            if end is None:
                # Somebody was faster, or on Kafka the stable end still lags behind what was written: let the tail catch up.
                await self.changed(state.position, 0.2)
                continue
            if self._notices is not None:
                self._notices.send("registry")
            await self._reach(end)
            return self._state

    async def changed(self, since: int, timeout: float) -> bool:
        try:
            async with asyncio.timeout(timeout), self._advanced:
                await self._advanced.wait_for(lambda: self._state.position > since or self._failure is not None)
        except TimeoutError:
            return False
        self._check()
        return self._state.position > since

    async def _reach(self, end: int) -> None:
        """Wait until everything before `end` is applied."""
        if self._state.position >= end:
            return
        try:
            async with asyncio.timeout(READ_SECONDS), self._advanced:
                await self._advanced.wait_for(lambda: self._state.position >= end or self._failure is not None)
        except TimeoutError as e:
            raise LogUnavailable(f"{self._tp.topic} was not readable up to {end} within {READ_SECONDS:.0f} s") from e
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _run(self, reader: LogReader) -> None:
        """Apply what comes. An entry that cannot be read stops the registry: to go on would be to decide on half a catalog."""
        while True:
            try:
                chunks = await reader.poll(POLL_SECONDS)
                for chunk in chunks:
                    self._state = apply(self._state, chunk.records, chunk.next)
            except asyncio.CancelledError:
                raise
            except LogUnavailable as e:
                _log.warning("registry: %s", e)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except Exception as e:
                _log.exception("registry: the topic cannot be read on")
                self._failure = e
            if chunks or self._failure is not None:
                async with self._advanced:
                    self._advanced.notify_all()
            if self._failure is not None:
                return


def apply(state: CatalogState, records: Sequence[Record], position: int) -> CatalogState:
    """The state after these records of the registry topic."""
    relations, topologies = dict(state.relations), dict(state.topologies)
    for record in records:
        if record.key is None:
            continue
        kind, name, entry = decode(record.key, record.value)
        if entry is None:
            (relations if kind == "relation" else topologies).pop(name, None)
        elif isinstance(entry, RelationEntry):
            relations[name] = entry
        elif isinstance(entry, TopologyEntry):
            topologies[name] = entry
    return CatalogState(position, relations, topologies)
