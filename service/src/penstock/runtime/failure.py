"""Why tasks do not run, and when they are tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass

from penstock.log.port import TaskId
from penstock.runtime.task import Task

log = logging.getLogger("penstock.runner")

LONGEST = 30.0
"""Seconds between tries, at most."""
TRIES = 3
"""Defects in a row after which a task is FAILED."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that is FAILED. retry_at: monotonic seconds; None: only when somebody resumes the topology."""

    reason: str
    retry_at: float | None
    tries: int = 1


def failed(reason: str, retry: float | None, before: Failure | None, now: float) -> Failure:
    """The next failure of a task. retry: seconds until the second try; each further one waits longer."""
    tries = 1 if before is None else before.tries + 1
    return Failure(reason, None if retry is None else now + min(LONGEST, retry * tries), tries)


@dataclass(frozen=True, slots=True)
class Unable:
    """An open task that cannot go on. reason: why it is FAILED; empty: it is opened again at once. retry: seconds."""

    task: Task
    reason: str = ""
    retry: float | None = None


class Failures:
    """The failed tasks of a topology on this worker."""

    def __init__(self, slot: str) -> None:
        self._slot = slot
        self._failures: dict[TaskId, Failure] = {}
        self._crashes: dict[TaskId, int] = {}

    def __contains__(self, task_id: TaskId) -> bool:
        return task_id in self._failures

    def add(self, task_id: TaskId, reason: str, retry: float | None) -> None:
        """One more failure. retry: seconds until the next try; None: only when somebody resumes."""
        self._failures[task_id] = failed(reason, retry, self._failures.get(task_id), time.monotonic())

    def may_open(self, task_id: TaskId, now: float) -> bool:
        """Whether a task that does not run may be tried."""
        failure = self._failures.get(task_id)
        return failure is None or (failure.retry_at is not None and failure.retry_at <= now)

    def opened(self, task_id: TaskId) -> None:
        """It runs."""
        self._failures.pop(task_id, None)

    def keep_only(self, task_ids: Collection[TaskId]) -> None:
        """Forget failures of all other tasks."""
        self._failures = {t: failure for t, failure in self._failures.items() if t in task_ids}

    def retries(self) -> list[float | None]:
        """When each is tried again."""
        return [f.retry_at for f in self._failures.values()]

    def clear(self) -> None:
        """Somebody resumes: everything is tried anew."""
        self._failures.clear()
        self._crashes.clear()

    def crashed(self, task: Task) -> Unable:
        """A defect of generated code or of a plug-in, with the exception at hand: three times, then the task fails and is tried again later."""
        log.exception("task %s failed", task.name)
        crashes = self._crashes[task.id] = self._crashes.get(task.id, 0) + 1
        if crashes < TRIES:
            return Unable(task)
        return Unable(task, f"processing raised {crashes} times; the log of {self._slot} has the traceback", 30.0)
