"""CAST: what may be cast to what, and how (ksqlDB's table of casts). NULL stays NULL; bad text and overflow raise ValueError."""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from typing import cast as typing_cast

from penstock.types import java, times
from penstock.types.sqltype import Kind, SqlType

Caster = Callable[[object], object]
"""A function of one value, not None, of the source type; raises ValueError where the cast fails."""

WIDE = Context(prec=1000)
"""A context in which quantize never runs out of digits. Its plus makes 0 of Python's -0, which no DECIMAL has."""
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d+)?[dfDF]?", re.ASCII | re.IGNORECASE)


def cast(value: object, from_type: SqlType | None, to_type: SqlType) -> object:
    """The value as to_type; TypeError where the types cannot be cast, ValueError where the value cannot."""
    if value is None or from_type is None:
        return None
    caster = caster_of(from_type, to_type)
    return value if caster is None else caster(value)


def is_castable(from_type: SqlType | None, to_type: SqlType) -> bool:
    """Whether CAST between these types is allowed at all. None is the type of NULL."""
    if from_type is None:
        return True
    try:
        caster_of(from_type, to_type)
    except TypeError:
        return False
    return True


@functools.lru_cache(4096)
def caster_of(from_type: SqlType, to_type: SqlType) -> Caster | None:
    """The function that casts a value that is not None; None when the Python value stays as it is; TypeError when refused."""
    if from_type == to_type:
        return None
    source, target = from_type.kind, to_type.kind
    if target is Kind.STRING:
        return _texts(from_type)
    if source is target:
        return _same_kind(from_type, to_type)
    if target is Kind.DECIMAL and source in _TO_DECIMAL:
        return _to_decimal(source, to_type)
    simple = _SIMPLE.get((source, target), _REFUSED)
    if simple is _REFUSED:
        raise TypeError(f"Cast of {from_type} to {to_type} is not supported")
    return typing_cast("Caster | None", simple)


def _same_kind(from_type: SqlType, to_type: SqlType) -> Caster:
    match to_type.kind:
        case Kind.DECIMAL:
            return _to_decimal(Kind.DECIMAL, to_type)
        case Kind.ARRAY:
            element = _nullable(_part(from_type.element), _part(to_type.element))
            return lambda value: [element(v) for v in value]  # type: ignore[attr-defined]
        case Kind.MAP:
            key = _nullable(_part(from_type.key), _part(to_type.key))
            entry = _nullable(_part(from_type.element), _part(to_type.element))
            return lambda value: {key(k): entry(v) for k, v in value.items()}  # type: ignore[attr-defined]
        case _:
            had = dict(from_type.fields)
            casts = [(n, _nullable(had[n], f) if n in had else _always_null) for n, f in to_type.fields]
            return lambda value: {n: c(value.get(n)) for n, c in casts}  # type: ignore[attr-defined]


def _part(part: SqlType | None) -> SqlType:
    assert part is not None
    return part


def _nullable(from_type: SqlType, to_type: SqlType) -> Caster:
    caster = caster_of(from_type, to_type)
    if caster is None:
        return lambda value: value
    return lambda value: None if value is None else caster(value)


def _always_null(value: object) -> None:
    return None


# ---- to DECIMAL

_TO_DECIMAL = frozenset({Kind.INT, Kind.BIGINT, Kind.DOUBLE, Kind.STRING})


def _to_decimal(source: Kind, to_type: SqlType) -> Caster:
    precision, scale = to_type.precision, to_type.scale
    unit = Decimal(1).scaleb(-scale)
    limit = Decimal(10) ** (precision - scale)
    significant = Context(prec=precision, rounding=ROUND_HALF_UP)

    def fit(value: Decimal) -> Decimal:
        if not value.is_finite() or value.adjusted() >= precision - scale and value:
            raise ValueError(f"{value} does not fit DECIMAL({precision}, {scale})")
        result = WIDE.plus(value.quantize(unit, ROUND_HALF_UP, WIDE))
        if result.copy_abs() >= limit:  # abs() would round to the default context
            raise ValueError(f"{value} does not fit DECIMAL({precision}, {scale})")
        return result

    match source:
        case Kind.DECIMAL:
            return typing_cast(Caster, fit)
        case Kind.DOUBLE:
            return lambda value: fit(significant.plus(Decimal(value)))  # type: ignore[arg-type]
        case Kind.STRING:
            return lambda value: fit(decimal_of_text(value))  # type: ignore[arg-type]
        case _:
            return lambda value: fit(Decimal(value))  # type: ignore[arg-type]


def decimal_of_text(text: str) -> Decimal:
    """A number's text, trimmed, exactly; ValueError otherwise."""
    text = text.strip()
    if len(text) > 400 or not _NUMBER.fullmatch(text) or text[-1] in "dfDF":
        raise ValueError(f"{text[:100]!r} is not a decimal number")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if abs(value.adjusted()) > 500:
        raise ValueError(f"{text!r} is too large or too small for a DECIMAL")
    return value


def fits_exactly(value: Decimal, to_type: SqlType) -> Decimal:
    """The value with to_type's scale, without rounding; ValueError where digits would be lost."""
    context = Context(prec=to_type.precision, traps=[Inexact, InvalidOperation])
    try:
        return WIDE.plus(value.quantize(Decimal(1).scaleb(-to_type.scale), context=context))
    except (Inexact, InvalidOperation):
        raise ValueError(f"{value} does not fit {to_type}") from None


# ---- from STRING

_TRUE = frozenset(word[:n] for word in ("true", "yes") for n in range(1, len(word) + 1))


def _int_of_text(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text.strip()
        if len(digits) > 40 or not _INTEGER.fullmatch(digits) or not low <= (value := int(digits)) <= high:
            raise ValueError(f"{text[:100]!r} is not a whole number of {32 if high == java.INT_MAX else 64} bits")
        return value

    return read


def double_of_text(text: str) -> float:
    """A number's text as DOUBLE; NaN and Infinity are refused with ValueError."""
    digits = text.strip()
    if not _NUMBER.fullmatch(digits):
        raise ValueError(f"{text[:100]!r} is not a number")
    value = float(digits.rstrip("dfDF"))
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:100]!r} is too large for a DOUBLE")
    return value


def bytes_of_base64(text: str) -> bytes:
    """Base64 text as Java's basic decoder reads it, with its padding or without; ValueError otherwise."""
    try:
        return base64.b64decode(text if "=" in text else text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None


# ---- to STRING

def _texts(source: SqlType) -> Caster:
    match source.kind:
        case Kind.BYTES:
            raise TypeError("Cast of BYTES to STRING is not supported: use FROM_BYTES")
        case Kind.ARRAY:
            element = _text_or_null(_part(source.element))
            return lambda value: "[" + ", ".join(element(v) for v in value) + "]"  # type: ignore[attr-defined]
        case Kind.MAP:
            key, entry = _text_or_null(_part(source.key)), _text_or_null(_part(source.element))
            return lambda value: "{" + ", ".join(f"{key(k)}={entry(v)}" for k, v in value.items()) + "}"  # type: ignore[attr-defined]
        case Kind.STRUCT:
            fields = [(n, _text_or_null(f)) for n, f in source.fields]
            return lambda value: (
                "Struct{" + ",".join(f"{n}={f(value[n])}" for n, f in fields if value.get(n) is not None) + "}"  # type: ignore
            )
        case kind:
            return _TEXT[kind]


def _text_or_null(source: SqlType) -> Callable[[object], str]:
    """Java's text of an element: `null` for null, the text itself for STRING."""
    if source.kind is Kind.STRING:
        return lambda value: "null" if value is None else str(value)
    text = _texts(source)
    return lambda value: "null" if value is None else str(text(value))


_TEXT: dict[Kind, Caster] = {
    Kind.BOOLEAN: lambda value: "true" if value else "false",
    Kind.INT: str,
    Kind.BIGINT: str,
    Kind.DOUBLE: typing_cast(Caster, java.double_text),
    Kind.DECIMAL: lambda value: format(typing_cast(Decimal, value), "f"),
    Kind.STRING: str,
    Kind.DATE: typing_cast(Caster, times.date_text),
    Kind.TIME: typing_cast(Caster, times.time_text),
    Kind.TIMESTAMP: typing_cast(Caster, times.timestamp_text),
}


def to_text(value: object, source: SqlType) -> str:
    """CAST(value AS STRING) of a value that is not None."""
    return str(_texts(source)(value))


# ---- the rest of the table

_REFUSED = object()
_SIMPLE: dict[tuple[Kind, Kind], object] = {
    (Kind.INT, Kind.BIGINT): None,
    (Kind.INT, Kind.DOUBLE): float,
    (Kind.BIGINT, Kind.INT): java.wrap32,
    (Kind.BIGINT, Kind.DOUBLE): float,
    (Kind.DECIMAL, Kind.INT): lambda value: java.wrap32(int(value)),
    (Kind.DECIMAL, Kind.BIGINT): lambda value: java.wrap64(int(value)),
    (Kind.DECIMAL, Kind.DOUBLE): float,
    (Kind.DOUBLE, Kind.INT): lambda value: java.double_to_int(value, java.INT_MIN, java.INT_MAX),
    (Kind.DOUBLE, Kind.BIGINT): lambda value: java.double_to_int(value, java.LONG_MIN, java.LONG_MAX),
    (Kind.STRING, Kind.BOOLEAN): lambda value: value.strip().lower() in _TRUE,
    (Kind.STRING, Kind.INT): _int_of_text(java.INT_MIN, java.INT_MAX),
    (Kind.STRING, Kind.BIGINT): _int_of_text(java.LONG_MIN, java.LONG_MAX),
    (Kind.STRING, Kind.DOUBLE): double_of_text,
    (Kind.STRING, Kind.TIMESTAMP): times.parse_timestamp,
    (Kind.STRING, Kind.DATE): times.parse_date,
    (Kind.STRING, Kind.TIME): times.parse_time,
    (Kind.STRING, Kind.BYTES): bytes_of_base64,
    (Kind.TIMESTAMP, Kind.DATE): lambda value: value // times.DAY_MS,
    (Kind.TIMESTAMP, Kind.TIME): lambda value: value % times.DAY_MS,
    (Kind.DATE, Kind.TIMESTAMP): lambda value: value * times.DAY_MS,
}
