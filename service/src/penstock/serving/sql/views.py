"""Views of a relation's rows with computed columns: what a SELECT over one relation shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from penstock_client.gen.penstock.v1 import types_pb2

from penstock.catalog.view import Served
from penstock.errors import RequestError
from penstock.expr.analyze import analyze, expect_boolean
from penstock.expr.compile import compile_condition, compile_expression
from penstock.expr.narrow import narrow
from penstock.expr.scope import Scope
from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import RelationKind
from penstock.serving.columns import Pick, View, base_columns
from penstock.serving.rows import Row, layout
from penstock.serving.values import from_value, type_of_value
from penstock.sql.parameters import Parameters
from penstock.sql.rows import RowQuery
from penstock.types.schema import Role


def read_parameters(given: Mapping[str, types_pb2.Value]) -> Parameters:
    """Values of `:name`. Raises INVALID_ARGUMENT."""
    try:
        types = {name: type_of_value(value) for name, value in given.items()}
        return {name: (of, None if of is None else from_value(given[name], of)) for name, of in types.items()}
    except ValueError as e:
        raise RequestError("INVALID_ARGUMENT", f"parameters: {e}", {"field": "parameters"}) from e


def row_view(served: Served, rows: RowQuery, parameters: Parameters) -> View:
    """The view of a query over this relation's base rows. Raises ExpressionError."""
    base = base_columns(served)
    names = [c.name for c in base]
    scope = Scope((("", {c.name: c.type for c in base}),), {n: kind for n, (kind, _) in parameters.items()}, rows.types)
    values = {n: value for n, (_, value) in parameters.items()}
    where = expect_boolean(rows.where, scope) if rows.where else None
    keep = None if where is None else compile_condition(where, names, values)
    identity = tuple(i for i, c in enumerate(base) if c.role in (Role.KEY, Role.WINDOW))
    table = served.kind is RelationKind.TABLE
    return View(base, layout(rows.columns, table), _picker(rows.items, names, scope, values), keep, identity,
                narrow(where, served.schema.key, values, served.window is not None))


def _picker(items: Sequence[str], names: Sequence[str], scope: Scope, values: Mapping[str, object]) -> Pick:
    expressions = [analyze(text, scope) for text in items]
    if all(isinstance(e, ColumnRef) for e in expressions):
        places = [names.index(e.name) for e in expressions if isinstance(e, ColumnRef)]
        if len(places) > 1:
            return itemgetter(*places)
        return lambda row: (row[places[0]],)
    computed: list[Callable[[Sequence[Any]], Any]] = [compile_expression(e, names, values) for e in expressions]

    def pick(row: Row) -> Row:
        return tuple([compute(row) for compute in computed])

    return pick
