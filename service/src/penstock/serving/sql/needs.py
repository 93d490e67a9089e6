"""The rights that a statement takes, by its effect: what it would read, write, make and take away, however it is worded.

Names that a statement only looks at need no more than to be seen, which the catalog it is decided on asks (catalog.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from penstock.catalog.port import CatalogState, TopologyEntry
from penstock.catalog.register import topics_of_sinks
from penstock.security.definition import declares, of_nodes
from penstock.security.principal import Access, Need
from penstock.sql import effects, tree
from penstock.sql.effects import Effect


def needs_of(effect: Effect, state: CatalogState) -> Iterator[Need]:
    """Everything it takes on this state of the catalog."""
    match effect:
        case effects.Declare(info=info):
            yield from declares(info.name, info.topic.topic)
        case effects.Start(definition=definition, publishes=publishes, forgets=forgets):
            yield from of_nodes(definition)
            yield from (Need(Access.ADMIN, name) for name in (publishes, forgets) if name)
            if effect.replaces:
                yield from _query(effect.replaces, state)
        case effects.Drop(relation=relation, query=query):
            yield Need(Access.ADMIN, relation)
            if effect.delete_topic:
                yield Need(Access.ADMIN, state.relations[relation.lower()].topic.topic)
            if query:
                yield from _query(query, state)
        case effects.Terminate(queries=queries) | effects.Desire(queries=queries):
            for name in queries:
                yield from _query(name, state)
        case effects.Insert(info=info):
            yield Need(Access.WRITE, info.name)
        case effects.PutType(name=name):
            yield Need(Access.ADMIN, name)
        case effects.Explain(query=query, definition=definition):
            if definition is not None:
                yield from (need for need in of_nodes(definition) if need.access is Access.READ)
            elif query:
                yield Need(Access.DESCRIBE, query)
        case effects.ExplainQuery(query=query):
            yield Need(Access.KNOWN)
        case effects.AwaitSchema(subject=subject):
            yield Need(Access.DESCRIBE, subject.removesuffix("-value").removesuffix("-key")) if subject else Need(Access.KNOWN)


def changed_by(effect: Effect) -> tuple[str, ...]:
    """Names of what it changes, for the audit; empty for none. Rows are none."""
    match effect:
        case effects.Declare(info=info):
            return (info.name,)
        case effects.Start():
            return (effect.query_id, *([effect.publishes] if effect.publishes else ()))
        case effects.Drop():
            return (effect.relation, *([effect.query] if effect.query else ()))
        case effects.Terminate(queries=queries) | effects.Desire(queries=queries):
            return queries
        case effects.PutType(name=name):
            return (name,)
    return ()


def changes_something(statement: tree.Statement) -> bool:
    """Whether a statement of this kind, had it not been refused, would change something beside rows and its session."""
    match statement:
        case tree.Create() | tree.InsertSelect() | tree.CreateType() | tree.Drop() | tree.Alter():
            return True
        case tree.Admin(words=words):
            return words[0] in ("TERMINATE", "PAUSE", "RESUME")
    return False


def _query(name: str, state: CatalogState) -> Iterator[Need]:
    """Who administers what a query writes administers the query: its id is the service's own making."""
    entry = state.topologies.get(name.lower())
    yield from (Need(Access.ADMIN, written) for written in (written_by(entry) if entry is not None else ()) or (name,))


def written_by(entry: TopologyEntry) -> tuple[str, ...]:
    """Relations that a query publishes, else the topics that it writes."""
    return tuple(p.name for p in entry.plan.published if p.in_catalog) or tuple(sorted(topics_of_sinks(entry.plan)))
