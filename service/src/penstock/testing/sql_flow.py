"""SQL whose queries run all the time: each record goes through every query that reads its topic before the next one comes, depth first."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from penstock.errors import RequestError
from penstock.formats.schemas import using
from penstock.plan.relations import RelationInfo
from penstock.plan.resolved import Updates
from penstock.sql import effects, tree
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.sql_engine import OnePartition, Running, SqlEngine


class FlowingEngine(SqlEngine):
    """A SqlEngine whose queries follow their topics. backfill: a new query begins with what its topics hold already. A replaced query goes
    on with its state."""

    def __init__(self, settings: Mapping[str, str] | None = None, topics: Mapping[str, int] | None = None, *, backfill: bool) -> None:
        super().__init__(settings, topics)
        self.drivers: dict[str, TopologyTestDriver] = {}
        self._backfill = backfill
        self._sent: dict[str, int] = {}

    def now_ms(self) -> int:
        """The real clock."""
        return time.time_ns() // 1_000_000

    def execute(self, statement: tree.Statement, text: str = "") -> effects.Effect:
        """As SqlEngine; what an assertion waits for must be there."""
        with using(self.catalog.schemas.by_id):
            effect = super().execute(statement, text)
        if isinstance(effect, effects.Await) and (complaint := effect.complaint(self.catalog)):
            raise RequestError("ASSERTION_FAILED", complaint)
        return effect

    def append(self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Iterable[tuple[str, bytes | None]] = ()) -> None:
        """Write a record, and what follows from it."""
        super().append(topic, key, value, timestamp, headers)
        record = self.log[topic][-1]
        with using(self.catalog.schemas.by_id):
            for query in list(self.queries.values()):
                if topic in query.topics and not query.paused:
                    self.drivers[query.name].append_record(topic, record)
                    self._take(query)

    def _plan(self, effect: effects.Start, statement: tree.Statement, text: str, old: Running | None, replaced: RelationInfo | None) -> None:
        super()._plan(effect, statement, text, old, replaced)
        query = self.queries[effect.query_id]
        before = self.drivers.get(query.name)
        self.drivers[query.name] = TopologyTestDriver(query.plan, OnePartition(self.catalog), updates=Updates.EVERY, before=before)
        self._sent[query.name] = 0
        if before is None and self._backfill:
            waiting = [(topic, record) for topic in query.topics for record in self.log.get(topic, ())]
            for topic, record in waiting:
                self.drivers[query.name].append_record(topic, record)
                self._take(query)

    def _take(self, query: Running) -> None:
        """Hand on what a query wrote."""
        written = self.drivers[query.name].records(query.sink)
        fresh, self._sent[query.name] = written[self._sent[query.name]:], len(written)
        for r in fresh:
            self.append(query.sink, r.key, r.value, r.timestamp, r.headers)
