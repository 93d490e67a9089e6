"""Typed expressions: what the analyser makes of text, what plans store, what the emitter turns into Python.

A node knows its type; None is the type of the literal NULL. Nodes are frozen values with structural equality. They are stored
in plans through expr/stored.py (msgspec), never as SQL text.
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.types.sqltype import SqlType


@dataclass(frozen=True, slots=True)
class Expr:
    """Base of all typed expressions."""

    type: SqlType | None


@dataclass(frozen=True, slots=True)
class ColumnRef(Expr):
    """A column of input number `source` of the node (0 except for the right side of a join)."""

    name: str
    source: int = 0


@dataclass(frozen=True, slots=True)
class Literal(Expr):
    """A constant in its Python form (types/sqltype.py)."""

    value: object


@dataclass(frozen=True, slots=True)
class Parameter(Expr):
    """`:name`, given with the request."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A built-in operator or a function. op is an operator id of the emitter (such as "add", "and", "like") or "fn:NAME/variant"."""

    op: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Cast(Expr):
    """CAST(arg AS type); implicit coercions are casts too."""

    arg: Expr
    implicit: bool = False


@dataclass(frozen=True, slots=True)
class Case(Expr):
    """CASE WHEN ... THEN ... ELSE ... END, evaluated lazily."""

    whens: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True)
class FieldAccess(Expr):
    """arg->name."""

    arg: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Subscript(Expr):
    """arg[index] of an ARRAY or a MAP."""

    arg: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Construct(Expr):
    """ARRAY[...], MAP(...) and STRUCT(...), told apart by the type. parts: the elements; key, value, key, value, ...; the values of the
    fields in the type's order. A part that fails is null on its own."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Variable(Expr):
    """A parameter of a lambda around."""

    name: str


@dataclass(frozen=True, slots=True)
class Lambda(Expr):
    """(x, y) => body, an argument of the calls "transform", "filter" and "reduce". type is the body's."""

    parameters: tuple[str, ...]
    body: Expr
