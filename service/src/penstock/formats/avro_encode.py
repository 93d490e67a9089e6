"""Encoding Avro by functions that are put together once a schema: from a column's value to its bytes, without a record between. Unions of
several types and types that refer to themselves are left to fastavro.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fastavro

from penstock.formats import avro_values as values
from penstock.formats.avro_decode import Unusual
from penstock.formats.avro_values import Avro, Names, kind_of
from penstock.types.sqltype import Kind, SqlType

Encode = Callable[[Any], bytes]
_ONE = tuple(bytes((n,)) for n in range(128))
_LOGICAL = (Kind.DECIMAL, Kind.TIMESTAMP)
_FALSE, _TRUE = b"\0", b"\1"


def number(value: int) -> bytes:
    """A whole number as a zigzag varint."""
    rest = (value << 1) ^ (value >> 63)
    if rest < 128:
        return _ONE[rest]
    if rest < 16_384:
        return bytes((rest & 0x7F | 0x80, rest >> 7))
    out = bytearray()
    while rest > 127:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def text(value: str) -> bytes:
    """Text with its length."""
    data = value.encode()
    size = len(data)
    return (_ONE[size << 1] if size < 64 else number(size)) + data


def block(value: bytes) -> bytes:
    """Bytes with their length."""
    return number(len(value)) + value


def encoder(names: Names, of: Avro, kind: SqlType, path: tuple[str, ...] = ()) -> Encode:
    """From a column's value to bytes. Raises Unusual. The schema takes the type: avro_values.writes has said so."""
    found = names.resolve(of)
    avro = kind_of(found)
    match avro:
        case "union":
            return _union(names, found, kind, path)
        case "record":
            if kind.kind is not Kind.STRUCT:
                raise Unusual(avro)
            fields = [name for name, _ in kind.fields]
            write = record(names, found, kind.fields, path)
            return lambda v: write([v.get(name) for name in fields])
        case "array" if kind.kind is Kind.ARRAY and kind.element is not None:
            item = encoder(names, found["items"], kind.element, path)
            return lambda v: b"".join((number(len(v)), *map(item, v), _FALSE)) if v else _FALSE
        case "array" if kind.element is not None:
            return _entries(names, found, kind.element, path)
        case "map" if kind.element is not None:
            one = encoder(names, found["values"], kind.element, path)
            return lambda v: b"".join((number(len(v)), *(text(k) + one(x) for k, x in v.items()), _FALSE)) if v else _FALSE
    plain = _leaf(found, avro)
    convert = values.writes(names, of, kind)
    return plain if convert is None else lambda v: plain(convert(v))


def _leaf(found: Avro, avro: str) -> Encode:
    match avro:
        case "boolean":
            return lambda v: _TRUE if v else _FALSE
        case "int" | "long":
            return number
        case "float":
            return struct.Struct("<f").pack
        case "double":
            return struct.Struct("<d").pack
        case "string":
            return text
        case "bytes":
            return block
        case "enum":
            symbols = {s: number(n) for n, s in enumerate(found["symbols"])}
            return lambda v: symbols[v]
        case "fixed":
            size = int(found["size"])
            return lambda v: _sized(v, size)
    raise Unusual(avro)


def _sized(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise ValueError(f"{len(value)} bytes for a fixed of {size}")
    return value


def _union(names: Names, found: Sequence[Avro], kind: SqlType, path: tuple[str, ...]) -> Encode:
    inner = values.branches(found)
    if len(inner) != 1:
        raise Unusual("a union of several types")
    place = next(n for n, b in enumerate(found) if kind_of(b) != "null")
    there, one = number(place), encoder(names, inner[0], kind, path)
    if len(found) == 1:
        return lambda v: there + one(v)
    none = number(1 - place)
    return lambda v: none if v is None else there + one(v)


def _entries(names: Names, found: Avro, element: SqlType, path: tuple[str, ...]) -> Encode:
    item = names.resolve(found["items"])
    if kind_of(item) != "record" or item["name"] in path:
        raise Unusual("a map of other entries")
    order = [str(f["name"]).lower() for f in item["fields"]]
    if sorted(order) != ["key", "value"]:
        raise Unusual("a map of other entries")
    parts = {str(f["name"]).lower(): encoder(names, f["type"], SqlType(Kind.STRING) if f["name"].lower() == "key" else element, (*path, item["name"])) for f in item["fields"]}
    key, value = parts["key"], parts["value"]
    if order[0] == "key":
        return lambda v: b"".join((number(len(v)), *(key(k) + value(x) for k, x in v.items()), _FALSE)) if v else _FALSE
    return lambda v: b"".join((number(len(v)), *(value(x) + key(k) for k, x in v.items()), _FALSE)) if v else _FALSE


def record(names: Names, found: Avro, fields: Sequence[tuple[str, SqlType]], path: tuple[str, ...] = (),
           given: Sequence[Mapping[str, Avro] | None] | None = None) -> Callable[[Sequence[Any]], bytes]:
    """From the values of these fields, in order, to a record. given: the schema's field of each, where it is not found by name. Fields that only the
    schema has take their default."""
    if found["name"] in path:
        raise Unusual("a type that refers to itself")
    matched = given if given is not None else [values.find_field(found["fields"], name) for name, _ in fields]
    places = {f["name"]: n for n, f in enumerate(matched) if f is not None}
    steps: list[tuple[int, Encode]] = []
    for field in found["fields"]:
        n = places.get(field["name"])
        if n is None:
            constant = _default(names, field)
            steps.append((0, lambda v, constant=constant: constant))  # type: ignore[misc]
        else:
            steps.append((n, _field(names, field, fields[n][1], (*path, found["name"]))))
    if [n for n, _ in steps] == list(range(len(fields))):  # the usual order
        encoders = [encode for _, encode in steps]
        return lambda row: b"".join([encode(v) for encode, v in zip(encoders, row, strict=True)])
    return lambda row: b"".join([encode(row[n]) for n, encode in steps])


def _field(names: Names, field: Mapping[str, Avro], kind: SqlType, path: tuple[str, ...]) -> Encode:
    """A null where the field cannot be null is its default."""
    one = encoder(names, field["type"], kind, path)
    if "default" not in field or values.may_be_left_out(names, {"type": field["type"]}):
        return one
    default = _default(names, field)
    return lambda v: default if v is None else one(v)


def _default(names: Names, field: Mapping[str, Avro]) -> bytes:
    """The bytes of a field that no column gives."""
    out = io.BytesIO()
    holder = {"type": "record", "name": "DefaultOf", "fields": [{**field, "type": names.inlined(field["type"])}]}
    value = {field["name"]: field["default"]} if "default" in field else {field["name"]: None}
    fastavro.schemaless_writer(out, fastavro.parse_schema(holder), value)
    return out.getvalue()
