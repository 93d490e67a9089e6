"""Why a task does not run, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.runtime.task import Task

LONGEST = 30.0
"""Seconds between tries, at most."""


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
