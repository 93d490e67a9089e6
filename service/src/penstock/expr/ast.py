"""The syntax tree of expressions, as parsed: no types yet. start and end count code points of the text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ast:
    """Base of all nodes."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Ident(Ast):
    """One identifier as written, without its quotes."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Name(Ast):
    """A column: `name` or `source.name`."""

    parts: tuple[Ident, ...]


@dataclass(frozen=True, slots=True)
class Star(Ast):
    """`*` or `source.*` in a projection."""

    source: Ident | None


@dataclass(frozen=True, slots=True)
class Number(Ast):
    """A number as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Text(Ast):
    """A STRING literal."""

    value: str


@dataclass(frozen=True, slots=True)
class Bool(Ast):
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Ast):
    """NULL."""


@dataclass(frozen=True, slots=True)
class Param(Ast):
    """`:name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Operator(Ast):
    """An operator by the id of expr/emit.py: add, and, eq, between, in, like, is_null, distinct, ..."""

    op: str
    args: tuple[Ast, ...]


@dataclass(frozen=True, slots=True)
class CaseWhen(Ast):
    """CASE WHEN. operand is set for the simple form."""

    operand: Ast | None
    whens: tuple[tuple[Ast, Ast], ...]
    otherwise: Ast | None


@dataclass(frozen=True, slots=True)
class CastTo(Ast):
    """CAST(arg AS type text)."""

    arg: Ast
    type_text: str
    type_start: int


@dataclass(frozen=True, slots=True)
class FunctionCall(Ast):
    """name(args); star for COUNT(*)."""

    name: Ident
    args: tuple[Ast, ...]
    star: bool


@dataclass(frozen=True, slots=True)
class Dereference(Ast):
    """arg->field."""

    arg: Ast
    field: Ident


@dataclass(frozen=True, slots=True)
class Index(Ast):
    """arg[index]."""

    arg: Ast
    index: Ast


@dataclass(frozen=True, slots=True)
class ArrayOf(Ast):
    """ARRAY[item, ...]."""

    items: tuple[Ast, ...]


@dataclass(frozen=True, slots=True)
class MapOf(Ast):
    """MAP(key := value, ...)."""

    entries: tuple[tuple[Ast, Ast], ...]


@dataclass(frozen=True, slots=True)
class StructOf(Ast):
    """STRUCT(field := value, ...)."""

    fields: tuple[tuple[Ident, Ast], ...]


@dataclass(frozen=True, slots=True)
class LambdaOf(Ast):
    """(x, y) => body; names as written."""

    parameters: tuple[str, ...]
    body: Ast


@dataclass(frozen=True, slots=True)
class Selected(Ast):
    """One item of a projection: expression [AS alias]."""

    item: Ast
    alias: Ident | None


@dataclass(frozen=True, slots=True)
class StructStar(Ast):
    """`struct->*` in a projection: a column a field."""

    item: Ast
