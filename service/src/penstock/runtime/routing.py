"""Sinks that name the topic of each row. Rows of topics that are known go into their batches at once; the others wait until the next commit
looks the topics up (or makes them), which is before it freezes: they leave in the commit of the records that caused them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.engine.port import BadRecord
from penstock.log.port import RETENTION_MS, Log, Record, TopicConfig, valid_topic
from penstock.plan.nodes import RoutedSink
from penstock.runtime.output import Headers, OutputTopic, Row

RoutedRow = tuple[str | None, bytes | None, bytes | None, int, Headers, Record]


class RoutedRows:
    """An engine.port.RoutedOutput of one task. topics: the outputs of this worker by topic, which the runner adds to."""

    def __init__(self, sink: RoutedSink, partition: int, reserved: str, topics: Mapping[str, OutputTopic]) -> None:
        """reserved: what the names of the service's own topics begin with."""
        self.sink = sink
        self.node = sink.name
        self.partition = partition
        self.rows: list[RoutedRow] = []
        self.waiting: list[tuple[str, RoutedRow]] = []  # with the topic that was being processed
        self._reserved = reserved
        self._topics = topics

    def drain(self, reading: str) -> None:
        """Rows into batches. reading: the topic whose records caused them."""
        if not self.rows:
            return
        touched: dict[str, OutputTopic] = {}
        for row in self.rows:
            output = self._topics.get(row[0]) if row[0] is not None else None
            if output is None or self._is_reserved(row[0]):
                self.waiting.append((reading, row))
            else:
                output.rows.append(row[1:5])
                touched[output.topic] = output
        self.rows.clear()
        for output in touched.values():
            output.drain(self.partition)

    @property
    def missing(self) -> set[str]:
        """Topics to look up."""
        return {row[0] for _, row in self.waiting if row[0] is not None and valid_topic(row[0]) and not self._is_reserved(row[0])}

    def settle(self) -> Sequence[BadRecord]:
        """What waits into the batches of topics that are known by now; the rest, which has none, is no longer kept here."""
        bad: list[BadRecord] = []
        for reading, (topic, key, value, timestamp, headers, record) in self.waiting:
            output = self._topics.get(topic) if topic is not None else None
            if output is None or self._is_reserved(topic):
                bad.append(BadRecord(self.node, reading, self.partition, record, self._why_not(topic)))
            else:
                row: Row = (key, value, timestamp, headers)
                output.rows.append(row)
                output.drain(self.partition)
        self.waiting.clear()
        return bad

    def _why_not(self, topic: str | None) -> str:
        if topic is None:
            return "the topic expression is null"
        if not valid_topic(topic):
            return f"{topic!r} is no name of a topic"
        if self._is_reserved(topic):
            return f"topic {topic} is the service's own"
        return f"topic {topic} does not exist"

    def _is_reserved(self, topic: str | None) -> bool:
        return topic is not None and topic.startswith(self._reserved)


async def look_up(log: Log, sinks: Sequence[RoutedRows]) -> Mapping[str, tuple[int, int]]:
    """(partitions, bytes of the largest batch) of the topics for which rows wait; those that a sink may make are made."""
    wanted = sorted(set().union(*(s.missing for s in sinks)))
    found = {name: (info.partitions, info.max_batch) for name, info in (await log.topics(wanted)).items()} if wanted else {}
    for rows in sinks:
        sink = rows.sink
        for topic in sorted(rows.missing - found.keys()) if sink.create else ():
            retention = RETENTION_MS if sink.retention_ms is None else sink.retention_ms
            made = await log.create_topic(topic, TopicConfig(sink.partitions or 1, retention_ms=retention, replicas=sink.replicas))
            found[topic] = made.partitions, made.max_batch
    return found
