"""What the WHERE of a pull query says about keys and windows: where to look, a superset of what matches. The condition itself is still asked of
every row that is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from penstock.errors import RequestError
from penstock.expr import ast
from penstock.expr.analyze import analyze
from penstock.expr.ast import Ast
from penstock.expr.compile import compile_expression
from penstock.expr.scope import Scope
from penstock.expr.typed import Expr
from penstock.plan.relations import RelationInfo
from penstock.sql.faults import folded
from penstock.types.coerce import coerce_insert
from penstock.types.schema import Column
from penstock.types.sqltype import BIGINT, TIMESTAMP, Kind, SqlType

MOST_KEYS = 1000
"""More keys are looked for by reading the table."""
EVER = (0, (1 << 63) - 1)


@dataclass(frozen=True, slots=True)
class Narrow:
    """keys: all keys that can match, None: unknown. low and high: inclusive bounds of the first key column, None: no bound. windows: inclusive
    bounds of window starts."""

    keys: tuple[tuple[object, ...], ...] | None = None
    low: object = None
    high: object = None
    windows: tuple[int, int] = EVER

    @property
    def nothing(self) -> bool:
        """Whether no row can match."""
        return self.keys == () or self.windows[0] > self.windows[1]


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What a conjunction says of each column: values, bounds; windows."""

    values: Mapping[str, tuple[object, ...]]
    low: Mapping[str, object]
    high: Mapping[str, object]
    windows: tuple[int, int] = EVER


def narrow(where: Ast | None, info: RelationInfo, parameters: Mapping[str, tuple[SqlType | None, object]] | None = None) -> Narrow:
    """Where to look. parameters: type and value of `:name`."""
    if where is None:
        return Narrow()
    reader = _Reader(info, parameters or {})
    ways = [reader.conjunction(way) for way in _disjunction(where)]
    windows = (min(w.windows[0] for w in ways), max(w.windows[1] for w in ways))
    keys = _keys(info.schema.key, ways)
    if keys is not None or len(ways) > 1 or not info.schema.key:
        return Narrow(keys, windows=windows)
    first = info.schema.key[0].name
    return Narrow(None, ways[0].low.get(first), ways[0].high.get(first), windows)


def _keys(columns: Sequence[Column], ways: Sequence[_Fixed]) -> tuple[tuple[object, ...], ...] | None:
    """Every key of every way, if each fixes all columns."""
    found: dict[tuple[object, ...], None] = {}
    for way in ways:
        keys: list[tuple[object, ...]] = [()]
        for column in columns:
            values = way.values.get(column.name)
            if values is None or len(keys) * len(values) > MOST_KEYS:
                return None
            keys = [(*key, value) for key in keys for value in values]
        found.update(dict.fromkeys(keys))
    return tuple(found) if columns and len(found) <= MOST_KEYS else None


def _disjunction(tree: Ast) -> list[Ast]:
    if isinstance(tree, ast.Operator) and tree.op == "or":
        return [way for arg in tree.args for way in _disjunction(arg)]
    return [tree]


def _conjunction(tree: Ast) -> list[Ast]:
    if isinstance(tree, ast.Operator) and tree.op == "and":
        return [part for arg in tree.args for part in _conjunction(arg)]
    return [tree]


_TURNED = {"eq": "eq", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads comparisons of one relation's key columns and window starts with constants."""

    info: RelationInfo
    parameters: Mapping[str, tuple[SqlType | None, object]]

    def conjunction(self, tree: Ast) -> _Fixed:
        found = _Fixed({}, {}, {})
        for part in _conjunction(tree):
            if isinstance(part, ast.Operator):
                found = self._part(part, found)
        return found

    def _part(self, part: ast.Operator, found: _Fixed) -> _Fixed:
        match part:
            case ast.Operator(op="between", args=(name, low, high)):
                return self._compared("le", name, high, self._compared("ge", name, low, found))
            case ast.Operator(op="in", args=(name, *items)):
                return self._listed(name, items, found)
            case ast.Operator(op=op, args=(left, right)) if op in _TURNED:
                if isinstance(left, ast.Name):
                    return self._compared(op, left, right, found)
                return self._compared(_TURNED[op], right, left, found)
        return found

    def _listed(self, name: Ast, items: list[Ast], found: _Fixed) -> _Fixed:
        column = self._key(name)
        if column is None:
            return found
        values = [self._value(item, column.type) for item in items]
        return found if None in values else _fixed(found, column.name, tuple(v[0] for v in values if v is not None))

    def _compared(self, op: str, name: Ast, other: Ast, found: _Fixed) -> _Fixed:
        if isinstance(name, ast.Name) and folded(name.parts[-1]) == "WINDOWSTART" and self.info.window is not None:
            return self._window(op, other, found)
        column = self._key(name)
        value = None if column is None else self._value(other, column.type)
        if column is None or value is None:
            return found
        if op == "eq":
            return _fixed(found, column.name, value)
        if column.type.kind in (Kind.DOUBLE, Kind.DECIMAL, Kind.MAP, Kind.STRUCT, Kind.ARRAY, Kind.BOOLEAN):
            return found
        bound: Any = value[0]
        if isinstance(bound, str) and any(c >= "\ud800" for c in bound):
            return found  # UTF-16 units and code points are in another order there
        if op in ("gt", "ge"):
            known: Any = found.low.get(column.name, bound)
            return replace(found, low={**found.low, column.name: max(known, bound)})
        known = found.high.get(column.name, bound)
        return replace(found, high={**found.high, column.name: min(known, bound)})

    def _window(self, op: str, other: Ast, found: _Fixed) -> _Fixed:
        value = self._value(other, BIGINT) or self._value(other, TIMESTAMP)
        if value is None or not isinstance(value[0], int):
            return found
        at, (low, high) = value[0], found.windows
        match op:
            case "eq":
                low, high = max(low, at), min(high, at)
            case "gt":
                low = max(low, at + 1)
            case "ge":
                low = max(low, at)
            case "lt":
                high = min(high, at - 1)
            case "le":
                high = min(high, at)
        return replace(found, windows=(low, high))

    def _key(self, name: Ast) -> Column | None:
        if not isinstance(name, ast.Name):
            return None
        wanted = folded(name.parts[-1])
        found = next((c for c in self.info.schema.key if c.name == wanted), None)
        return None if found is None or found.type.kind is Kind.DOUBLE else found  # 0.0 and -0.0 are equal and have other bytes

    def _value(self, tree: Ast, of: SqlType) -> tuple[object] | None:
        """A constant as a value of the column's type; None when it is no constant, or no value of that type without loss."""
        try:
            scope = Scope(parameters={n: kind for n, (kind, _) in self.parameters.items()})
            expr: Expr = analyze(tree, scope)
            value = compile_expression(expr, [], {n: v for n, (_, v) in self.parameters.items()})([])
            return None if value is None else (coerce_insert(value, expr.type, of, ""),)
        except (RequestError, ValueError, ArithmeticError):
            return None


def _fixed(found: _Fixed, name: str, values: tuple[object, ...]) -> _Fixed:
    before = found.values.get(name)
    kept = values if before is None else tuple(v for v in before if v in values)
    return replace(found, values={**found.values, name: tuple(dict.fromkeys(kept))})
