"""A worker process: follows the registry and runs what it says, one Runner a topology."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from penstock import metrics
from penstock.catalog.port import CatalogState, Registry, TopologyEntry
from penstock.catalog.registry import open_registry
from penstock.catalog.schemas import open_schemas
from penstock.clock import SystemClock
from penstock.config import ServeConfig
from penstock.errors import LogError
from penstock.log.port import Log, Placement
from penstock.runtime.board import BoardWriter, NodeBoard
from penstock.runtime.board_port import Notices
from penstock.runtime.context import Context
from penstock.runtime.gone_groups import GoneGroups
from penstock.runtime.layout import Layout
from penstock.runtime.leftovers import Leftovers
from penstock.runtime.poison import NoteFile, Suspects
from penstock.runtime.readers import Readers
from penstock.runtime.remote import RemoteLink
from penstock.runtime.runner import Runner
from penstock.runtime.stuck import StuckWatch
from penstock.runtime.task import Task

log = logging.getLogger("penstock.worker")

DRAIN_LOOK = 0.05


class Worker:
    """All topologies of one worker process."""

    def __init__(self, ctx: Context, registry: Registry, notices: Notices) -> None:
        self.ctx = ctx
        self._registry = registry
        self._notices = notices
        self.runners: dict[str, Runner] = {}
        self._gone = GoneGroups(ctx.log)

    async def run(self, stop: asyncio.Event, drain: asyncio.Event, drained: Callable[[], None]) -> None:
        """Until stop is set; then everything is committed and closed. drain: from when it is set, tasks go to other nodes, drained is called
        when none is left, and the worker does not come back."""
        draining = asyncio.create_task(self._drain(drain, drained), name="drain")
        board = NodeBoard(self.ctx.layout.boards())
        leftovers = asyncio.create_task(Leftovers(self.ctx.layout, board.tasks).run() if self.ctx.slot == "w0" else asyncio.sleep(0),
                                        name="leftovers")
        watch = StuckWatch(self._stuck)
        nudges = asyncio.create_task(self._nudges(), name="nudges")
        groups = asyncio.create_task(self._gone.run(), name="groups")
        memory = asyncio.create_task(self.ctx.memory.run(), name="memory")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            state = self._registry.state
            self._sweep(state)
            while not stop.is_set():
                await self._follow(state)
                changed = asyncio.create_task(self._registry.changed(state.position, 5.0))
                await asyncio.wait([changed, stopped], return_when=asyncio.FIRST_COMPLETED)
                if changed.done():
                    state = self._outcome(changed, state)
                else:
                    changed.cancel()
                    await asyncio.gather(changed, return_exceptions=True)
        finally:
            helpers = nudges, groups, memory, stopped, draining, leftovers
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            board.close()
            await asyncio.gather(*(r.stop(for_good=drain.is_set()) for r in self.runners.values()))
            await watch.close()

    async def _drain(self, drain: asyncio.Event, drained: Callable[[], None]) -> None:
        await drain.wait()
        asked: set[Runner] = set()
        while True:
            runners = set(self.runners.values())
            for runner in runners - asked:
                runner.drain()
            asked = runners
            if all(runner.idle for runner in runners):
                drained()
                return
            await asyncio.sleep(DRAIN_LOOK)

    def _stuck(self, task: Task, reason: str) -> None:
        any(runner.stuck(task, reason) for runner in list(self.runners.values()))

    def _outcome(self, changed: asyncio.Task[bool], before: CatalogState) -> CatalogState:
        error = changed.exception()
        if error is None:
            return self._registry.state
        if not isinstance(error, LogError):
            raise error
        log.warning("the registry cannot be followed: %s", error)
        return before

    async def _follow(self, state: CatalogState) -> None:
        """Start, change and stop runners until they equal the registry."""
        wanted: Mapping[str, TopologyEntry] = state.topologies
        ends, gone = [], []
        for name, runner in list(self.runners.items()):
            entry = wanted.get(name)
            if entry is None or entry.incarnation != runner.entry.incarnation:
                del self.runners[name]
                deleted = f"topology:{name}" not in state.unreadable
                ends.append(runner.stop(delete=deleted))
                gone += [runner.plan.group] if deleted else []
            elif entry.plan.edition != runner.entry.plan.edition:  # stops at a commit; the new plan goes on from there
                del self.runners[name]
                ends.append(runner.stop())
            elif entry != runner.entry:
                runner.update(entry)
        await asyncio.gather(*ends)
        for group in gone:
            self._gone.add(group)
        for name, entry in wanted.items():
            if name not in self.runners:
                runner = self.runners[name] = Runner(self.ctx, entry)
                runner.start()

    def _sweep(self, state: CatalogState) -> None:
        """State of topologies that were deleted while no worker ran. One worker of the node does it."""
        root = self.ctx.layout.root / "state"
        if self.ctx.slot != "w0" or not root.exists():
            return
        known = {f"{t.name}-{t.incarnation}" for t in state.topologies.values()}
        for path in root.iterdir():
            if path.name not in known and f"topology:{path.name.rpartition('-')[0].lower()}" not in state.unreadable:
                shutil.rmtree(path, ignore_errors=True)

    async def _nudges(self) -> None:
        waiter = self._notices.subscribe("nudge")
        while True:
            if await waiter.wait(30.0):
                for runner in self.runners.values():
                    runner.nudge()


@dataclass(frozen=True, slots=True)
class Line:
    """What the supervisor and a worker tell each other. stop: end in order. drain: give every task to other nodes first. ready and drained are
    called once."""

    stop: asyncio.Event
    drain: asyncio.Event = field(default_factory=asyncio.Event)
    ready: Callable[[], None] = lambda: None
    drained: Callable[[], None] = lambda: None


async def run_worker(config: ServeConfig, slot: str, line: Line, source: Log, notices: Notices) -> None:
    """A worker's life: read the registry (waiting until the log answers), take the board, run until `line.stop` is set. The caller opened the
    log and the notices and closes them."""
    stop = line.stop
    registry = await _patiently(lambda: open_registry(source, config.service_id, notices), stop)
    if registry is not None:
        schemas = await _patiently(lambda: open_schemas(config, source), stop)
        try:
            if schemas is not None:
                await _run(config, slot, line, source, notices, registry)
        finally:
            if schemas is not None:
                await schemas.close()
            await registry.close()


T = TypeVar("T")


async def _patiently(open_it: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
    """Try until the log answers; None when told to stop before that."""
    pause = 0.2
    while not stop.is_set():
        try:
            return await open_it()
        except LogError as e:
            log.warning("the registry cannot be read, trying again: %s", e)
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                pause = min(5.0, pause * 2)
    return None


async def _run(config: ServeConfig, slot: str, line: Line, source: Log, notices: Notices, registry: Registry) -> None:
    layout = Layout(config.data)
    board_dir = layout.board(slot)
    note = NoteFile(board_dir / "note")
    suspects = Suspects.load(board_dir / "suspects", note.read())
    note.end()
    board = BoardWriter(board_dir, slot)
    board.clear()
    node = config.node_id or "n0"
    membership = source.membership(slot, node, Placement(config.rack, config.standbys, config.acceptable_lag))
    ctx = Context(slot=slot, node=node, service_id=config.service_id, layout=layout, log=source, membership=membership,
                  readers=Readers(source), followers=Readers(source), board=board, notices=notices, clock=SystemClock(), note=note, suspects=suspects, store_bytes=config.store_bytes,
                  remote=RemoteLink(layout.run))
    worker = Worker(ctx, registry, notices)
    unwatch = metrics.watch_counters(ctx.counters, slot)
    line.ready()
    try:
        await worker.run(line.stop, line.drain, line.drained)
    finally:
        unwatch()
        await ctx.remote.close()
        await ctx.readers.close()
        await ctx.followers.close()
        await membership.close()
        board.close()
        note.close()
