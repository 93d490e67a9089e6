"""The catalog as planner and serving see it: relations by name, whoever made them.

A name is a catalog name (declared, or published by a topology's sink), or `topology.node` of a materialised node, or
`topology.dead_letter`. Names keep their case and are found without regard to it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from penstock.catalog.port import CatalogState, TopologyEntry
from penstock.errors import RequestError
from penstock.expr.remote import RemoteFunction
from penstock.log.port import TopicInfo
from penstock.plan.nodes import RelationKind, Sink, SourceStream, SourceTable, TopicRef, Window
from penstock.plan.relations import RelationInfo
from penstock.plan.resolved import Published
from penstock.security.principal import caller
from penstock.types.schema import Schema


@dataclass(frozen=True, slots=True)
class Served:
    """A relation with all that reading it takes.

    topic: where a stream (or a declared table) is read and appended to; None for a materialised node without a topic.
    owner / published: the topology that materialises or publishes it; both None for a declared relation.
    source: CREATE SOURCE made it: nobody here writes it.
    epoch: changes when the relation's history is another one; tokens of subscriptions name it.
    """

    name: str
    kind: RelationKind
    schema: Schema
    topic: TopicRef | None
    window: Window | None
    epoch: int
    owner: TopologyEntry | None = None
    published: Published | None = None
    in_catalog: bool = True
    source: bool = False

    @property
    def materialised(self) -> bool:
        """Whether a store answers lookups."""
        return self.published is not None and bool(self.published.store)


def resolve(state: CatalogState, name: str) -> Served:
    """The relation of this name. Raises RequestError UNKNOWN_RELATION with candidates."""
    found = find(state, name)
    if found is None:
        raise unknown_relation(state, name)
    return found


def find(state: CatalogState, name: str) -> Served | None:
    """The relation of this name, or None."""
    entry = state.relations.get(name.lower())
    if entry is not None:
        owner = state.topologies.get(entry.owner_topology.lower()) if entry.owner_topology else None
        published = _published(owner, entry.name, True) if owner is not None else None
        return Served(entry.name, entry.kind, entry.schema, entry.topic, entry.window, entry.epoch, owner, published, source=entry.source)
    topology = state.topologies.get(name.partition(".")[0].lower())
    if topology is None:
        return None
    published = _published(topology, name, False)
    return None if published is None else _of_node(topology, published)


def everything(state: CatalogState, include_nodes: bool) -> list[Served]:
    """All relations in order of name; with include_nodes also `topology.node` and `topology.dead_letter`."""
    names = [e.name for e in state.relations.values()]
    if include_nodes:
        names += [p.name for t in state.topologies.values() for p in t.plan.published if not p.in_catalog]
    return [resolve(state, name) for name in sorted(names, key=str.lower)]


def topology(state: CatalogState, name: str) -> TopologyEntry:
    """The topology of this name. Raises RequestError UNKNOWN_TOPOLOGY with candidates."""
    entry = state.topologies.get(name.lower())
    if entry is None:
        refuse_newer(state, "topology", name)
        near = _near(name, [t.name for t in state.topologies.values()])
        raise RequestError("UNKNOWN_TOPOLOGY", f"there is no topology {name}" + _did_you_mean(near),
                           {"topology": name, "candidates": ", ".join(near)})
    return entry


def unknown_relation(state: CatalogState, name: str) -> RequestError:
    """The refusal of a name that nothing has, or something that this program cannot read."""
    for at in (f"relation:{name.lower()}", f"topology:{name.partition('.')[0].lower()}"):
        if at in state.unreadable:
            return newer(at, state.unreadable[at])
    near = _near(name, [s.name for s in everything(state, True)])
    return RequestError("UNKNOWN_RELATION", f"there is no stream or table {name}" + _did_you_mean(near),
                        {"relation": name, "candidates": ", ".join(near)})


def refuse_newer(state: CatalogState, kind: str, name: str) -> None:
    """Raises UNSUPPORTED for an entry of this name that only a newer version reads."""
    at = f"{kind}:{name.lower()}"
    if at in state.unreadable:
        raise newer(at, state.unreadable[at])


def refuse_unknown_readers(state: CatalogState, name: str) -> None:
    """Raises UNSUPPORTED where a topology might read a relation and this program cannot tell."""
    for at, why in state.unreadable.items():
        if at.startswith("topology:"):
            raise RequestError("UNSUPPORTED", f"whether {at.partition(':')[2]} reads {name} is not known on this node: {why}. Ask a node of the newer "
                               "version", {"feature": at})


def newer(at: str, why: str) -> RequestError:
    """The refusal of what needs an entry that only a newer version reads."""
    kind, _, name = at.partition(":")
    return RequestError("UNSUPPORTED", f"{kind} {name} was written by a newer version, which this node is not: {why}. Ask a node of that version",
                        {"feature": at})


def readers(state: CatalogState, name: str) -> list[str]:
    """Topologies that read this relation (not the one that owns it)."""
    lower = name.lower()
    served = find(state, name)
    owner = served.owner.name if served is not None and served.owner is not None else ""
    return sorted(t.name for t in state.topologies.values() if t.name != owner and lower in set(sources_of(t)))


def inserting(state: CatalogState, name: str) -> list[str]:
    """Topologies that write into this relation (not the one that owns it)."""
    lower = name.lower()
    return sorted(t.name for t in state.topologies.values()
                  if any(isinstance(n, Sink) and n.insert and n.relation.lower() == lower for s in t.plan.subs for n in s.nodes))


def sources_of(entry: TopologyEntry) -> Iterator[str]:
    """Lower-case names of the relations that a topology reads."""
    for sub in (*entry.plan.subs, *entry.plan.globals):
        for node in sub.nodes:
            if isinstance(node, SourceStream) and node.topics:
                yield from (name.lower() for name in node.relations)
            elif isinstance(node, SourceStream | SourceTable):
                yield node.relation.lower()


def functions_of(state: CatalogState) -> Mapping[str, RemoteFunction]:
    """Functions that programs compute, by upper-case name."""
    return {entry.name: entry.function for entry in state.functions.values()}


class CatalogRelations:
    """plan/relations.py Relations over one state of the catalog and the topics that exist."""

    def __init__(self, state: CatalogState, topics: Mapping[str, TopicInfo]) -> None:
        self._state = state
        self._topics = topics

    def find(self, name: str) -> RelationInfo | None:
        """By name without regard to case. A materialised node without a topic of its own cannot be read by another topology."""
        served = find(self._state, name)
        if served is None:
            return None
        if served.topic is None:
            raise RequestError("UNSUPPORTED", f"{served.name} is kept in a store only and has no topic that another topology could read: "
                               "publish it with a sink", {"relation": served.name})
        return RelationInfo(served.name, served.kind, served.schema, self._with_partitions(served.topic), served.window,
                            served.owner.name if served.owner is not None else "")

    def names(self) -> list[str]:
        return [s.name for s in everything(self._state, True)]

    def topic_partitions(self, topic: str) -> int | None:
        info = self._topics.get(topic)
        return None if info is None else info.partitions

    def topic_names(self) -> Iterable[str]:
        return self._topics

    @property
    def functions(self) -> Mapping[str, RemoteFunction]:
        return functions_of(self._state)

    def _with_partitions(self, ref: TopicRef) -> TopicRef:
        now = self.topic_partitions(ref.topic)
        return ref if now is None else replace(ref, partitions=now)


def _of_node(entry: TopologyEntry, p: Published) -> Served:
    epoch = dict(entry.epochs).get(p.name.lower(), entry.incarnation)
    return Served(p.name, p.kind, p.schema, p.topic, p.window, epoch, entry, p, in_catalog=False)


def _published(entry: TopologyEntry, name: str, in_catalog: bool) -> Published | None:
    lower = name.lower()
    return next((p for p in entry.plan.published if p.in_catalog == in_catalog and p.name.lower() == lower), None)


def _near(name: str, names: list[str]) -> list[str]:
    by_lower = {n.lower(): n for n in names if caller().sees(n)}
    return [by_lower[n] for n in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)]


def _did_you_mean(near: list[str]) -> str:
    return f"; did you mean {' or '.join(near)}?" if near else ""
