"""SQL statements on topics in memory: declarations, persistent queries and INSERT VALUES, for tests of scripts without a node.

Queries are planned as the service plans them; then they run one after the other over whole topics, each with state of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from penstock.engine.port import BadRecord
from penstock.errors import RequestError
from penstock.expr.analyze import analyze
from penstock.expr.compile import compile_expression
from penstock.expr.scope import Scope
from penstock.plan.nodes import RelationKind, Repartition, Sink, SourceStream, SourceTable, TopicRef
from penstock.plan.relations import RelationInfo
from penstock.plan.resolved import ResolvedPlan, Updates
from penstock.planner import plan_topology
from penstock.sql import tree
from penstock.sql.catalog import SqlCatalog, known, lookup
from penstock.sql.declare import declare, schema_of, type_of
from penstock.sql.faults import folded, refuse, unsupported
from penstock.sql.persistent import create_as, insert_select, target_of
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import DriverRecord, TopicCodec
from penstock.types.coerce import coerce_insert
from penstock.types.schema import Role, Schema
from penstock.types.sqltype import BIGINT, SqlType

PARTITIONS = 4
"""Of a topic that nothing says more about."""


@dataclass
class MemoryCatalog:
    """A catalog that statements change; a sql.catalog.SqlCatalog."""

    relations: dict[str, RelationInfo] = field(default_factory=dict)
    topics: dict[str, int] = field(default_factory=dict)
    types: dict[str, SqlType] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)

    def find(self, name: str) -> RelationInfo | None:
        """By name without regard to case; exact case wins."""
        return self.relations.get(name) or next((r for n, r in self.relations.items() if n.upper() == name.upper()), None)

    def names(self) -> list[str]:
        """All names."""
        return list(self.relations)

    def topic_partitions(self, topic: str) -> int | None:
        """Partitions of an existing topic."""
        return self.topics.get(topic)

    def read_only(self, name: str) -> bool:
        """Whether SOURCE made it."""
        return name in self.sources

    def setting(self, name: str) -> str:
        """A session property."""
        return self.settings.get(name, "")


class OnePartition:
    """The catalog with a partition for each topic, as queries run here: records keep their order over all of them."""

    def __init__(self, catalog: MemoryCatalog) -> None:
        self._catalog = catalog
        self.names = catalog.names

    def find(self, name: str) -> RelationInfo | None:
        """As the catalog."""
        found = self._catalog.find(name)
        return None if found is None else replace(found, topic=replace(found.topic, partitions=1))

    def topic_partitions(self, topic: str) -> int | None:
        """1 for every topic that exists."""
        return None if self._catalog.topic_partitions(topic) is None else 1


@dataclass
class Running:
    """One persistent query. plan has one partition."""

    name: str
    plan: ResolvedPlan
    sink: str
    topics: tuple[str, ...]


class SqlEngine:
    """Executes statements; `run` then feeds every query in the order of creation."""

    def __init__(self, settings: Mapping[str, str] | None = None, topics: Mapping[str, int] | None = None) -> None:
        self.catalog = MemoryCatalog(settings=settings or {}, topics=dict(topics or {}))
        self.queries: dict[str, Running] = {}
        self.log: dict[str, list[DriverRecord]] = {}
        self.formats: dict[str, tuple[TopicRef, Schema]] = {}
        self.bad: list[BadRecord] = []
        self._count = 0

    # ---- statements

    def execute(self, statement: tree.Statement) -> None:
        """One statement. RequestError when it is refused."""
        match statement:
            case tree.Create(query=None):
                self._declare(statement)
            case tree.Create():
                self._create_as(statement)
            case tree.InsertSelect():
                self._insert_select(statement)
            case tree.InsertValues():
                self._insert_values(statement)
            case tree.CreateType():
                self._create_type(statement)
            case tree.Drop():
                self._drop(statement)
            case tree.Alter():
                self._alter(statement)
            case _:
                raise unsupported(f"{type(statement).__name__} here", statement)

    def _declare(self, statement: tree.Create) -> None:
        made = declare(statement, self.catalog)
        existing = target_of(statement, self.catalog)
        if existing is not None and statement.if_not_exists:
            return
        info, partitions = made.info, self.catalog.topic_partitions(made.info.topic.topic)
        if partitions is None:
            if not info.topic.partitions:
                raise refuse(f"Kafka topic does not exist: {info.topic.topic}", statement.name, "MISSING_TOPIC", topic=info.topic.topic)
            self.catalog.topics[info.topic.topic] = info.topic.partitions
        elif info.topic.partitions and partitions != info.topic.partitions:
            raise refuse(f"A Kafka topic with the name '{info.topic.topic}' already exists, with different partition/replica configuration than "
                         f"required. KSQL expects {info.topic.partitions} partitions (topic has {partitions})", statement.name)
        self._publish(info, read_only=made.read_only)

    def _publish(self, info: RelationInfo, read_only: bool = False) -> None:
        self.catalog.relations[info.name] = info
        self.formats.setdefault(info.topic.topic, (info.topic, info.schema))
        self.catalog.sources.discard(info.name)
        if read_only:
            self.catalog.sources.add(info.name)

    def _create_as(self, statement: tree.Create) -> None:
        assert statement.query is not None
        existing = target_of(statement, self.catalog)
        if existing is not None and statement.if_not_exists:
            return
        name = folded(statement.name)
        before = self.catalog.relations.pop(name, None) if existing else None
        try:
            definition = create_as(statement, self.catalog, self._id(f"C{statement.kind[0]}AS_{name}"))
            self._start(definition, name, name)
        except RequestError:
            if before is not None:
                self.catalog.relations[name] = before
            raise

    def _insert_select(self, statement: tree.InsertSelect) -> None:
        query_id = self._id("INSERTQUERY")
        self._start(insert_select(statement, self.catalog, query_id), query_id, "")

    def _id(self, prefix: str) -> str:
        plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in prefix)[:50]
        return f"{plain}_{self._count}"

    def _start(self, definition: object, key: str, publishes: str) -> None:
        self._count += 1
        checked = plan_topology(definition, self.catalog, service_id="test", incarnation=1)  # type: ignore[arg-type]
        for topic in checked.external:
            self.catalog.topics.setdefault(topic.topic, topic.partitions)
        plan = plan_topology(definition, OnePartition(self.catalog), service_id="test", incarnation=1, default_partitions=1)  # type: ignore[arg-type]
        nodes = [n for sub in plan.subs for n in sub.nodes]
        sink = next(n for n in nodes if isinstance(n, Sink))
        topics = tuple(dict.fromkeys(n.topic.topic for n in nodes if isinstance(n, SourceStream | SourceTable)))
        self.queries[key] = Running(plan.topology, plan, sink.topic.topic, topics)
        if publishes:
            self._publish(RelationInfo(sink.relation, sink.kind, sink.schema, sink.topic, sink.window, plan.topology))

    def _insert_values(self, statement: tree.InsertValues) -> None:
        info = lookup(self.catalog, statement.name)
        if info is None:
            raise refuse(f"Cannot insert values into an unknown stream/table: `{folded(statement.name)}`", statement.name, "UNKNOWN_RELATION")
        key, value, at = inserted(statement, info, self.catalog)
        codec = TopicCodec(info.topic, info.schema)
        self.append(info.topic.topic, codec.key_bytes(key), codec.value_bytes(value), at or 0)

    def _create_type(self, statement: tree.CreateType) -> None:
        name = folded(statement.name)
        if name in self.catalog.types:
            if statement.if_not_exists:
                return
            raise refuse(f"Cannot register custom type '{name}' since it is already registered", statement.name)
        self.catalog.types[name] = type_of(tree.Element(statement.start, statement.end, statement.name, statement.type_text, statement.type_start),
                                           self.catalog)

    def _drop(self, statement: tree.Drop) -> None:
        name = folded(statement.name)
        if statement.kind == "TYPE":
            if self.catalog.types.pop(name, None) is None and not statement.if_exists:
                raise refuse(f"Type {name} does not exist", statement.name)
            return
        found = lookup(self.catalog, statement.name)
        if found is None:
            if statement.if_exists:
                return
            raise refuse(f"{statement.kind.capitalize()} {name} does not exist.", statement.name, "UNKNOWN_RELATION")
        if found.kind.value != statement.kind:
            raise refuse(f"Incompatible data source type is {found.kind.value}, but statement was DROP {statement.kind}", statement)
        readers = [q.name for key, q in self.queries.items() if key != name and (found.topic.topic in q.topics or q.sink == found.topic.topic)]
        if readers:
            raise refuse(f"Cannot drop {name}. The following queries read or write it: {', '.join(readers)}", statement.name)
        del self.catalog.relations[name]
        self.queries.pop(name, None)

    def _alter(self, statement: tree.Alter) -> None:
        found = known(self.catalog, statement.name)
        if found.kind.value != statement.kind:
            raise refuse(f"Incompatible data source type is {found.kind.value}, but statement was ALTER {statement.kind}", statement)
        if self.catalog.read_only(found.name):
            raise refuse(f"Cannot alter {statement.kind.lower()} '{found.name}': ALTER operations are not supported on source "
                         f"{statement.kind.lower()}s.", statement)
        if found.owner_topology:
            raise refuse("ALTER command is not supported for CREATE ... AS statements.", statement)
        added = schema_of(statement.additions, RelationKind.STREAM, self.catalog)
        for column in added:
            if found.schema.get(column.name) is not None:
                raise refuse(f"Cannot add column `{column.name}` to schema. A column with the same name already exists.", statement)
        headers = tuple(c for c in found.schema if c.role is Role.HEADER)
        schema = Schema((*(c for c in found.schema if c.role is not Role.HEADER), *added, *headers))
        self.catalog.relations[found.name] = replace(found, schema=schema)

    # ---- records

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


def inserted(statement: tree.InsertValues, info: RelationInfo, catalog: SqlCatalog) -> tuple[object, object, int | None]:
    """(key, value as the driver takes them, ROWTIME if given) of INSERT VALUES. RequestError when the values do not fit."""
    if catalog.read_only(info.name):
        raise refuse(f"Cannot insert values into read-only {info.kind.value.lower()}: {info.name}", statement.name)
    if info.window is not None:
        raise refuse(f"Cannot insert values into windowed stream/table: {info.name}", statement.name)
    plain = [c for c in info.schema if c.role is not Role.HEADER]
    names = [c.name for c in plain] if statement.columns is None else [folded(c) for c in statement.columns]
    if statement.columns is None and len(plain) < len(info.schema.columns):
        headers = ", ".join(c.name for c in info.schema if c.role is Role.HEADER)
        raise refuse(f"Cannot insert into HEADER columns: {headers}", statement.name)
    if len(names) != len(statement.values):
        raise refuse(f"Expected a value for each column. Expected number columns and values to match: {len(names)}, {len(statement.values)}", statement)
    row: dict[str, object] = {}
    at: int | None = None
    for name, item in zip(names, statement.values, strict=True):
        expr = analyze(item, Scope(types=catalog.types))
        value = compile_expression(expr, [], report=_raise)([])
        column = info.schema.get(name)
        if name == "ROWTIME":
            at = coerce_insert(value, expr.type, BIGINT, name)  # type: ignore[assignment]
            continue
        if name in ("ROWPARTITION", "ROWOFFSET"):
            raise refuse(f"Inserting into column `{name}` is not allowed.", statement)
        if column is None:
            raise refuse(f"Column name {name} does not exist.", statement, "UNKNOWN_COLUMN")
        if column.role is Role.HEADER:
            raise refuse(f"Cannot insert into HEADER columns: {name}", statement)
        try:
            row[name] = coerce_insert(value, expr.type, column.type, name)
        except ValueError as error:
            raise refuse(str(error), item) from None
    keys = [row.get(c.name) for c in info.schema.key]
    if info.kind is RelationKind.TABLE and any(k is None for k in keys):
        raise refuse(f"Failed to insert values into '{info.name}'. Value for primary key column(s) is required.", statement)
    key: object = None if all(k is None for k in keys) else keys
    return key, {c.name: row.get(c.name) for c in info.schema.value}, at


def _raise(error: Exception) -> None:
    raise RequestError("INVALID_EXPRESSION", str(error))

