"""Readers and writers of AVRO and PROTOBUF (registry.py has the other formats, and what any of them can hold)."""

from __future__ import annotations

from penstock.formats import avro, protobuf, schemas
from penstock.formats.errors import FormatError
from penstock.formats.port import Part, Reader, Writer
from penstock.formats.protobuf_schema import file_of
from penstock.formats.refusing import RefusingWriter
from penstock.formats.registry import is_bare, nullable, refused
from penstock.formats.row_reader import Decode, RowReader
from penstock.plan.nodes import Format
from penstock.types.schema import Column


def reader(fmt: Format, columns: tuple[Column, ...], part: Part) -> Reader:
    """The reader of these columns. Raises RequestError INVALID_FORMAT."""
    return RowReader(columns, _decode(fmt, columns, part))


def check(fmt: Format, columns: tuple[Column, ...], part: Part) -> None:
    """Raise RequestError unless a schema of the columns' own can be made."""
    if fmt.name == "AVRO":
        avro.own_names(columns, is_bare(fmt, columns, part), fmt.property("SCHEMA_FULL_NAME"))
    else:
        file_of(columns, nullable(fmt))


def holds(fmt: Format, columns: tuple[Column, ...], part: Part) -> str:
    """Why the registered schema of a format cannot be written from these columns; nothing: it can."""
    made = _framed_writer(fmt, columns, part)
    return made.reason if isinstance(made, RefusingWriter) else ""


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
        return protobuf.decoder(protobuf.own_message(columns, nullable(fmt), bare), columns, bare)
    except FormatError as e:
        raise refused(fmt, part, f"cannot be read: {e.reason}") from e


def writer(fmt: Format, columns: tuple[Column, ...], part: Part) -> Writer:
    """The writer of these columns. Raises RequestError INVALID_FORMAT."""
    bare = is_bare(fmt, columns, part)
    try:
        if fmt.property("SCHEMA_ID"):
            return _framed_writer(fmt, columns, part)
        if fmt.name == "AVRO":
            return avro.AvroWriter(columns, avro.own_names(columns, bare, fmt.property("SCHEMA_FULL_NAME")), b"", bare)
        return protobuf.ProtobufWriter(columns, protobuf.own_message(columns, nullable(fmt), bare), b"", bare)
    except FormatError as e:
        raise refused(fmt, part, f"cannot be written: {e.reason}") from e


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
