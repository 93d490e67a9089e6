"""SQL statements on topics in memory: declarations, persistent queries and INSERT VALUES, for tests of scripts without a node.

Statements are decided and queries planned as the service does it (sql/execute.py); then queries run one after the other over whole topics,
each with state of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.engine.port import BadRecord
from penstock.expr.remote import RemoteFunction
from penstock.formats.schemas import using
from penstock.plan.nodes import Repartition, Sink, SourceStream, SourceTable, TopicRef
from penstock.plan.relations import RelationInfo
from penstock.plan.resolved import ResolvedPlan, Updates
from penstock.planner import plan_topology
from penstock.schemas.memory import MemoryRegistry
from penstock.schemas.pinning import pin_plan, pin_topic
from penstock.schemas.port import Registry
from penstock.sql import effects, tree
from penstock.sql.catalog import QueryInfo, TopicEntry
from penstock.sql.execute import decide
from penstock.sql.faults import refuse
from penstock.sql.replace import check_query, check_relation
from penstock.sql.script import Parsed
from penstock.sql.session import Session
from penstock.sql.settings import plain
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import DriverRecord, TopicCodec
from penstock.types.schema import Schema
from penstock.types.sqltype import SqlType

PARTITIONS = 4
"""Of a topic that nothing says more about."""


@dataclass
class MemoryCatalog:
    """A catalog that effects change; a sql.catalog.StatementCatalog. texts: the statement that made each relation; by_query: relations that a
    query made, ended or not."""

    relations: dict[str, RelationInfo] = field(default_factory=dict)
    topics: dict[str, int] = field(default_factory=dict)
    types: dict[str, SqlType] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)
    schemas: Registry = field(default_factory=lambda: MemoryRegistry("NONE"))
    texts: dict[str, str] = field(default_factory=dict)
    by_query: set[str] = field(default_factory=set)
    running: dict[str, Running] = field(default_factory=dict)
    count: int = 0
    functions: Mapping[str, RemoteFunction] = field(default_factory=dict)

    def find(self, name: str) -> RelationInfo | None:
        """By name without regard to case; exact case wins."""
        return self.relations.get(name) or next((r for n, r in self.relations.items() if n.upper() == name.upper()), None)

    def names(self) -> list[str]:
        """All names."""
        return list(self.relations)

    def topic_partitions(self, topic: str) -> int | None:
        """Partitions of an existing topic."""
        return self.topics.get(topic)

    def topic_names(self) -> Iterable[str]:
        """Names of all topics."""
        return self.topics

    def read_only(self, name: str) -> bool:
        """Whether SOURCE made it."""
        return name in self.sources

    def setting(self, name: str) -> str:
        """The session has them all."""
        return ""

    def queries(self) -> Sequence[QueryInfo]:
        """Persistent queries in order of creation."""
        return [q.info(self) for q in self.running.values()]

    def all_topics(self) -> Sequence[TopicEntry]:
        """Every topic."""
        return [TopicEntry(name, count, 1) for name, count in sorted(self.topics.items())]

    def text_of(self, name: str) -> str:
        """The statement that made a relation."""
        return self.texts.get(name, "")

    def made_by_query(self, name: str) -> bool:
        """Whether CREATE ... AS SELECT made it."""
        return name in self.by_query

    def next_number(self) -> int:
        """Number of queries so far."""
        return self.count


class OnePartition:
    """The catalog with a partition for each topic, as queries run here: records keep their order over all of them."""

    def __init__(self, catalog: MemoryCatalog) -> None:
        self._catalog = catalog
        self.names, self.functions = catalog.names, catalog.functions

    def find(self, name: str) -> RelationInfo | None:
        """As the catalog."""
        found = self._catalog.find(name)
        return None if found is None else replace(found, topic=replace(found.topic, partitions=1))

    def topic_partitions(self, topic: str) -> int | None:
        """1 for every topic that exists."""
        return None if self._catalog.topic_partitions(topic) is None else 1

    def topic_names(self) -> Iterable[str]:
        """As the catalog."""
        return self._catalog.topic_names()


def one_partition(definition: topology_pb2.Topology, catalog: MemoryCatalog) -> ResolvedPlan:
    """The plan with one partition of everything, whatever the definition says of its topics."""
    single = topology_pb2.Topology()
    single.CopyFrom(definition)
    for node in single.nodes:
        if node.HasField("sink") and node.sink.topic.HasField("create"):
            node.sink.topic.create.partitions = 0
    return plan_topology(single, OnePartition(catalog), service_id="test", incarnation=1, default_partitions=1)


@dataclass
class Running:
    """One persistent query. plan has one partition. creates: the relation that it made, "" for INSERT INTO."""

    name: str
    definition: topology_pb2.Topology
    plan: ResolvedPlan
    creates: str
    sink: str
    topics: tuple[str, ...]
    text: str
    paused: bool = False

    def info(self, catalog: MemoryCatalog) -> QueryInfo:
        """As statements see it."""
        nodes = [n for sub in self.plan.subs for n in sub.nodes]
        reads = tuple(dict.fromkeys(n.relation for n in nodes if isinstance(n, SourceStream | SourceTable)))
        writes = tuple(n.relation for n in nodes if isinstance(n, Sink))
        return QueryInfo(self.name, self.text, self.creates, reads, writes, self.sink, "PAUSED" if self.paused else "RUNNING")


class SqlEngine:
    """Executes statements; `run` then feeds every query in the order of creation."""

    def __init__(self, settings: Mapping[str, str] | None = None, topics: Mapping[str, int] | None = None) -> None:
        self.session = Session({plain(name): value for name, value in (settings or {}).items()})
        self.catalog = MemoryCatalog(topics=dict(topics or {}))
        self.log: dict[str, list[DriverRecord]] = {}
        self.formats: dict[str, tuple[TopicRef, Schema]] = {}
        self.bad: list[BadRecord] = []

    @property
    def queries(self) -> dict[str, Running]:
        """Persistent queries by id."""
        return self.catalog.running

    # ---- statements

    def execute(self, statement: tree.Statement, text: str = "") -> effects.Effect:
        """One statement; what it did. RequestError when it is refused."""
        effect = decide(Parsed(statement, text, 0), self.session, self.catalog)
        match effect:
            case effects.Declare():
                self._declare(effect, text)
            case effects.Start():
                self._start(effect, statement, text)
            case effects.Insert():
                with using(self.catalog.schemas.by_id):
                    codec = TopicCodec(effect.info.topic, effect.info.schema)
                value = [effect.value[c.name] for c in effect.info.schema.value]
                at = self.now_ms() if effect.timestamp is None else effect.timestamp
                self.append(effect.info.topic.topic, codec.write_key(effect.key), codec.write_value(value), at)
            case effects.PutType():
                if effect.type is None:
                    del self.catalog.types[effect.name]
                else:
                    self.catalog.types[effect.name] = effect.type
            case effects.Drop():
                del self.catalog.relations[effect.relation]
                self.catalog.by_query.discard(effect.relation)
                self.queries.pop(effect.query, None)
            case effects.Terminate():
                for query in effect.queries:
                    del self.queries[query]
            case effects.Desire():
                for query in effect.queries:
                    self.queries[query].paused = effect.paused
            case effects.Changed():
                self.session = effect.session
            case effects.AwaitSchema():
                if self.catalog.schemas.has(effect.subject, effect.schema_id) is not effect.exists:
                    which = f"{'subject ' + effect.subject if effect.subject else 'id ' + str(effect.schema_id)}"
                    raise refuse(f"Schema with {which} {'does not exist' if effect.exists else 'exists'}.", statement)
        return effect

    def _declare(self, effect: effects.Declare, text: str) -> None:
        if effect.create is not None:
            self.catalog.topics[effect.info.topic.topic] = effect.create.partitions
        topic = pin_topic(effect.info.topic, effect.info.schema, effect.info.name, self.catalog.schemas, sink=False)
        self._publish(replace(effect.info, topic=topic), text, read_only=effect.source or self.catalog.read_only(effect.info.name) and effect.replaces)

    def _publish(self, info: RelationInfo, text: str, read_only: bool = False) -> None:
        self.catalog.relations[info.name] = info
        self.catalog.texts[info.name] = text
        self.formats.setdefault(info.topic.topic, (info.topic, info.schema))
        self.catalog.sources.discard(info.name)
        if read_only:
            self.catalog.sources.add(info.name)

    def _start(self, effect: effects.Start, statement: tree.Statement, text: str) -> None:
        old = self.queries.get(effect.replaces)
        replaced = self.catalog.relations.pop(effect.publishes, None) if effect.replaces or effect.forgets else None
        try:
            self._plan(effect, statement, text, old, replaced)
        except Exception:
            if replaced is not None:
                self.catalog.relations[effect.publishes] = replaced
            raise
        self.catalog.count += 1

    def _plan(self, effect: effects.Start, statement: tree.Statement, text: str, old: Running | None, replaced: RelationInfo | None) -> None:
        definition = effect.definition
        checked = plan_topology(definition, self.catalog, service_id="test", incarnation=1, trees=effect.trees)
        plan = pin_plan(one_partition(definition, self.catalog), self.catalog.schemas)
        nodes = [n for sub in plan.subs for n in sub.nodes]
        sink = next(n for n in nodes if isinstance(n, Sink))
        made = RelationInfo(sink.relation, sink.kind, sink.schema, sink.topic, sink.window, plan.topology)
        if old is not None and replaced is not None:
            check_query(old.definition, definition, statement)
            check_relation(replaced, made, statement)
        for topic in checked.external:
            self.catalog.topics.setdefault(topic.topic, topic.partitions)
        topics = tuple(dict.fromkeys(n.topic.topic for n in nodes if isinstance(n, SourceStream | SourceTable)))
        self.queries[effect.query_id] = Running(plan.topology, definition, plan, effect.publishes, sink.topic.topic, topics, text)
        if effect.publishes:
            self._publish(made, text)
            self.catalog.by_query.add(effect.publishes)

    # ---- records

    def now_ms(self) -> int:
        """Time of rows that are inserted without one: the clock stands still here."""
        return 0

    def append(self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Iterable[tuple[str, bytes | None]] = ()) -> None:
        """Write a record."""
        records = self.log.setdefault(topic, [])
        records.append(DriverRecord(len(records), timestamp, key, value, tuple(headers)))

    def run(self, inputs: list[tuple[str, DriverRecord]]) -> None:
        """Append the inputs, then run every query: over the inputs of its topics in their order, then over its other topics."""
        for topic, r in inputs:
            self.append(topic, r.key, r.value, r.timestamp, r.headers)
        named = {topic for topic, _ in inputs}
        for query in self.queries.values():
            with using(self.catalog.schemas.by_id):
                self._run(query, inputs, named)

    def _run(self, query: Running, inputs: list[tuple[str, DriverRecord]], named: set[str]) -> None:
        driver = TopologyTestDriver(query.plan, OnePartition(self.catalog), updates=Updates.EVERY)
        feed = [(topic, r) for topic, r in inputs if topic in query.topics]
        feed += [(topic, r) for topic in query.topics if topic not in named for r in self.log.get(topic, ())]
        for topic, r in feed:
            driver.append_record(topic, r)
        self.bad += driver.dead_letters
        for r in driver.records(query.sink):
            self.append(query.sink, r.key, r.value, r.timestamp, r.headers)
        for node in (n for sub in query.plan.subs for n in sub.nodes if isinstance(n, Repartition)):
            self.log.setdefault(node.topic.topic, [])

