"""What generated code and outputs report while they run: bad records, late ones, failed expressions, rows that are too large."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from penstock.engine.port import BadRecord
from penstock.errors import RecordTooLarge, TaskFailed
from penstock.log.port import Record, TaskId
from penstock.plan.replay import Replayed
from penstock.plan.resolved import OnBadRecord, ResolvedPlan
from penstock.runtime import dead_letter
from penstock.runtime.context import Context
from penstock.runtime.output import OutputTopic, Row
from penstock.runtime.task import Input, Task

log = logging.getLogger("penstock.runner")


class Reports:
    """Counts, and sends to the dead letter what belongs there. outputs: the runner's, as they are at each report."""

    def __init__(self, ctx: Context, plan: ResolvedPlan, outputs: Mapping[str, OutputTopic]) -> None:
        self._ctx, self._plan, self._outputs = ctx, plan, outputs

    def bad(self, task_id: TaskId, bad: BadRecord) -> None:
        """A record that a node cannot take."""
        policy = self._plan.settings.on_bad_record
        if policy is OnBadRecord.FAIL:
            raise TaskFailed(f"node {bad.node}: {bad.reason}, at {bad.topic}[{bad.partition}] offset {bad.record.offset}")
        self._ctx.counters.dead_letters += 1
        if policy is OnBadRecord.DEAD_LETTER:
            r = bad.record
            self._dead_letter(task_id.partition, dead_letter.encode(
                reason=bad.reason, node=bad.node, topic=bad.topic, partition=bad.partition, offset=r.offset, now_ms=self._ctx.clock.now_ms(),
                timestamp=r.timestamp, key=r.key, value=r.value, headers=r.headers))

    def culprit(self, task: Task, source: Input, record: Record | Replayed) -> None:
        """A record that is passed over, since the worker died on it twice or its state is too large."""
        topic, at = source.tp.topic, f"{source.tp.topic}:{record.offset}"
        if isinstance(record, Replayed):
            topic, record = record.topic, record.record
        why = None if task.suspect is None else task.suspect.why.get(at)
        if why is not None:
            self.bad(task.id, BadRecord(why[0], topic, source.tp.partition, record, why[1]))
            return
        r = record
        self._ctx.counters.dead_letters += 1
        log.error("task %s: record %s[%d] offset %d killed its worker twice: dead letter", task.name, source.tp.topic,
                  source.tp.partition, r.offset)
        self._dead_letter(task.id.partition, dead_letter.encode(
            reason="the worker died twice while processing this record", node="", topic=topic, partition=source.tp.partition,
            offset=r.offset, now_ms=self._ctx.clock.now_ms(), timestamp=r.timestamp, key=r.key, value=r.value,
            headers=r.headers))

    def too_large(self, topic: str, row: Row) -> None:
        """A row that an output does not take."""
        key, value, timestamp, headers = row
        self._ctx.counters.dead_letters += 1
        self._dead_letter(0, dead_letter.encode(
            reason=f"an output record of {len(value or b''):,} bytes is over the log's limit", node="", topic=topic, partition=-1, offset=-1,
            now_ms=self._ctx.clock.now_ms(), timestamp=timestamp, key=key, value=value, headers=headers))

    @staticmethod
    def too_large_state(topic: str, row: Row) -> None:
        """A value that a changelog does not take."""
        raise RecordTooLarge(f"a state value of {len(row[1] or b''):,} bytes is over the log's limit ({topic})")

    def expression_error(self, node: str, error: Exception) -> None:
        """An expression failed, its column is null."""
        if isinstance(error, MemoryError):
            raise error  # no property of the row: with more room it would have a value
        counters = self._ctx.counters
        counters.expression_errors += 1
        if counters.expression_errors in (1, 10, 100, 1_000, 10_000):
            log.warning("topology %s node %s: an expression failed, its column is null: %s (%d so far)", self._plan.topology, node, error,
                        counters.expression_errors)

    def late(self, node: str) -> None:
        """A record came after its window was over."""
        self._ctx.counters.late += 1

    def _dead_letter(self, partition: int, value: bytes) -> None:
        output = self._outputs[self._plan.dead_letter_topic]
        output.put(partition % output.partitions, self._ctx.clock.now_ms(), None, value)
