"""The formats by name: which columns each can hold, and its reader and writer.

| format | key | value | columns |
|---|---|---|---|
| JSON | yes | yes | any; a MAP's keys are STRING; a single key column is bare, values are objects unless WRAP_SINGLE_VALUE=false |
| KAFKA | yes | yes | none or one of INT, BIGINT, DOUBLE, STRING, BYTES |
| DELIMITED | yes | yes | one or more, no ARRAY, MAP, STRUCT; DELIMITER is one character, SPACE or TAB |
| NONE | yes | no | none |
| AVRO | yes | yes | any whose names are Avro's; a MAP's keys are STRING; bare as JSON. Behind the frame of a registered schema (schemas.py) |
| JSON_SR | yes | yes | as JSON, behind a frame |
| PROTOBUF | yes | yes | any but lists of lists and maps; always a message. NULLABLE_REPRESENTATION is OPTIONAL or WRAPPER. Behind a frame |
| PROTOBUF_NOSR | yes | yes | as PROTOBUF, without a frame; bare as JSON |

AVRO and PROTOBUF are in messages.py, which is imported when one of them is first asked for: their libraries would be 20 MB of each worker.
"""

from __future__ import annotations

from collections.abc import Iterator

from penstock.errors import RequestError
from penstock.formats import schemas
from penstock.formats.delimited import DELIMITERS, DelimitedReader, DelimitedWriter
from penstock.formats.json_reader import BareJsonReader, JsonReader
from penstock.formats.json_sr import FramedReader, FramedWriter
from penstock.formats.json_writer import BareJsonWriter, JsonWriter
from penstock.formats.kafka import KINDS, EmptyReader, EmptyWriter, KafkaReader, KafkaWriter
from penstock.formats.port import Part, Reader, Writer
from penstock.plan.nodes import Format
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

_REGISTERED = {"SCHEMA_ID", "SCHEMA", "SCHEMA_REFERENCES", "SCHEMA_FULL_NAME"}
PROPERTIES: dict[str, set[str]] = {
    "JSON": {"WRAP_SINGLE_VALUE"}, "KAFKA": {"WRAP_SINGLE_VALUE"}, "DELIMITED": {"WRAP_SINGLE_VALUE", "DELIMITER"}, "NONE": set(),
    "AVRO": {"WRAP_SINGLE_VALUE", *_REGISTERED}, "JSON_SR": {"WRAP_SINGLE_VALUE", *_REGISTERED},
    "PROTOBUF": {"WRAP_SINGLE_VALUE", "NULLABLE_REPRESENTATION", *_REGISTERED},
    "PROTOBUF_NOSR": {"WRAP_SINGLE_VALUE", "NULLABLE_REPRESENTATION"},
}
"""Properties by format."""
BOTH_WAYS = ("JSON", "JSON_SR", "AVRO", "PROTOBUF_NOSR")
"""Formats in which a single column may be wrapped or bare."""
ALWAYS_WRAPPED = ("PROTOBUF",)
NULLABLE = ("OPTIONAL", "WRAPPER")
"""Ways in which PROTOBUF tells null from a default."""
REGISTRY = frozenset(schemas.TYPE_OF)
"""Formats whose schemas stand in a registry."""


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
        case "AVRO" | "PROTOBUF" | "PROTOBUF_NOSR":
            from penstock.formats import messages

            return messages.reader(fmt, columns, part)
        case _:
            made = BareJsonReader(columns[0]) if is_bare(fmt, columns, part) else JsonReader(columns)
            return FramedReader(made) if fmt.name == "JSON_SR" and fmt.property("SCHEMA_ID") else made


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
        case "AVRO" | "PROTOBUF" | "PROTOBUF_NOSR":
            from penstock.formats import messages

            return messages.writer(fmt, columns, part)
        case _:
            made = BareJsonWriter(columns[0]) if is_bare(fmt, columns, part) else JsonWriter(columns)
            given = fmt.property("SCHEMA_ID")
            return FramedWriter(made, int(given)) if fmt.name == "JSON_SR" and given else made


def holds(fmt: Format, columns: tuple[Column, ...], part: Part) -> str:
    """Why the registered schema of a format cannot be written from these columns; nothing: it can."""
    if fmt.name == "JSON_SR":
        return ""
    from penstock.formats import messages

    return messages.holds(fmt, columns, part)


def check(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    """Raise RequestError INVALID_FORMAT unless the format can hold these columns in this part."""
    if fmt.name not in PROPERTIES:
        raise refused(fmt, part, f"is not a format of this service; it has {', '.join(PROPERTIES)}")
    unknown = sorted(set(dict(fmt.properties)) - PROPERTIES[fmt.name])
    if unknown:
        raise refused(fmt, part, f"has no property {unknown[0]}")
    _check_wrapping(fmt, columns, part)
    for column in columns:
        if part == "key" and any(t.kind is Kind.MAP for t in _types(column.type)):
            raise refused(fmt, part, f"cannot hold column {column.name}: a key must not contain a MAP")
    match fmt.name:
        case "KAFKA":
            _check_kafka(fmt, columns, part)
        case "DELIMITED":
            _check_delimited(fmt, columns, part)
        case "NONE":
            if part == "value" or columns:
                raise refused(fmt, part, "is for keys without columns only")
        case "AVRO" | "PROTOBUF" | "PROTOBUF_NOSR":
            _check_registered(fmt, columns, part)
        case _:
            _check_maps(fmt, columns, part)


def _check_wrapping(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    wrap = fmt.property("WRAP_SINGLE_VALUE").lower()
    if not wrap:
        return
    if wrap not in ("true", "false"):
        raise refused(fmt, part, f"takes true or false for WRAP_SINGLE_VALUE, not {wrap!r}")
    if part == "key" or len(columns) != 1:
        raise refused(fmt, part, "takes WRAP_SINGLE_VALUE only for exactly one value column")
    if wrap == "true" and fmt.name not in (*BOTH_WAYS, *ALWAYS_WRAPPED):
        raise refused(fmt, part, "never wraps a value: leave WRAP_SINGLE_VALUE out")
    if wrap == "false" and fmt.name in ALWAYS_WRAPPED:
        raise refused(fmt, part, "always wraps a value: leave WRAP_SINGLE_VALUE out")


def _check_registered(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    _check_maps(fmt, columns, part)
    given = fmt.property("SCHEMA_ID")
    if given and not given.isdecimal():
        raise refused(fmt, part, f"takes a whole number as SCHEMA_ID, not {given!r}")
    if nullable(fmt) not in ("", *NULLABLE):
        raise refused(fmt, part, f"takes OPTIONAL or WRAPPER as NULLABLE_REPRESENTATION, not {nullable(fmt)!r}")
    if not given and columns:
        from penstock.formats import messages

        messages.check(fmt, columns, part)


def _check_kafka(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    if len(columns) > 1:
        raise refused(fmt, part, f"holds one column, not {len(columns)}; use JSON for several")
    for column in columns:
        if column.type.kind not in KINDS:
            raise refused(fmt, part, f"cannot hold column {column.name} of {column.type}; it holds INT, BIGINT, DOUBLE, STRING and BYTES")


def _check_delimited(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    _delimiter(fmt, part)
    if part == "value" and not columns:
        raise refused(fmt, part, "needs a column")
    for column in columns:
        if column.type.kind in (Kind.ARRAY, Kind.MAP, Kind.STRUCT):
            raise refused(fmt, part, f"cannot hold column {column.name} of {column.type}")


def _check_maps(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    for column in columns:
        for found in _types(column.type):
            if found.kind is Kind.MAP and (found.key is None or found.key.kind is not Kind.STRING):
                words = {"AVRO": "Avro only supports MAPs with STRING keys", "JSON": "JSON only supports MAP types with STRING keys",
                         "JSON_SR": "JSON only supports MAP types with STRING keys"}
                why = words.get(fmt.name, f"{fmt.name} format only supports MAP types with STRING keys")
                raise refused(fmt, part, f"cannot hold column {column.name} of {column.type}: {why}")


def _types(of: SqlType) -> Iterator[SqlType]:
    """The type and all types within it."""
    yield of
    for inner in (of.key, of.element, *(t for _, t in of.fields)):
        if inner is not None:
            yield from _types(inner)


def is_bare(fmt: Format, columns: tuple[Column, ...], part: Part) -> bool:
    """Whether a single column stands without a name around it, in a format that knows both ways."""
    return fmt.name in BOTH_WAYS and len(columns) == 1 and (part == "key" or fmt.property("WRAP_SINGLE_VALUE").lower() == "false")


def nullable(fmt: Format) -> str:
    """How PROTOBUF tells null from a default."""
    return fmt.property("NULLABLE_REPRESENTATION").upper()


def _delimiter(fmt: Format, part: Part) -> str:
    text = fmt.property("DELIMITER", ",")
    found = DELIMITERS.get(text.upper(), text)
    if len(found) != 1 or found in '"\r\n':
        raise refused(fmt, part, f"takes one character, SPACE or TAB as DELIMITER, not {text!r}")
    return found


def refused(fmt: Format, part: Part, why: str) -> RequestError:
    """The error for a format that cannot be had."""
    return RequestError("INVALID_FORMAT", f"{part} format {fmt.name} {why}", {"format": fmt.name, "part": part})
