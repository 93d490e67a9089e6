"""What may be done to the catalog: pure functions from a state to the entries to write, or the refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from penstock.catalog.port import CatalogState, Change, Desired, FunctionEntry, RelationEntry, TopologyEntry, TypeEntry
from penstock.catalog.view import inserting, readers, refuse_newer, refuse_unknown_readers, topology, unknown_relation
from penstock.errors import RequestError
from penstock.expr import aggregates, lambdas
from penstock.expr.functions import FUNCTIONS
from penstock.expr.remote import RemoteFunction
from penstock.plan.nodes import RelationKind
from penstock.plan.resolved import ResolvedPlan
from penstock.types.sqltype import SqlType


@dataclass(frozen=True, slots=True)
class Made:
    """What a statement says about a topology that it makes. sql: its text. transient: the node that deletes it. source: what it publishes is
    read only. forgets: the relation that gives way to it."""

    sql: str = ""
    transient: str = ""
    source: bool = False
    forgets: str = ""


def declare(state: CatalogState, relation: RelationEntry) -> Sequence[Change]:
    """Declare a relation; nothing to write when an equal declaration stands. Raises NAME_TAKEN."""
    refuse_newer(state, "relation", relation.name)
    present = state.relations.get(relation.name.lower())
    if present is None:
        return [replace(relation, epoch=state.position)]
    if not present.owner_topology and replace(present, epoch=0, topic=relation.topic, sql=relation.sql) == replace(relation, epoch=0) \
            and replace(present.topic, partitions=0) == replace(relation.topic, partitions=0):
        return []
    raise _taken(present, "a different declaration")


def redeclare(state: CatalogState, relation: RelationEntry) -> Sequence[Change]:
    """Put a declaration in the place of the one that stands, which the caller has found to fit. Its history is another one from here on."""
    present = state.relations.get(relation.name.lower())
    if present is not None and present.owner_topology:
        raise _taken(present, "a declaration")
    return [replace(relation, epoch=state.position)]


def drop(state: CatalogState, name: str, etag: str = "") -> Sequence[Change]:
    """Forget a declared relation. Raises UNKNOWN_RELATION, ETAG_MISMATCH, RELATION_READ_ONLY, RELATION_IN_USE."""
    present = state.relations.get(name.lower())
    if present is None:
        raise unknown_relation(state, name)
    check_etag(etag, str(present.epoch))
    if present.owner_topology:
        raise RequestError("RELATION_READ_ONLY", f"{present.name} is published by topology {present.owner_topology}: delete that",
                           {"relation": present.name, "owner": present.owner_topology})
    _refuse_used(state, present.name, "")
    return [("relation", present.name)]


def register(state: CatalogState, name: str, definition: bytes, plan: ResolvedPlan, now_ms: int, made: Made | None = None) -> Sequence[Change]:
    """Write a planned topology and the relations that it publishes. The plan's incarnation must be state.position. Raises NAME_TAKEN."""
    assert plan.incarnation == state.position, "planned on another state"
    made = made or Made()
    refuse_newer(state, "topology", name)
    if name.lower() in state.topologies:
        raise RequestError("NAME_TAKEN", f"there is another topology {state.topologies[name.lower()].name}", {"name": name})
    published = relations_of(plan)
    for entry in published:
        refuse_newer(state, "relation", entry.name)
        present = state.relations.get(entry.name.lower())
        if present is not None and entry.name != made.forgets:
            raise _taken(present, "a relation")
    return [TopologyEntry(name, plan.incarnation, 1, definition, plan, Desired.RUNNING, now_ms, sql=made.sql, transient=made.transient),
            *(made_by(entry, made, name) for entry in published)]


def terminate(state: CatalogState, names: Sequence[str]) -> Sequence[Change]:
    """Forget topologies; what they published in the catalog stays, as declarations. Raises UNKNOWN_TOPOLOGY."""
    found = [topology(state, name) for name in names]
    left = [replace(state.relations[p.name.lower()], owner_topology="") for t in found for p in t.plan.published if p.in_catalog]
    return [*(("topology", t.name) for t in found), *left]


def put_type(name: str, of: SqlType | None) -> Sequence[Change]:
    """Register a custom type, or forget it."""
    return [("type", name) if of is None else TypeEntry(name, of)]


def declare_function(state: CatalogState, function: RemoteFunction) -> Sequence[Change]:
    """Declare a function that programs compute; nothing to write when an equal declaration stands. Raises NAME_TAKEN."""
    refuse_newer(state, "function", function.name)
    present = state.functions.get(function.name.lower())
    if present is not None and present.function == function:
        return []
    if function.name in FUNCTIONS or function.name in aggregates.NAMES or function.name in lambdas.NAMES:
        raise RequestError("NAME_TAKEN", f"there is a function {function.name} of the service's own", {"name": function.name})
    if present is not None and function.version <= present.function.version:
        raise RequestError("NAME_TAKEN", f"function {function.name} is declared otherwise, with version {present.function.version}: give the new one a "
                           "greater version, or another name", {"name": function.name})
    return [FunctionEntry(function)]


def drop_function(state: CatalogState, name: str) -> Sequence[Change]:
    """Forget a declared function. Raises UNKNOWN_FUNCTION."""
    present = state.functions.get(name.lower())
    if present is None:
        raise RequestError("UNKNOWN_FUNCTION", f"no function {name} was declared", {"function": name, "candidates": ""})
    return [("function", present.name)]


def made_by(entry: RelationEntry, made: Made, query: str) -> RelationEntry:
    """The relation of a query as the registry keeps it."""
    return replace(entry, sql=made.sql, query=query if made.sql else "", source=made.source)


def same_definition(state: CatalogState, name: str, definition: bytes) -> TopologyEntry | None:
    """The topology of this name when it was registered with an equal definition. Raises NAME_TAKEN when with another."""
    present = state.topologies.get(name.lower())
    if present is None:
        return None
    if present.name == name and present.definition == definition:
        return present
    raise RequestError("NAME_TAKEN", f"topology {present.name} is registered with another definition: delete it first, or choose "
                       "another name", {"name": present.name})


def set_desired(state: CatalogState, name: str, desired: Desired, etag: str = "") -> Sequence[Change]:
    """Pause or resume. A resume is always written: workers try failed tasks again when they see it. Raises UNKNOWN_TOPOLOGY,
    ETAG_MISMATCH."""
    entry = topology(state, name)
    check_etag(etag, etag_of(entry))
    if desired is Desired.RUNNING:
        return [replace(entry, desired=desired, resumes=entry.resumes + 1)]
    return [] if entry.desired is desired else [replace(entry, desired=desired)]


def replaying(state: CatalogState, entry: TopologyEntry, subs: Sequence[str]) -> Sequence[Change]:
    """These sub-topologies of an incarnation have a replay topic. Raises UNKNOWN_TOPOLOGY; nothing is written when it has been reset since."""
    present = topology(state, entry.name)
    if present.incarnation != entry.incarnation or set(subs) <= set(present.replays):
        return []
    return [replace(present, replays=tuple(sorted({*present.replays, *subs})))]


def delete(state: CatalogState, name: str, etag: str = "") -> Sequence[Change]:
    """Forget a topology and the relations it publishes. Raises UNKNOWN_TOPOLOGY, ETAG_MISMATCH, RELATION_IN_USE."""
    entry = topology(state, name)
    check_etag(etag, etag_of(entry))
    for p in entry.plan.published:
        _refuse_used(state, p.name, entry.name)
    return [("topology", entry.name), *(("relation", p.name) for p in entry.plan.published if p.in_catalog)]


def reset(state: CatalogState, name: str, plan: ResolvedPlan, etag: str = "") -> Sequence[Change]:
    """Begin anew: the same definition as a new incarnation. Its tables have a new history, so their epoch changes; streams go on.
    Raises TOPOLOGY_NOT_PAUSED, ETAG_MISMATCH, UNKNOWN_TOPOLOGY."""
    assert plan.incarnation == state.position, "planned on another state"
    entry = may_reset(state, name, etag)
    changes: list[Change] = [
        replace(entry, incarnation=plan.incarnation, plan=plan, version=entry.version + 1, resets=entry.resets + 1, replays=())
    ]
    for relation in relations_of(plan):
        present = state.relations.get(relation.name.lower())
        if present is not None:
            relation = replace(relation, source=present.source, sql=present.sql, query=present.query)
        if relation.kind is RelationKind.STREAM and present is not None:
            relation = replace(relation, epoch=present.epoch)
        changes.append(relation)
    return changes


def may_reset(state: CatalogState, name: str, etag: str) -> TopologyEntry:
    """The topology, when it may be reset now. Raises as reset does."""
    entry = topology(state, name)
    check_etag(etag, etag_of(entry))
    if entry.desired is not Desired.PAUSED:
        raise RequestError("TOPOLOGY_NOT_PAUSED", f"topology {entry.name} is running: pause it before it is reset",
                           {"topology": entry.name, "state": entry.desired.value})
    return entry


def relations_of(plan: ResolvedPlan) -> list[RelationEntry]:
    """The catalog entries of a plan's published relations."""
    entries = []
    for p in plan.published:
        if not p.in_catalog:
            continue
        assert p.topic is not None, "a published relation has a topic"
        entries.append(RelationEntry(p.name, p.kind, p.schema, p.topic, p.window, plan.topology, plan.incarnation))
    return entries


def etag_of(entry: TopologyEntry) -> str:
    """Changes with each update, reset, pause and resume."""
    return f"{entry.incarnation}.{entry.version}.{entry.resets}.{entry.desired.value.lower()}"


def check_etag(given: str, present: str) -> None:
    """Raises ETAG_MISMATCH. An empty one is any."""
    if given and given != present:
        raise RequestError("ETAG_MISMATCH", f"the etag is {present} now, not {given}: read it again", {"etag": present})


def _refuse_used(state: CatalogState, name: str, but: str) -> None:
    """While other topologies read the relation, or write into it, as INSERT INTO ... SELECT does."""
    refuse_unknown_readers(state, name)
    reading, writing = ([t for t in found if t != but] for found in (readers(state, name), inserting(state, name)))
    told = [f"{what} by {', '.join(names)}" for what, names in (("read", reading), ("written", writing)) if names]
    if told:
        raise RequestError("RELATION_IN_USE", f"{name} is {' and '.join(told)}",
                           {"relation": name, "readers": ", ".join(dict.fromkeys([*reading, *writing]))})


def _taken(present: RelationEntry, wanted: str) -> RequestError:
    owner = f"topology {present.owner_topology}" if present.owner_topology else "a declaration"
    return RequestError("NAME_TAKEN", f"{present.name} is already a {present.kind.value.lower()} of {owner}; {wanted} needs another name",
                        {"name": present.name, "owner": present.owner_topology})
