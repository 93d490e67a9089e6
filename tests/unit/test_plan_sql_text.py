"""Typed expressions as SQL text: what EXPLAIN shows, analysed again, is the same expression."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.expr.analyze import analyze
from penstock.expr.scope import Scope
from penstock.expr.typed import Literal
from penstock.plan.sql_text import literal, to_sql
from penstock.types import sqltype as t

COLUMNS = {
    "I": t.INT, "L": t.BIGINT, "D": t.DOUBLE, "M": t.decimal(10, 2), "S": t.STRING, "B": t.BOOLEAN, "small": t.STRING, "A": t.array(t.INT),
    "MAP_": t.map_of(t.STRING, t.INT), "ST": t.struct(("X", t.INT), ("y", t.STRING)), "DAY": t.DATE, "AT": t.TIMESTAMP, "ROWTIME": t.BIGINT,
}
SCOPE = Scope((("", COLUMNS),))

TEXTS = [
    "I + L * 2", "(I + L) * 2", "I - (L - 1)", "I - L - 1", "-I", "-(I + 1)", "- -5", "I % 2 = 0", "D > 1", "D > 1.5", "M = 2.50", "L > 3000000000",
    "B AND (NOT B OR I > 1)", "(B OR B) AND B", "NOT (B AND B)", "NOT B AND B", "I > 1 AND I < 5 AND B", "S = 'it''s'", "S LIKE 'a%' ESCAPE '!'",
    "S NOT LIKE 'a%'", "I BETWEEN 1 AND 5", "I NOT BETWEEN L AND 5", "I IN (1, 2, L)", "S IS NULL", "(I + 1) IS NOT NULL", "I IS DISTINCT FROM L",
    "B = (I > 1)", "(I > 1) IS NULL", "CASE WHEN I > 1 THEN 'a' WHEN B THEN S ELSE NULL END", "CAST(I AS STRING) || S || `small`",
    "ST->X + 1", "ST->`y`", "A[1] + A[I]", "MAP_['k']", "UCASE(SUBSTRING(S, 1, 2))", "COALESCE(I, 0)", "DAY = '2020-01-31'",
    "AT > '2020-01-31T10:00:00'", "ROWTIME >= '2020-01-31'", "TRUE", "I / 2 * 3", "I / (2 * 3)", "CAST(NULL AS INT)", "1E3 + D", "1.0 + M",
]


@pytest.mark.parametrize("text", TEXTS)
def test_round_trip(text: str) -> None:
    expr = analyze(text, SCOPE)
    shown = to_sql(expr)
    assert to_sql(analyze(shown, SCOPE)) == shown
    if "NULL AS INT" not in text:
        assert analyze(shown, SCOPE) == expr, shown


@pytest.mark.parametrize(("text", "shown"), [
    ("i+l*2", "I + L * 2"), ("(i+l)*2", "(I + L) * 2"), ("small is null", "`small` IS NULL"), ("not(b and i>1)", "NOT (B AND I > 1)"),
    ("d+1>1", "D + 1.0E0 > 1"), ("s||'x'", "CONCAT(S, 'x')"),
])
def test_text(text: str, shown: str) -> None:
    assert to_sql(analyze(text, SCOPE)) == shown


def test_columns_of_joins_are_qualified() -> None:
    scope = Scope((("orders", {"ID": t.INT}), ("C", {"ID": t.INT})))
    assert to_sql(analyze("orders.id + c.id", scope), ("orders", "C")) == "`orders`.ID + C.ID"


@pytest.mark.parametrize(("value", "kind", "shown"), [
    (None, None, "NULL"), (5, t.INT, "5"), (-5, t.BIGINT, "-5"), (Decimal("2.50"), t.decimal(3, 2), "2.50"), (0, t.DATE, "'1970-01-01'"),
    (b"\x01\xff", t.BYTES, "TO_BYTES('01ff', 'hex')"), (float("inf"), t.DOUBLE, "CAST('Infinity' AS DOUBLE)"),
])
def test_literals(value: object, kind: t.SqlType | None, shown: str) -> None:
    assert literal(Literal(kind, value)) == shown


@given(st.recursive(
    st.sampled_from(["I", "L", "D", "1", "2.5", "3E0", "-4"]),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
    max_leaves=8,
))
def test_any_arithmetic(text: str) -> None:
    expr = analyze(text, SCOPE)
    assert to_sql(analyze(to_sql(expr), SCOPE)) == to_sql(expr)
