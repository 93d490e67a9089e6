"""Columns out of a registered schema: what CREATE without columns declares (ksqlDB's schema inference).

Names are upper-cased unless the statement named the schema by its id. A schema that is no record, and every key of AVRO and JSON_SR, is one
column, ROWKEY or ROWVAL. What SQL has no type for is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from penstock.formats import avro_values as avro
from penstock.formats import protobuf_values as protobuf
from penstock.formats.avro import names_of
from penstock.formats.avro_values import Names
from penstock.formats.errors import FormatError
from penstock.formats.json_schema import CONNECT
from penstock.formats.protobuf_pool import DATE, DECIMAL, TIME, TIMESTAMP, WRAPPED
from penstock.formats.protobuf_text import Parsed, parse_schema
from penstock.formats.schemas import WrittenSchema
from penstock.types import sqltype as t
from penstock.types.sqltype import Kind, SqlType

Fields = tuple[tuple[str, SqlType], ...]
DEEPEST = 64
"""Levels of nesting; a schema that goes on refers to itself."""


def fields_of(schema: WrittenSchema, bare: bool, full_name: str, upper: bool, bare_name: str) -> Fields:
    """(name, type) of the columns. bare: the whole schema is one column, called bare_name. full_name: of the Protobuf message.
    FormatError where the schema is no record or holds what SQL has no type for."""
    if schema.type == "AVRO":
        names = names_of(schema)
        whole = _avro(names, names.root, 0)
    elif schema.type == "PROTOBUF":
        parsed = parse_schema(schema)
        whole = _message(parsed, parsed.named(full_name), 0)
    else:
        whole = _JsonTypes(schema).type(None, 0)
    if upper:
        whole = _upper(whole)
    if bare:
        return ((bare_name, whole),)
    if whole.kind is not Kind.STRUCT:
        raise FormatError(f"the schema is {whole}, not a record with columns; WRAP_SINGLE_VALUE=false would read it as one column")
    return whole.fields


def _upper(of: SqlType) -> SqlType:
    match of.kind:
        case Kind.ARRAY if of.element is not None:
            return t.array(_upper(of.element))
        case Kind.MAP if of.element is not None and of.key is not None:
            return t.map_of(of.key, _upper(of.element))
        case Kind.STRUCT:
            return t.struct(*((name.upper(), _upper(kind)) for name, kind in of.fields))
    return of


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise FormatError("the schema refers to itself, which SQL has no type for")


# ---- Avro

_AVRO = {"boolean": t.BOOLEAN, "int": t.INT, "long": t.BIGINT, "float": t.DOUBLE, "double": t.DOUBLE, "bytes": t.BYTES, "fixed": t.BYTES,
         "string": t.STRING, "enum": t.STRING}
_AVRO_LOGICAL = {("int", "date"): t.DATE, ("int", "time-millis"): t.TIME, ("long", "timestamp-millis"): t.TIMESTAMP}


def _avro(names: Names, of: Any, depth: int) -> SqlType:
    _check_depth(depth)
    found = names.resolve(of)
    kind, logical = avro.kind_of(found), avro.logical(found)
    if kind == "union":
        inner = avro.branches(found)
        if len(inner) == 1:
            return _avro(names, inner[0], depth + 1)
        return t.struct(*((avro.branch_name(names, b), _avro(names, b, depth + 1)) for b in inner))
    if logical == "decimal":
        return t.decimal(int(found.get("precision", 64)), int(found.get("scale", 0)))
    if (kind, logical) in _AVRO_LOGICAL:
        return _AVRO_LOGICAL[kind, logical]
    match kind:
        case "array" if avro.is_entries(names, found):
            entry = names.resolve(found["items"])
            value = avro.find_field(entry["fields"], "value")
            assert value is not None
            return t.map_of(t.STRING, _avro(names, value["type"], depth + 1))
        case "array":
            return t.array(_avro(names, found["items"], depth + 1))
        case "map":
            return t.map_of(t.STRING, _avro(names, found["values"], depth + 1))
        case "record":
            return t.struct(*((f["name"], _avro(names, f["type"], depth + 1)) for f in found["fields"]))
    if kind not in _AVRO:
        raise FormatError(f"SQL has no type for Avro's {kind}")
    return _AVRO[kind]


# ---- Protobuf

_PROTOBUF = {
    FieldDescriptor.CPPTYPE_INT32: t.INT, FieldDescriptor.CPPTYPE_INT64: t.BIGINT, FieldDescriptor.CPPTYPE_UINT32: t.BIGINT,
    FieldDescriptor.CPPTYPE_UINT64: t.BIGINT, FieldDescriptor.CPPTYPE_FLOAT: t.DOUBLE, FieldDescriptor.CPPTYPE_DOUBLE: t.DOUBLE,
    FieldDescriptor.CPPTYPE_BOOL: t.BOOLEAN, FieldDescriptor.CPPTYPE_ENUM: t.STRING, FieldDescriptor.CPPTYPE_STRING: t.STRING,
}
_PROTOBUF_MESSAGES = {TIMESTAMP: t.TIMESTAMP, DATE: t.DATE, TIME: t.TIME}


def _message(parsed: Parsed, message: Descriptor, depth: int) -> SqlType:
    _check_depth(depth)
    return t.struct(*((f.name, _field(parsed, f, depth + 1)) for f in message.fields))


def _field(parsed: Parsed, field: FieldDescriptor, depth: int) -> SqlType:
    if protobuf.is_map(field):
        return t.map_of(t.STRING, _single(parsed, protobuf.message_type(field).fields_by_name["value"], depth))
    found = _single(parsed, field, depth)
    return t.array(found) if field.is_repeated else found


def _single(parsed: Parsed, field: FieldDescriptor, depth: int) -> SqlType:
    if field.message_type is None:
        return t.BYTES if field.type == FieldDescriptor.TYPE_BYTES else _PROTOBUF[field.cpp_type]
    full = field.message_type.full_name
    if full in WRAPPED:
        return _single(parsed, protobuf.message_type(field).fields_by_name["value"], depth)
    if full == DECIMAL:
        return t.decimal(*parsed.digits.get(field.full_name, (64, 0)))
    return _PROTOBUF_MESSAGES.get(full) or _message(parsed, field.message_type, depth)


# ---- JSON Schema

class _JsonTypes:
    """Types of one JSON Schema and what it refers to."""

    def __init__(self, schema: WrittenSchema) -> None:
        try:
            self._root = json.loads(schema.text)
            self._others = {name: json.loads(text) for name, text in schema.references}
        except ValueError as e:
            raise FormatError(f"no JSON Schema: {e}") from e

    def type(self, of: Any, depth: int) -> SqlType:
        """The type of a part; None: of the whole."""
        _check_depth(depth)
        found = self._root if of is None else of
        if not isinstance(found, Mapping):
            raise FormatError(f"SQL has no type for the JSON Schema {found!r}")
        if "$ref" in found:
            return self.type(self._referred(str(found["$ref"])), depth + 1)
        for word in ("oneOf", "anyOf", "allOf"):
            if word in found:
                return self._union(found[word], depth)
        return self._plain(found, depth)

    def _referred(self, ref: str) -> Any:
        file, _, path = ref.partition("#")
        found = self._root if not file else self._others.get(file)
        for step in path.strip("/").split("/") if path.strip("/") else ():
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        if found is None:
            raise FormatError(f"the JSON Schema refers to {ref}, which is not there")
        return found

    def _union(self, parts: Any, depth: int) -> SqlType:
        there = [p for p in parts if not (isinstance(p, Mapping) and p.get("type") == "null")]
        if len(there) == 1:
            return self.type(there[0], depth + 1)
        return t.struct(*((f"connect_union_field_{n}", self.type(p, depth + 1)) for n, p in enumerate(there)))

    def _plain(self, found: Mapping[str, Any], depth: int) -> SqlType:
        kinds = [k for k in ([found["type"]] if isinstance(found.get("type"), str) else found.get("type", ())) if k != "null"]
        connect, title = found.get("connect.type", ""), str(found.get("title", ""))
        if "enum" in found and not kinds:
            return t.STRING
        kind = kinds[0] if len(kinds) == 1 else "object" if "properties" in found else ""
        make: dict[str, Callable[[], SqlType]] = {
            "boolean": lambda: t.BOOLEAN, "integer": lambda: self._integer(connect, title),
            "number": lambda: self._number(found, title), "string": lambda: t.BYTES if connect == "bytes" else t.STRING,
            "array": lambda: self._array(found, connect, depth), "object": lambda: self._object(found, connect, depth),
        }
        if kind not in make:
            raise FormatError(f"SQL has no type for JSON Schema's {' or '.join(kinds) or 'schema without a type'}")
        return make[kind]()

    def _integer(self, connect: str, title: str) -> SqlType:
        times = {f"{CONNECT}Date": t.DATE, f"{CONNECT}Time": t.TIME, f"{CONNECT}Timestamp": t.TIMESTAMP}
        return times.get(title) or (t.INT if connect in ("int8", "int16", "int32") else t.BIGINT)

    def _number(self, found: Mapping[str, Any], title: str) -> SqlType:
        if title != f"{CONNECT}Decimal":
            return t.DOUBLE
        given = found.get("connect.parameters") or {}
        return t.decimal(int(given.get("connect.decimal.precision", 64)), int(given.get("scale", 0)))

    def _array(self, found: Mapping[str, Any], connect: str, depth: int) -> SqlType:
        items = found.get("items")
        if connect == "map" and isinstance(items, Mapping) and "value" in items.get("properties", {}):
            return t.map_of(t.STRING, self.type(items["properties"]["value"], depth + 1))
        if not isinstance(items, Mapping):
            raise FormatError("SQL has no type for an array whose items have no schema")
        return t.array(self.type(items, depth + 1))

    def _object(self, found: Mapping[str, Any], connect: str, depth: int) -> SqlType:
        properties: Mapping[str, Any] = found.get("properties") or {}
        more = found.get("additionalProperties")
        if connect == "map" or not properties and isinstance(more, Mapping):
            return t.map_of(t.STRING, self.type(more if isinstance(more, Mapping) else {"type": "string"}, depth + 1))
        placed = sorted(properties.items(), key=lambda item: int(item[1].get("connect.index", 0)) if isinstance(item[1], Mapping) else 0)
        return t.struct(*((name, self.type(of, depth + 1)) for name, of in placed))
