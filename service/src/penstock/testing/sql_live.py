"""SELECTs with rows, without a node: pull queries over what queries keep, push queries over what topics hold. Both are analysed as a node does it."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.analyze import analyze, expect_boolean
from penstock.expr.compile import compile_condition, compile_expression
from penstock.expr.scope import Scope
from penstock.formats.schemas import using
from penstock.plan.nodes import RelationKind, Sink, SourceStream, SourceTable
from penstock.plan.relations import RelationInfo
from penstock.plan.resolved import Updates
from penstock.sql import effects, tree
from penstock.sql.catalog import InSession, known
from penstock.sql.columns import PSEUDO, From
from penstock.sql.faults import refuse
from penstock.sql.parser import parse_statement
from penstock.sql.pull import check_where
from penstock.sql.rows import RowQuery, is_plain, not_queryable, plain, refuse_clauses, rich, with_types
from penstock.sql.select import node_name
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import DriverRecord, TopicCodec
from penstock.testing.sql_engine import OnePartition, one_partition
from penstock.testing.sql_flow import FlowingEngine
from penstock.types import sqltype as t
from penstock.types.cast import to_text
from penstock.types.java import double_text
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import Kind, SqlType

Line = dict[str, Any]
"""One line of an answer: a header, a row or a final message."""
Lines = Iterator[tuple[tuple[object, ...], bool]]
"""Rows, and whether each is a tombstone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave: columns, rows with whether they are tombstones, and how it ended. name: of a push query, "" for a pull query, which
    marks its keys."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[tuple[object, ...], bool], ...]
    final: str
    name: str = ""

    def lines(self) -> list[Line]:
        """As ksqlDB's server writes them, in JSON's types."""
        schema = ", ".join(f"`{c.name}` {type_text(c.type)}{' KEY' if not self.name and c.role in (Role.KEY, Role.WINDOW) else ''}"
                           for c in self.columns)
        found: list[Line] = [{"header": {"queryId": self.name, "schema": schema}}]
        for values, gone in self.rows:
            row: Line = {"columns": [cell(v, c.type) for v, c in zip(values, self.columns, strict=True)]}
            found.append({"row": row | ({"tombstone": True} if gone else {})})
        return [*found, {"finalMessage": self.final}] if self.final else found


class LiveEngine(FlowingEngine):
    """A FlowingEngine that answers SELECTs. arrivals: every record in the order of its coming."""

    def __init__(self, settings: Mapping[str, str] | None = None, topics: Mapping[str, int] | None = None) -> None:
        super().__init__(settings, topics, backfill=True)
        self.arrivals: list[tuple[str, DriverRecord]] = []
        self._numbers = itertools.count()
        self._kept: dict[str, TopologyTestDriver] = {}  # drivers of source tables, by relation

    def append(self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Iterable[tuple[str, bytes | None]] = ()) -> None:
        """Write a record, and what follows from it."""
        records = self.log.setdefault(topic, [])
        self.arrivals.append((topic, DriverRecord(len(records), timestamp, key, value, tuple(headers))))
        super().append(topic, key, value, timestamp, headers)

    def execute(self, statement: tree.Statement, text: str = "") -> effects.Effect:
        """As SqlEngine; a source table is kept by a topology of its own."""
        effect = super().execute(statement, text)
        if isinstance(effect, effects.Declare) and effect.query_id:
            definition = topology_pb2.Topology(name=effect.query_id)
            definition.nodes.add(name=node_name(effect.info.name)).source_table.origin.relation = effect.info.name
            self._kept[effect.info.name] = self._driver(definition)
        return effect

    def query(self, text: str, *, before: Callable[[], None] | None = None) -> Answer:
        """The answer to a SELECT. before: what happens once it runs; then it sees only what comes. RequestError when it is refused."""
        statement = parse_statement(text)
        if not isinstance(statement, tree.Query):
            raise refuse("only SELECT gives rows", statement)
        catalog = InSession(self.catalog, self.session)
        with using(self.catalog.schemas.by_id):
            return self._push(statement, catalog, before) if statement.emit else self._pull(statement, catalog)

    # ---- pull

    def _pull(self, query: tree.Query, catalog: InSession) -> Answer:
        info = known(catalog, query.source.name)
        refuse_clauses(query, info)
        rows = plain(query, catalog)
        if info.kind is RelationKind.STREAM:
            found = [values for values, _ in self._stream_rows(info, rows, self.log.get(info.topic.topic, ()))]
            limited = query.limit is not None and len(found) >= query.limit
            return Answer(rows.columns, tuple((r, False) for r in found[:query.limit]), "Limit Reached" if limited else "Query Completed")
        stored = self._stored(info, query)
        check_where(query, info, self.session)
        shown = View(rows, info)
        found = [shown.pick(row) for row in stored if shown.keeps(row)]
        return Answer(rows.columns, tuple((r, False) for r in found[:query.limit]), "")

    def _stored(self, info: RelationInfo, query: tree.Query) -> list[Mapping[str, object]]:
        """Rows of a table, with pseudo columns."""
        if info.name in self._kept:
            driver = self._kept[info.name]
            for record in self.log.get(info.topic.topic, ())[len(driver.records(info.topic.topic)):]:
                driver.append_record(info.topic.topic, record)
            name = next(p.name for p in driver.plan.published if p.store)
        else:
            maker = next((q for q in self.queries.values() if q.creates == info.name), None)
            if maker is None:
                raise not_queryable(info.name, query.source)
            driver, name = self.drivers[maker.name], info.name
        found: list[Mapping[str, object]] = []
        for row in driver.read_store(name):
            keys = dict(zip((c.name for c in info.schema.key), row.key, strict=True))
            values = dict(zip((c.name for c in info.schema.value), row.values, strict=True))
            start = row.window_start
            end = row.window_end if row.window_end is not None else None if start is None or info.window is None else start + info.window.size_ms
            found.append({**keys, **values, "ROWTIME": row.timestamp, "WINDOWSTART": start, "WINDOWEND": end})
        return found

    # ---- push

    def _push(self, query: tree.Query, catalog: InSession, before: Callable[[], None] | None) -> Answer:
        name = f"{'SCALABLE_PUSH_QUERY' if is_plain(query) else 'TRANSIENT'}_{next(self._numbers)}"
        if is_plain(query):
            info, rows = known(catalog, query.source.name), plain(query, catalog)
            start = len(self.log.get(info.topic.topic, ())) if before is not None else 0
            if before is not None:
                before()
            records = self.log.get(info.topic.topic, [])[start:]
            lines = self._stream_rows(info, rows, records) if info.kind is RelationKind.STREAM else self._table_rows(info, rows, records)
        else:
            rows, lines = self._rich(query, catalog, before, name)
        found = tuple(_limited(lines, query.limit))
        return Answer(rows.columns, found, "Limit Reached" if query.limit is not None and len(found) >= query.limit else "", name)

    def _rich(self, query: tree.Query, catalog: InSession, before: Callable[[], None] | None, name: str) -> tuple[RowQuery, Lines]:
        made = rich(query, catalog, name, name)
        driver = self._driver(made.definition)
        nodes = [n for sub in driver.plan.subs for n in sub.nodes]
        sink = next(n for n in nodes if isinstance(n, Sink))
        topics = {n.topic.topic for n in nodes if isinstance(n, SourceStream | SourceTable)}
        start = len(self.arrivals) if before is not None else 0
        if before is not None:
            before()
        for topic, record in self.arrivals[start:]:
            if topic in topics:
                driver.append_record(topic, record)
        info = RelationInfo(name, sink.kind, sink.schema, sink.topic, sink.window)
        rows = with_types(made.rows, info)
        records = driver.records(sink.topic.topic)
        return rows, self._stream_rows(info, rows, records) if sink.kind is RelationKind.STREAM else self._table_rows(info, rows, records)

    def _driver(self, definition: topology_pb2.Topology) -> TopologyTestDriver:
        return TopologyTestDriver(one_partition(definition, self.catalog), OnePartition(self.catalog), updates=Updates.EVERY)

    # ---- rows of topics

    def _stream_rows(self, info: RelationInfo, rows: RowQuery, records: Sequence[DriverRecord]) -> Lines:
        shown = View(rows, info)
        for row in _decoded(info, records):
            if row["VALUE"] is not None and shown.keeps(row):
                yield shown.pick(row), False

    def _table_rows(self, info: RelationInfo, rows: RowQuery, records: Sequence[DriverRecord]) -> Lines:
        """Changes of a table: a row that is gone, or no longer as WHERE says, is a tombstone where it was shown."""
        shown, there = View(rows, info), set[bytes]()
        for row, record in zip(_decoded(info, records), records, strict=True):
            if record.key is None:
                continue
            if row["VALUE"] is not None and shown.keeps(row):
                there.add(record.key)
                yield shown.pick(row), False
            elif record.key in there or not rows.where:
                there.discard(record.key)
                yield shown.pick({n: v for n, v in row.items() if info.schema.get(n) is None or n in shown.keys}), True


class View:
    """The expressions of a RowQuery over rows of its relation, which are mappings."""

    def __init__(self, rows: RowQuery, info: RelationInfo) -> None:
        columns = From(info.name, info, "").types()
        self.keys = {c.name for c in info.schema.key}
        self._names = list(columns)
        scope = Scope((("", columns),), {}, rows.types)
        self._items = [compile_expression(analyze(text, scope), self._names) for text in rows.items]
        self._keep = compile_condition(expect_boolean(rows.where, scope), self._names) if rows.where else None

    def _row(self, row: Mapping[str, object]) -> list[object]:
        return [row.get(name) for name in self._names]

    def keeps(self, row: Mapping[str, object]) -> bool:
        """Whether WHERE holds."""
        return self._keep is None or self._keep(self._row(row))

    def pick(self, row: Mapping[str, object]) -> tuple[object, ...]:
        """The result's values."""
        values = self._row(row)
        return tuple(item(values) for item in self._items)


def _limited(lines: Lines, limit: int | None) -> Lines:
    return lines if limit is None else itertools.islice(lines, limit)


def _decoded(info: RelationInfo, records: Sequence[DriverRecord]) -> Iterator[dict[str, object]]:
    """Columns, pseudo columns, and VALUE: None for a null value. Records that cannot be read are left out."""
    codec, keys = TopicCodec(info.topic, info.schema), info.schema.key
    for record in records:
        made = codec.decode(record, 0)
        if isinstance(made.value, bytes) or isinstance(made.key, bytes) and keys and keys[0].type != t.BYTES:
            continue
        key = made.key if isinstance(made.key, dict) and len(keys) > 1 else {keys[0].name: made.key} if keys else {}
        end = made.window_end
        if end is None and made.window_start is not None and info.window is not None:
            end = made.window_start + info.window.size_ms
        value = made.value if isinstance(made.value, dict) else {}
        yield {**dict.fromkeys(PSEUDO), **key, **value, **_headers(info.schema, record), "ROWTIME": made.timestamp, "ROWPARTITION": 0,
               "ROWOFFSET": record.offset, "WINDOWSTART": made.window_start, "WINDOWEND": end, "VALUE": made.value}


def _headers(schema: Schema, record: DriverRecord) -> dict[str, object]:
    found: dict[str, object] = {}
    for column in (c for c in schema if c.role is Role.HEADER):
        every = [{"KEY": k, "VALUE": v} for k, v in record.headers]
        found[column.name] = next((v for k, v in reversed(record.headers) if k == column.header), None) if column.header else every
    return found


# ---- as ksqlDB's server writes it

def type_text(of: SqlType) -> str:
    """A type by its long name, field names in backquotes."""
    match of.kind:
        case Kind.INT:
            return "INTEGER"
        case Kind.ARRAY:
            assert of.element is not None
            return f"ARRAY<{type_text(of.element)}>"
        case Kind.MAP:
            assert of.key is not None and of.element is not None
            return f"MAP<{type_text(of.key)}, {type_text(of.element)}>"
        case Kind.STRUCT:
            return "STRUCT<" + ", ".join(f"`{name}` {type_text(field)}" for name, field in of.fields) + ">"
    return str(of)


def cell(value: Any, of: SqlType) -> Any:
    """A value in JSON's types: fractions as Decimal with their digits, times as text, BYTES as base64."""
    if value is None:
        return None
    match of.kind:
        case Kind.DOUBLE:
            text = double_text(value)
            return text if text[-1] in "Ny" else Decimal(text)
        case Kind.BYTES:
            return base64.b64encode(value).decode()
        case Kind.TIMESTAMP | Kind.DATE:
            return to_text(value, of)
        case Kind.TIME:
            return to_text(value, of) if value % 1000 == 0 else f"{to_text(value - value % 1000, of)}.{value % 1000:03}"
        case Kind.ARRAY:
            assert of.element is not None
            return [cell(v, of.element) for v in value]
        case Kind.MAP:
            assert of.key is not None and of.element is not None
            return {str(to_text(k, of.key)): cell(v, of.element) for k, v in value.items()}
        case Kind.STRUCT:
            return {name: cell(value.get(name), field) for name, field in of.fields}
    return value
