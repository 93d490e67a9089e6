"""A state that every process of every node holds alike, over one compacted topic with one partition.

Each process tails the topic. A change is decided on the state at the topic's end and written only if nothing came between
(Log.compare_and_append); otherwise the decision is taken anew on what came.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Generic, Protocol, TypeVar

from penstock.clock import Clock
from penstock.errors import LogUnavailable
from penstock.log.port import Log, LogReader, Record, TopicConfig, TopicPartition

_log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
RETRY_SECONDS = 0.5
CONFIG = TopicConfig(1, compact=True, retention_ms=-1)
READ_SECONDS = 30.0
"""How long the end of the topic may take to become readable before the log counts as unavailable."""


class NoticeSender(Protocol):
    """The part of the node's notices that is used here (runtime is a room above this one)."""

    def send(self, what: str) -> None:
        """Tell the node's other processes to look again."""


class Positioned(Protocol):
    """A state as of a position of its topic: the offset behind the last record read."""

    @property
    def position(self) -> int: ...


S = TypeVar("S", bound=Positioned)
C = TypeVar("C")


class StateTopic(Generic[S, C]):
    """empty: the state at a position without records. apply: the state after records, up to a position. encode: (key, value) of a change.
    notice: what the node's other processes are told after a change."""

    def __init__(self, log: Log, topic: str, notices: NoticeSender | None, clock: Clock, *, empty: Callable[[int], S],
                 apply: Callable[[S, Sequence[Record], int], S], encode: Callable[[C], tuple[bytes, bytes | None]], notice: str,
                 config: TopicConfig = CONFIG) -> None:
        self._log = log
        self._tp = TopicPartition(topic, 0)
        self._notices = notices
        self._clock = clock
        self._empty = empty
        self._apply = apply
        self._encode = encode
        self._notice = notice
        self._config = config
        self._state = empty(0)
        self._advanced = asyncio.Condition()
        self._turn = asyncio.Lock()
        self._whose: asyncio.Task[object] | None = None
        self._failure: Exception | None = None
        self._tail: asyncio.Task[None] | None = None
        self._reader: LogReader | None = None

    @property
    def state(self) -> S:
        """As of what was read last."""
        return self._state

    async def start(self) -> None:
        """Create the topic where it is missing, and begin to tail it; returns when the present end is read. Raises LogUnavailable."""
        await self._log.create_topic(self._tp.topic, self._config)
        start = (await self._log.earliest([self._tp]))[self._tp]
        self._state = self._empty(start)
        self._reader = self._log.reader()
        self._reader.add({self._tp: start})
        self._tail = asyncio.create_task(self._run(self._reader), name=f"{self._tp.topic}-tail")
        await self.refresh()

    async def close(self) -> None:
        """Stop tailing."""
        if self._tail is not None:
            self._tail.cancel()
            with suppress(asyncio.CancelledError):
                await self._tail
        if self._reader is not None:
            await self._reader.close()

    async def refresh(self) -> S:
        """Read to the topic's end."""
        end = (await self._log.ends([self._tp]))[self._tp]
        await self._reach(end)
        return self._state

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Meanwhile this process's other tasks change nothing: for who does something long before a change, and would have to undo it."""
        me = asyncio.current_task()
        if self._whose is me:
            yield
            return
        async with self._turn:
            self._whose = me
            try:
                yield
            finally:
                self._whose = None

    async def change(self, decide: Callable[[S], Sequence[C]]) -> S:
        """Read to the end, decide, write; decide runs again when somebody was faster. What decide raises is raised."""
        async with self.turn():
            while True:
                state = await self.refresh()
                changes = decide(state)
                if not changes:
                    return state
                batch = self._log.builder(limit=4 << 20)
                for change in changes:
                    key, value = self._encode(change)
                    batch.append(self._clock.now_ms(), key, value, ())
                end = await self._log.compare_and_append(self._tp.topic, state.position, batch)
                if end is None:
                    # Somebody was faster, or on Kafka the stable end still lags behind what was written: let the tail catch up.
                    await self.changed(state.position, 0.2)
                    continue
                if self._notices is not None:
                    self._notices.send(self._notice)
                await self._reach(end)
                return self._state

    async def publish(self, changes: Sequence[C]) -> None:
        """Write entries that nobody else writes, whatever came between. Raises LogError."""
        batch = self._log.builder(limit=4 << 20, transactional=False)
        for change in changes:
            key, value = self._encode(change)
            batch.append(self._clock.now_ms(), key, value, ())
        await self._log.append(self._tp.topic, 0, batch)

    async def changed(self, since: int, timeout: float) -> bool:
        """Wait until state.position > since."""
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
        """Apply what comes. A record that cannot be read stops the tail: to go on would be to decide on half a state."""
        while True:
            try:
                chunks = await reader.poll(POLL_SECONDS)
                for chunk in chunks:
                    self._state = self._apply(self._state, chunk.records, chunk.next)
            except asyncio.CancelledError:
                raise
            except LogUnavailable as e:
                _log.warning("%s: %s", self._tp.topic, e)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except Exception as e:
                _log.exception("%s: the topic cannot be read on", self._tp.topic)
                self._failure = e
            if chunks or self._failure is not None:
                async with self._advanced:
                    self._advanced.notify_all()
            if self._failure is not None:
                return
