"""Membership on the embedded log: a fixed split of each topology's tasks over the node's workers.

The supervisor writes the number of workers into the log. Worker slots are called "w0", "w1", ...; task i of a topology's sorted task list
belongs to slot (i + hash of the group) mod number of workers; the hash spreads topologies of few tasks. There is nothing to negotiate:
a worker that dies is started again under its slot. What fences is the token: (slot, epoch of the slot, generation of the split). The
first join of a process raises the slot's epoch, a change of the number of workers raises the generation, and a commit with an older token
is refused inside its transaction, so a process that was thought dead commits nothing.

Each slot notes the edition of a group's plan that it works on. Tasks of two editions mean different things, so a slot gets none before all
others that note another edition have left, or their processes were replaced.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from penstock.errors import AssignmentLost, LogError
from penstock.log.embedded.committer import Committer
from penstock.log.embedded.tables import Environment, Tables
from penstock.log.embedded.wakeups import Wakeups
from penstock.log.port import Assignment, GroupToken, TaskId, TaskWork

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


def enter(tables: Tables, group: str, slot: str, epoch: int, edition: int) -> bool:
    """Note that a slot wants to work on an edition; whether it may begin: nobody valid notes another one."""
    tables.set_meta(_edition_key(group, slot), f"{epoch}:{edition}")
    for other in (f"w{n}" for n in range(workers_of(tables))):
        noted = tables.meta(_edition_key(group, other)) if other != slot else ""
        if noted:
            its_epoch, its_edition = map(int, noted.split(":"))
            if its_edition != edition and tables.slot_epoch(other) == its_epoch:
                return False
    return True


def _edition_key(group: str, slot: str) -> str:
    return f"edition:{group}:{slot}"


class EmbeddedGroup:
    """Implements GroupHandle. Assignments are made by EmbeddedMembership."""

    def __init__(self, membership: EmbeddedMembership, group: str, tasks: Sequence[TaskId], notify: Callable[[], None], edition: int) -> None:
        self.group = group
        self.edition = edition
        self.entered = False
        self.entering: asyncio.Task[None] | None = None
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

    def report(self, lags: Mapping[TaskId, int]) -> None:
        """There are no copies: all workers are on one node."""

    def drain(self) -> None:
        """There is no other node."""

    async def leave(self, for_good: bool = True) -> None:
        self._latest = None
        await self._membership.forget(self)


class EmbeddedMembership:
    """Implements Membership for one worker process."""

    def __init__(self, environment: Environment, committer: Committer, wakeups: Wakeups, slot: str) -> None:
        self._environment = environment
        self._committer = committer
        self._wakeups = wakeups
        self._slot = slot
        self._groups: list[EmbeddedGroup] = []
        self._token: EmbeddedToken | None = None
        self._taken = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    def join(self, group: str, topics: Sequence[str], tasks: Sequence[TaskId], producer: Callable[[], str],
             notify: Callable[[], None], edition: int = 0, work: Mapping[TaskId, TaskWork] | None = None) -> EmbeddedGroup:
        handle = EmbeddedGroup(self, group, tasks, notify, edition)
        self._groups.append(handle)
        if self._watch is None:
            self._watch = asyncio.create_task(self._run(), name=f"membership-{self._slot}")
        handle.entering = asyncio.create_task(self._enter(handle), name=f"enter-{group}")
        return handle

    async def _enter(self, handle: EmbeddedGroup) -> None:
        """Wait for the slot, then until no other edition is at work; then the first assignment comes."""
        pause = 0.01
        while True:
            await self._taken.wait()
            token = self._token
            try:
                if token is not None and await self._note(handle, token.epoch):
                    break
            except LogError as e:
                log.warning("%s cannot enter %s yet: %s", self._slot, handle.group, e)
            await asyncio.sleep(pause)
            pause = min(RETRY, 2 * pause)
        handle.entered = True
        if self._token is not None:
            with self._environment.read() as tables:
                handle.adopt(self._token, workers_of(tables))

    async def _note(self, handle: EmbeddedGroup, epoch: int) -> bool:
        return await self._committer.submit(lambda tables, _: enter(tables, handle.group, self._slot, epoch, handle.edition))

    async def forget(self, handle: EmbeddedGroup) -> None:
        """Its slot no longer works on the group."""
        if handle in self._groups:
            self._groups.remove(handle)
        if handle.entering is not None:
            handle.entering.cancel()
            await asyncio.gather(handle.entering, return_exceptions=True)
        if self._token is not None:
            try:
                await self._committer.submit(lambda tables, _: tables.drop_meta(_edition_key(handle.group, self._slot)))
            except LogError as e:
                log.warning("%s cannot note that it left %s: %s", self._slot, handle.group, e)

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
                    self._taken.set()
                    for handle in tuple(self._groups):
                        if handle.entered:
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
        for handle in self._groups:
            if handle.entering is not None:
                handle.entering.cancel()
                await asyncio.gather(handle.entering, return_exceptions=True)
        self._groups.clear()
