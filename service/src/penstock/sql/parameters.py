"""Values of `:name` put into a statement as the literals that a person would write there, for queries that become topologies."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from penstock.expr import ast
from penstock.expr.ast import Ast
from penstock.sql.faults import refuse
from penstock.types import times
from penstock.types.sqltype import Kind, SqlType

Parameters = Mapping[str, tuple[SqlType | None, object]]
"""Type (None: null) and value by name."""

T = TypeVar("T", bound=Ast)


def bound(tree: T, parameters: Parameters) -> T:
    """The tree with values in the place of the parameters that are given. Raises ExpressionError for a value that cannot be written."""
    return tree if not parameters else _bound(tree, parameters)  # type: ignore[no-any-return]


def _bound(part: Any, parameters: Parameters) -> Any:
    if isinstance(part, ast.Param):
        return _literal(part, *parameters[part.name]) if part.name in parameters else part
    if isinstance(part, tuple):
        return tuple(_bound(one, parameters) for one in part)
    if not isinstance(part, Ast) or not is_dataclass(part):
        return part
    before = {f.name: getattr(part, f.name) for f in fields(part)}
    changed = {name: after for name, value in before.items() if (after := _bound(value, parameters)) is not value and after != value}
    return replace(part, **changed) if changed else part


def _literal(at: ast.Param, of: SqlType | None, value: Any) -> Ast:
    """An expression that has exactly this value and type."""
    start, end = at.start, at.end
    if of is None:
        return ast.Null(start, end)
    if value is None:
        return ast.CastTo(start, end, ast.Null(start, end), str(of), start)
    match of.kind:
        case Kind.BOOLEAN:
            return ast.Bool(start, end, value)
        case Kind.INT:
            return ast.Number(start, end, str(value))
        case Kind.STRING:
            return ast.Text(start, end, value)
        case Kind.ARRAY if value:
            return ast.ArrayOf(start, end, tuple(_literal(at, of.element, v) for v in value))
        case Kind.MAP if value:
            return ast.MapOf(start, end, tuple((_literal(at, of.key, k), _literal(at, of.element, v)) for k, v in value.items()))
        case Kind.STRUCT:
            return ast.StructOf(start, end, tuple((ast.Ident(start, end, name, True), _literal(at, field, value[name])) for name, field in of.fields))
        case Kind.ARRAY | Kind.MAP:
            raise refuse(f"parameter :{at.name} is an empty {of}: SQL has no constructor for one", at)
        case Kind.DOUBLE if not math.isfinite(value):
            raise refuse(f"parameter :{at.name} is {value}: SQL has no number for it", at)
    return ast.CastTo(start, end, ast.Text(start, end, _TEXT[of.kind](value)), str(of), start)


_TEXT: Mapping[Kind, Callable[[Any], str]] = {
    Kind.BIGINT: str, Kind.DOUBLE: repr, Kind.DECIMAL: lambda value: format(value, "f"), Kind.BYTES: lambda value: base64.b64encode(value).decode(),
    Kind.DATE: times.date_text, Kind.TIME: lambda value: times.timestamp_text(value)[11:], Kind.TIMESTAMP: times.timestamp_text,
}
