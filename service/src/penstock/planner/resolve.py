"""Last stage: partitions, topics, changelogs, sub-topologies, and what is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from penstock.log.port import valid_topic
from penstock.plan.dead_letter import RETENTION_MS
from penstock.plan.nodes import (
    Aggregate,
    Deduplicate,
    Node,
    Processor,
    RelationKind,
    Repartition,
    Sink,
    SourceStream,
    SourceTable,
    StoreKind,
    StoreSpec,
    StreamGlobalJoin,
    StreamStreamJoin,
    StreamTableJoin,
    Suppress,
    ToTable,
    values_of,
)
from penstock.plan.relations import Relations
from penstock.plan.resolved import ExternalTopic, Guarantee, InternalTopic, ResolvedPlan, Settings, SubTopology
from penstock.planner.logical.flow import Logical, Wish
from penstock.planner.names import SCALARS, Namespace
from penstock.planner.partitions import check_sets, source_partitions, tasks
from penstock.planner.publish import published
from penstock.planner.refuse import refuse
from penstock.planner.repartition import repartition
from penstock.planner.split import Part, split
from penstock.planner.stores import store

CHANGELOG_SLACK_MS = 86_400_000
"""A window's changelog is kept a day longer than the window, as Kafka Streams does: time of the log is not stream time."""

DEFAULT_PARTITIONS = 4


def resolve(logical: Logical, settings: Settings, names: Namespace, relations: Relations, default_partitions: int) -> ResolvedPlan:
    """The plan that is stored and run. Raises RequestError."""
    nodes = repartition(logical, names)
    parts = split(nodes)
    counts = {n.name: source_partitions(n, logical.wishes[n.name], relations, default_partitions)
              for n in nodes if isinstance(n, SourceStream | SourceTable)}
    counts |= {n.name: n.topic.partitions for n in nodes if isinstance(n, Repartition) and n.topic.partitions}
    check_sets(parts, relations)
    numbers = tasks(parts, counts)
    globals_ = {table.name: _global(table, logical.wishes[table.name], relations, default_partitions) for table in logical.globals}
    parts = tuple(replace(part, nodes=tuple(_with_global(n, globals_) for n in part.nodes)) for part in parts)
    subs = tuple(_sub(part, number, logical.wishes, names, relations, _read_as(parts, numbers)) for part, number in zip(parts, numbers, strict=True))
    plan = ResolvedPlan(
        logical.name, names.incarnation, names.service_id, settings, subs,
        internal=tuple(_internal(subs, names)),
        published=published((*subs, *globals_.values()), logical, names.dead_letter),
        dead_letter_topic=names.dead_letter,
        external=tuple(_external((*subs, *globals_.values()), logical.wishes, relations)),
        globals=tuple(globals_.values()),
    )
    _check(plan)
    return plan


def _global(table: SourceTable, wish: Wish, relations: Relations, default: int) -> SubTopology:
    """The sub-topology of a global table: its store has no changelog, since the topic is one."""
    made = replace(table, topic=replace(table.topic, partitions=source_partitions(table, wish, relations, default)))
    return SubTopology(made.name, (made,), made.topic.partitions)


def _with_global(node: Node, globals_: Mapping[str, SubTopology]) -> Node:
    """A join with the resolved table."""
    if not isinstance(node, StreamGlobalJoin):
        return node
    table = globals_[node.table.name].nodes[0]
    assert isinstance(table, SourceTable)
    return replace(node, table=table)


def _read_as(parts: Sequence[Part], numbers: Sequence[int]) -> Mapping[str, int]:
    """Partitions of every Repartition: the number of tasks of the part that reads it."""
    return {s.name: number for part, number in zip(parts, numbers, strict=True) for s in part.sources}


def _sub(part: Part, number: int, wishes: Mapping[str, Wish], names: Namespace, relations: Relations, read_as: Mapping[str, int]) -> SubTopology:
    nodes = tuple(_resolved(n, number, wishes, names, relations, read_as) for n in part.nodes)
    timed = any(map(_timed, nodes))
    scalars = replace(store(SCALARS, StoreKind.KEY_VALUE, (("value", "BIGINT"),), None), changelog=names.scalars(part.name)) if timed else None
    return SubTopology(part.name, nodes, number, scalars)


def _timed(node: Node) -> bool:
    """Whether the node has a stream time, which is kept."""
    match node:
        case StreamStreamJoin() | Suppress() | Deduplicate() | Processor():
            return True
        case Aggregate():
            return node.window is not None
        case SourceTable() | ToTable():
            return node.history is not None
        case StreamTableJoin():
            return node.waiting is not None
    return False


def _resolved(node: Node, number: int, wishes: Mapping[str, Wish], names: Namespace, relations: Relations, read_as: Mapping[str, int]) -> Node:
    match node:
        case SourceStream() if node.topics:
            topics = tuple(replace(t, partitions=relations.topic_partitions(t.topic) or 0) for t in node.topics)
            return replace(node, topic=replace(node.topic, partitions=topics[0].partitions), topics=topics)
        case SourceStream():
            return replace(node, topic=replace(node.topic, partitions=number))
        case SourceTable():
            return _with_changelogs(replace(node, topic=replace(node.topic, partitions=number)), names)
        case Repartition():
            return replace(node, topic=replace(node.topic, partitions=read_as[node.name]))
        case Sink():
            return replace(node, topic=replace(node.topic, partitions=_sink_partitions(node, number, wishes[node.name], relations)))
    return _with_changelogs(node, names)


def _with_changelogs(node: Node, names: Namespace) -> Node:
    """The node with a changelog for each of its stores."""
    if isinstance(node, Processor):
        node = replace(node, stores=tuple(replace(s, spec=_logged(s.spec, names)) for s in node.stores))
    logged: dict[str, Any] = {name: _logged(value, names) for name, value in zip(node.__match_args__, values_of(node), strict=True)
                              if isinstance(value, StoreSpec)}
    return replace(node, **logged) if logged else node


def _logged(spec: StoreSpec, names: Namespace) -> StoreSpec:
    return replace(spec, changelog=names.changelog(spec.name))


def _sink_partitions(node: Sink, number: int, wish: Wish, relations: Relations) -> int:
    present = relations.topic_partitions(node.topic.topic)
    if present:
        if wish.partitions and wish.partitions != present:
            raise refuse("CO_PARTITIONING", f"{node.name}: topic {node.topic.topic} has {present} partitions, not {wish.partitions}",
                         node=node.name, topic=node.topic.topic)
        return present
    return wish.partitions or number


def _internal(subs: Sequence[SubTopology], names: Namespace) -> Iterator[InternalTopic]:
    """Repartition topics, changelogs, dead letters. The service deletes repartitioned records itself once they are processed."""
    seen: set[str] = set()
    for sub in subs:
        for node in sub.nodes:
            if isinstance(node, Repartition) and node.name not in seen:
                seen.add(node.name)
                yield InternalTopic(node.topic.topic, node.topic.partitions, compact=False, retention_ms=-1)
        for spec in sub.stores:
            retention = spec.retention_ms + CHANGELOG_SLACK_MS if spec.kind is not StoreKind.KEY_VALUE and spec.retention_ms else -1
            yield InternalTopic(spec.changelog, sub.partitions, compact=True, retention_ms=retention)
    yield InternalTopic(names.dead_letter, 1, compact=False, retention_ms=RETENTION_MS)


def _external(subs: Sequence[SubTopology], wishes: Mapping[str, Wish], relations: Relations) -> Iterator[ExternalTopic]:
    seen: set[str] = set()
    for node in (n for sub in subs for n in sub.nodes if isinstance(n, SourceStream | SourceTable | Sink)):
        if isinstance(node, SourceStream) and node.topics:
            fresh = [t for t in node.topics if t.topic not in seen]
            seen |= {t.topic for t in fresh}
            yield from (ExternalTopic(t.topic, t.partitions, create=False, compact=False) for t in fresh)
            continue
        if node.topic.topic in seen:
            continue
        seen.add(node.topic.topic)
        wish = wishes[node.name]
        missing = not relations.topic_partitions(node.topic.topic)
        yield ExternalTopic(node.topic.topic, node.topic.partitions, wish.create and missing, node.kind is RelationKind.TABLE, wish.replicas,
                            wish.retention_ms)


def _check(plan: ResolvedPlan) -> None:
    if plan.stateful and plan.settings.guarantee is Guarantee.AT_LEAST_ONCE:
        kept = next(sub.stores[0].name for sub in plan.subs if sub.stores)
        raise refuse("INVALID_TOPOLOGY", f"AT_LEAST_ONCE is for topologies without state, and {kept} has a store: an update would be lost or "
                     "counted twice", node=kept, field="topology.settings.guarantee")
    for topic in plan.internal:
        if not valid_topic(topic.topic):
            raise refuse("INVALID_TOPOLOGY", f"the internal topic's name {topic.topic} is longer than 249 characters; shorten names")
