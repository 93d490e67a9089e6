"""JSON values to column values by ksqlDB's rules, from an untyped document: the exact way, for what the fast way does not take.

Numbers in a document are int or Decimal. Numbers are cut to whole columns (low bits where they do not fit), numeric text is a number,
STRING takes anything, everything else must be of its kind. A field has the column's name exactly, else its name in upper case equals it.
Any failure is a ValueError and rejects the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from penstock.formats.java_text import low_bits, parse_decimal, parse_double, parse_int, parse_long
from penstock.types.cast import bytes_of_base64, fits_exactly
from penstock.types.java import wrap32, wrap64
from penstock.types.sqltype import Kind, SqlType

Coerce = Callable[[object], object]
DAY_MS = 86_400_000

_json_text = msgspec.json.Encoder(decimal_format="number").encode


def coercion(to_type: SqlType) -> Coerce:
    """The function from a JSON value to a value of this type; null is None."""
    inner = _INNER.get(to_type.kind) or _BUILT[to_type.kind](to_type)
    return lambda value: None if value is None else inner(value)


def field_value(document: Mapping[str, object], name: str, uppered: Mapping[str, object]) -> object:
    """The field for a column; uppered: the document's fields by their names in upper case, the last of equal ones."""
    return document[name] if name in document else uppered.get(name)


def upper_fields(document: Mapping[str, object]) -> Mapping[str, object]:
    """Fields by upper-case name."""
    return {name.upper(): value for name, value in document.items()}


def _boolean(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{_shown(value)} is not true or false")
    return value


def _number(value: object, of_text: Callable[[str], int], wrap: Callable[[int], int]) -> int:
    if type(value) is int:
        return wrap(value)
    if type(value) is Decimal:
        return wrap(low_bits(value))
    if type(value) is str:
        return of_text(value)
    raise ValueError(f"{_shown(value)} is not a number")


def _int(value: object) -> int:
    return _number(value, parse_int, wrap32)


def _long(value: object) -> int:
    return _number(value, parse_long, wrap64)


def _time(value: object) -> int:
    ms = _long(value)
    if not 0 <= ms < DAY_MS:
        raise ValueError(f"{ms} is not a time of day in milliseconds")
    return ms


def _double(value: object) -> float:
    if type(value) is int or type(value) is Decimal:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    if type(value) is str:
        return parse_double(value)
    raise ValueError(f"{_shown(value)} is not a number")


def _bytes(value: object) -> bytes:
    if type(value) is not str:
        raise ValueError(f"{_shown(value)} is not base64 text")
    return bytes_of_base64(value)


def _string(value: object) -> str:
    if type(value) is str:
        return value
    if type(value) is dict:
        return _json_text(value).decode()
    if type(value) is list:
        return "[" + ", ".join("null" if v is None else _string(v) for v in value) + "]"
    if type(value) is bool:
        return "true" if value else "false"
    return str(value)


def _decimal(to_type: SqlType) -> Coerce:
    def coerce(value: object) -> Decimal:
        if type(value) is int or type(value) is Decimal:
            return fits_exactly(Decimal(value), to_type)
        if type(value) is str:
            return parse_decimal(value, to_type)
        raise ValueError(f"{_shown(value)} is not a number")

    return coerce


def _array(to_type: SqlType) -> Coerce:
    element = coercion(_part(to_type.element))

    def coerce(value: object) -> list[object]:
        if type(value) is not list:
            raise ValueError(f"{_shown(value)} is not an array")
        return [element(v) for v in value]

    return coerce


def _map(to_type: SqlType) -> Coerce:
    element = coercion(_part(to_type.element))

    def coerce(value: object) -> dict[str, object]:
        if type(value) is not dict:
            raise ValueError(f"{_shown(value)} is not an object")
        return {k: element(v) for k, v in value.items()}

    return coerce


def _struct(to_type: SqlType) -> Coerce:
    fields = [(name, coercion(t)) for name, t in to_type.fields]

    def coerce(value: object) -> dict[str, object]:
        if type(value) is not dict:
            raise ValueError(f"{_shown(value)} is not an object")
        if all(name in value for name, _ in fields):
            return {name: of(value[name]) for name, of in fields}
        uppered = upper_fields(value)
        return {name: of(field_value(value, name, uppered)) for name, of in fields}

    return coerce


def _part(part: SqlType | None) -> SqlType:
    assert part is not None, "an ARRAY or MAP has an element type"
    return part


def _shown(value: object) -> str:
    return _string(value)[:100] if type(value) is not str else repr(value[:100])


_INNER: dict[Kind, Coerce] = {
    Kind.BOOLEAN: _boolean, Kind.INT: _int, Kind.BIGINT: _long, Kind.DOUBLE: _double, Kind.STRING: _string, Kind.BYTES: _bytes,
    Kind.DATE: _long, Kind.TIME: _time, Kind.TIMESTAMP: _long,
}
_BUILT: dict[Kind, Callable[[SqlType], Coerce]] = {Kind.DECIMAL: _decimal, Kind.ARRAY: _array, Kind.MAP: _map, Kind.STRUCT: _struct}
