"""What the board shows of a topology's tasks on this worker."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping

from penstock.log.port import TaskId
from penstock.plan.resolved import ResolvedPlan
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.runtime.context import Context
from penstock.runtime.task import Task

EVERY = 1.0
"""Seconds between looks at lags."""


class TaskBoard:
    """The states of tasks, and what is written of them. tasks, produced: the runner's, as they are at each writing."""

    def __init__(self, ctx: Context, plan: ResolvedPlan, tasks: Mapping[TaskId, Task], produced: Mapping[str, int]) -> None:
        self._ctx, self._plan, self._tasks, self._produced = ctx, plan, tasks, produced
        self._states: dict[TaskId, tuple[TaskState, str]] = {}
        self._copies: dict[TaskId, int] = {}
        self._looked = 0.0
        self.owed = False
        """`refresh` was called too soon after the last look: it is to be called again within EVERY seconds."""
        self.generation = 0
        """Of the group, in which the worker was given its tasks last."""

    def says(self, task_id: TaskId) -> tuple[TaskState, str] | None:
        """What was said last; None: nothing yet."""
        return self._states.get(task_id)

    def say(self, task_id: TaskId, state: TaskState, reason: str = "") -> None:
        """Show this state now. Also called by the thread that watches the loop."""
        self._states[task_id] = (state, reason)
        self._ctx.board.put([self._entry(task_id)])
        self._ctx.notices.send("board")

    def copies(self, lags: Mapping[TaskId, int]) -> None:
        """These follow tasks of other nodes, and miss so many changelog records."""
        changed = {t: lag for t, lag in lags.items() if self._copies.get(t) != lag}
        for task_id, lag in changed.items():
            self._copies[task_id] = lag
            self._states[task_id] = TaskState.STANDBY, "" if lag <= 1 else f"{lag:,} changelog records behind"
        if changed:
            self._ctx.board.put([self._entry(t) for t in changed])
            self._ctx.notices.send("board")

    def committed(self, tasks: Iterable[Task]) -> None:
        """These tasks have committed."""
        self._put(tasks)
        self._ctx.notices.send("board")

    def refresh(self, state: TaskState, reason: str) -> None:
        """From time to time: every open task is in this state, unless it waits for programs, and lags change also without commits."""
        now = time.monotonic()
        self.owed = bool(self._tasks) and now - self._looked < EVERY
        if self.owed or not self._tasks:
            return
        self._looked = now
        shown = {t.id: (TaskState.WAITING_FOR_WORKER, t.waits_for) if t.waits_for and state is TaskState.RUNNING else (state, reason)
                 for t in self._tasks.values()}
        changed = [t for t in self._tasks.values() if self._states.get(t.id) != shown[t.id] or t.lag]
        for t in changed:
            self._states[t.id] = shown[t.id]
        if changed or self._ctx.board.behind:
            self.committed(changed)

    def keep_only(self, task_ids: Collection[TaskId]) -> None:
        """Every other task is no longer this worker's; copies stay. One that was shown on would count as a claim of this generation: nobody would
        look for its rows where it is now."""
        if gone := [t for t in self._states if t not in task_ids and t not in self._copies]:
            self.remove(gone)

    def remove(self, task_ids: Iterable[TaskId]) -> None:
        """These are no longer this worker's."""
        task_ids = list(task_ids)
        for task_id in task_ids:
            self._copies.pop(task_id, None)
            self._states.pop(task_id, None)
        self._ctx.board.remove(self._plan.topology, self._plan.incarnation, [(self._plan.subs[i.sub].name, i.partition) for i in task_ids])

    def _put(self, tasks: Iterable[Task]) -> None:
        self._ctx.board.put([self._entry(t.id) for t in tasks if t.id in self._tasks])

    def _entry(self, task_id: TaskId) -> TaskEntry:
        state, reason = self._states.get(task_id, (TaskState.OPENING, ""))
        task = self._tasks.get(task_id)
        inputs: Mapping[str, int] = {}
        if task is not None:
            inputs = {f"{i.tp.topic}[{i.tp.partition}]": i.committed for i in task.inputs}
        return TaskEntry(self._plan.topology, self._plan.incarnation, self._plan.subs[task_id.sub].name, task_id.partition, state, reason,
                         self._ctx.slot, inputs, {} if task_id in self._copies else dict(self._produced),
                         self._copies.get(task_id, 0) if task is None else task.lag, self._ctx.clock.now_ms(), self._plan.edition,
                         self.generation)
