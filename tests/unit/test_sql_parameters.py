"""Values of `:name` as literals (sql/parameters.py): every type comes back as it was."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from penstock.errors import ExpressionError
from penstock.expr import ast
from penstock.expr.analyze import analyze
from penstock.expr.compile import compile_expression
from penstock.expr.scope import Scope
from penstock.sql.parameters import bound
from penstock.sql.text import write
from penstock.types import sqltype as t
from penstock.types.sqltype import SqlType

PARAM = ast.Param(3, 7, "p")


@pytest.mark.parametrize(("of", "value"), [
    (t.BOOLEAN, True), (t.INT, -5), (t.BIGINT, 5), (t.BIGINT, -(1 << 63)), (t.DOUBLE, -1e-300), (t.decimal(4, 2), Decimal("-1.50")), (t.STRING, "it's"), (t.BYTES, b"\x00\xff"),
    (t.DATE, -1), (t.TIME, 86399999), (t.TIMESTAMP, 1600000000123), (t.array(t.BIGINT), [1, None]), (t.map_of(t.STRING, t.array(t.INT)), {"a": [1]}),
    (t.struct(("a", t.INT), ("B c", t.DATE)), {"a": 1, "B c": None}), (t.STRING, None),
])
def test_values(of: SqlType, value: object) -> None:
    text = write(bound(ast.Operator(0, 9, "is_null", (PARAM,)), {"p": (of, value)}).args[0], lambda part, inside: None)
    expr = analyze(text, Scope())
    assert expr.type == of and compile_expression(expr, [])([]) == value


def test_what_cannot_be_written() -> None:
    assert bound(PARAM, {"q": (t.INT, 1)}) is PARAM and isinstance(bound(PARAM, {"p": (None, None)}), ast.Null)
    for of, value in ((t.DOUBLE, math.nan), (t.array(t.INT), [])):
        with pytest.raises(ExpressionError, match="parameter :p is") as caught:
            bound(PARAM, {"p": (of, value)})
        assert (caught.value.start, caught.value.end) == (3, 7)
