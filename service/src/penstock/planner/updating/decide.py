"""The decision: (running plan, new plan) -> what becomes of each node, and the plan to run.

In place, when nothing has to be computed anew: kept nodes keep stores, internal topics and positions, and go on from the last commit of the
old plan. If any node does, the whole topology begins anew as another incarnation: its results are computed from its inputs' beginnings, and
one part that did so beside others that go on would see other rows than they saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from penstock.plan.nodes import Node, RelationKind, Repartition, Sink, SourceTable, stores_of
from penstock.plan.resolved import ResolvedPlan, SubTopology
from penstock.planner.refuse import refuse
from penstock.planner.updating.carry import carried
from penstock.planner.updating.compare import Other, Same, carries, compare, sink_differs


class Effect(Enum):
    """What becomes of a node's state."""

    KEPT = "KEPT"
    ADDED = "ADDED"
    REBUILT = "REBUILT"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True)
class NodeChange:
    """One node of the request, before or after. leave: the effect loses something, so that it needs leave."""

    node: str
    effect: Effect
    reason: str
    leave: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """changes: in the order of the new plan, what is dropped last. plan: to run in place; None when the topology begins anew."""

    changes: tuple[NodeChange, ...]
    plan: ResolvedPlan | None


@dataclass(frozen=True, slots=True)
class _Place:
    node: Node
    sub: SubTopology


def decide(old: ResolvedPlan, new: ResolvedPlan, rebuild_added: bool = False) -> Decision:
    """new is planned under the old one's incarnation, so that names of topics and stores are equal where they are kept. rebuild_added:
    columns that would begin empty are computed anew. Raises RequestError for what no update can do."""
    before, after = _places(old), _places(new)
    _refuse_sinks(before, after)
    found: dict[str, Same | Other] = {}
    for name, place in after.items():  # inputs come first
        if name in before:
            found[name] = _judge(before[name], place, before, after, found, rebuild_added)
    dropped = {name: _dropped(place.node) for name, place in before.items() if name not in after}
    changes = tuple(_merged(old, new, found, dropped))
    if any(c.effect is Effect.REBUILT for c in changes):
        return Decision(_all_anew(changes, new), None)
    _refuse_reuse(old, new)
    empty = {name: verdict.empty for name, verdict in found.items() if isinstance(verdict, Same)}
    return Decision(changes, carried(old, new, empty))


def _places(plan: ResolvedPlan) -> dict[str, _Place]:
    """Nodes in order; a Repartition where it is read."""
    found: dict[str, _Place] = {}
    for sub in (*plan.subs, *plan.globals):
        here = {n.name for n in sub.nodes}
        for node in sub.nodes:
            fed = any(i.partition(".")[0] in here for i in node.inputs)
            if not (isinstance(node, Repartition) and fed and node.name in found):
                found[node.name] = _Place(node, sub)
    return _in_order(found)


def _in_order(places: Mapping[str, _Place]) -> dict[str, _Place]:
    """Inputs first, over the borders of sub-topologies too; in a loop of foreign keys the rest as it stands."""
    ordered: dict[str, _Place] = {}
    waiting = dict(places)
    while waiting:
        ready = [n for n, p in waiting.items() if all(i.partition(".")[0] not in waiting for i in p.node.inputs)] or [next(iter(waiting))]
        for name in ready:
            ordered[name] = waiting.pop(name)
    return ordered


def owner(name: str) -> str:
    """The node of the request that an internal one belongs to: the planner puts a hyphen into the names that it makes."""
    return name.partition("-")[0]


def _judge(old: _Place, new: _Place, before: Mapping[str, _Place], after: Mapping[str, _Place], found: Mapping[str, Same | Other],
           rebuild_added: bool) -> Same | Other:
    """One node with what stands before it."""
    verdict = compare(old.node, new.node)
    if isinstance(verdict, Other):
        return verdict
    if rebuild_added and verdict.empty:
        return Other(f"{', '.join(verdict.empty)} is computed from the beginning, as asked")
    if why := _moved(old, new):
        return Other(why)
    if why := _stranded(old.node, after):
        return Other(why)
    if isinstance(new.node, Sink) or stores_of(new.node):
        for name in (i.partition(".")[0] for i in new.node.inputs):
            if name in after and after[name].node.kind is RelationKind.TABLE and (why := _history(name, before, after, found)):
                return Other(f"{why}: what it made of the rows of before would stay")
    return verdict


def _moved(old: _Place, new: _Place) -> str:
    """Stores lie in the environment of their sub-topology's task, and its first input's commits say how far they are."""
    if not stores_of(old.node):
        return ""
    if old.sub.name != new.sub.name:
        return f"it moves from sub-topology {old.sub.name} to {new.sub.name}"
    if old.sub.partitions != new.sub.partitions:
        return f"its sub-topology had {old.sub.partitions} tasks and has {new.sub.partitions}"
    if not all(carries(one, other) for one, other in zip(stores_of(old.node), stores_of(new.node), strict=False)):
        return "its stores are others"
    return ""


def _stranded(node: Node, after: Mapping[str, _Place]) -> str:
    """Records may wait in a repartition topic that nobody reads any more, though they count for the node."""
    gone = [i for i in (i.partition(".")[0] for i in node.inputs) if i.endswith("-repartition") and i not in after]
    return f"records that wait in the internal topic of {owner(gone[0])} would be lost" if gone else ""


def _history(name: str, before: Mapping[str, _Place], after: Mapping[str, _Place], found: Mapping[str, Same | Other]) -> str:
    """Why a table is no longer the one whose rows were seen; empty when it is. Old rows are computed anew from its store by the
    nodes on the way, as they are now."""
    if name not in before:
        return f"{name} is new before it"
    verdict = found[name]
    if isinstance(verdict, Other):
        return f"{name} is computed anew"
    node = after[name].node
    if stores_of(node) and not isinstance(node, SourceTable):
        return ""
    if isinstance(node, SourceTable) or verdict.same:
        inputs = [i.partition(".")[0] for i in node.inputs]
        return next((why for i in inputs if i in after and after[i].node.kind is RelationKind.TABLE and (why := _history(i, before, after, found))), "")
    return f"{name} makes other rows of the same table"


def _dropped(node: Node) -> NodeChange:
    lost = [what for what, is_lost in (
        ("its state is deleted", bool(stores_of(node))),
        (f"{getattr(node, 'relation', '')} is no longer written or published", isinstance(node, Sink)),
        ("records that wait in its internal topic are not processed", isinstance(node, Repartition))) if is_lost]
    return NodeChange(node.name, Effect.DROPPED, "; ".join(lost) or "it kept nothing", bool(lost))


def _merged(old: ResolvedPlan, new: ResolvedPlan, found: Mapping[str, Same | Other], dropped: Mapping[str, NodeChange]) -> Iterator[NodeChange]:
    """The parts of one node of the request are one node again: the worst of them counts."""
    names = list(dict.fromkeys(owner(n.name) for sub in (*new.subs, *new.globals) for n in sub.nodes))
    known = {owner(n.name) for sub in (*old.subs, *old.globals) for n in sub.nodes}
    for name in names:
        parts = [verdict for part, verdict in found.items() if owner(part) == name]
        anew = [p.why for p in parts if isinstance(p, Other)]
        lost = [d for part, d in dropped.items() if owner(part) == name and d.leave]
        if name not in known:
            yield NodeChange(name, Effect.ADDED, "it begins empty, with the rows from here on")
        elif anew:
            yield NodeChange(name, Effect.REBUILT, anew[0], True)
        else:
            notes = list(dict.fromkeys([*(p.note for p in parts if isinstance(p, Same) and p.note), *(d.reason for d in lost)]))
            yield NodeChange(name, Effect.KEPT, "; ".join(notes) or "nothing of it changes", bool(lost))
    for name in dict.fromkeys(map(owner, dropped)):
        if name not in names:
            parts_lost = [d for part, d in dropped.items() if owner(part) == name]
            reasons = dict.fromkeys(d.reason for d in parts_lost if d.leave) or {parts_lost[0].reason: None}
            yield NodeChange(name, Effect.DROPPED, "; ".join(reasons), any(d.leave for d in parts_lost))


def _all_anew(changes: tuple[NodeChange, ...], new: ResolvedPlan) -> tuple[NodeChange, ...]:
    """With one node everything that keeps something begins anew."""
    first = next(c.node for c in changes if c.effect is Effect.REBUILT)
    keeps = {owner(n.name) for sub in (*new.subs, *new.globals) for n in sub.nodes if stores_of(n) or isinstance(n, Sink | Repartition)}
    return tuple(replace(c, effect=Effect.REBUILT, reason=f"{first} is computed anew, and all others with it", leave=True)
                 if c.effect is Effect.KEPT and c.node in keeps else c for c in changes)


def _refuse_sinks(before: Mapping[str, _Place], after: Mapping[str, _Place]) -> None:
    for name, place in after.items():
        old = before[name].node if name in before else None
        if isinstance(place.node, Sink) and isinstance(old, Sink) and (why := sink_differs(old, place.node)):
            raise refuse("INVALID_TOPOLOGY", f"{name}: {why}, which an update cannot change; drop this sink and add one of another name",
                         node=name, relation=old.relation, topic=old.topic.topic)


def _refuse_reuse(old: ResolvedPlan, new: ResolvedPlan) -> None:
    """A topic of a node that was dropped still holds what it kept."""
    again = {t.topic for t in new.internal} & set(old.retired)
    for sub in new.subs:
        for node in sub.nodes:
            topics = {s.changelog for s in stores_of(node)} | ({node.topic.topic} if isinstance(node, Repartition) else set())
            if topics & again:
                raise refuse("INVALID_TOPOLOGY", f"{owner(node.name)}: an earlier update dropped a node of this name, whose topics are deleted with "
                             "the topology; give it another name", node=owner(node.name))
    if again:
        raise refuse("INVALID_TOPOLOGY", f"the topics {', '.join(sorted(again))} are of a part that an earlier update dropped; give the first "
                     "source of its sub-topology another name")
