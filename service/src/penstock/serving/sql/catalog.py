"""The catalog as statements see it on a node: one state of the registry, with the topics that exist and what the tasks do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from penstock_client.gen.penstock.v1 import topology_service_pb2

from penstock.catalog import internal
from penstock.catalog.port import CatalogState, RelationEntry, TopologyEntry
from penstock.catalog.view import CatalogRelations, sources_of
from penstock.expr.remote import RemoteFunction
from penstock.formats.schemas import Schemas
from penstock.log.port import TopicInfo
from penstock.plan.nodes import Sink
from penstock.plan.relations import RelationInfo
from penstock.security.principal import Access, Need, caller
from penstock.serving import states
from penstock.serving.gateway import Gateway
from penstock.serving.sql.needs import written_by
from penstock.sql.catalog import QueryInfo, TopicEntry
from penstock.types.sqltype import SqlType

LEFT_BEHIND = ("-changelog", "-repartition", "-dead-letter", "-registry", "-schemas")
"""Ends of names of the service's own topics, some of which may belong to nothing any more."""


class NodeCatalog:
    """Implements sql/catalog.py StatementCatalog. What push queries have made is not in it. Lists have what the caller may see; a relation
    that it names takes this access: PERMISSION_DENIED."""

    def __init__(self, state: CatalogState, topics: Mapping[str, TopicInfo], gateway: Gateway, access: Access = Access.DESCRIBE) -> None:
        self.state = state
        self._topics = topics
        self._gateway = gateway
        self._access = access
        self._relations = CatalogRelations(state, topics)

    def find(self, name: str) -> RelationInfo | None:
        """A stream or table of the catalog, without regard to case."""
        entry = self.state.relations.get(name.lower())
        if entry is None or self._hidden(entry):
            return None
        caller().require([Need(self._access, entry.name)])
        return self._relations.find(entry.name)

    def names(self) -> list[str]:
        return [e.name for e in self.state.relations.values() if not self._hidden(e) and caller().sees(e.name)]

    def topic_names(self) -> Iterable[str]:
        return self._relations.topic_names()

    @property
    def functions(self) -> Mapping[str, RemoteFunction]:
        return self._relations.functions

    @property
    def schemas(self) -> Schemas:
        """The schema registry; asking it may block."""
        return self._gateway.schemas.registry

    def topic_partitions(self, topic: str) -> int | None:
        return self._relations.topic_partitions(topic)

    @cached_property
    def types(self) -> Mapping[str, SqlType]:
        """Custom types by name."""
        return {t.name: t.type for t in self.state.types.values()}

    def read_only(self, name: str) -> bool:
        entry = self._entry(name)
        return entry is not None and entry.source

    def setting(self, name: str) -> str:
        """The session has them all."""
        return ""

    def queries(self) -> Sequence[QueryInfo]:
        found = sorted((t for t in self.state.topologies.values() if not t.transient), key=lambda t: t.incarnation)
        return [self._query(t) for t in found if any(map(caller().sees, (t.name, *written_by(t))))]

    def all_topics(self) -> Sequence[TopicEntry]:
        own = internal.of_service(self.state, self._gateway.service_id)
        own |= {n.topic.topic for e in self.state.topologies.values() if e.transient for n in _sinks(e)}
        prefix = f"{self._gateway.service_id}-"
        return [TopicEntry(t.name, t.partitions, 0, t.name in own or t.name.startswith("__")
                           or t.name.startswith(prefix) and t.name.endswith(LEFT_BEHIND)) for t in sorted(self._topics.values(), key=lambda t: t.name) if caller().sees(t.name)]

    def text_of(self, name: str) -> str:
        entry = self._entry(name)
        return "" if entry is None else entry.sql

    def made_by_query(self, name: str) -> bool:
        entry = self._entry(name)
        return entry is not None and bool(entry.query or entry.owner_topology) and not entry.source

    def next_number(self) -> int:
        """The registry's position: no two statements that are written have it."""
        return self.state.position

    def _entry(self, name: str) -> RelationEntry | None:
        return self.state.relations.get(name.lower())

    def _hidden(self, entry: RelationEntry) -> bool:
        owner = self.state.topologies.get(entry.owner_topology.lower()) if entry.owner_topology else None
        return owner is not None and bool(owner.transient)

    def _query(self, entry: TopologyEntry) -> QueryInfo:
        state, reason = states.current(self._gateway, entry)
        sinks = _sinks(entry)
        own = {p.name for p in entry.plan.published if p.in_catalog}
        names = [e.name if (e := self.state.relations.get(n)) is not None else n for n in dict.fromkeys(sources_of(entry))]
        reads = tuple(n for n in names if n not in own and caller().sees(n))
        writes = tuple(dict.fromkeys([*(n.relation for n in sinks), *sorted(own)]))
        topics = ", ".join(dict.fromkeys(n.topic.topic for n in sinks))
        word = topology_service_pb2.TopologyState.Name(state).removeprefix("TOPOLOGY_STATE_")  # type: ignore[arg-type,unused-ignore]
        return QueryInfo(entry.name, entry.sql, next(iter(sorted(own)), ""), reads, writes, topics, word, reason)


def _sinks(entry: TopologyEntry) -> list[Sink]:
    return [n for sub in entry.plan.subs for n in sub.nodes if isinstance(n, Sink)]
