"""Which keys a `where` leaves: `K = 'x'`, `K IN ('x', 'y')`, joined by AND and OR, every column of the key fixed.

Then a subscription or a scan reads the partitions of those keys only. That is right where this service placed the keys: a table of its own,
the topic of a topology's sink. What other producers wrote may lie elsewhere, by another partitioner or in another spelling of the key.
A table that is aggregated by the key of its source, with no topic between, has its keys where the source's producers put them: that they
use Kafka's own partitioner is taken for granted, as ksqlDB and the lookups of Kafka Streams do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from penstock.expr.compile import compile_expression
from penstock.expr.tree import columns_of
from penstock.expr.typed import Call, Cast, ColumnRef, Expr
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

Key = tuple[object, ...]
MOST = 1000
"""Keys, above which all partitions are read."""

_WHOLE = frozenset({Kind.INT, Kind.BIGINT})
_RANGE = {Kind.INT: range(-(1 << 31), 1 << 31), Kind.BIGINT: range(-(1 << 63), 1 << 63)}


def keys_of(expr: Expr, key: Sequence[Column], parameters: Mapping[str, object]) -> list[Key] | None:
    """Values of the key columns of every row that can match; None when that is not known, or too many. Pure."""
    values = []
    for column in key:
        found = _values(expr, column.name, column.type, parameters)
        if found is None:
            return None
        values.append(sorted(found, key=repr))
    keys = list(product(*values))
    return keys if key and len(keys) <= MOST else None


def _values(expr: Expr, name: str, of: SqlType, parameters: Mapping[str, object]) -> frozenset[object] | None:
    """Values that the column has in every row that matches; None: any."""
    match expr:
        case Call(op="and", args=args):
            known = [v for a in args if (v := _values(a, name, of, parameters)) is not None]
            return frozenset.intersection(*known) if known else None
        case Call(op="or", args=args):
            parts = [_values(a, name, of, parameters) for a in args]
            return None if None in parts else frozenset().union(*parts)  # type: ignore[arg-type]
        case Call(op="eq", args=(left, right)):
            if _is(left, name, of):
                return _constants([right], of, parameters)
            return _constants([left], of, parameters) if _is(right, name, of) else None
        case Call(op="in", args=(left, *choices)):
            return _constants(choices, of, parameters) if _is(left, name, of) else None
        case _:
            return None


def _is(expr: Expr, name: str, of: SqlType) -> bool:
    """Whether this is the column, widened at most."""
    if isinstance(expr, Cast) and expr.implicit and of.kind in _WHOLE and expr.type is not None and expr.type.kind in _WHOLE:
        expr = expr.arg
    return isinstance(expr, ColumnRef) and expr.name == name


def _constants(exprs: Sequence[Expr], of: SqlType, parameters: Mapping[str, object]) -> frozenset[object] | None:
    """What the column can be equal to: NULL equals nothing, nor does what is no value of its type. None when it is not constant, or of a
    type whose comparison is not that of its bytes."""
    found = set()
    for expr in exprs:
        same = expr.type in (None, of) or (expr.type is not None and {expr.type.kind, of.kind} <= _WHOLE)
        if not same or of.kind in (Kind.DOUBLE, Kind.DECIMAL) or columns_of(expr) or _calls(expr):
            return None
        value = compile_expression(expr, (), parameters)(())
        if value is not None and (of.kind not in _WHOLE or value in _RANGE[of.kind]):
            found.add(value)
    return frozenset(found) if all(_hashable(v) for v in found) else None


def _calls(expr: Expr) -> bool:
    """A function of the clock or of chance is no constant."""
    return isinstance(expr, Call) and expr.op.startswith("fn:")


def _hashable(value: object) -> bool:
    return value.__hash__ is not None
