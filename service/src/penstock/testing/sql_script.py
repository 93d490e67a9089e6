"""Scripts of SQL with assertions between their statements: each INSERT runs through all queries, ASSERT VALUES reads records one by one."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.errors import RequestError
from penstock.formats.schemas import using
from penstock.plan.relations import RelationInfo
from penstock.sql import tree
from penstock.sql.catalog import InSession, known
from penstock.sql.faults import folded, refuse
from penstock.sql.insert import coerced
from penstock.sql.parser import parse_statements
from penstock.testing.records import TopicCodec
from penstock.testing.sql_flow import FlowingEngine
from penstock.types.schema import Role


class Script:
    """Runs statements one after the other."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.engine = FlowingEngine(settings, backfill=False)
        self._read: dict[str, int] = {}

    def run(self, text: str) -> None:
        """The statements of a text. RequestError where one is refused, or an assertion does not hold (ASSERTION_FAILED)."""
        for statement in parse_statements(text):
            self._execute(statement, text)

    def _execute(self, statement: tree.Statement, text: str) -> None:
        if isinstance(statement, tree.Assert) and statement.what in ("VALUES", "NULL"):
            self._assert_record(statement)
            return
        if isinstance(statement, tree.Create) and statement.query is None:
            given = {p.name: p.value for p in statement.properties}
            if topic := given.get("KAFKA_TOPIC"):
                count = given.get("PARTITIONS", "")
                self.engine.catalog.topics.setdefault(topic, int(count) if count.isdecimal() and int(count) else 1)
        self.engine.execute(statement, text)

    def _assert_record(self, statement: tree.Assert) -> None:
        """The next record of the relation's topic is as the statement says."""
        catalog = InSession(self.engine.catalog, self.engine.session)
        info = known(catalog, statement.name)
        columns = statement.columns if statement.columns is not None else None
        names = [c.name for c in info.schema if c.role is not Role.HEADER] if columns is None else [folded(c) for c in columns]
        if len(names) != len(statement.values):
            raise refuse(f"Expected a value for each column: there are {len(names)} columns and {len(statement.values)} values", statement)
        wanted = {name: coerced(item, name, info, catalog) for name, item in zip(names, statement.values, strict=True)}
        tombstone = statement.what == "NULL"
        if tombstone and any(value is not None and (c := info.schema.get(name)) is not None and c.role is not Role.KEY for name, value in wanted.items()):
            raise refuse("ASSERT NULL VALUES takes key columns only", statement)
        actual = self._next(info)
        if actual is None or (actual.get(TOMBSTONE) is True) is not tombstone or any(wanted[n] != actual.get(n) for n in names if n in actual or not tombstone):
            shown = "no more records" if actual is None else {n: v for n, v in actual.items() if n in names or n == TOMBSTONE}
            raise RequestError("ASSERTION_FAILED", f"Expected record does not match actual. Expected {'a tombstone of ' if tombstone else ''}{wanted}, "
                               f"got {shown}")

    def _next(self, info: RelationInfo) -> dict[str, object] | None:
        """Columns, ROWTIME and TOMBSTONE of the next record of a topic; None when there is no more."""
        topic = info.topic.topic
        at, records = self._read.get(topic, 0), self.engine.log.get(topic, [])
        if at >= len(records):
            return None
        self._read[topic] = at + 1
        with using(self.engine.catalog.schemas.by_id):
            record = TopicCodec(info.topic, info.schema).decode(records[at], 0)
        keys = info.schema.key
        key = record.key if isinstance(record.key, dict) and len(keys) > 1 else {keys[0].name: record.key} if keys else {}
        value = record.value if isinstance(record.value, dict) else {}
        return {**{c.name: None for c in info.schema}, **key, **value, "ROWTIME": record.timestamp, TOMBSTONE: record.value is None}


TOMBSTONE = "a tombstone"
"""Entry of a record that says whether its value is null; no column can have this name."""
