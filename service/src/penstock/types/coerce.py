"""Types that widen by themselves: the common type of a list, and what INSERT and appends accept for a column."""

from __future__ import annotations

from decimal import Decimal

from penstock.types import sqltype as t
from penstock.types.cast import caster_of, fits_exactly, to_text
from penstock.types.sqltype import Kind, SqlType

RANK = {Kind.INT: 0, Kind.BIGINT: 1, Kind.DECIMAL: 2, Kind.DOUBLE: 3}
"""Numbers widen in this order."""

_INSERTABLE_TEXT = frozenset({Kind.TIMESTAMP, Kind.TIME, Kind.DATE, Kind.BYTES})


def as_decimal(number: SqlType) -> SqlType:
    """INT as DECIMAL(10, 0), BIGINT as DECIMAL(19, 0), a DECIMAL as it is."""
    match number.kind:
        case Kind.INT:
            return t.decimal(10, 0)
        case Kind.BIGINT:
            return t.decimal(19, 0)
        case _:
            return number


def widen_decimals(left: SqlType, right: SqlType) -> SqlType:
    """The DECIMAL that holds both: the larger whole part and the larger scale."""
    left, right = as_decimal(left), as_decimal(right)
    scale = max(left.scale, right.scale)
    return t.decimal(max(left.precision - left.scale, right.precision - right.scale) + scale, scale)


def common_type(left: SqlType | None, right: SqlType | None) -> SqlType | None:
    """The type both widen to (ARRAY[...], MAP(...), IN); TypeError when there is none. None is the type of NULL."""
    if left is None or left == right:
        return right
    if right is None:
        return left
    if left.kind in RANK and right.kind in RANK:
        if Kind.DOUBLE in (left.kind, right.kind):
            return t.DOUBLE
        if Kind.DECIMAL in (left.kind, right.kind):
            return widen_decimals(left, right)
        return t.BIGINT
    if left.kind is right.kind:
        match left.kind:
            case Kind.ARRAY:
                return SqlType(Kind.ARRAY, element=common_type(left.element, right.element))
            case Kind.MAP:
                return SqlType(Kind.MAP, key=common_type(left.key, right.key), element=common_type(left.element, right.element))
            case Kind.STRUCT:
                return _united(left, right)
    raise TypeError(f"{left} and {right} have no common type: add explicit casts")


def _united(left: SqlType, right: SqlType) -> SqlType:
    """Fields of both, those of the newer one first."""
    older = dict(left.fields)
    fields: dict[str, SqlType | None] = {name: common_type(older.get(name), field) for name, field in right.fields}
    fields |= {name: field for name, field in left.fields if name not in fields}
    return t.struct(*((name, field) for name, field in fields.items() if field is not None))


def widens(source: SqlType, target: SqlType) -> bool:
    """Whether source is a number that widens to target (or equals it)."""
    if source == target:
        return True
    return source.kind in RANK and target.kind in RANK and RANK[source.kind] < RANK[target.kind]


def coerce_insert(value: object, from_type: SqlType | None, to_type: SqlType, field: str = "", *, drops: bool = False) -> object:
    """The value for a column of to_type as INSERT VALUES takes it: wider numbers only, DECIMAL without rounding, text to TIMESTAMP,
    TIME, DATE and (base64) BYTES. drops: fields that a STRUCT of the column does not have are left out. ValueError says what was expected."""
    if value is None or from_type is None or from_type == to_type:
        return value
    source, target = from_type.kind, to_type.kind
    if target is Kind.DECIMAL and source in (Kind.INT, Kind.BIGINT, Kind.DECIMAL):
        return fits_exactly(Decimal(value), to_type)  # type: ignore[arg-type]
    if widens(from_type, to_type) or source is Kind.STRING and target in _INSERTABLE_TEXT:
        caster = caster_of(from_type, to_type)
        return value if caster is None else caster(value)
    if source is target and source in (Kind.ARRAY, Kind.MAP, Kind.STRUCT):
        return _coerce_nested(value, from_type, to_type, field, drops)
    shown = value if source is Kind.BYTES else to_text(value, from_type)
    raise ValueError(f"Expected type {to_type} for field {field} but got {from_type}({shown!s})")


def _coerce_nested(value: object, from_type: SqlType, to_type: SqlType, field: str, drops: bool) -> object:
    assert isinstance(value, (list, dict))
    if isinstance(value, list):
        assert to_type.element is not None
        return [coerce_insert(v, from_type.element, to_type.element, field, drops=drops) for v in value]
    if to_type.kind is Kind.MAP:
        assert to_type.key is not None and to_type.element is not None
        return {
            coerce_insert(k, from_type.key, to_type.key, field, drops=drops): coerce_insert(v, from_type.element, to_type.element, field, drops=drops)
            for k, v in value.items()
        }
    had, wanted = dict(from_type.fields), dict(to_type.fields)
    if not drops and (unknown := sorted(set(had) - set(wanted))):
        raise ValueError(f"Expected type {to_type} for field {field} but got unknown fields {', '.join(unknown)}")
    return {n: coerce_insert(value.get(n), had.get(n), f, f"{field}->{n}" if field else n, drops=drops) for n, f in wanted.items()}
