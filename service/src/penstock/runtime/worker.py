"""A worker process: follows the registry and runs what it says, one Runner a topology."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping

from penstock.catalog.port import CatalogState, Registry, TopologyEntry
from penstock.errors import LogError
from penstock.runtime.board_port import Notices
from penstock.runtime.context import Context
from penstock.runtime.runner import Runner

log = logging.getLogger("penstock.worker")


class Worker:
    """All topologies of one worker process."""

    def __init__(self, ctx: Context, registry: Registry, notices: Notices) -> None:
        self.ctx = ctx
        self._registry = registry
        self._notices = notices
        self.runners: dict[str, Runner] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until stop is set; then everything is committed and closed."""
        nudges = asyncio.create_task(self._nudges(), name="nudges")
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
            nudges.cancel()
            stopped.cancel()
            await asyncio.gather(nudges, stopped, return_exceptions=True)
            await asyncio.gather(*(r.stop() for r in self.runners.values()))

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
        ends = []
        for name, runner in list(self.runners.items()):
            entry = wanted.get(name)
            if entry is None or entry.incarnation != runner.entry.incarnation:
                del self.runners[name]
                ends.append(runner.stop(delete=True))
            elif entry != runner.entry:
                runner.update(entry)
        await asyncio.gather(*ends)
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
            if path.name not in known:
                shutil.rmtree(path, ignore_errors=True)

    async def _nudges(self) -> None:
        waiter = self._notices.subscribe("nudge")
        while True:
            if await waiter.wait(30.0):
                for runner in self.runners.values():
                    runner.nudge()
