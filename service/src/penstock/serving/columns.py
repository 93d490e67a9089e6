"""Which columns reading a relation gives, a caller's choice among them, and the predicate over them.

A base row of a relation is a tuple: key columns, WINDOWSTART and WINDOWEND of a windowed table, value columns, header columns, ROWTIME,
and for a stream ROWPARTITION and ROWOFFSET.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter

from penstock_client.gen.penstock.v1 import types_pb2

from penstock.catalog.view import Served
from penstock.errors import ExpressionError, RequestError
from penstock.expr.analyze import expect_boolean
from penstock.expr.compile import compile_condition
from penstock.expr.narrow import ANYTHING, Narrow, narrow
from penstock.expr.scope import Scope
from penstock.expr.typed import Expr
from penstock.plan.nodes import RelationKind
from penstock.serving.rows import Row, RowLayout, layout
from penstock.serving.values import from_value, type_of_value
from penstock.types.schema import Column, Role
from penstock.types.sqltype import BIGINT, INT, SqlType

WINDOW = (Column("WINDOWSTART", BIGINT, Role.WINDOW), Column("WINDOWEND", BIGINT, Role.WINDOW))
ROWTIME = Column("ROWTIME", BIGINT, Role.META)
PLACE = (Column("ROWPARTITION", INT, Role.META), Column("ROWOFFSET", BIGINT, Role.META))

Pick = Callable[[Row], Row]
Condition = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class View:
    """A caller's choice. pick makes its row of a base row; keep is None when every row is wanted. identity: places in the base row of
    key and window columns. narrow: where kept rows can be. serial: unlike that of any other view, so that what was made for it can be kept by it."""

    base: tuple[Column, ...]
    layout: RowLayout
    pick: Pick
    keep: Condition | None
    identity: tuple[int, ...]
    narrow: Narrow = ANYTHING
    serial: int = field(default_factory=itertools.count().__next__)

    def bare(self, base_key: Row) -> Row:
        """The caller's row of a deleted row: its key and window columns, nulls else. base_key: a base row that need only hold those."""
        shown = set(self.identity)
        return self.pick(tuple(v if i in shown else None for i, v in enumerate(base_key)))


def base_columns(served: Served) -> tuple[Column, ...]:
    """Columns of a base row."""
    schema = served.schema
    window = WINDOW if served.window is not None else ()
    headers = tuple(c for c in schema.columns if c.role is Role.HEADER)
    place = PLACE if served.kind is RelationKind.STREAM else ()
    return (*schema.key, *window, *schema.value, *headers, ROWTIME, *place)


def view(served: Served, columns: Sequence[str], where: str, parameters: Mapping[str, types_pb2.Value]) -> View:
    """A choice of columns and rows. Raises RequestError UNKNOWN_COLUMN, ExpressionError."""
    base = base_columns(served)
    table = served.kind is RelationKind.TABLE
    chosen = _choose(served, base, columns, table)
    identity = tuple(i for i, c in enumerate(base) if c.role in (Role.KEY, Role.WINDOW))
    kept = condition(base, where, parameters)
    keep = None if kept is None else kept.holds
    where_ = ANYTHING if kept is None else narrow(kept.expr, served.schema.key, kept.values, served.window is not None)
    return View(base, layout(tuple(base[i] for i in chosen), table), _picker(chosen, len(base)), keep, identity, where_)


@dataclass(frozen=True, slots=True)
class Kept:
    """A predicate: compiled, and as an expression with the values of its parameters."""

    holds: Condition
    expr: Expr
    values: Mapping[str, object]


def condition(base: tuple[Column, ...], where: str, parameters: Mapping[str, types_pb2.Value]) -> Kept | None:
    """The predicate; equal texts without parameters share one."""
    if not where.strip():
        return None
    names = tuple((c.name, c.type) for c in base)
    if not parameters:
        return _shared_condition(names, where)
    try:
        types = {n: type_of_value(v) for n, v in parameters.items()}
        values = {n: None if of is None else from_value(parameters[n], of) for n, of in types.items()}
    except ValueError as e:
        raise RequestError("INVALID_ARGUMENT", f"parameters: {e}", {"field": "parameters"}) from e
    return _compile(names, where, types, values)


@lru_cache(maxsize=512)
def _shared_condition(names: tuple[tuple[str, SqlType], ...], where: str) -> Kept:
    return _compile(names, where, {}, {})


def _compile(names: tuple[tuple[str, SqlType], ...], where: str, types: Mapping[str, SqlType | None],
             values: Mapping[str, object]) -> Kept:
    scope = Scope((("", dict(names)),), types)
    try:
        expr = expect_boolean(where, scope)
    except ExpressionError as e:
        e.field = e.field or "where"
        raise
    return Kept(compile_condition(expr, [n for n, _ in names], values), expr, values)


def _choose(served: Served, base: tuple[Column, ...], columns: Sequence[str], table: bool) -> tuple[int, ...]:
    if not columns:
        return tuple(i for i, c in enumerate(base) if c.role is not Role.META or c.name == "ROWTIME")
    places = {c.name: i for i, c in enumerate(base)}
    chosen = [places[match(served.name, places, name)] for name in columns]
    missing = [i for i, c in enumerate(base) if c.role in (Role.KEY, Role.WINDOW) and i not in chosen] if table else []
    return (*missing, *chosen)


def match(relation: str, names: Mapping[str, object], name: str) -> str:
    """The column that is meant: upper-cased; else as written; else the only one that differs by case alone. Raises UNKNOWN_COLUMN."""
    if name.upper() in names:
        return name.upper()
    if name in names:
        return name
    alike = [n for n in names if n.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    raise RequestError("UNKNOWN_COLUMN", f"{relation} has no column {name}; it has {', '.join(names)}",
                       {"column": name, "relation": relation, "candidates": ",".join(alike)})


def _picker(chosen: tuple[int, ...], width: int) -> Pick:
    if chosen == tuple(range(width)):
        return lambda row: row
    if len(chosen) == 1:
        only = chosen[0]
        return lambda row: (row[only],)
    return itemgetter(*chosen)
