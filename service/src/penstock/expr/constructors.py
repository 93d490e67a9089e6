"""Typing of ARRAY[...], MAP(...) and STRUCT(...): elements are brought to a common type, fields keep their own."""

from __future__ import annotations

from penstock.errors import ExpressionError
from penstock.expr import ast
from penstock.expr.operators import mismatch, united
from penstock.expr.typed import Construct, Expr
from penstock.types import sqltype as t
from penstock.types.sqltype import SqlType


def array(tree: ast.ArrayOf, items: list[Expr]) -> Expr:
    """ARRAY[...]; empty ones and ones of nothing but NULL have no type and are refused."""
    element = _common(tree, "Array", items)
    return Construct(t.array(element), tuple(united(items, list(tree.items))))


def map_(tree: ast.MapOf, entries: list[tuple[Expr, Expr]]) -> Expr:
    """MAP(k := v, ...)."""
    keys = united([k for k, _ in entries], [k for k, _ in tree.entries])
    values = united([v for _, v in entries], [v for _, v in tree.entries])
    key, value = _common(tree, "Map", keys), _common(tree, "Map", values)
    return Construct(t.map_of(key, value), tuple(part for pair in zip(keys, values, strict=True) for part in pair))


def struct(tree: ast.StructOf, fields: list[tuple[ast.Ident, Expr]]) -> Expr:
    """STRUCT(f := x, ...)."""
    typed: list[tuple[str, SqlType]] = []
    for name, value in fields:
        written = name.text if name.quoted else name.text.upper()
        if any(written == other for other, _ in typed):
            raise ExpressionError(f"Duplicate field names found in STRUCT: {written}", name.start, name.end)
        if value.type is None:
            raise mismatch(f"the field {written} is NULL and has no type: use CAST(NULL AS ...)", name)
        typed.append((written, value.type))
    return Construct(t.struct(*typed), tuple(value for _, value in fields))


def _common(tree: ast.Ast, what: str, items: list[Expr]) -> SqlType:
    places = list(tree.items) if isinstance(tree, ast.ArrayOf) else [tree] * len(items)
    found = next((i.type for i in united(items, places) if i.type is not None), None)
    if found is None:
        why = f"{what} constructor cannot be empty: add an element" if not items else f"Cannot construct {what.lower()} with all NULL elements"
        raise mismatch(why + "; CAST gives a type to NULL", tree)
    return found
