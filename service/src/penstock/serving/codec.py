"""Records of a relation's topic as base rows, and base rows as records: one codec for each relation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock_client.gen.penstock.v1 import row_pb2

from penstock.catalog.view import Served
from penstock.engine.timestamps import time_of
from penstock.errors import RequestError
from penstock.expr.code import Module, indent
from penstock.formats.errors import FormatError
from penstock.formats.port import Reader
from penstock.formats.registry import reader, writer
from penstock.log.port import Record
from penstock.plan.nodes import RelationKind, TopicRef, Window
from penstock.serving.rows import DELETE, UPSERT, Row
from penstock.types.schema import Column, Role

Decoded = tuple[list[Row], list[row_pb2.RowKind], list[int]]
"""(base rows, their kinds, their offsets)."""


@dataclass(frozen=True)
class TopicCodec:
    """Reads and writes the records of a relation's topic.

    decode gives base rows (serving/columns.py) of the records that can be read, and how many cannot: those are passed over, as the
    topologies that read the topic have put them into their dead letters."""

    topic: TopicRef
    table: bool
    key: tuple[Column, ...]
    value: tuple[Column, ...]
    headers: tuple[Column, ...]
    read_key: Callable[[bytes], tuple[object, ...]]
    read_value: Callable[[bytes], tuple[object, ...]]
    write_key: Callable[[Sequence[object]], bytes | None]
    write_value: Callable[[Sequence[object]], bytes | None]
    windows: Window | None
    rowtime: tuple[int, Callable[[Any], int]] | None
    serial: int = field(default_factory=itertools.count().__next__)

    def decode(self, records: Sequence[Record], partition: int) -> tuple[Decoded, int]:
        """Base rows of a chunk, and the number of records that could not be read."""
        rows: list[Row] = []
        kinds: list[row_pb2.RowKind] = []
        offsets: list[int] = []
        bad = 0
        one, place = self.row, not self.table
        for record in records:
            try:
                row = one(record)
            except FormatError:
                bad += 1
                continue
            if row is None:
                continue
            offset = record.offset
            rows.append((*row, partition, offset) if place else row)
            kinds.append(DELETE if record.value is None else UPSERT)
            offsets.append(offset)
        return (rows, kinds, offsets), bad

    def row(self, record: Record) -> Row | None:
        """The base row up to ROWTIME; None for a table's record without a key. Raises FormatError."""
        data, value, timestamp = record.key, record.value, record.timestamp
        window: tuple[object, ...] = ()
        if self.windows is not None:
            adds = self.windows.key_bytes
            if data is None or len(data) < adds:
                raise FormatError("the key has no window")
            window = self.windows.bounds(data)
            data = data[:-adds]
        if data is None:
            if self.table and self.key:
                return None
            key: tuple[object, ...] = (None,) * len(self.key)
        else:
            key = self.read_key(data)
        if value is None:
            values: tuple[object, ...] = (None,) * len(self.value)
        else:
            values = self.read_value(value)
            if self.rowtime is not None:
                timestamp = self.rowtime[1](values[self.rowtime[0]])
        if self.headers:
            values = (*values, *(_header(c, record) for c in self.headers))
        return (*key, *window, *values, timestamp)


def topic_codec(served: Served) -> TopicCodec:
    """The codec of a relation. Raises UNSUPPORTED for one without a topic."""
    topic, schema = served.topic, served.schema
    if topic is None:
        raise RequestError("UNSUPPORTED", f"{served.name} has no topic", {"feature": "records of a relation without a topic"})
    key_reader, value_reader = reader(topic.key_format, schema.key, "key"), reader(topic.value_format, schema.value, "value")
    key_writer, value_writer = writer(topic.key_format, schema.key, "key"), writer(topic.value_format, schema.value, "value")
    rowtime = None
    if topic.timestamp_column:
        names = [c.name for c in schema.value]
        if topic.timestamp_column in names:
            place = names.index(topic.timestamp_column)
            rowtime = place, time_of(schema.value[place].type, topic.timestamp_format, topic.timestamp_column)
    return TopicCodec(topic, served.kind is RelationKind.TABLE, schema.key, schema.value,
                      tuple(c for c in schema.columns if c.role is Role.HEADER), compiled(key_reader, schema.key), compiled(value_reader, schema.value), key_writer.write,
                      value_writer.write, topic.window, rowtime)


def compiled(made: Reader, columns: tuple[Column, ...]) -> Callable[[bytes], tuple[object, ...]]:
    """The reader's generated code as a function of the bytes: its fast path, which `Reader.read` does without."""
    module = Module()
    data = module.fresh("data")
    targets = {c.name: module.fresh(c.name) for c in columns}
    lines = made.code(module, data, [c.name for c in columns], targets)
    result = "".join(f"{targets[c.name]}, " for c in columns)
    source = "\n".join([f"def read_columns({data}):", *indent([*lines, f"return ({result})"])]) + "\n"
    space: dict[str, Any] = dict(module.globals)
    exec(compile(source, "<reader>", "exec"), space)
    read: Callable[[bytes], tuple[object, ...]] = space["read_columns"]
    return read


def _header(column: Column, record: Record) -> object:
    """The last header of the column's name."""
    found = [v for k, v in record.headers if k == column.header]
    return found[-1] if found else None
