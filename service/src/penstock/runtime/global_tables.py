"""The global tables that a topology joins, as this worker holds them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable

from penstock.engine.port import BadRecord
from penstock.errors import LogError, StateError
from penstock.log.port import TaskId
from penstock.plan.resolved import ResolvedPlan
from penstock.runtime.context import Context
from penstock.runtime.global_table import GlobalTable
from penstock.state.port import Store

log = logging.getLogger("penstock.runner")


class GlobalTables:
    """Tasks run only over global tables that hold what they should. Bad records of those are sent by one worker."""

    def __init__(self, ctx: Context, plan: ResolvedPlan, wake: Callable[[], None]) -> None:
        self._ctx, self._plan = ctx, plan
        self._tables = {sub.name: GlobalTable(ctx, plan, sub, wake) for sub in plan.globals}
        self._ids = [TaskId(n, p) for n, sub in enumerate(plan.subs) for p in range(sub.partitions)]

    def start(self) -> None:
        """Begin to read."""
        for table in self._tables.values():
            table.start()

    def resume(self) -> None:
        """Somebody resumed the topology."""
        for table in self._tables.values():
            table.resume()

    def nudge(self) -> None:
        """Somebody waits for a commit."""
        for table in self._tables.values():
            table.nudge()

    async def stop(self) -> None:
        """Write and close them."""
        for table in self._tables.values():
            try:
                await table.stop()
            except (LogError, StateError, OSError) as e:
                log.warning("global table %s of %s: the last write failed (%s); the next start reads on", table.name, self._plan.topology, e)

    def stores(self, task_id: TaskId) -> dict[str, Store]:
        """Stores that a task joins."""
        return {name: self._tables[name].store for name in self._plan.subs[task_id.sub].global_tables}

    def missing(self, task_id: TaskId) -> GlobalTable | None:
        """A table that a task has to wait for."""
        return next((t for name in self._plan.subs[task_id.sub].global_tables if not (t := self._tables[name]).ready), None)

    def check(self, running: Iterable[TaskId]) -> None:
        """Raises LogError when a task that runs has lost one."""
        for task_id in running:
            if (lost := self.missing(task_id)) is not None:
                raise LogError(lost.reason)

    def send_letters(self, running: Collection[TaskId], active: Collection[TaskId], bad: Callable[[TaskId, BadRecord], None]) -> None:
        """Bad records that were read: the worker of one chosen task sends them, all others forget them. active: of this worker."""
        for table in self._tables.values():
            sender = next(i for i in self._ids if table.name in self._plan.subs[i.sub].global_tables or i == self._ids[-1])
            if table.letters and (sender in running or sender not in active):
                letters = list(table.letters)
                table.letters.clear()
                for letter in letters if sender in running else ():
                    self._ctx.counters.dead_letters -= 1  # counted when it was read
                    bad(sender, letter)
