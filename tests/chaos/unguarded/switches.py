"""What keeps the service correct, taken away one by one, and what it keeps it correct against let happen. A run that did not find the
consequences would find nothing; tests/chaos/guards.py says what each run must find."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any


def recovery() -> None:
    """A store that misses commits is used as it is; processes die between a commit and their stores."""
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


def offsets() -> None:
    """Consumed offsets are a transaction of their own, behind that of the output; processes die between the two."""
    from penstock.log.embedded.writer import EmbeddedWriter
    from penstock.runtime import faults

    commit = EmbeddedWriter.commit

    async def apart(self: EmbeddedWriter, group: str, token: Any, offsets_for: Any) -> Mapping[Any, int]:
        ends = await commit(self, group, token, lambda _: {})
        faults.at("between_offsets")
        await commit(self, group, token, lambda _: offsets_for(ends))
        return ends

    EmbeddedWriter.commit = apart  # type: ignore[method-assign]


def tokens() -> None:
    """A lookup does not wait for the position that its token names."""
    from penstock.serving import lookup, scan

    async def at_once(*_: object) -> None:
        return None

    for module in (lookup, scan):
        module.wait_for = at_once  # type: ignore[attr-defined]


def resumptions() -> None:
    """A subscription is told a position that is not where it is: some of what it had comes again, or some of what it had not is left out."""
    from penstock.serving.push_stream import StreamPush

    position, chosen = StreamPush._position, random.Random()

    def elsewhere(self: StreamPush) -> Any:
        there = dict(self._sent_to)
        by = chosen.choice((-3, 3))
        self._sent_to = {p: max(0, offset + by) for p, offset in there.items()}
        try:
            return position(self)
        finally:
            self._sent_to = there

    StreamPush._position = elsewhere  # type: ignore[method-assign]


def incarnations() -> None:
    """What a deleted topology had stays in the log, and the next one of its name has the same names for it."""
    from penstock.catalog import register
    from penstock.plan.resolved import ResolvedPlan
    from penstock.planner.names import Namespace

    async def keep(*_: object) -> None:
        return None

    register.remove = keep  # type: ignore[assignment]
    Namespace.prefix = property(lambda self: f"{self.service_id}-{self.topology}")  # type: ignore[assignment, method-assign]
    ResolvedPlan.group = property(lambda self: f"{self.service_id}-{self.topology}")  # type: ignore[assignment, method-assign]


OFF: Mapping[str, Callable[[], None]] = {f.__name__: f for f in (recovery, appends, offsets, tokens, resumptions, incarnations)}
