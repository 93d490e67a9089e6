"""Records as tests write and read them: typed values on one side, the topic's bytes on the other."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from penstock.errors import RequestError
from penstock.formats.errors import FormatError
from penstock.formats.registry import reader, writer
from penstock.plan.nodes import TopicRef, WindowKind
from penstock.types.coerce import coerce_insert
from penstock.types.schema import Column, Schema
from penstock.types.sqltype import BIGINT, BOOLEAN, DOUBLE, STRING, Kind, SqlType

Headers = Sequence[tuple[str, bytes | None]]


class DriverRecord(NamedTuple):
    """A record of a topic in the driver (a log.port.Record)."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A record that a topology wrote.

    key: the key column's value, or a dict where there are several; None for a null key. value: dict by column name, None for a null
    value. window_start: of windowed keys; window_end: of sessions. Bytes that the format cannot read stand as they are.
    """

    key: object
    value: object
    timestamp: int
    window_start: int | None = None
    headers: Headers = ()
    partition: int = 0
    window_end: int | None = None


class TopicCodec:
    """Encodes and decodes the records of a topic by its schema."""

    def __init__(self, topic: TopicRef, schema: Schema) -> None:
        self.topic = topic
        self._key, self._value = schema.key, schema.value
        self._window = topic.window
        self._read_key = reader(topic.key_format, self._key, "key") if self._key else None
        self._write_key = writer(topic.key_format, self._key, "key") if self._key else None
        self._read_value = reader(topic.value_format, self._value, "value") if self._value else None
        self._write_value = writer(topic.value_format, self._value, "value") if self._value else None

    def key_bytes(self, key: object, window_start: int | None = None, window_end: int | None = None) -> bytes | None:
        """bytes as they are; a value, a list or a dict of values through the format."""
        if key is None or isinstance(key, bytes):
            return key
        if self._write_key is None:
            raise RequestError("INVALID_ARGUMENT", f"topic {self.topic.topic} has no key columns")
        written = self._write_key.write(_typed(self._key, _values(self._key, key)))
        if self._window is not None and written is not None:
            end = (window_end or 0).to_bytes(8, "big") if self._window.kind is WindowKind.SESSION else b""
            return written + end + (window_start or 0).to_bytes(8, "big")
        return written

    def value_bytes(self, value: object) -> bytes | None:
        """bytes as they are, text as UTF-8, a dict of columns (others are null) through the format."""
        if value is None or isinstance(value, bytes):
            return value
        if isinstance(value, str):
            return value.encode()
        if self._write_value is None:
            return b"{}"
        return self._write_value.write(_typed(self._value, _values(self._value, value)))

    def write_key(self, values: Sequence[object] | None) -> bytes | None:
        """Values of the key columns in order through the format; None is no key."""
        return None if values is None or self._write_key is None else self._write_key.write(tuple(values))

    def write_value(self, values: Sequence[object]) -> bytes | None:
        """Values of the value columns in order through the format."""
        return b"{}" if self._write_value is None else self._write_value.write(tuple(values))

    def decode(self, record: DriverRecord, partition: int) -> OutputRecord:
        """The record with typed key and value."""
        key, start, end = record.key, None, None
        if self._window is not None and key is not None:
            start, end = self._window.bounds(key)
            key = key[:-self._window.key_bytes]
        return OutputRecord(self._key_of(key), self._value_of(record.value), record.timestamp, start, record.headers, partition, end)

    def _key_of(self, key: bytes | None) -> object:
        if key is None or self._read_key is None:
            return key
        try:
            found = self._read_key.read(key)
        except FormatError:
            return key
        return found[0] if len(found) == 1 else dict(zip((c.name for c in self._key), found, strict=True))

    def _value_of(self, value: bytes | None) -> object:
        if value is None:
            return None
        if self._read_value is None:
            return {}
        try:
            return dict(zip((c.name for c in self._value), self._read_value.read(value), strict=True))
        except FormatError:
            return value


def _values(columns: tuple[Column, ...], given: object) -> list[object]:
    """One value a column out of a single value, a list or a dict; names match exactly, else without regard to case."""
    if isinstance(given, Mapping) and not (len(columns) == 1 and columns[0].type.kind in (Kind.STRUCT, Kind.MAP)):
        names = {c.name for c in columns}
        folded = {c.name.lower(): c.name for c in columns}
        placed = {(name if name in names else folded.get(str(name).lower(), name)): value for name, value in given.items()}
        if unknown := sorted(str(n) for n in set(placed) - names):
            raise RequestError("INVALID_ARGUMENT", f"no column {', '.join(unknown)}; there are {', '.join(sorted(names))}")
        return [placed.get(c.name) for c in columns]
    if isinstance(given, list | tuple) and not (len(columns) == 1 and columns[0].type.kind is Kind.ARRAY):
        if len(given) != len(columns):
            raise RequestError("INVALID_ARGUMENT", f"{len(given)} values for {len(columns)} columns")
        return list(given)
    if len(columns) != 1:
        raise RequestError("INVALID_ARGUMENT", f"one value for {len(columns)} columns")
    return [given]


def _typed(columns: tuple[Column, ...], values: list[object]) -> tuple[object, ...]:
    return tuple(_fit(value, column) for value, column in zip(values, columns, strict=True))


_NATURAL: tuple[tuple[type, SqlType], ...] = ((bool, BOOLEAN), (int, BIGINT), (float, DOUBLE), (str, STRING))


def _fit(value: object, column: Column) -> object:
    """A Python value for a column: as INSERT VALUES would take it, and whole numbers for INT; nested values must fit as they are."""
    if value is None or isinstance(value, list | dict | bytes | Decimal):
        return value
    natural = next((sql for python, sql in _NATURAL if isinstance(value, python)), None)
    if natural is None or column.type.kind in (Kind.INT, Kind.DATE, Kind.TIME, Kind.TIMESTAMP) and isinstance(value, int):
        return value
    if column.type.kind is Kind.DECIMAL:
        return coerce_insert(Decimal(str(value)), column.type, column.type)
    return coerce_insert(value, natural, column.type, column.name)


def plain(value: object) -> object:
    """The value in JSON's types, for printing and comparing: DECIMAL as text, BYTES as base64."""
    match value:
        case Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case list() | tuple():
            return [plain(v) for v in value]
        case dict():
            return {(k if isinstance(k, str) else json.dumps(plain(k))): plain(v) for k, v in value.items()}
        case _:
            return value
