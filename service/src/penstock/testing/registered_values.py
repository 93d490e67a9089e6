"""Records of SQL cases in formats that have schemas: JSON values to bytes by the newest schema of a subject, or by the columns, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from penstock.formats import avro, protobuf
from penstock.formats.framing import HEAD, frame, id_of, read_indexes
from penstock.formats.inferred import fields_of
from penstock.formats.json_coerce import coercion
from penstock.formats.json_sr import unframed
from penstock.formats.port import Part
from penstock.formats.protobuf_text import parse_schema
from penstock.formats.registry import REGISTRY, reader, writer
from penstock.formats.schemas import WrittenSchema, subject_of
from penstock.plan.nodes import Format
from penstock.schemas.port import Registry
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

NAMES = frozenset((*REGISTRY, "PROTOBUF_NOSR"))
"""Formats that are encoded and decoded here."""


def whole(schema: WrittenSchema, full_name: str = "") -> SqlType:
    """What a schema describes, as one type."""
    return fields_of(schema, True, full_name, False, "")[0][1]


def encode(value: Any, fmt: Format, columns: Sequence[Column], part: Part, topic: str, registry: Registry) -> bytes:
    """A case's value (not None) as a record's part."""
    found = None if fmt.name == "PROTOBUF_NOSR" else registry.latest(subject_of(topic, part))
    if found is None:
        return _by_columns(value, fmt, columns, part)
    schema_id, schema = found
    name = fmt.property("SCHEMA_FULL_NAME")
    of = whole(schema, name)
    typed = coercion(of)(_plain(_named(value, of)))
    if schema.type == "AVRO":
        data = avro.framed_writer([Column("", of)], schema_id, schema, True, False).write([typed])
    elif schema.type == "PROTOBUF":
        struct: Any = typed
        columns = [Column(n, t) for n, t in of.fields]
        data = protobuf.framed_writer(columns, schema_id, schema, name, False).write([struct[c.name] for c in columns])
    else:
        data = frame(schema_id) + json.dumps(value, default=_number).encode()
    assert data is not None, "the value is not null"
    return data


def _named(value: Any, of: SqlType) -> Any:
    """The value with the names of the schema's fields, which a case writes without regard to case."""
    if of.kind is Kind.STRUCT and isinstance(value, dict):
        folded = {name.upper(): (name, field) for name, field in of.fields}
        return {known[0]: _named(v, known[1]) for k, v in value.items() if (known := folded.get(k.upper())) is not None}
    if of.kind is Kind.ARRAY and isinstance(value, list) and of.element is not None:
        return [_named(v, of.element) for v in value]
    if of.kind is Kind.MAP and isinstance(value, dict) and of.element is not None:
        return {k: _named(v, of.element) for k, v in value.items()}
    return value


def _by_columns(value: Any, fmt: Format, columns: Sequence[Column], part: Part) -> bytes:
    made = writer(fmt, tuple(columns), part)
    if len(columns) == 1 and (part == "key" or fmt.property("WRAP_SINGLE_VALUE") == "false"):
        data = made.write([coercion(columns[0].type)(_plain(value))])
    else:
        struct: Any = coercion(SqlType(Kind.STRUCT, fields=tuple((c.name, c.type) for c in columns)))(_plain(value))
        data = made.write([struct[c.name] for c in columns])
    assert data is not None, "the value is not null"
    return data


def decode(data: bytes, fmt: Format, columns: Sequence[Column], part: Part, registry: Registry) -> Any:
    """A record's part as JSON has it, doubles as float, decimals as Decimal, bytes as bytes."""
    if fmt.name == "PROTOBUF_NOSR":
        row = reader(fmt, tuple(columns), part).read(data)
        bare = len(columns) == 1 and (part == "key" or fmt.property("WRAP_SINGLE_VALUE") == "false")
        return row[0] if bare else dict(zip((c.name for c in columns), row, strict=True))
    schema = registry.by_id(id_of(data))
    if schema.type == "AVRO":
        return avro.decoder(avro.names_of(schema), [Column("", whole(schema))], True, HEAD)(data)[0]
    if schema.type == "JSON":
        return coercion(whole(schema))(json.loads(unframed(data), parse_float=Decimal))
    indexes, at = read_indexes(data)
    message = parse_schema(schema).at(indexes)
    fields = [Column(n, t) for n, t in whole(schema, message.full_name).fields]
    return dict(zip((c.name for c in fields), protobuf.decoder(message, fields, False)(data[at:]), strict=True))


def _plain(value: Any) -> Any:
    """Numbers as json_coerce takes them."""
    match value:
        case float():
            return Decimal(repr(value))
        case dict():
            return {k: _plain(v) for k, v in value.items()}
        case list():
            return [_plain(v) for v in value]
    return value


def _number(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"no JSON: {value!r}")
