"""This node as it shows itself to the others: signs of life, and its tasks as soon as they change."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import msgspec

from penstock.errors import LogError
from penstock.runtime.board_port import BoardReader, Notices, TaskEntry
from penstock.serving.cluster.cluster import FORGOTTEN, Cluster, NodesTopic
from penstock.serving.cluster.published import Claim, NodeEntry, NodeTasks, claims, gone, same

_log = logging.getLogger("penstock.gateway")

BEAT = 1.0
SHORTEST = 0.1
"""Seconds between two looks at the boards, which are told of after each commit; or twenty times the processor time of a look."""
LEAVE_SECONDS = 2.0
DOUBT_SECONDS = 60.0
"""How long an append that failed may still land in the log, behind a later one."""


@dataclass
class Presence:
    """Publishes a node until it leaves. entry is replaced when what it says changes. forgotten: called with each node that is gone for good."""

    cluster: Cluster
    topic: NodesTopic
    board: BoardReader
    notices: Notices
    entry: NodeEntry
    forgotten: Callable[[str], None] = lambda node: None
    _said: tuple[Claim, ...] | None = None
    _seen: Sequence[TaskEntry] | None = None
    _double: str = ""
    _doubt: float = 0.0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._beat(), name="node-beat"), asyncio.create_task(self._follow(), name="node-tasks")]

    async def drain(self) -> None:
        """Say that this node takes no more clients."""
        self.entry = msgspec.structs.replace(self.entry, state="DRAINING")
        await self._publish()

    async def leave(self) -> None:
        """Say that this node is gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                try:
                    await self.topic.publish(gone(self.entry.id))
                except LogError as e:
                    _log.warning("the other nodes are not told that this one leaves: %s", e)

    async def _beat(self) -> None:
        while True:
            with _goes_on("give signs of life"):
                await self._publish()
                await self._forget()
                self._look_for_double()
            await asyncio.sleep(BEAT)

    async def _publish(self) -> None:
        workers = tuple(sorted({t.worker for t in self.board.tasks() if t.worker}))
        self.entry = msgspec.structs.replace(self.entry, workers=workers)
        try:
            await self.topic.publish([self.entry])
        except LogError as e:
            _log.warning("the other nodes hear nothing of this one: %s", e)

    def _look_for_double(self) -> None:
        """Another process under this node's id; its workers and this node's take the tasks from each other."""
        both = self.cluster.doubles().get(self.entry.id)
        address = next((e.address for e in both or () if e.started_ms != self.entry.started_ms), "")
        if address != self._double:
            self._double = address
            if address:
                _log.error("another node runs as %s, at %s: end one of the two, and give it a --node-id and a data directory of its own", self.entry.id, address)
            else:
                _log.warning("no other node runs as %s any more: start this one again if its workers were expelled", self.entry.id)

    async def _forget(self) -> None:
        """The first of the nodes that are alive forgets those that have been silent for long."""
        alive = [n for n in self.topic.state.members if self.cluster.alive(n)]
        if alive and min(alive) == self.entry.id:
            for node in self.cluster.others:
                if self.cluster.silence(node) > FORGOTTEN:
                    _log.warning("node %s has been silent for %.0f s: it is forgotten", node, FORGOTTEN)
                    with suppress(LogError):  # the next beat tries again
                        await self.topic.publish(gone(node))
                        self.forgotten(node)

    async def _follow(self) -> None:
        """Publish the tasks when the boards say something new of them."""
        waiter = self.notices.subscribe("board")
        try:
            while True:
                cost = 0.0
                with _goes_on("show its tasks"):
                    began = time.thread_time()
                    said = self.topic.state.tasks.get(self.entry.id)
                    known = said is not None and said.started_ms == self.entry.started_ms  # who was silent for long is forgotten, and says all again
                    if said is not None and time.monotonic() < self._doubt:
                        known = known and self._said is not None and same(said.claims, self._said)
                    tasks = self.board.tasks()
                    now = None if tasks is self._seen and known else claims(tasks)
                    cost = time.thread_time() - began  # of looking: how long the log takes to answer is no reason to look less often
                    if now is not None:
                        await self._say(tasks, now, known)
                await asyncio.sleep(max(SHORTEST, 20 * cost))
                await waiter.wait(BEAT)
        finally:
            waiter.close()

    async def _say(self, tasks: Sequence[TaskEntry], now: tuple[Claim, ...], known: bool) -> None:
        for claim in now:
            self.cluster.seen_here(claim)
        if self._said is not None and same(now, self._said) and known:
            self._seen = tasks
            return
        try:
            await self.topic.publish([NodeTasks(self.entry.id, self.entry.started_ms, now)])
            self._said, self._seen = now, tasks
        except LogError as e:
            self._doubt = time.monotonic() + DOUBT_SECONDS
            _log.warning("the other nodes do not hear of this one's tasks, trying again: %s", e)


@contextmanager
def _goes_on(what: str) -> Iterator[None]:
    """Whatever fails is tried again: a node that shows itself no longer looks dead, or without its tasks, while it works."""
    try:
        yield
    except Exception:
        _log.exception("this node cannot %s, trying again", what)
