"""What became of the topics of registered topologies: deleted, made again, with fewer or with more partitions than planned. Kafka lets anybody do
that; the topology's status says it, and what to do.

A topic that was made again is known by its id, which this process has seen before; one that was made again while no gateway ran is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence

from penstock.catalog.port import Registry, TopologyEntry
from penstock.errors import LogError
from penstock.log.port import Log, TopicShape
from penstock.plan.nodes import SourceStream
from penstock.plan.resolved import ResolvedPlan
from penstock.serving.graph import stage

_log = logging.getLogger("penstock.gateway")

LOOK_EVERY = 15.0
RESET = "pause and reset the topology, which then begins anew"


def planned(plan: ResolvedPlan) -> Mapping[str, int]:
    """Partitions by topic, as the plan counts on them. What a pattern finds may come and go."""
    found = {n.topic.topic for sub in plan.subs for n in sub.nodes if isinstance(n, SourceStream) and n.pattern}
    external = {t.topic: t.partitions for t in plan.external if t.topic not in found and t.partitions}
    return {**external, **{t.topic: t.partitions for t in plan.internal}}


def troubles(entry: TopologyEntry, topics: Mapping[str, TopicShape], ids: Mapping[str, str]) -> Iterator[str]:
    """Sentences for people. ids: of topics as they were first seen. Pure."""
    internal = {t.topic for t in entry.plan.internal}
    read = frozenset[str]().union(*(stage(entry, sub).inputs for sub in entry.plan.subs))
    for topic, partitions in planned(entry.plan).items():
        info = topics.get(topic)
        if info is None:
            again = RESET if topic in internal else f"make it again with {partitions} partitions, then {RESET}"
            yield f"topic {topic} does not exist any more: {again}"
        elif ids.get(topic, info.topic_id) != info.topic_id:
            yield f"topic {topic} was deleted and made again, so that positions in it mean nothing: {RESET}"
        elif info.partitions < partitions:
            yield f"topic {topic} has {info.partitions} partitions, the topology was planned for {partitions}: {RESET}"
        elif info.partitions > partitions and topic in read | internal:
            yield (f"topic {topic} has grown from {partitions} to {info.partitions} partitions, and what is in the new ones is not read: {RESET} "
                   f"with {info.partitions} tasks")


class TopicWatch:
    """Looks from time to time. found: what is wrong, by topology and incarnation."""

    def __init__(self, log: Log, registry: Registry) -> None:
        self._log, self._registry = log, registry
        self._ids: dict[tuple[str, int], dict[str, str]] = {}
        self._found: dict[tuple[str, int], Sequence[str]] = {}

    def of(self, entry: TopologyEntry) -> Sequence[str]:
        """What is wrong with a topology's topics."""
        return self._found.get((entry.name, entry.incarnation), ())

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except LogError as e:
                _log.info("topics cannot be looked at now: %s", e)
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Once. Raises LogError."""
        entries = list(self._registry.state.topologies.values())
        topics = await self._log.shapes(sorted({t for e in entries for t in planned(e.plan)}))
        known = self._registry.state.topologies.values()  # whose topics go meanwhile is deleted, and not in trouble
        before, self._found = self._found, {}
        for entry in [e for e in entries if any(e is k for k in known)]:
            at = entry.name, entry.incarnation
            ids = self._ids.setdefault(at, {})
            for topic in planned(entry.plan):
                if topic in topics:
                    ids.setdefault(topic, topics[topic].topic_id)
            self._found[at] = tuple(troubles(entry, topics, ids))
            for trouble in set(self._found[at]) - set(before.get(at, ())):
                _log.error("topology %s: %s", entry.name, trouble)
        self._ids = {at: ids for at, ids in self._ids.items() if at in self._found}
