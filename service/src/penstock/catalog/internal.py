"""Topics that are the service's own: nobody outside reads or writes them, and they go with what they belong to."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.catalog import registry, schema_topic
from penstock.catalog.port import CatalogState
from penstock.plan.replay import replay_topic
from penstock.plan.resolved import ResolvedPlan


def made_with(plan: ResolvedPlan) -> Iterator[str]:
    """Those that a registration makes, or has taken over from an edition before it."""
    yield from (t.topic for t in plan.internal)
    yield from plan.retired
    if plan.dead_letter_topic and all(t.topic != plan.dead_letter_topic for t in plan.internal):
        yield plan.dead_letter_topic


def of_plan(plan: ResolvedPlan) -> Iterator[str]:
    """All that live and die with this incarnation, those of replayed dead letters too, which are made when one is replayed first."""
    yield from made_with(plan)
    yield from (replay_topic(plan, sub) for sub in plan.subs)


def of_service(state: CatalogState, service_id: str) -> frozenset[str]:
    """Every one that belongs to what is registered now."""
    plans = (topic for entry in state.topologies.values() for topic in of_plan(entry.plan))
    return frozenset((registry.topic_name(service_id), schema_topic.topic_name(service_id), *plans))
