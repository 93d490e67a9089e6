"""The formats by name: which columns each can hold, and its reader and writer.

| format | key | value | columns |
|---|---|---|---|
| JSON | yes | yes | any; a MAP's keys are STRING; a single key column is bare, values are objects unless WRAP_SINGLE_VALUE=false |
| KAFKA | yes | yes | none or one of INT, BIGINT, DOUBLE, STRING, BYTES |
| DELIMITED | yes | yes | one or more, no ARRAY, MAP, STRUCT; DELIMITER is one character, SPACE or TAB |
| NONE | yes | no | none |
"""

from __future__ import annotations

from collections.abc import Iterator

from penstock.errors import RequestError
from penstock.formats.delimited import DELIMITERS, DelimitedReader, DelimitedWriter
from penstock.formats.json_reader import BareJsonReader, JsonReader
from penstock.formats.json_writer import BareJsonWriter, JsonWriter
from penstock.formats.kafka import KINDS, EmptyReader, EmptyWriter, KafkaReader, KafkaWriter
from penstock.formats.port import Part, Reader, Writer
from penstock.plan.nodes import Format
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

PROPERTIES = {"JSON": {"WRAP_SINGLE_VALUE"}, "KAFKA": {"WRAP_SINGLE_VALUE"}, "DELIMITED": {"WRAP_SINGLE_VALUE", "DELIMITER"}, "NONE": set()}
"""Properties by format."""


def reader(fmt: Format, columns: tuple[Column, ...], part: Part) -> Reader:
    """The reader of these columns in this part of a record. Raises RequestError INVALID_FORMAT for what the format cannot hold."""
    check(fmt, columns, part)
    if not columns:
        return EmptyReader() if part == "key" or fmt.name != "JSON" else JsonReader(())
    match fmt.name:
        case "KAFKA":
            return KafkaReader(columns[0])
        case "DELIMITED":
            return DelimitedReader(columns, _delimiter(fmt, part))
        case _:
            return BareJsonReader(columns[0]) if _bare(fmt, columns, part) else JsonReader(columns)


def writer(fmt: Format, columns: tuple[Column, ...], part: Part) -> Writer:
    """The writer of these columns. Raises RequestError INVALID_FORMAT for what the format cannot hold."""
    check(fmt, columns, part)
    if not columns:
        return EmptyWriter() if part == "key" or fmt.name != "JSON" else JsonWriter(())
    match fmt.name:
        case "KAFKA":
            return KafkaWriter(columns[0])
        case "DELIMITED":
            return DelimitedWriter(columns, _delimiter(fmt, part), part == "key")
        case _:
            return BareJsonWriter(columns[0]) if _bare(fmt, columns, part) else JsonWriter(columns)


def check(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    """Raise RequestError INVALID_FORMAT unless the format can hold these columns in this part."""
    if fmt.name not in PROPERTIES:
        raise _refused(fmt, part, f"is not a format of this service; it has {', '.join(PROPERTIES)}")
    unknown = sorted(set(dict(fmt.properties)) - PROPERTIES[fmt.name])
    if unknown:
        raise _refused(fmt, part, f"has no property {unknown[0]}")
    _check_wrapping(fmt, columns, part)
    for column in columns:
        if part == "key" and any(t.kind is Kind.MAP for t in _types(column.type)):
            raise _refused(fmt, part, f"cannot hold column {column.name}: a key must not contain a MAP")
    match fmt.name:
        case "KAFKA":
            _check_kafka(fmt, columns, part)
        case "DELIMITED":
            _check_delimited(fmt, columns, part)
        case "NONE":
            if part == "value" or columns:
                raise _refused(fmt, part, "is for keys without columns only")
        case _:
            _check_json(fmt, columns, part)


def _check_wrapping(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    wrap = fmt.property("WRAP_SINGLE_VALUE").lower()
    if not wrap:
        return
    if wrap not in ("true", "false"):
        raise _refused(fmt, part, f"takes true or false for WRAP_SINGLE_VALUE, not {wrap!r}")
    if part == "key" or len(columns) != 1:
        raise _refused(fmt, part, "takes WRAP_SINGLE_VALUE only for exactly one value column")
    if wrap == "true" and fmt.name != "JSON":
        raise _refused(fmt, part, "never wraps a value: leave WRAP_SINGLE_VALUE out")


def _check_kafka(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    if len(columns) > 1:
        raise _refused(fmt, part, f"holds one column, not {len(columns)}; use JSON for several")
    for column in columns:
        if column.type.kind not in KINDS:
            raise _refused(fmt, part, f"cannot hold column {column.name} of {column.type}; it holds INT, BIGINT, DOUBLE, STRING and BYTES")


def _check_delimited(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    _delimiter(fmt, part)
    if part == "value" and not columns:
        raise _refused(fmt, part, "needs a column")
    for column in columns:
        if column.type.kind in (Kind.ARRAY, Kind.MAP, Kind.STRUCT):
            raise _refused(fmt, part, f"cannot hold column {column.name} of {column.type}")


def _check_json(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    for column in columns:
        for found in _types(column.type):
            if found.kind is Kind.MAP and (found.key is None or found.key.kind is not Kind.STRING):
                raise _refused(fmt, part, f"cannot hold column {column.name} of {column.type}: a MAP's keys must be STRING")


def _types(of: SqlType) -> Iterator[SqlType]:
    """The type and all types within it."""
    yield of
    for inner in (of.key, of.element, *(t for _, t in of.fields)):
        if inner is not None:
            yield from _types(inner)


def _bare(fmt: Format, columns: tuple[Column, ...], part: Part) -> bool:
    return len(columns) == 1 and (part == "key" or fmt.property("WRAP_SINGLE_VALUE").lower() == "false")


def _delimiter(fmt: Format, part: Part) -> str:
    text = fmt.property("DELIMITER", ",")
    found = DELIMITERS.get(text.upper(), text)
    if len(found) != 1 or found in '"\r\n':
        raise _refused(fmt, part, f"takes one character, SPACE or TAB as DELIMITER, not {text!r}")
    return found


def _refused(fmt: Format, part: Part, why: str) -> RequestError:
    return RequestError("INVALID_FORMAT", f"{part} format {fmt.name} {why}", {"format": fmt.name, "part": part})
