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
"""

from __future__ import annotations

from collections.abc import Iterator

from penstock.errors import RequestError
from penstock.formats import avro, protobuf, schemas
from penstock.formats.delimited import DELIMITERS, DelimitedReader, DelimitedWriter
from penstock.formats.errors import FormatError
from penstock.formats.json_reader import BareJsonReader, JsonReader
from penstock.formats.json_sr import FramedReader, FramedWriter
from penstock.formats.json_writer import BareJsonWriter, JsonWriter
from penstock.formats.kafka import KINDS, EmptyReader, EmptyWriter, KafkaReader, KafkaWriter
from penstock.formats.port import Part, Reader, Writer
from penstock.formats.protobuf_schema import NULLABLE, file_of
from penstock.formats.refusing import RefusingWriter
from penstock.formats.row_reader import Decode, RowReader
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
            return RowReader(columns, _decode(fmt, columns, part))
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
            return _message_writer(fmt, columns, part)
        case _:
            made = BareJsonWriter(columns[0]) if is_bare(fmt, columns, part) else JsonWriter(columns)
            given = fmt.property("SCHEMA_ID")
            return FramedWriter(made, int(given)) if fmt.name == "JSON_SR" and given else made


def _decode(fmt: Format, columns: tuple[Column, ...], part: Part) -> Decode:
    bare, place = is_bare(fmt, columns, part), part == "key"
    try:
        if fmt.property("SCHEMA_ID"):
            known = dict([found]) if (found := schemas.pinned(fmt)) else {}
            if fmt.name == "AVRO":
                return avro.framed_decode(columns, bare, schemas.current(), known, place)
            return protobuf.framed_decode(columns, schemas.current(), known, place)
        if fmt.name == "AVRO":
            return avro.decoder(avro.own_names(columns, bare, fmt.property("SCHEMA_FULL_NAME")), columns, bare, 0)
        return protobuf.decoder(protobuf.own_message(columns, _nullable(fmt), bare), columns, bare)
    except FormatError as e:
        raise _refused(fmt, part, f"cannot be read: {e.reason}") from e


def _message_writer(fmt: Format, columns: tuple[Column, ...], part: Part) -> Writer:
    bare = is_bare(fmt, columns, part)
    try:
        if fmt.property("SCHEMA_ID"):
            return _framed_writer(fmt, columns, part)
        if fmt.name == "AVRO":
            return avro.AvroWriter(columns, avro.own_names(columns, bare, fmt.property("SCHEMA_FULL_NAME")), b"", bare)
        return protobuf.ProtobufWriter(columns, protobuf.own_message(columns, _nullable(fmt), bare), b"", bare)
    except FormatError as e:
        raise _refused(fmt, part, f"cannot be written: {e.reason}") from e


def _framed_writer(fmt: Format, columns: tuple[Column, ...], part: Part) -> Writer:
    """A writer by a registered schema. Where that does not hold the columns, rows are refused and not the relation: it can be read."""
    given = int(fmt.property("SCHEMA_ID"))
    bare, place = is_bare(fmt, columns, part), part == "key"
    try:
        schema_id, schema = schemas.pinned(fmt) or (given, schemas.current()(given))
        if fmt.name == "AVRO":
            return avro.framed_writer(columns, schema_id, schema, bare, place)
        return protobuf.framed_writer(columns, schema_id, schema, fmt.property("SCHEMA_FULL_NAME"), place)
    except FormatError as e:
        return RefusingWriter(f"schema {given} does not take the columns: {e.reason}")


def holds(fmt: Format, columns: tuple[Column, ...], part: Part) -> str:
    """Why the registered schema of a format cannot be written from these columns; nothing: it can."""
    made = _framed_writer(fmt, columns, part) if fmt.name != "JSON_SR" else None
    return made.reason if isinstance(made, RefusingWriter) else ""


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
        case "AVRO" | "PROTOBUF" | "PROTOBUF_NOSR":
            _check_registered(fmt, columns, part)
        case _:
            _check_maps(fmt, columns, part)


def _check_wrapping(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    wrap = fmt.property("WRAP_SINGLE_VALUE").lower()
    if not wrap:
        return
    if wrap not in ("true", "false"):
        raise _refused(fmt, part, f"takes true or false for WRAP_SINGLE_VALUE, not {wrap!r}")
    if part == "key" or len(columns) != 1:
        raise _refused(fmt, part, "takes WRAP_SINGLE_VALUE only for exactly one value column")
    if wrap == "true" and fmt.name not in (*BOTH_WAYS, *ALWAYS_WRAPPED):
        raise _refused(fmt, part, "never wraps a value: leave WRAP_SINGLE_VALUE out")
    if wrap == "false" and fmt.name in ALWAYS_WRAPPED:
        raise _refused(fmt, part, "always wraps a value: leave WRAP_SINGLE_VALUE out")


def _check_registered(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    _check_maps(fmt, columns, part)
    given = fmt.property("SCHEMA_ID")
    if given and not given.isdecimal():
        raise _refused(fmt, part, f"takes a whole number as SCHEMA_ID, not {given!r}")
    if _nullable(fmt) not in ("", *NULLABLE):
        raise _refused(fmt, part, f"takes OPTIONAL or WRAPPER as NULLABLE_REPRESENTATION, not {_nullable(fmt)!r}")
    if given or not columns:
        return
    if fmt.name == "AVRO":
        avro.own_names(columns, is_bare(fmt, columns, part), fmt.property("SCHEMA_FULL_NAME"))
    else:
        file_of(columns, _nullable(fmt))


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


def _check_maps(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    for column in columns:
        for found in _types(column.type):
            if found.kind is Kind.MAP and (found.key is None or found.key.kind is not Kind.STRING):
                words = {"AVRO": "Avro only supports MAPs with STRING keys", "JSON": "JSON only supports MAP types with STRING keys",
                         "JSON_SR": "JSON only supports MAP types with STRING keys"}
                why = words.get(fmt.name, f"{fmt.name} format only supports MAP types with STRING keys")
                raise _refused(fmt, part, f"cannot hold column {column.name} of {column.type}: {why}")


def _types(of: SqlType) -> Iterator[SqlType]:
    """The type and all types within it."""
    yield of
    for inner in (of.key, of.element, *(t for _, t in of.fields)):
        if inner is not None:
            yield from _types(inner)


def is_bare(fmt: Format, columns: tuple[Column, ...], part: Part) -> bool:
    """Whether a single column stands without a name around it, in a format that knows both ways."""
    return fmt.name in BOTH_WAYS and len(columns) == 1 and (part == "key" or fmt.property("WRAP_SINGLE_VALUE").lower() == "false")


def _nullable(fmt: Format) -> str:
    return fmt.property("NULLABLE_REPRESENTATION").upper()


def _delimiter(fmt: Format, part: Part) -> str:
    text = fmt.property("DELIMITER", ",")
    found = DELIMITERS.get(text.upper(), text)
    if len(found) != 1 or found in '"\r\n':
        raise _refused(fmt, part, f"takes one character, SPACE or TAB as DELIMITER, not {text!r}")
    return found


def _refused(fmt: Format, part: Part, why: str) -> RequestError:
    return RequestError("INVALID_FORMAT", f"{part} format {fmt.name} {why}", {"format": fmt.name, "part": part})
