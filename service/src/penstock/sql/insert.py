"""INSERT INTO ... VALUES: the row, its values coerced to the columns of the relation."""

from __future__ import annotations

from types import MappingProxyType

from penstock.errors import RequestError
from penstock.expr.analyze import analyze
from penstock.expr.ast import Ast
from penstock.expr.compile import compile_expression
from penstock.expr.scope import Scope
from penstock.plan.nodes import RelationKind
from penstock.plan.relations import RelationInfo
from penstock.sql import tree
from penstock.sql.catalog import SqlCatalog, lookup
from penstock.sql.effects import Insert
from penstock.sql.faults import folded, refuse
from penstock.sql.parameters import Parameters
from penstock.types.coerce import coerce_insert
from penstock.types.schema import Role
from penstock.types.sqltype import BIGINT


def insert_values(statement: tree.InsertValues, catalog: SqlCatalog, parameters: Parameters) -> Insert:
    """The row to append. parameters: types and values of `:name`. RequestError when the relation takes none, or the values do not fit."""
    info = lookup(catalog, statement.name)
    if info is None:
        raise refuse(f"Cannot insert values into an unknown stream/table: `{folded(statement.name)}`", statement.name, "UNKNOWN_RELATION")
    _refuse_read_only(statement, info, catalog)
    row: dict[str, object] = {}
    at: int | None = None
    for name, item in zip(_names(statement, info), statement.values, strict=True):
        value = coerced(item, name, info, catalog, parameters)
        if name == "ROWTIME":
            at = value  # type: ignore[assignment]
        else:
            row[name] = value
    keys = tuple(row.get(c.name) for c in info.schema.key)
    if info.kind is RelationKind.TABLE and any(k is None for k in keys):
        raise refuse(f"Failed to insert values into '{info.name}'. Value for primary key column(s) is required.", statement)
    key = None if all(k is None for k in keys) else keys
    return Insert("", info, key, {c.name: row.get(c.name) for c in info.schema.value}, at)


def coerced(item: Ast, name: str, info: RelationInfo, catalog: SqlCatalog, parameters: Parameters = MappingProxyType({})) -> object:
    """The value of an expression without columns, for a column of the relation or ROWTIME. Raises ExpressionError."""
    expr = analyze(item, Scope(parameters={n: of for n, (of, _) in parameters.items()}, types=catalog.types))
    value = compile_expression(expr, [], {n: v for n, (_, v) in parameters.items()}, report=_raise)([])
    column = info.schema.get(name)
    if name in ("ROWPARTITION", "ROWOFFSET"):
        raise refuse(f"Inserting into column `{name}` is not allowed.", item)
    if column is None and name != "ROWTIME":
        raise refuse(f"Column name {name} does not exist.", item, "UNKNOWN_COLUMN")
    if column is not None and column.role is Role.HEADER:
        raise refuse(f"Cannot insert into HEADER columns: {name}", item)
    try:
        return coerce_insert(value, expr.type, BIGINT if column is None else column.type, name, drops=True)
    except ValueError as error:
        raise refuse(str(error), item) from None


def _refuse_read_only(statement: tree.InsertValues, info: RelationInfo, catalog: SqlCatalog) -> None:
    if catalog.read_only(info.name):
        raise refuse(f"Cannot insert values into read-only {info.kind.value.lower()}: {info.name}", statement.name)
    if info.window is not None:
        raise refuse(f"Cannot insert values into windowed stream/table: {info.name}", statement.name)


def _names(statement: tree.InsertValues, info: RelationInfo) -> list[str]:
    """The column of each value."""
    plain = [c for c in info.schema if c.role is not Role.HEADER]
    names = [c.name for c in plain] if statement.columns is None else [folded(c) for c in statement.columns]
    if statement.columns is None and len(plain) < len(info.schema.columns):
        headers = ", ".join(c.name for c in info.schema if c.role is Role.HEADER)
        raise refuse(f"Cannot insert into HEADER columns: {headers}", statement.name)
    if len(names) != len(statement.values):
        raise refuse(f"Expected a value for each column. Expected number columns and values to match: {len(names)}, {len(statement.values)}", statement)
    return names


def _raise(error: Exception) -> None:
    raise RequestError("INVALID_EXPRESSION", str(error))
