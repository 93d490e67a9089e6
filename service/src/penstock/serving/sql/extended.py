"""Pull queries past ksqlDB's: grouped, aggregated, sorted, joined, and over tables that nobody keeps (property penstock.pull.extended).

The rows of the sources as they are now run through a topology in memory, made by the same planner and compiled by the same engine as any
other; the newest row of each key of its result is the answer. A single source is read as a stream of its rows, so that every aggregate works;
sources of a join are tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from penstock_client.gen.penstock.v1 import subscription_service_pb2 as pb

from penstock.catalog.view import Served, resolve
from penstock.errors import RequestError
from penstock.expr import aggregates, ast
from penstock.expr.narrow import EVER
from penstock.expr.remote import RemoteFunction
from penstock.formats.errors import FormatError
from penstock.log.port import TopicPartition
from penstock.plan.nodes import Format, RelationKind, Sink, TopicRef
from penstock.plan.relations import RelationInfo
from penstock.planner import plan_topology
from penstock.serving.codec import topic_codec
from penstock.serving.columns import View, base_columns
from penstock.serving.gateway import Gateway
from penstock.serving.lookup import Freshness, Lookups
from penstock.serving.present import held_now
from penstock.serving.rows import Row, layout
from penstock.serving.scan import Query as ScanQuery
from penstock.serving.scan import Range, Scans
from penstock.sql.catalog import InSession, known
from penstock.sql.faults import folded, refuse
from penstock.sql.rows import ITEM, RichQuery, rich
from penstock.sql.select import calls_of
from penstock.sql.tree import Order, Query
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import DriverRecord, TopicCodec
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import Kind

MOST_ROWS = 200_000
"""Rows that such a query reads."""
BATCH = 500
JSON = Format("JSON")


@dataclass
class Extended:
    """Answers such queries on one gateway."""

    gateway: Gateway
    lookups: Lookups
    scans: Scans

    async def events(self, query: Query, catalog: InSession, limit: int, fresh: Freshness) -> AsyncIterator[pb.Event]:
        """Schema, rows and the end. limit 0: none, -1: no row. Raises RequestError, ExpressionError, LogError."""
        sources = [known(catalog, s.name) for s in (query.source, *(j.source for j in query.joins))]
        kind = RelationKind.STREAM if len(sources) == 1 else RelationKind.TABLE
        local = Local(catalog, {i.name: local_info(i, kind) for i in sources})
        made = rich(with_order(grouped(query)), InSession(local, catalog.session), "QUERY", "result")
        rows: dict[str, list[Row]] = {}
        left = MOST_ROWS
        for info in sources:
            served = resolve(self.gateway.registry.state, info.name)
            rows[info.name] = await (self._kept(served, fresh, left) if served.materialised else self._topic(served, left))
            left -= len(rows[info.name])
        columns, answer = await asyncio.to_thread(computed, made, local, rows, [o.descending for o in query.order_by])
        if limit:
            answer = answer[:max(0, limit)]
        shown = layout(columns, False)
        yield pb.Event(schema=shown.message)
        for begin in range(0, len(answer), BATCH):
            yield pb.Event(rows=pb.Rows(batch=shown.encode(answer[begin:begin + BATCH]), snapshot=True))
        yield pb.Event(end=pb.End(reason=pb.END_REASON_COMPLETED))

    async def _kept(self, served: Served, fresh: Freshness, most: int) -> list[Row]:
        """Base rows of a table that is kept."""
        table, position = await self.lookups.resolve(served.name, fresh)
        base = base_columns(served)
        scan = ScanQuery(View(base, layout(base, True), lambda row: row, None, ()), Range(), EVER, most + 1, "", 0)
        await self.scans.fresh(table, scan, position, fresh)
        found: list[Row] = []
        async for page in self.scans.pages(table, scan, fresh):
            found += page.rows
            check_size(len(found), most)
        return found

    async def _topic(self, served: Served, most: int) -> list[Row]:
        """Base rows up to ROWTIME of a stream, or the newest of each key of a table, from the topic to its present end."""
        codec, log, topic = topic_codec(served), self.gateway.log, served.topic
        assert topic is not None
        info = (await log.topics([topic.topic])).get(topic.topic)
        if info is None:
            raise RequestError("MISSING_TOPIC", f"topic {topic.topic} of {served.name} does not exist", {"relation": served.name, "topic": topic.topic})
        tps = [TopicPartition(info.name, p) for p in range(info.partitions)]
        table = served.kind is RelationKind.TABLE
        found: dict[object, Row] = {}
        async for tp, records in held_now(log, tps, committed=False):
            for record in records:
                key = record.key if table else (tp, record.offset)
                if record.value is None:
                    found.pop(key, None)
                    continue
                try:
                    row = codec.row(record)
                except FormatError:
                    continue  # as everywhere: who reads the topic has it in its dead letter
                if row is not None:
                    found[key] = row
            check_size(len(found), most)
        return list(found.values())


def check_size(count: int, most: int) -> None:
    """Raises REQUEST_TOO_LARGE."""
    if count > most:
        raise RequestError("REQUEST_TOO_LARGE", f"the query's sources have more than {MOST_ROWS} rows together: keep the result as a table by CREATE TABLE ... "
                           "AS SELECT", {"limit": str(MOST_ROWS)})


def grouped(query: Query) -> Query:
    """Aggregates without GROUP BY are of all rows."""
    if query.group_by is None and any(calls_of(i, aggregates.NAMES) for i in query.items):
        return replace(query, group_by=(ast.Number(query.start, query.end, "1"),))
    return query


def with_order(query: Query) -> Query:
    """The query with what it is sorted by as last items. A name, or the number, of an item means that item's expression."""
    items: list[ast.Ast] = list(query.items)
    for number, one in enumerate(query.order_by):
        by = _named(one, query.items) or one.by
        items.append(ast.Selected(one.start, one.end, by, ast.Ident(one.start, one.end, f"KSQL_ORDER_{number}", True)))
    return replace(query, items=tuple(items))


def _named(one: Order, items: Sequence[ast.Ast]) -> ast.Ast | None:
    """The expression of the item that is meant."""
    if isinstance(one.by, ast.Number):
        chosen = items[int(one.by.text) - 1] if one.by.text.isdecimal() and 1 <= int(one.by.text) <= len(items) else None
        if not isinstance(chosen, ast.Selected):
            raise refuse(f"ORDER BY {one.by.text} is the number of no item", one)
        return chosen.item
    if not isinstance(one.by, ast.Name) or len(one.by.parts) > 1:
        return None
    wanted = folded(one.by.parts[0])
    return next((i.item for i in items if isinstance(i, ast.Selected) and i.alias is not None and folded(i.alias) == wanted), None)


class Local:
    """A catalog whose sources are the given ones, each in a topic of one partition; everything else is the catalog's."""

    def __init__(self, catalog: InSession, sources: Mapping[str, RelationInfo]) -> None:
        self.sources = sources
        self.types, self.schemas = catalog.types, catalog.schemas
        self.setting, self.queries, self.all_topics = catalog.setting, catalog.queries, catalog.all_topics
        self.text_of, self.made_by_query, self.next_number = catalog.text_of, catalog.made_by_query, catalog.next_number

    def find(self, name: str) -> RelationInfo | None:
        """One of the sources."""
        return self.sources.get(name) or next((i for n, i in self.sources.items() if n.upper() == name.upper()), None)

    def names(self) -> list[str]:
        """Of the sources."""
        return list(self.sources)

    def topic_partitions(self, topic: str) -> int | None:
        """1 for the topics of the sources."""
        return 1 if any(i.topic.topic == topic for i in self.sources.values()) else None

    def topic_names(self) -> Iterable[str]:
        """Of the sources."""
        return [i.topic.topic for i in self.sources.values()]

    @property
    def functions(self) -> Mapping[str, RemoteFunction]:
        """None: what is shown of a relation computes nothing."""
        return {}

    def read_only(self, name: str) -> bool:
        """Nothing is written."""
        return True


def local_info(info: RelationInfo, kind: RelationKind) -> RelationInfo:
    """A source as rows in JSON, without headers."""
    schema = Schema(tuple(c for c in info.schema if c.role is not Role.HEADER))
    topic = TopicRef(f"rows-of-{info.name}", 1, JSON if schema.key else Format("NONE"), JSON, window=info.window)
    return RelationInfo(info.name, kind, schema, topic, info.window)


def computed(made: RichQuery, local: Local, rows: Mapping[str, Sequence[Row]], descending: Sequence[bool]) -> tuple[tuple[Column, ...], list[Row]]:
    """Columns and rows of the result, sorted, from base rows of the sources."""
    plan = plan_topology(made.definition, local, service_id="query", incarnation=1, default_partitions=1, trees=made.trees)
    driver = TopologyTestDriver(plan, local)
    sink = next(n for sub in plan.subs for n in sub.nodes if isinstance(n, Sink))
    for name, given in rows.items():
        info = local.sources[name]
        codec = TopicCodec(info.topic, info.schema)
        driver.append_records(info.topic.topic, [_record(n, row, info, codec) for n, row in enumerate(given)])
    result = TopicCodec(sink.topic, sink.schema)
    newest: dict[object, Row] = {}
    for number, record in enumerate(driver.records(sink.topic.topic)):
        key = record.key if sink.kind is RelationKind.TABLE else number
        value = result.decode(record, 0).value
        newest.pop(key, None)
        if isinstance(value, dict):
            newest[key] = tuple(value[f"{ITEM}{n}"] for n in range(len(made.rows.columns)))
    types = {c.name: c.type for c in sink.schema}
    for n in range(len(made.rows.columns) - len(descending), len(made.rows.columns)):
        if types[f"{ITEM}{n}"].kind in (Kind.ARRAY, Kind.MAP, Kind.STRUCT):
            raise RequestError("TYPE_MISMATCH", f"{types[f'{ITEM}{n}']} has no order: ORDER BY takes another expression")
    width = len(made.rows.columns) - len(descending)
    columns = tuple(replace(c, type=types[f"{ITEM}{n}"]) for n, c in enumerate(made.rows.columns[:width]))
    answer = list(newest.values())
    for place, down in reversed(list(enumerate(descending, width))):  # the last key first: sorting is stable
        answer.sort(key=lambda row, at=place: (row[at] is None, 0 if row[at] is None else row[at]), reverse=down)  # type: ignore[misc]
    return columns, [row[:width] for row in answer]


def _record(number: int, row: Row, info: RelationInfo, codec: TopicCodec) -> DriverRecord:
    """A base row up to ROWTIME (serving/columns.py) as a record."""
    keys, values = len(info.schema.key), len(info.schema.value)
    bounds = 2 if info.window is not None else 0
    start, end = row[keys:keys + 2] if bounds else (None, None)
    value = row[keys + bounds:keys + bounds + values]
    key = codec.key_bytes(list(row[:keys]), start, end) if keys else None  # type: ignore[arg-type]
    return DriverRecord(number, row[-1], key, codec.value_bytes(dict(zip((c.name for c in info.schema.value), value, strict=True))))  # type: ignore[arg-type]
