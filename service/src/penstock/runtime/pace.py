"""When a topology commits on a worker, and how long it may rest."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from penstock.engine.processors.schedules import NEVER
from penstock.runtime.task import Task

OPEN_TRANSACTION = 4.0
"""Seconds that a transaction may stay open before it is committed whatever the interval."""
LONGEST_REST = 60.0
"""Seconds: whatever happens wakes a topology, so that hundreds of idle ones cost little."""
LOOKING_REST = 0.5
"""The same for a topology that looks for topics."""


class Pace:
    """Commits come after the interval, sooner when nothing is left to do: then as often as they are cheap, so that a trickle does not become a
    storm of them. nudged: somebody waits for a commit."""

    def __init__(self, commit_interval_ms: int) -> None:
        self.nudged = False
        self._interval = commit_interval_ms / 1000
        self._last = 0.0
        self._cost = 0.0

    def began(self) -> None:
        """A commit begins now."""
        self._last = time.monotonic()
        self.nudged = False

    def took(self, seconds: float) -> None:
        """A commit has ended."""
        self._cost = seconds if not self._cost else 0.8 * self._cost + 0.2 * seconds

    def due(self, tasks: Collection[Task], worked: int, open_since: float | None) -> bool:
        """Whether to commit now: the interval is over, or nothing is left to do and somebody may be waiting. open_since: of a transaction
        that holds batches already."""
        if not tasks:
            return False
        now = time.monotonic()
        since = now - self._last
        if open_since is not None and now - open_since > OPEN_TRANSACTION:
            return True
        if not any(t.dirty or t.first_commit for t in tasks):
            return False
        if any(t.at_step for t in tasks):
            return True
        if since >= self._interval or self.nudged:
            return True
        return not worked and since >= self._gap(tasks)

    def rest(self, tasks: Collection[Task], committing: bool, running: bool, looking: bool, now_ms: int,
             retries: Iterable[float | None]) -> float:
        """Seconds to wait for records or notices, at most. committing: a commit is under way. running: records may be processed. looking: for
        topics. retries: monotonic seconds at which failed tasks are tried again."""
        timeout = LOOKING_REST if looking else LONGEST_REST
        if not committing and any(t.dirty or t.first_commit for t in tasks):
            timeout = max(0.001, self._gap(tasks) - (time.monotonic() - self._last))
        waiting = [t.wait_until for t in tasks if t.wait_until is not None]
        if waiting and running:
            timeout = min(timeout, max(0.001, min(waiting) - time.monotonic()))
        due = min((t.due for t in tasks), default=NEVER)
        if due < NEVER and running:
            timeout = min(timeout, max(0.001, (due - now_ms) / 1000))
        at = [when for when in retries if when is not None]
        return min(timeout, max(0.01, min(at) - time.monotonic())) if at else timeout

    def _gap(self, tasks: Iterable[Task]) -> float:
        """Seconds between commits when nothing is left to do. While programs have bundles that is not so."""
        if any(t.away for t in tasks):
            return self._interval
        return min(self._interval, max(0.005, 2 * self._cost))
