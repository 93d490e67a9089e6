"""Values on their way in: Value messages and JSON, as the Python values of a column's type.

Both take what INSERT VALUES takes (coerce_insert): wider numbers, DECIMAL without rounding, text for times and BYTES. Keys and parameters
are given by people too, on a command line, so that a Value's text is also read as a number or a boolean where the column is one.
"""

from __future__ import annotations

from decimal import Decimal

from penstock_client.gen.penstock.v1 import types_pb2

from penstock.types import sqltype as t
from penstock.types.cast import cast
from penstock.types.coerce import coerce_insert
from penstock.types.sqltype import Kind, SqlType

_TIMES = frozenset({Kind.DATE, Kind.TIME, Kind.TIMESTAMP})
_INT = range(-(1 << 31), 1 << 31)
_BIGINT = range(-(1 << 63), 1 << 63)


def from_value(value: types_pb2.Value, of: SqlType) -> object:
    """The Python value for a column of this type. ValueError says what was expected."""
    match value.WhichOneof("kind"):
        case None:
            return None
        case "boolean":
            return _expect(value.boolean, of, Kind.BOOLEAN)
        case "integer":
            return from_integer(value.integer, of)
        case "floating":
            return _expect(value.floating, of, Kind.DOUBLE)
        case "text":
            return value.text if of.kind is Kind.STRING else cast(value.text, t.STRING, of)
        case "binary":
            return _expect(value.binary, of, Kind.BYTES)
        case "list" | "fields" as kind:
            return _from_list(list(getattr(value, kind).values), of)
        case _:
            return _from_entries(value.entries, of)


def type_of_value(value: types_pb2.Value) -> SqlType | None:
    """The type that a parameter has by itself; None for NULL. ValueError for a list without elements."""
    match value.WhichOneof("kind"):
        case None:
            return None
        case "boolean":
            return t.BOOLEAN
        case "integer":
            return t.INT if value.integer in _INT else t.BIGINT
        case "floating":
            return t.DOUBLE
        case "text":
            return t.STRING
        case "binary":
            return t.BYTES
        case "list":
            types = [type_of_value(v) for v in value.list.values]
            if not types or types[0] is None:
                raise ValueError("a list needs elements of one type")
            return t.array(types[0])
        case _:
            raise ValueError("maps and structs are no parameters")


def from_integer(value: int, of: SqlType) -> object:
    """An integer as a column of this type; days and milliseconds for times."""
    match of.kind:
        case Kind.INT if value not in _INT:
            raise ValueError(f"{value} does not fit INT")
        case Kind.INT | Kind.BIGINT | Kind.DATE | Kind.TIME | Kind.TIMESTAMP:
            return value
        case _:
            return coerce_insert(value, t.BIGINT, of)


def from_json(value: object, of: SqlType, name: str) -> object:
    """A parsed JSON value (numbers with a fraction as Decimal) as a column of this type. ValueError says what was expected."""
    match value:
        case None:
            return None
        case bool():
            return coerce_insert(value, t.BOOLEAN, of, name)
        case int():
            if value not in _BIGINT and of.kind is not Kind.DECIMAL:
                raise ValueError(f"{name}: {value} does not fit BIGINT")
            if of.kind in _TIMES:
                return value
            return coerce_insert(value, t.INT if value in _INT else t.BIGINT if value in _BIGINT else t.decimal(38, 0), of, name)
        case Decimal():
            return float(value) if of.kind is Kind.DOUBLE else coerce_insert(value, _decimal_type(value), of, name)
        case str():
            if of.kind is Kind.DOUBLE and value in ("NaN", "Infinity", "-Infinity"):
                return float(value)
            return coerce_insert(value, t.STRING, of, name)
        case list():
            if of.kind is not Kind.ARRAY or of.element is None:
                raise ValueError(f"Expected type {of} for field {name} but got an array")
            return [from_json(v, of.element, name) for v in value]
        case dict():
            return _from_object(value, of, name)
        case _:
            raise ValueError(f"{name}: no SQL value")


def _from_object(value: dict[str, object], of: SqlType, name: str) -> object:
    if of.kind is Kind.MAP and of.key is not None and of.element is not None:
        return {cast(k, t.STRING, of.key) if of.key.kind is not Kind.STRING else k: from_json(v, of.element, name)
                for k, v in value.items()}
    if of.kind is not Kind.STRUCT:
        raise ValueError(f"Expected type {of} for field {name} but got an object")
    by_upper = {k.upper(): v for k, v in value.items()}
    if unknown := sorted(set(by_upper) - {n.upper() for n, _ in of.fields}):
        raise ValueError(f"{name} has no field {', '.join(unknown)}")
    return {n: from_json(value[n] if n in value else by_upper.get(n.upper()), f, f"{name}->{n}") for n, f in of.fields}


def _decimal_type(value: Decimal) -> SqlType:
    _, digits, exponent = value.as_tuple()
    scale = max(0, -exponent) if isinstance(exponent, int) else 0
    whole = max(0, len(digits) + (exponent if isinstance(exponent, int) else 0))
    if whole + scale > 38:
        raise ValueError(f"{value} has more than 38 digits")
    return t.decimal(max(1, whole + scale), scale)


def _expect(value: object, of: SqlType, kind: Kind) -> object:
    if of.kind is not kind:
        raise ValueError(f"expected {of}, not {kind.value}")
    return value


def _from_list(values: list[types_pb2.Value], of: SqlType) -> object:
    if of.kind is Kind.ARRAY and of.element is not None:
        return [from_value(v, of.element) for v in values]
    if of.kind is Kind.STRUCT and len(values) == len(of.fields):
        return {name: from_value(v, f) for v, (name, f) in zip(values, of.fields, strict=True)}
    raise ValueError(f"expected {of}, not a list of {len(values)} values")


def _from_entries(entries: types_pb2.ValueEntries, of: SqlType) -> object:
    if of.kind is Kind.STRUCT:
        by_name = {k.text: v for k, v in zip(entries.keys, entries.values, strict=True)}
        return {name: from_value(by_name[name], f) if name in by_name else None for name, f in of.fields}
    if of.kind is not Kind.MAP or of.key is None or of.element is None:
        raise ValueError(f"expected {of}, not a map")
    return {from_value(k, of.key): from_value(v, of.element) for k, v in zip(entries.keys, entries.values, strict=True)}
