"""Tasks of a topology that are being opened on this worker, in the background of those that run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from penstock.errors import RecordTooLarge, StateError, StoreBusy, StoreFull, TaskFailed, UnknownTopic
from penstock.log.port import TaskId
from penstock.plan.resolved import ResolvedPlan
from penstock.runtime.context import Context
from penstock.runtime.inputs import InputTopic
from penstock.runtime.opening import Hooks, open_task, task_name
from penstock.runtime.outbox import Outbox
from penstock.runtime.task import Task
from penstock.state.port import Store

AT_ONCE = 4
"""Tasks of a topology that are opened at the same time; how many of them are restored at once is the worker's affair (Context.restores)."""

HANDED_OVER_WITHIN = 5.0
"""Seconds in which another worker of this node closes its copy of the store."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A task that can run. owner: the token in its store."""

    task: Task
    owner: str

    def close(self) -> None:
        """It will not run."""
        if self.task.state is not None:
            self.task.state.close()


@dataclass(frozen=True, slots=True)
class Refused:
    """A task that cannot be opened. retry: seconds until it is worth another try; None: only when somebody resumes the topology."""

    reason: str
    retry: float | None


Outcome = Opened | Refused


class Opener:
    """What fails one task is an outcome; what stops the topology is raised by `finished`."""

    def __init__(self, ctx: Context, plan: ResolvedPlan, outbox: Outbox, hooks: Hooks, wake: Callable[[], None]) -> None:
        self._ctx, self._plan, self._outbox, self._hooks, self._wake = ctx, plan, outbox, hooks, wake
        self._running: dict[TaskId, asyncio.Task[Outcome]] = {}

    def __contains__(self, task_id: TaskId) -> bool:
        return task_id in self._running

    @property
    def busy(self) -> bool:
        """Something is being opened."""
        return bool(self._running)

    @property
    def full(self) -> bool:
        """No further task may be begun now."""
        return len(self._running) >= AT_ONCE

    def begin(self, task_id: TaskId, inputs: Sequence[InputTopic], present: Callable[[], Collection[str] | None],
              shared: Mapping[str, Store]) -> None:
        """present: asked when the writer is ready, as in open_task."""
        self._running[task_id] = asyncio.create_task(self._open(task_id, inputs, present, shared))

    def finished(self) -> list[tuple[TaskId, Outcome]]:
        """What was opened or refused since it was asked last."""
        done = [task_id for task_id, opening in self._running.items() if opening.done()]
        for task_id in done:
            if (error := self._running[task_id].exception()) is not None:  # what else was opened is closed by the reset that follows
                del self._running[task_id]
                raise error
        return [(task_id, self._running.pop(task_id).result()) for task_id in done]

    async def cancel(self, task_ids: Collection[TaskId] | None = None) -> None:
        """Open these, or any, no further; what is open already and was not fetched is closed."""
        chosen = [t for t in self._running if task_ids is None or t in task_ids]
        running = [self._running.pop(t) for t in chosen]
        for opening in running:
            opening.cancel()
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(outcome, Opened):
                outcome.close()

    async def _open(self, task_id: TaskId, inputs: Sequence[InputTopic], present: Callable[[], Collection[str] | None],
                    shared: Mapping[str, Store]) -> Outcome:
        try:
            suspect = self._ctx.suspects.tasks.get(task_name(self._plan, self._plan.subs[task_id.sub], task_id.partition))
            if suspect is not None and suspect.hopeless:
                return Refused("the worker died three times while this task was running, each time on another record", None)
            await self._outbox.ready()
            until = time.monotonic() + HANDED_OVER_WITHIN
            while True:
                try:
                    opened = Opened(*await open_task(self._ctx, self._plan, task_id, inputs, self._outbox.outputs, self._hooks, present(), shared))
                    break
                except StoreBusy:
                    if time.monotonic() > until:
                        raise
                    await asyncio.sleep(0.05)
            try:
                await self._outbox.inherit(self._plan.subs[task_id.sub])
            except BaseException:
                opened.close()
                raise
            return opened
        except (TaskFailed, RecordTooLarge) as e:
            return Refused(str(e), None)
        except (StoreFull, UnknownTopic) as e:
            return Refused(str(e), 2.0)
        except (StateError, ValueError, OSError) as e:
            return Refused(f"the store cannot be opened: {e}", 2.0)
        finally:
            self._wake()
