"""Updates of topologies: another definition under the same name, decided by planner/updating and written as one entry.

In place: the incarnation stays and the plan's edition grows. Topics of added parts are created before the entry is written; those of
dropped parts stay until the topology is deleted, since a worker may still write to them. Workers stop the old plan at a commit and open the
new one on the same stores, none before the last one has left (log/port.py, Membership.join).
Anew: as a reset with another definition, for which the topology must be paused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from penstock.catalog import changes
from penstock.catalog.port import CatalogState, Change, Registry, RelationEntry, TopologyEntry
from penstock.catalog.register import Pin, Plan, planned, remove, topics_of, until_still, without, write
from penstock.catalog.view import find, readers, topology
from penstock.errors import RequestError
from penstock.log.port import Log
from penstock.plan.nodes import Node, RelationKind, stores_of
from penstock.plan.resolved import Published, ResolvedPlan
from penstock.planner.updating.carry import carried, with_starts
from penstock.planner.updating.decide import Decision, Effect, decide


@dataclass(frozen=True, slots=True)
class Leave:
    """What an update may do, and whether it is done."""

    rebuild: bool = False
    drop: bool = False
    rebuild_added: bool = False
    validate_only: bool = False


async def update(log: Log, registry: Registry, name: str, definition: bytes, plan_on: Plan, pin: Pin, etag: str, leave: Leave
                 ) -> tuple[TopologyEntry, Decision]:
    """Update a topology; an equal definition changes nothing. Raises RequestError, LogUnavailable."""

    async def attempt() -> tuple[TopologyEntry, Decision]:
        state = await registry.refresh()
        old = topology(state, name)
        changes.check_etag(etag, changes.etag_of(old))
        rest = without(state, old)
        plan = await planned(log, rest, plan_on, old.incarnation)
        decision = decide(old.plan, plan, leave.rebuild_added)
        if leave.validate_only or old.definition == definition:
            return old, decision
        _ask_leave(old, decision, leave)
        if decision.plan is None:
            changes.may_reset(state, name, etag)
            anew = await pin(await planned(log, rest, plan_on, state.position))
            await write(log, registry, anew, state.position, lambda s: _begun_anew(s, old, definition, anew))
            await remove(log, old.plan)
        else:
            new = replace(with_starts(old.plan, await pin(decision.plan)), edition=old.plan.edition + 1)
            await write(log, registry, new, state.position, lambda s: updated(s, old, definition, new), keep=frozenset(topics_of(old.plan)))
        return topology(registry.state, name), decision

    return await until_still(registry, attempt)


async def go_on(log: Log, registry: Registry, state: CatalogState, old: TopologyEntry, definition: bytes, plan_on: Plan, pin: Pin,
                made: changes.Made, check: Callable[[ResolvedPlan], None]) -> TopologyEntry:
    """CREATE OR REPLACE of a query: an update in place of a topology that stands in this state. As in ksqlDB, what was written and aggregated before
    stays as it is, under the new definition: only stores and internal topics must be the same. check refuses plans. Raises Moved when the
    registry is not there any more, UNSUPPORTED where they are not."""
    plan = await planned(log, without(state, old), plan_on, old.incarnation)
    check(plan)
    if _keeps(plan) != _keeps(old.plan):
        raise RequestError("UNSUPPORTED", f"{old.name} would keep other state than it has: drop it and make it anew", {"feature": "a change of state"})
    new = replace(with_starts(old.plan, await pin(carried(old.plan, plan, {}))), edition=old.plan.edition + 1)

    def changed(now: CatalogState) -> Sequence[Change]:
        entries = {e.name.lower(): e for e in updated(now, old, definition, new) if isinstance(e, RelationEntry)}
        entry = replace(next(e for e in updated(now, old, definition, new) if isinstance(e, TopologyEntry)), sql=made.sql)
        own = [entries.get(p.name.lower()) or now.relations[p.name.lower()] for p in new.published if p.in_catalog]
        return [entry, *(changes.made_by(r, made, old.name) for r in own)]

    await write(log, registry, new, state.position, changed, keep=frozenset(topics_of(old.plan)))
    return topology(registry.state, old.name)


def _keeps(plan: ResolvedPlan) -> object:
    """What outlives a change of the definition: internal topics, tasks and their stores."""
    return {t.topic for t in plan.internal}, [(s.name, s.partitions, s.stores) for s in (*plan.subs, *plan.globals)]


def _ask_leave(old: TopologyEntry, decision: Decision, leave: Leave) -> None:
    for effect, allowed, field in ((Effect.REBUILT, leave.rebuild, "allow_rebuild"), (None, leave.drop, "allow_drop")):
        nodes = [c for c in decision.changes if c.leave and (c.effect is Effect.REBUILT) is (effect is Effect.REBUILT)]
        if nodes and not allowed:
            what = "computed anew" if effect is Effect.REBUILT else "given up"
            raise RequestError("UPDATE_NEEDS_LEAVE", f"{nodes[0].node} would be {what}: {nodes[0].reason}. Set {field} if that is meant" + (
                "; validate_only says what becomes of every node" if len(nodes) > 1 else ""),
                {"topology": old.name, "nodes": ", ".join(c.node for c in nodes), "leave": field})


def updated(state: CatalogState, old: TopologyEntry, definition: bytes, plan: ResolvedPlan) -> Sequence[Change]:
    """The entries of an update in place. A table whose rows look otherwise now has another history for whoever holds them; a stream goes
    on. Raises RELATION_IN_USE, NAME_TAKEN."""
    relations = _relations(state, old, plan)
    before = {p.name.lower(): p for p in old.plan.published}
    other = {p.name.lower(): state.position for p in plan.published
             if not p.in_catalog and p.kind is RelationKind.TABLE and not _looks_same(old.plan, before.get(p.name.lower()), plan, p)}
    present = {p.name.lower() for p in plan.published}
    epochs = {n: at for n, at in old.epochs if n in present} | {n: at for n, at in other.items() if n in before}
    return [replace(old, version=old.version + 1, definition=definition, plan=plan, epochs=tuple(epochs.items())), *relations]


def _begun_anew(state: CatalogState, old: TopologyEntry, definition: bytes, plan: ResolvedPlan) -> Sequence[Change]:
    entry = replace(old, incarnation=plan.incarnation, plan=plan, definition=definition, version=old.version + 1, resets=old.resets + 1, epochs=())
    return [entry, *_relations(state, old, plan)]


def _relations(state: CatalogState, old: TopologyEntry, plan: ResolvedPlan) -> list[Change]:
    """Catalog entries of what is published now, and deletions of what no longer is."""
    wanted = {r.name.lower(): r for r in changes.relations_of(plan)}
    before = {p.name.lower(): p for p in old.plan.published}
    after = {p.name.lower(): p for p in plan.published}
    found: list[Change] = []
    for name, published in before.items():
        if name not in after:
            _refuse_readers(state, published.name, old.name, "is no longer published")
            found += [("relation", published.name)] if published.in_catalog else []
    for name, relation in wanted.items():
        present = state.relations.get(name)
        if present is None:
            found.append(replace(relation, epoch=state.position))
        elif present.owner_topology.lower() != old.name.lower():
            raise RequestError("NAME_TAKEN", f"{present.name} is already a {present.kind.value.lower()}", {"name": present.name})
        else:
            found += _kept(state, old, plan, present, relation, after[name])
    return found


def _kept(state: CatalogState, old: TopologyEntry, plan: ResolvedPlan, present: RelationEntry, relation: RelationEntry, published: Published
          ) -> list[Change]:
    types = {c.name: c.type for c in relation.schema}
    if lost := [c.name for c in present.schema if types.get(c.name) != c.type]:
        _refuse_readers(state, present.name, old.name, f"loses {', '.join(lost)} or changes their types")
    before = next((p for p in old.plan.published if p.name.lower() == relation.name.lower()), None)
    same = relation.kind is RelationKind.STREAM or plan.incarnation == old.incarnation and _looks_same(old.plan, before, plan, published)
    made = replace(relation, epoch=present.epoch if same else state.position, source=present.source, sql=present.sql, query=present.query)
    return [] if made == present else [made]


def _refuse_readers(state: CatalogState, name: str, owner: str, why: str) -> None:
    using = [r for r in readers(state, name) if r != owner] if find(state, name) is not None else []
    if using:
        raise RequestError("RELATION_IN_USE", f"{name} {why}, and is read by {', '.join(using)}", {"relation": name, "readers": ", ".join(using)})


def _looks_same(old: ResolvedPlan, before: Published | None, new: ResolvedPlan, after: Published) -> bool:
    """Whether the rows of a table's store are shown as they were."""
    return before is not None and (before.schema, before.window, before.sub, before.store) == (
        after.schema, after.window, after.sub, after.store) and _way(old, before) == _way(new, after)


def _way(plan: ResolvedPlan, published: Published) -> list[Node]:
    """The nodes from the published one to the owner of its store."""
    nodes = {n.name: n for sub in plan.subs if sub.name == published.sub for n in sub.nodes}
    found: list[Node] = []
    node = nodes.get(published.node)
    while node is not None:
        found.append(replace(node, inputs=()))
        if any(s.name == published.store for s in stores_of(node)):
            return found
        node = nodes.get(node.inputs[0].partition(".")[0]) if node.inputs else None
    return found
