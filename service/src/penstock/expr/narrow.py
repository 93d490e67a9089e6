"""What a condition says of a relation's keys and windows: where rows that match can be, a superset of where they are. The condition itself is
still asked of every row that is found there.

A condition is read as alternatives, each a box: values that columns must be among, bounds, bounds of windows. AND intersects boxes, OR
puts them side by side; what is not understood is the box of everything. Too many boxes become larger ones, never smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Any

from penstock.expr.compile import compile_expression
from penstock.expr.tree import columns_of, is_deterministic
from penstock.expr.typed import Call, Cast, ColumnRef, Expr
from penstock.types.cast import fits_exactly
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

Key = tuple[object, ...]
MOST = 1000
"""Keys, above which a table is read instead, and boxes."""
EVER = (0, (1 << 63) - 1)
TURNED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "distinct": "distinct", "not_distinct": "not_distinct"}
"""Comparisons with their sides exchanged."""

_WHOLE = frozenset({Kind.INT, Kind.BIGINT})
_EXACT = _WHOLE | {Kind.DECIMAL}
_RANGE = {Kind.INT: range(-(1 << 31), 1 << 31), Kind.BIGINT: range(-(1 << 63), 1 << 63)}
_ORDERED = frozenset({Kind.INT, Kind.BIGINT, Kind.STRING, Kind.DATE, Kind.TIME, Kind.TIMESTAMP})
"""Keys whose order is that of their values in Python. Bytes are compared as signed ones, and a DECIMAL by its value, not by its digits."""


@dataclass(frozen=True, slots=True)
class Narrow:
    """keys: those of every row that can match, None: not known. low and high: inclusive bounds of the first key column, None: no bound. windows:
    inclusive bounds of window starts."""

    keys: tuple[Key, ...] | None = None
    low: object = None
    high: object = None
    windows: tuple[int, int] = EVER

    @property
    def nothing(self) -> bool:
        """Whether no row can match."""
        return self.keys == () or self.windows[0] > self.windows[1] or self.low is not None and self.high is not None and self.low > self.high  # type: ignore[operator]


ANYTHING = Narrow()


def narrow(where: Expr | None, key: Sequence[Column], parameters: Mapping[str, object], windowed: bool) -> Narrow:
    """Where rows that match can be. parameters: values of `:name`. windowed: WINDOWSTART is the start of a row's window. Pure."""
    if where is None:
        return ANYTHING
    boxes = _Reader({c.name: c.type for c in key}, parameters, windowed).boxes(where)
    if not boxes:
        return Narrow(())
    windows = (min(b.windows[0] for b in boxes), max(b.windows[1] for b in boxes))
    keys = _keys(key, boxes)
    if keys is not None or not key:
        return Narrow(keys, windows=windows)
    return Narrow(None, _bound([b.low.get(key[0].name) for b in boxes], min), _bound([b.high.get(key[0].name) for b in boxes], max), windows)


@dataclass(frozen=True, slots=True)
class _Box:
    """One alternative; what a mapping does not name is not restricted."""

    values: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    low: Mapping[str, object] = field(default_factory=dict)
    high: Mapping[str, object] = field(default_factory=dict)
    windows: tuple[int, int] = EVER

    def within(self, other: _Box) -> _Box:
        """What both say."""
        values = {**self.values, **other.values}
        for name in self.values.keys() & other.values.keys():
            allowed = set(other.values[name])
            values[name] = tuple(v for v in self.values[name] if v in allowed)
        return _Box(values, _joined(self.low, other.low, max), _joined(self.high, other.high, min),
                    (max(self.windows[0], other.windows[0]), min(self.windows[1], other.windows[1])))


_ALL = (_Box(),)


def _joined(one: Mapping[str, object], other: Mapping[str, object], choose: Callable[[Any, Any], object]) -> Mapping[str, object]:
    return {**one, **other, **{name: choose(one[name], other[name]) for name in one.keys() & other.keys()}}


def _bound(bounds: Sequence[object], choose: Callable[[Any], object]) -> object:
    """The outermost bound of all boxes, None if one has none."""
    return None if None in bounds else choose(bounds)


def _keys(columns: Sequence[Column], boxes: Sequence[_Box]) -> tuple[Key, ...] | None:
    """Every key of every box, if each fixes all columns."""
    found: dict[Key, None] = {}
    for box in boxes:
        size = 1
        for column in columns:
            values = box.values.get(column.name)
            size *= MOST + 1 if values is None else len(values)
        if size > MOST:
            return None
        found.update(dict.fromkeys(product(*(box.values[c.name] for c in columns))))
    return tuple(found) if columns and len(found) <= MOST else None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads conditions over key columns of these types."""

    keys: Mapping[str, SqlType]
    parameters: Mapping[str, object]
    windowed: bool

    def boxes(self, expr: Expr) -> tuple[_Box, ...]:
        """The alternatives; none: nothing matches."""
        match expr:
            case Call(op="and", args=args):
                found: tuple[_Box, ...] = _ALL
                for arg in args:
                    found = _both(found, self.boxes(arg))
                return found
            case Call(op="or", args=args):
                ways = tuple(box for arg in args for box in self.boxes(arg))
                return ways if len(ways) <= MOST else _ALL
            case Call(op="between", args=(value, low, high)):
                return _both(self._compared("ge", value, low), self._compared("le", value, high))
            case Call(op="in", args=(value, *items)):
                return self._among(value, items)
            case Call(op=op, args=(left, right)) if op in TURNED:
                here = self._compared(op, left, right)
                return here if here is not _ALL else self._compared(TURNED[op], right, left)
        return _ALL

    def _among(self, value: Expr, items: Sequence[Expr]) -> tuple[_Box, ...]:
        """The column is equal to one of these."""
        column = _column(value)
        if self._is_start(column):
            starts = [self._start(i) for i in items]
            known = [s for s in starts if s is not None]
            return (_Box(windows=(min(known), max(known))),) if known and len(known) == len(starts) else _ALL
        of = None if column is None else self.keys.get(column)
        if column is None or of is None:
            return _ALL
        found: dict[object, None] = {}
        for item in items:
            constant = self._constant(item, of)
            if constant is None:
                return _ALL
            found.update(dict.fromkeys(constant))
        if not found:
            return ()
        return (_Box({column: tuple(found)}, *_span(column, of, tuple(found))),)

    def _compared(self, op: str, value: Expr, other: Expr) -> tuple[_Box, ...]:
        """column op constant."""
        if op == "eq":
            return self._among(value, (other,))
        if op == "not_distinct":
            return self._among(value, (other,)) or _ALL  # NULL is not distinct from the key of a record without one
        column = _column(value)
        if self._is_start(column):
            return self._started(op, self._start(other))
        of = None if column is None else self.keys.get(column)
        constant = None if of is None or of.kind not in _ORDERED or op not in ("lt", "le", "gt", "ge") else self._constant(other, of)
        if column is None or of is None or not constant or not _is_ordered(constant[0]):
            return _ALL
        bound = {column: constant[0]}
        return (_Box(low=bound),) if op in ("gt", "ge") else (_Box(high=bound),)

    def _is_start(self, column: str | None) -> bool:
        return self.windowed and column == "WINDOWSTART"

    def _start(self, expr: Expr) -> int | None:
        """A constant number of milliseconds."""
        if expr.type is None or expr.type.kind not in _WHOLE:
            return None
        found = self._constant(expr, expr.type)
        return int(found[0]) if found else None  # type: ignore[call-overload, no-any-return]

    def _started(self, op: str, at: int | None) -> tuple[_Box, ...]:
        bounds = None if at is None else {"gt": (at + 1, EVER[1]), "ge": (at, EVER[1]), "lt": (0, at - 1), "le": (0, at)}.get(op)
        return _ALL if bounds is None else (_Box(windows=bounds),)

    def _constant(self, expr: Expr, of: SqlType) -> tuple[object, ...] | None:
        """What a column of this type can be compared with: one value, or none where the constant is NULL, an error, or no value of the type.
        None when it is not constant, or of a type whose comparison is not that of the bytes: 0.0 and -0.0 are equal."""
        kinds = {of.kind, of.kind if expr.type is None else expr.type.kind}
        same = expr.type in (None, of) or kinds <= _WHOLE or of.kind is Kind.DECIMAL and kinds <= _EXACT
        if not same or of.kind is Kind.DOUBLE or columns_of(expr) or not is_deterministic(expr):
            return None
        value: Any = compile_expression(expr, (), self.parameters)(())
        if value is None:
            return ()
        if of.kind in _WHOLE:
            return (value,) if value in _RANGE[of.kind] else ()
        if of.kind is Kind.DECIMAL:
            return _decimal(value, of)
        return (value,) if value.__hash__ is not None else None


def _both(one: tuple[_Box, ...], other: tuple[_Box, ...]) -> tuple[_Box, ...]:
    """Boxes in which both conditions hold, or those of one condition alone where that would be too many."""
    if len(one) * len(other) > MOST:
        return min(one, other, key=len)
    return tuple(a.within(b) for a in one for b in other)


def _column(expr: Expr) -> str | None:
    """The column's name, if it is one that is widened at most."""
    if isinstance(expr, Cast) and expr.implicit and expr.type is not None and expr.arg.type is not None:
        kinds = {expr.type.kind, expr.arg.type.kind}
        if kinds <= _WHOLE or kinds == {Kind.DECIMAL}:
            expr = expr.arg
    return expr.name if isinstance(expr, ColumnRef) else None


def _decimal(value: Any, of: SqlType) -> tuple[object, ...]:
    try:
        return (fits_exactly(Decimal(value), of),)
    except ValueError:
        return ()


def _span(column: str, of: SqlType, values: Sequence[Any]) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Bounds of values, as far as they have an order."""
    if of.kind not in _ORDERED or not all(map(_is_ordered, values)):
        return {}, {}
    return {column: min(values)}, {column: max(values)}


def _is_ordered(value: object) -> bool:
    """UTF-16 units and code points are in another order from the surrogates on."""
    return not isinstance(value, str) or all(c < "\ud800" for c in value)
