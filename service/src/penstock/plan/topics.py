"""Which topics a plan needs."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.resolved import ExternalTopic, InternalTopic, ResolvedPlan


@dataclass(frozen=True, slots=True)
class TopicNeeds:
    """exist: must be there already. create: to be made when missing. internal: made for this incarnation and deleted with it."""

    exist: tuple[ExternalTopic, ...]
    create: tuple[ExternalTopic, ...]
    internal: tuple[InternalTopic, ...]


def needs_topics(plan: ResolvedPlan) -> TopicNeeds:
    """The topics by what is to be done about them before the plan can run."""
    return TopicNeeds(tuple(t for t in plan.external if not t.create), tuple(t for t in plan.external if t.create), plan.internal)
