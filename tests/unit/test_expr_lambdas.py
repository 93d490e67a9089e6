"""Constructors, lambdas and the functions with units: values, types, refusals, and that plans keep them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from penstock.errors import ExpressionError
from penstock.expr.analyze import analyze, analyze_projection
from penstock.expr.compile import compile_expression
from penstock.expr.functions.arrays import combinations
from penstock.expr.scope import Scope
from penstock.expr.stored import from_data, to_data
from penstock.plan.sql_text import to_sql
from penstock.types import sqltype as t

COLUMNS = {"A": t.array(t.INT), "M": t.map_of(t.STRING, t.INT), "N": t.INT, "S": t.STRING, "D": t.DATE, "H": t.TIME, "TS": t.TIMESTAMP}
SCOPE = Scope((("", COLUMNS),))
ROW = [[3, 1, None], {"a": 1, "b": 2}, 5, "x", 10, 1000, 5_000]


@pytest.mark.parametrize(("text", "kind", "value"), [
    ("ARRAY[1, N, NULL]", "ARRAY<INT>", [1, 5, None]), ("ARRAY[1, 2.5]", "ARRAY<DECIMAL(11, 1)>", [Decimal("1.0"), Decimal("2.5")]),
    ("ARRAY[N / 0, 2]", "ARRAY<INT>", [None, 2]), ("MAP('k' := N, S := 2)", "MAP<STRING, INT>", {"k": 5, "x": 2}),
    ("STRUCT(a := N, `b` := S)->`b`", "STRING", "x"), ("ARRAY[1, 2, 3][-1]", "INT", 3),
    ("TRANSFORM(A, x => x * N)", "ARRAY<INT>", None), ("TRANSFORM(FILTER(A, x => x IS NOT NULL), x => x * N)", "ARRAY<INT>", [15, 5]),
    ("FILTER(M, (k, v) => v > 1)", "MAP<STRING, INT>", {"b": 2}), ("TRANSFORM(M, (k, v) => UCASE(k), (k, v) => v + N)", "MAP<STRING, INT>", {"A": 6, "B": 7}),
    ("TRANSFORM(M, (k, v) => 'same', (k, v) => v)", "MAP<STRING, INT>", None), ("REDUCE(M, 0, (acc, k, v) => acc + v)", "INT", 3),
    ("REDUCE(FILTER(A, x => x > 0), N, (acc, x) => acc + x)", "INT", 9), ("REDUCE(CAST(NULL AS ARRAY<INT>), 7, (acc, x) => acc + x)", "INT", 7),
    ("TRANSFORM(A, x => REDUCE(ARRAY[1, 2], 0, (acc, y) => acc + y))", "ARRAY<INT>", [3, 3, 3]),
    ("DATEADD(DAYS, N, D)", "DATE", 15), ("DATESUB(HOUR, 1, D)", "DATE", 9), ("TIMEADD(SECONDS, 2, H)", "TIME", 3000), ("TIMESUB(MINUTE, 1, H)", "TIME", 86_341_000),
    ("TIMESTAMPADD(MILLISECONDS, N, TS)", "TIMESTAMP", 5_005), ("TIMESTAMPSUB(SECOND, N, TS)", "TIMESTAMP", 0),
])
def test_values(text: str, kind: str | None, value: object) -> None:
    if kind is None:
        with pytest.raises(ExpressionError):
            analyze(text, SCOPE)
        return
    expr = analyze(text, SCOPE)
    assert str(expr.type) == kind
    found = compile_expression(expr, list(COLUMNS))(ROW)
    assert found == value if text != "TRANSFORM(A, x => x * N)" else found is None
    assert from_data(to_data(expr)) == expr


@pytest.mark.parametrize("text", ["TRANSFORM(A, x => x + 1)", "REDUCE(M, 0, (acc, k, v) => acc + v)", "MAP('k' := N)", "STRUCT(A := N, `b` := S)", "ARRAY[N]"])
def test_text_means_the_same(text: str) -> None:
    expr = analyze(text, SCOPE)
    assert analyze(to_sql(expr), SCOPE) == expr


@pytest.mark.parametrize("text", [
    "TRANSFORM(A, n => n)", "TRANSFORM(A, x => TRANSFORM(A, x => x))", "TRANSFORM(A, (x, y) => x)", "TRANSFORM(N, x => x)", "TRANSFORM(x => x, A)",
    "FILTER(A, x => x)", "REDUCE(A, 'a', (acc, x) => x)", "x => x", "UCASE(x => x)", "STRUCT(a := 1, A := 2)", "STRUCT(a := NULL)", "ARRAY['a', N]", "MAP()",
    "DATEADD('DAYS', 1, D)", "DATEADD(WEEKS, 1, D)", "DATESUB(DAYS, D, 4)",
])
def test_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        analyze(text, SCOPE)


def test_cube_explode() -> None:
    found = analyze_projection("CUBE_EXPLODE(A)", SCOPE)
    assert found.explodes and found.type == t.array(t.INT)
    assert combinations([1, 2]) == [[None, None], [None, 2], [1, None], [1, 2]]
    assert combinations([1, None]) == [[None, None], [1, None]]
    with pytest.raises(ValueError, match="20"):
        combinations([1] * 21)
