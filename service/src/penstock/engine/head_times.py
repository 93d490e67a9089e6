"""The time of a record that waits, where a column gives it: inputs are chosen by it, as Kafka Streams chooses by what its timestamp
extractor says (RecordQueue.headRecordTimestamp). A value is then read twice, so only a task of several inputs asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from penstock.engine.timestamps import time_of
from penstock.errors import RequestError
from penstock.formats.errors import FormatError
from penstock.formats.registry import reader
from penstock.log.port import Record
from penstock.plan.nodes import SourceStream, SourceTable
from penstock.plan.resolved import SubTopology

HeadTime = Callable[[Record], int]


def head_times(sub: SubTopology) -> Mapping[str, HeadTime]:
    """By topic of the plan, those whose records have the time of a column. A record without such a time has its own: it is no better
    known, and what becomes of it is decided when it is processed."""
    sources = [node for node in sub.nodes if isinstance(node, SourceStream | SourceTable) and node.topic.timestamp_column]
    return {topic.topic: _head_time(node) for node in sources for topic in node.reads}


def _head_time(node: SourceStream | SourceTable) -> HeadTime:
    column = node.schema.get(node.topic.timestamp_column)
    assert column is not None
    in_key = column in node.schema.key
    columns = node.schema.key if in_key else node.schema.value
    values = reader(node.topic.key_format if in_key else node.topic.value_format, columns, "key" if in_key else "value")
    place, read = columns.index(column), time_of(column.type, node.topic.timestamp_format, column.name)
    window = node.topic.window.key_bytes if node.topic.window is not None else 0

    def found(record: Record) -> int:
        part = record.key if in_key else record.value
        if part is None or record.value is None:
            return record.timestamp
        try:
            return read(values.read(part[:-window] if in_key and window else part)[place])
        except (FormatError, RequestError, ValueError):
            return record.timestamp

    return found
