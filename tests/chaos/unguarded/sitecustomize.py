"""Loaded by the processes of a node of `run.py --unguarded NAME`, and by nothing else: takes away what keeps the service correct, and lets happen
what it keeps it correct against. A run that does not find the consequences would find nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any


def recovery() -> None:
    """A store that misses commits is used as it is, and processes die between a commit and their stores."""
    from penstock.runtime import opening
    from penstock.runtime.recovery import Action, Decision, Facts, decide

    def without_replay(facts: Facts) -> Decision:
        decision = decide(facts)
        return replace(decision, action=Action.USE, replay={}) if decision.action is Action.REPLAY else decision

    opening.decide = without_replay  # type: ignore[attr-defined]


def appends() -> None:
    """A batch that comes again is written again, and answers get lost."""
    from penstock.errors import LogUnavailable
    from penstock.log.embedded.log import EmbeddedLog

    append_many, count = EmbeddedLog.append_many, 0

    async def twice(self: EmbeddedLog, batches: Mapping[Any, Any], *_: object) -> tuple[Mapping[Any, int], bool]:
        nonlocal count
        count += 1
        written = await append_many(self, batches)
        if count % 20 == 0:
            raise LogUnavailable("the answer is lost")
        return written

    EmbeddedLog.append_many = twice  # type: ignore[method-assign, assignment]


{"recovery": recovery, "appends": appends}[os.environ["PENSTOCK_UNGUARDED"]]()
