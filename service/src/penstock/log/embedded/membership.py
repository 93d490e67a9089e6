"""Membership on the embedded log: a fixed split of each topology's tasks over the node's workers.

The supervisor writes the number of workers into the log. Worker slots are called "w0", "w1", ...; task i of a topology's sorted task list
belongs to slot (i + hash of the group) mod number of workers; the hash spreads topologies of few tasks. There is nothing to negotiate:
a worker that dies is started again under its slot. What fences is the token: (slot, epoch of the slot, generation of the split). The
first join of a process raises the slot's epoch, a change of the number of workers raises the generation, and a commit with an older token
is refused inside its transaction, so a process that was thought dead commits nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

from penstock.errors import AssignmentLost, LogError
from penstock.log.embedded.committer import Committer
from penstock.log.embedded.tables import Environment, Tables
from penstock.log.embedded.wakeups import Wakeups
from penstock.log.port import Assignment, GroupToken, TaskId

log = logging.getLogger("penstock.log")

LOOK_EVERY = 1.0
RETRY = 0.5


@dataclass(frozen=True, slots=True)
class EmbeddedToken:
    """Who may commit: this epoch of the slot under this generation of the split."""

    slot: str
    epoch: int
    generation: int


def check_token(tables: Tables, token: GroupToken) -> None:
    """Raises AssignmentLost unless the token is the newest of its slot."""
    if not isinstance(token, EmbeddedToken):
        raise AssignmentLost(f"{token!r} is no token of the embedded log")
    epoch, generation = tables.slot_epoch(token.slot), generation_of(tables)
    if (epoch, generation) != (token.epoch, token.generation):
        raise AssignmentLost(f"worker {token.slot} holds epoch {token.epoch} of generation {token.generation}, but epoch {epoch} of generation "
                             f"{generation} is valid: another process has its place")


def generation_of(tables: Tables) -> int:
    return int(tables.meta("generation") or 0)


def workers_of(tables: Tables) -> int:
    """1 while no supervisor has said how many."""
    return int(tables.meta("workers") or 1)


def set_workers(tables: Tables, n: int) -> None:
    """How many workers share the tasks; a change makes all tokens invalid."""
    if workers_of(tables) != n:
        tables.set_meta("workers", str(n))
        tables.count_up("generation")


def slot_index(slot: str) -> int:
    """3 for "w3"; 0 for any other name (a single worker)."""
    return int(slot[1:]) if slot[:1] == "w" and slot[1:].isdigit() else 0


def split(group: str, tasks: Sequence[TaskId], index: int, workers: int) -> frozenset[TaskId]:
    """The tasks of the worker with this index."""
    shift = crc32(group.encode())
    ordered = sorted(tasks, key=lambda t: (t.sub, t.partition))
    return frozenset(t for i, t in enumerate(ordered) if (i + shift) % workers == index)


class EmbeddedGroup:
    """Implements GroupHandle. Assignments are made by EmbeddedMembership."""

    def __init__(self, membership: EmbeddedMembership, group: str, tasks: Sequence[TaskId], notify: Callable[[], None]) -> None:
        self.group = group
        self._membership = membership
        self._tasks = tuple(tasks)
        self._notify = notify
        self._latest: Assignment | None = None
        self._epoch = 0
        self._seq = 0

    @property
    def latest(self) -> Assignment | None:
        return self._latest

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def holding(self) -> bool:
        return False

    def adopt(self, token: EmbeddedToken | None, workers: int) -> None:
        """A new token, or None: lost."""
        if self._latest is not None:
            self._epoch += 1
        self._seq += 1
        self._latest = None if token is None else Assignment(
            self._seq, self._epoch, token, split(self.group, self._tasks, slot_index(token.slot), workers))
        self._notify()

    async def token_for(self, tasks: frozenset[TaskId], epoch: int) -> GroupToken:
        """The present token. Raises AssignmentLost when the epoch is over."""
        if self._latest is None or epoch != self._epoch or not tasks <= self._latest.active:
            raise AssignmentLost(f"{self.group}: the split has changed or another process has this worker's place")
        return self._latest.token

    def subscribe(self, topics: Sequence[str]) -> None:
        """Offsets are kept as long as the group."""

    def release(self, tasks: frozenset[TaskId], assignment: Assignment) -> None:
        """Nobody waits for it: the split is fixed."""

    async def leave(self) -> None:
        self._latest = None
        self._membership.forget(self)


class EmbeddedMembership:
    """Implements Membership for one worker process."""

    def __init__(self, environment: Environment, committer: Committer, wakeups: Wakeups, slot: str) -> None:
        self._environment = environment
        self._committer = committer
        self._wakeups = wakeups
        self._slot = slot
        self._groups: list[EmbeddedGroup] = []
        self._token: EmbeddedToken | None = None
        self._watch: asyncio.Task[None] | None = None

    def join(self, group: str, topics: Sequence[str], tasks: Sequence[TaskId], producer: Callable[[], str],
             notify: Callable[[], None]) -> EmbeddedGroup:
        handle = EmbeddedGroup(self, group, tasks, notify)
        self._groups.append(handle)
        if self._watch is None:
            self._watch = asyncio.create_task(self._run(), name=f"membership-{self._slot}")
        elif self._token is not None:
            token = self._token
            asyncio.get_running_loop().call_soon(self._first, handle, token)
        return handle

    def _first(self, handle: EmbeddedGroup, token: EmbeddedToken) -> None:
        if handle in self._groups and handle.latest is None and token == self._token:
            with self._environment.read() as tables:
                handle.adopt(token, workers_of(tables))

    def forget(self, handle: EmbeddedGroup) -> None:
        if handle in self._groups:
            self._groups.remove(handle)

    async def _run(self) -> None:
        """Take the slot, then watch whether it is still ours and whether the split changed."""
        epoch = await self._take()
        changed = self._wakeups.register()
        try:
            while True:
                changed.clear()
                with self._environment.read() as tables:
                    valid = tables.slot_epoch(self._slot) == epoch
                    generation, workers = generation_of(tables), workers_of(tables)
                token = EmbeddedToken(self._slot, epoch, generation) if valid else None
                if token != self._token:
                    self._token = token
                    for handle in tuple(self._groups):
                        handle.adopt(token, workers)
                if token is None:
                    log.warning("another process has taken the place of worker %s: this one runs no tasks any more", self._slot)
                    return
                try:
                    async with asyncio.timeout(LOOK_EVERY):
                        await changed.wait()
                except TimeoutError:
                    pass  # time for another look
        finally:
            self._wakeups.unregister(changed)

    async def _take(self) -> int:
        while True:
            try:
                return await self._committer.submit(lambda tables, _: tables.new_slot_epoch(self._slot))
            except LogError as e:
                log.warning("worker %s cannot take its place yet: %s", self._slot, e)
                await asyncio.sleep(RETRY)

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        self._groups.clear()
