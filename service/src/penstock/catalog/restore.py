"""A registry brought back from a backup: topologies have the incarnations that they had, and go on with the topics, positions and changelogs
that carry them.

1. what would be done is decided on the state at the registry's end, and refused when that is not empty, unless it is to be replaced
2. the registry's position is brought past every incarnation that was ever given, those that came after the backup too: a topic of the log may
   still have one in its name, and no two topologies may have the same
3. schemas first, then types and relations, then topologies, which workers start as they see them
Broken off between, it can be repeated with replace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from penstock.catalog import codec, schema_topic
from penstock.catalog.backup import Backup, events_of, in_parts, refuse_unreadable
from penstock.catalog.port import CatalogState, Change, FunctionEntry, RelationEntry, TopologyEntry, TypeEntry
from penstock.catalog.port import Registry as CatalogRegistry
from penstock.catalog.schema_topic import TopicSchemas
from penstock.errors import RequestError
from penstock.log.port import Log
from penstock.schemas.subjects import Configured, Event, Gone, Subjects, Version

PART = 256 << 10
"""Bytes in one write, well below what a topic takes."""
SKIP: Change = ("type", "-")
"""Deletes nothing; it moves the position by one."""
SKIPS = 5_000


@dataclass(frozen=True, slots=True)
class Restoring:
    """What is done. forgotten: names that the registry has and the backup does not. missing: topics that the log does not have. floor: where the
    registry's position must be before."""

    topologies: tuple[str, ...]
    relations: tuple[str, ...]
    types: int
    functions: int
    schemas: int
    forgotten: tuple[str, ...]
    missing: tuple[str, ...]
    floor: int
    changes: tuple[Change, ...]
    events: tuple[Event, ...]


def decide(backup: Backup, service_id: str, state: CatalogState, subjects: Subjects | None, topics: Iterable[str], replace: bool) -> Restoring:
    """Step 1. Raises REGISTRY_NOT_EMPTY, INVALID_ARGUMENT, UNSUPPORTED."""
    refuse_unreadable(state, "replaced")
    if backup.service_id != service_id:
        raise RequestError("INVALID_ARGUMENT", f"the backup is of service {backup.service_id}, this one is {service_id}: its topics have other names",
                           {"field": "chunk"})
    topologies = {t.name.lower(): t for t in backup.entries if isinstance(t, TopologyEntry)}
    relations = {r.name.lower(): r for r in backup.entries if isinstance(r, RelationEntry)}
    types = {t.name.lower(): t for t in backup.entries if isinstance(t, TypeEntry)}
    functions = {f.name.lower(): f for f in backup.entries if isinstance(f, FunctionEntry)}
    _refuse_unless_empty(state, subjects, replace)
    transient = {t.name for t in state.topologies.values() if t.transient}
    gone = [*(("topology", t.name) for k, t in state.topologies.items() if k not in topologies and not t.transient),
            *(("relation", r.name) for k, r in state.relations.items() if k not in relations and r.owner_topology not in transient),
            *(("type", t.name) for k, t in state.types.items() if k not in types),
            *(("function", f.name) for k, f in state.functions.items() if k not in functions)]
    events = [] if subjects is None else [*_gone(subjects, backup.schemas), *backup.schemas]
    present = frozenset(topics)
    return Restoring(
        tuple(sorted(t.name for t in topologies.values())), tuple(sorted(r.name for r in relations.values())), len(types),
        len(functions), sum(isinstance(e, Version) for e in events), tuple(name for kind, name in gone if kind != "type"),
        tuple(sorted(needed(topologies.values(), relations.values()) - present)), _floor(backup, service_id, present),
        (*gone, *types.values(), *functions.values(), *relations.values(), *topologies.values()), tuple(events))


async def restore(log: Log, registry: CatalogRegistry, schemas: TopicSchemas | None, service_id: str, backup: Backup, replace: bool,
                  validate_only: bool) -> Restoring:
    """All of it; what was done. Raises what decide raises, LogError."""
    if schemas is not None:
        await schemas.refresh()
    done = decide(backup, service_id, await registry.refresh(), None if schemas is None else schemas.subjects, await log.topics(), replace)
    if validate_only:
        return done
    first = True

    def skipping(state: CatalogState) -> Sequence[Change]:
        nonlocal first
        if first:  # nobody has come between
            _refuse_unless_empty(state, None, replace)
        return [SKIP] * min(SKIPS, max(1 if first else 0, done.floor - state.position))

    while first or (await registry.refresh()).position < done.floor:
        await registry.change(skipping)
        first = False
    if schemas is not None:
        for events in in_parts([(sum(map(len, filter(None, schema_topic.encode(e)))), e) for e in done.events], PART):
            await schemas.deciding(lambda _, events=events: events)  # type: ignore[misc]
    for changes in in_parts([(sum(map(len, filter(None, codec.encode(c)))), c) for c in done.changes], PART):
        await registry.change(lambda _, changes=changes: changes)  # type: ignore[misc]
    return done


def needed(topologies: Iterable[TopologyEntry], relations: Iterable[RelationEntry]) -> set[str]:
    """Topics that these read, write and keep their state in."""
    found = {r.topic.topic for r in relations}
    for entry in topologies:
        found |= {t.topic for t in entry.plan.internal} | {t.topic for t in entry.plan.external}
    return found


def _refuse_unless_empty(state: CatalogState, subjects: Subjects | None, replace: bool) -> None:
    held: Mapping[str, int] = {"topologies": len(state.topologies), "relations": len(state.relations), "types": len(state.types),
                               "functions": len(state.functions),
                               "schemas": 0 if subjects is None else len(subjects.versions)}
    if any(held.values()) and not replace:
        told = ", ".join(f"{count} {what}" for what, count in held.items() if count)
        raise RequestError("REGISTRY_NOT_EMPTY", f"the registry has {told}: a backup replaces them only with replace",
                           {what: str(count) for what, count in held.items() if count})


def _gone(subjects: Subjects, kept: Sequence[Event]) -> Iterator[Event]:
    versions = {(e.subject, e.version) for e in kept if isinstance(e, Version)}
    levels = {e.subject for e in kept if isinstance(e, Configured)}
    for event in events_of(subjects):
        if isinstance(event, Version) and (event.subject, event.version) not in versions:
            yield Gone(event.subject, event.version)
        elif isinstance(event, Configured) and event.subject not in levels:
            yield Configured(event.subject, None)


def _floor(backup: Backup, service_id: str, topics: Iterable[str]) -> int:
    own = re.compile(rf"{re.escape(service_id)}-[A-Za-z][A-Za-z0-9_]*-(\d+)-.+")
    return max([backup.position, *(int(found[1]) + 1 for topic in topics if (found := own.fullmatch(topic)))])
