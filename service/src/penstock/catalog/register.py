"""Registration, reset and deletion of topologies: the topics in the log and the entry in the registry, in the order that leaves no
half of either behind.

1. plan on the state at the registry's end, look up where its sources begin and register the schemas of its sinks (refused: nothing was created
   but schemas, which stay)
2. create the topics that the plan needs and that do not exist
3. write the entry, only if the registry has not moved since 1; else undo 2 for this incarnation's internal topics and begin again
Deletion goes the other way: the entry first, so that workers stop, then group and topics. A worker that comes too late finds them gone.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar

from penstock.catalog import changes
from penstock.catalog.internal import made_with, of_plan
from penstock.catalog.port import CatalogState, Change, Registry, TopologyEntry
from penstock.catalog.view import CatalogRelations, topology
from penstock.clock import Clock
from penstock.errors import LogError, RequestError
from penstock.log.port import RETENTION_MS, Log, TopicConfig
from penstock.plan.nodes import Sink
from penstock.plan.relations import Relations
from penstock.plan.resolved import ResolvedPlan

_log = logging.getLogger(__name__)
T = TypeVar("T")


Plan = Callable[[Relations, int], ResolvedPlan]
"""(relations, incarnation) -> the plan of one definition. Raises RequestError."""
Pin = Callable[[ResolvedPlan], Awaitable[ResolvedPlan]]
"""The plan with the offsets at which its sources begin (serving/starts.py). Raises RequestError, LogUnavailable."""


class Moved(Exception):
    """The registry has moved since the decision was taken: it must be taken anew."""


async def register(log: Log, registry: Registry, name: str, definition: bytes, plan_on: Plan, pin: Pin, clock: Clock) -> TopologyEntry:
    """Register a topology. An equal definition is answered as the first time. Raises RequestError, LogUnavailable."""

    async def attempt() -> TopologyEntry:
        state = await registry.refresh()
        present = changes.same_definition(state, name, definition)
        if present is not None:
            return present
        plan = await pin(await planned(log, state, plan_on))
        await write(log, registry, plan, plan.incarnation, lambda s: changes.register(s, name, definition, plan, clock.now_ms()))
        return topology(registry.state, name)

    return await until_still(registry, attempt)


async def start(log: Log, registry: Registry, state: CatalogState, name: str, definition: bytes, plan_on: Plan, pin: Pin, clock: Clock,
                made: changes.Made) -> TopologyEntry:
    """Register a topology that was decided on this state. Raises Moved when the registry is not there any more; nothing was made then."""
    plan = await pin(await planned(log, _forgetting(state, (made.forgets,)), plan_on))
    await write(log, registry, plan, state.position, lambda s: changes.register(s, name, definition, plan, clock.now_ms(), made))
    return topology(registry.state, name)


async def reset(log: Log, registry: Registry, name: str, plan_on: Plan, pin: Pin, etag: str) -> TopologyEntry:
    """Give a paused topology a new incarnation; it begins anew when resumed. Raises RequestError, LogUnavailable."""

    async def attempt() -> TopologyEntry:
        state = await registry.refresh()
        old = changes.may_reset(state, name, etag)
        plan = await pin(await planned(log, without(state, old), plan_on))
        await write(log, registry, plan, plan.incarnation, lambda s: changes.reset(s, name, plan, etag))
        await remove(log, old.plan)
        return topology(registry.state, name)

    return await until_still(registry, attempt)


async def delete(log: Log, registry: Registry, name: str, etag: str, delete_topics: bool) -> None:
    """Delete a topology with its internal topics and group; with delete_topics those of its sinks too. Raises RequestError."""
    gone: list[TopologyEntry] = []

    def decide(state: CatalogState) -> Sequence[Change]:
        gone[:] = [topology(state, name)]
        return changes.delete(state, name, etag)

    await registry.change(decide)
    await removed(log, registry, gone[0].plan, delete_topics)


async def removed(log: Log, registry: Registry, plan: ResolvedPlan, delete_topics: bool) -> None:
    """Delete what a topology, which the registry has forgotten, had in the log; the topics of its sinks too if asked."""
    await remove(log, plan)
    if delete_topics:
        sinks = topics_of_sinks(plan)
        kept = {r.topic.topic for r in registry.state.relations.values()}
        await log.delete_topics(sorted(sinks - kept))


def without(state: CatalogState, old: TopologyEntry) -> CatalogState:
    """The state as if this topology had never been, for planning it again."""
    own = [p.name for p in old.plan.published]
    return replace(_forgetting(state, own), topologies={k: t for k, t in state.topologies.items() if t is not old})


def _forgetting(state: CatalogState, names: Collection[str]) -> CatalogState:
    """The state without these relations."""
    lower = {name.lower() for name in names}
    return replace(state, relations={k: r for k, r in state.relations.items() if k not in lower})


async def until_still(registry: Registry, attempt: Callable[[], Awaitable[T]]) -> T:
    """Attempts, each of which reads the registry, until it did not move meanwhile. Who has lost once takes the node's turn, or it could lose for ever to those that are quicker."""
    async with AsyncExitStack() as turn:
        while True:
            try:
                return await attempt()
            except Moved:
                await turn.enter_async_context(registry.turn())


async def planned(log: Log, state: CatalogState, plan_on: Plan, incarnation: int | None = None) -> ResolvedPlan:
    """The plan on a state of the catalog; of a new incarnation unless one is given."""
    return plan_on(CatalogRelations(state, await log.topics()), state.position if incarnation is None else incarnation)


async def write(log: Log, registry: Registry, plan: ResolvedPlan, position: int, decide: Callable[[CatalogState], Sequence[Change]],
                keep: frozenset[str] = frozenset()) -> None:
    """Steps 2 and 3, if the registry is still where the plan was made. keep: topics that are in use already. Other registrations at this node wait
    meanwhile: each would make topics in vain, and undo what others have made by moving the registry."""

    def unmoved(state: CatalogState) -> Sequence[Change]:
        if state.position != position:
            raise Moved
        return decide(state)

    async with registry.turn():
        unmoved(await registry.refresh())  # before anything is made
        try:
            for topic, config in topics_of(plan).items():
                await log.create_topic(topic, config)
            await registry.change(unmoved)
        except (Moved, RequestError, LogError):
            await _undo(log, registry, plan, keep)
            raise


async def _undo(log: Log, registry: Registry, plan: ResolvedPlan, keep: frozenset[str]) -> None:
    """Internal topics of a plan that did not come to be. Those that cannot be deleted now stay and hurt nobody. Another node that planned the
    same on the same position has made the same topics: if its entry was written, they are its own; later none can be."""
    try:
        present = (await registry.refresh()).topologies.get(plan.topology.lower())
        theirs = frozenset(of_plan(present.plan)) if present is not None else frozenset()
        await log.delete_topics([t for t in made_with(plan) if t not in keep and t not in theirs and t not in plan.retired])
    except LogError as e:
        _log.warning("topics of an abandoned registration of %s stay behind: %s", plan.topology, e)


async def remove(log: Log, plan: ResolvedPlan) -> None:
    """Everything internal of a plan that is no longer registered."""
    await log.delete_topics(list(of_plan(plan)))
    try:
        await log.delete_group(plan.group)
    except LogError as e:
        # Its members leave when they see the entry gone, and the last of them deletes it.
        _log.info("group %s is deleted when its members have left: %s", plan.group, e)


def topics_of(plan: ResolvedPlan) -> Mapping[str, TopicConfig]:
    """Every topic that this registration creates: those of sinks and inline sources that are missing, and internal ones. A table's topic
    is compacted and kept for ever, or its older rows would go with the log's retention."""
    wanted: dict[str, TopicConfig] = {}
    for t in plan.external:
        if t.create:
            retention = t.retention_ms if t.retention_ms else -1 if t.compact else RETENTION_MS
            wanted[t.topic] = TopicConfig(t.partitions, t.compact, retention, replicas=t.replicas)
    for internal in plan.internal:
        wanted[internal.topic] = TopicConfig(internal.partitions, internal.compact, internal.retention_ms)
    if plan.dead_letter_topic:
        wanted.setdefault(plan.dead_letter_topic, TopicConfig(1))
    return wanted


def topics_of_sinks(plan: ResolvedPlan) -> frozenset[str]:
    """What a topology's sinks write."""
    return frozenset(n.topic.topic for sub in plan.subs for n in sub.nodes if isinstance(n, Sink))

