"""Expressions that are refused: reason, place and help; and random text, which must never do anything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.errors import ExpressionError
from penstock.expr.analyze import analyze, analyze_aggregate, analyze_projection, expect_boolean
from penstock.expr.ast import Selected, Star
from penstock.expr.compile import compile_expression
from penstock.expr.parser import parse_expression, parse_projection
from penstock.expr.scope import Scope
from penstock.expr.stored import from_data, to_data
from penstock.expr.tree import columns_of, default_name, is_deterministic
from penstock.expr.typed import ColumnRef
from penstock.types import sqltype as t

COLUMNS = {"AMOUNT": t.INT, "NAME": t.STRING, "camel": t.INT, "Dup": t.INT, "DUp": t.INT, "FLAG": t.BOOLEAN, "TAGS": t.array(t.STRING),
           "PRICE": t.decimal(5, 2), "S": t.struct(("X", t.INT)), "M": t.map_of(t.STRING, t.INT), "TS": t.TIMESTAMP}
SCOPE = Scope((("", COLUMNS),))
JOIN = Scope((("o", {"ID": t.INT, "N": t.STRING}), ("P", {"ID": t.INT, "COST": t.INT})))


@pytest.mark.parametrize(("text", "reason", "start", "end"), [
    ("", "INVALID_EXPRESSION", 0, 0), ("AMOUNT +", "INVALID_EXPRESSION", 8, 8), ("AMOUNT AMOUNT", "INVALID_EXPRESSION", 7, 13), ("(AMOUNT", "INVALID_EXPRESSION", 7, 7),
    ("'abc", "INVALID_EXPRESSION", 0, 4), ("AMOUNT ? 1", "INVALID_EXPRESSION", 7, 8), ("AND", "INVALID_EXPRESSION", 0, 3), ("f(x => 1)", "UNKNOWN_FUNCTION", 0, 1), ("UCASE(x => 1)", "INVALID_EXPRESSION", 6, 12),
    ("ARRAY[]", "TYPE_MISMATCH", 0, 7), ("ARRAY[NULL]", "TYPE_MISMATCH", 0, 11), ("MAP(1 := NULL)", "TYPE_MISMATCH", 0, 14), ("CASE AMOUNT WHEN 1 THEN 2 END", "UNSUPPORTED", 0, 11),
    ("1 + AMUONT", "UNKNOWN_COLUMN", 4, 10), ("`name`", "UNKNOWN_COLUMN", 0, 6), ("dup", "UNKNOWN_COLUMN", 0, 3), ("x.NAME", "UNKNOWN_COLUMN", 0, 1),
    ("S->Y", "UNKNOWN_COLUMN", 3, 4), ("UCAES(NAME)", "UNKNOWN_FUNCTION", 0, 5), ("UCASE(AMOUNT)", "INVALID_EXPRESSION", 0, 13), ("UCASE()", "INVALID_EXPRESSION", 0, 7),
    ("SUM(AMOUNT)", "INVALID_EXPRESSION", 0, 11), ("EXPLODE(TAGS)", "INVALID_EXPRESSION", 0, 13), ("UCASE(*)", "INVALID_EXPRESSION", 0, 8), (":x", "INVALID_EXPRESSION", 0, 2),
    ("AMOUNT = 'a'", "TYPE_MISMATCH", 0, 12), ("AMOUNT = NULL", "TYPE_MISMATCH", 0, 13), ("AMOUNT + NAME", "TYPE_MISMATCH", 0, 13), ("NULL + 1", "TYPE_MISMATCH", 0, 8),
    ("NOT AMOUNT", "TYPE_MISMATCH", 4, 10), ("FLAG AND 1", "TYPE_MISMATCH", 9, 10), ("FLAG < TRUE", "TYPE_MISMATCH", 0, 11), ("-NAME", "TYPE_MISMATCH", 0, 5),
    ("TAGS['a']", "TYPE_MISMATCH", 5, 8), ("S['X']", "TYPE_MISMATCH", 0, 1), ("M[1]", "TYPE_MISMATCH", 2, 3), ("NAME->x", "TYPE_MISMATCH", 0, 4),
    ("CAST(FLAG AS INT)", "TYPE_MISMATCH", 0, 17), ("CAST(NAME AS FOO)", "INVALID_EXPRESSION", 13, 16), ("CAST(NAME AS DECIMAL(2, 3))", "INVALID_EXPRESSION", 24, 25),
    ("CASE WHEN FLAG THEN 1 ELSE 'a' END", "TYPE_MISMATCH", 27, 30), ("CASE WHEN FLAG THEN NULL END", "TYPE_MISMATCH", 0, 28), ("CASE WHEN 1 THEN 1 END", "TYPE_MISMATCH", 10, 11),
    ("TS > 'yesterday'", "TYPE_MISMATCH", 0, 16), ("AMOUNT IN ('x')", "TYPE_MISMATCH", 11, 14), ("NAME IN (AMOUNT)", "TYPE_MISMATCH", 9, 15), ("NAME LIKE 1", "TYPE_MISMATCH", 10, 11),
    ("NAME LIKE 'a' ESCAPE 'ab'", "INVALID_EXPRESSION", 21, 25), ("99999999999999999999", "INVALID_EXPRESSION", 0, 20), ("1E999", "INVALID_EXPRESSION", 0, 5),
    ("NOT " * 150 + "FLAG", "INVALID_EXPRESSION", 400, 604),
])
def test_refused(text: str, reason: str, start: int, end: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        analyze(text, SCOPE)
    assert (caught.value.reason, caught.value.start, caught.value.end) == (reason, start, end)


def test_help_in_errors() -> None:
    with pytest.raises(ExpressionError, match="did you mean AMOUNT") as caught:
        analyze("amuont > 1", SCOPE)
    assert caught.value.metadata == {"column": "amuont", "candidates": "AMOUNT"}
    with pytest.raises(ExpressionError, match="expected an expression"):
        analyze("1 + ", SCOPE)
    with pytest.raises(ExpressionError, match="IS NULL"):
        analyze("NAME = NULL", SCOPE)


@pytest.mark.parametrize(("text", "column"), [
    ("amount", "AMOUNT"), ("AMOUNT", "AMOUNT"), ("CAMEL", "camel"), ("camel", "camel"), ("`camel`", "camel"), ('"camel"', "camel"), ("Dup", "Dup"),
])
def test_identifiers(text: str, column: str) -> None:
    assert analyze(text, SCOPE) == ColumnRef(COLUMNS[column], column)


def test_joins_name_their_sources() -> None:
    assert analyze("O.ID", JOIN) == ColumnRef(t.INT, "ID", 0)
    assert analyze("p.id", JOIN) == ColumnRef(t.INT, "ID", 1)
    assert analyze("cost", JOIN) == ColumnRef(t.INT, "COST", 1)
    with pytest.raises(ExpressionError, match="ambiguous"):
        analyze("ID", JOIN)
    assert columns_of(analyze("o.ID + P.ID * COST", JOIN)) == {(0, "ID"), (1, "ID"), (1, "COST")}


@pytest.mark.parametrize(("text", "name"), [
    ("amount", "AMOUNT"), ("`camel`", "camel"), ("s->x", "X"), ("s->name", "NAME_1"), ("amount + 1", "KSQL_COL_4"), ("x.amount", "AMOUNT"),
])
def test_default_names(text: str, name: str) -> None:
    assert default_name(parse_expression(text), {"NAME", "KSQL_COL_3"}, 3) == name


def test_projections() -> None:
    assert isinstance(parse_projection("*"), Star)
    star = parse_projection("o.*")
    assert isinstance(star, Star) and star.source is not None and star.source.text == "o"
    for text in ("amount + 1 AS total", "amount + 1 total"):
        item = parse_projection(text)
        assert isinstance(item, Selected) and item.alias is not None and item.alias.text == "total"
    exploded = analyze_projection("EXPLODE(SPLIT(name, ' '))", SCOPE)
    assert exploded.explodes and exploded.type == t.STRING
    assert not analyze_projection("amount", SCOPE).explodes
    with pytest.raises(ExpressionError, match="takes an ARRAY"):
        analyze_projection("EXPLODE(name)", SCOPE)


def test_conditions_must_be_boolean() -> None:
    assert expect_boolean("flag", SCOPE).type == t.BOOLEAN
    with pytest.raises(ExpressionError, match="must be BOOLEAN"):
        expect_boolean("amount", SCOPE)


def test_determinism() -> None:
    assert is_deterministic(analyze("amount + 1", SCOPE))
    assert not is_deterministic(analyze("UCASE(UUID())", SCOPE))


@pytest.mark.parametrize("text", [
    "SUM(name)", "SUM()", "SUM(amount, 1)", "SUM(*)", "TOPK(amount)", "TOPK(amount, 0)", "TOPK(amount, amount)", "AVG(price)", "LATEST_BY_OFFSET(amount, 0)", "CORRELATION(amount)", "ATTR()",
    "MIN(tags)", "amount", "UCASE(name)",
])
def test_aggregates_that_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        analyze_aggregate(text, SCOPE)


WORDS = st.sampled_from([
    "amount", "NAME", "flag", "tags", "price", "s", "m", "ts", "1", "2.50", "1e3", "'a'", "'%'", "NULL", "TRUE", "(", ")", "[", "]", "+", "-", "*", "/", "%", "||", "=",
    "<>", "<", ">=", "AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "IS", "DISTINCT FROM", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST(", "AS", "INT", "DECIMAL(4,2)",
    "->", "x", ",", ".", "UCASE(", "COALESCE(", "SUBSTRING(", "ARRAY_LENGTH(", ":p", "`", '"', "=>", "--", "ß", "\U0001f600",
])


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(WORDS, max_size=12).map(" ".join), st.text(max_size=30)))
def test_random_text_is_an_expression_or_an_expression_error(text: str) -> None:
    try:
        expr = analyze(text, SCOPE)
    except ExpressionError as error:
        assert 0 <= error.start <= error.end <= len(text)
        return
    assert from_data(to_data(expr)) == expr
    assert compile_expression(expr, list(COLUMNS))((None,) * len(COLUMNS)) is None or expr.type is not None


LEAVES = st.sampled_from(["amount", "price", "2", "0", "2.5", "1e0", "camel", "NULL"])
NUMBERS = st.recursive(LEAVES, lambda inner: st.one_of(
    st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda p: f"({' '.join(p)})"), inner.map(lambda p: f"(- {p})"),
    st.tuples(inner, inner).map(lambda p: f"COALESCE({p[0]}, {p[1]})"), inner.map(lambda p: f"CAST({p} AS BIGINT)"),
    st.tuples(inner, inner).map(lambda p: f"CASE WHEN {p[0]} > 1 THEN {p[1]} END")), max_leaves=20)


@settings(max_examples=300, deadline=None)
@given(NUMBERS, st.sampled_from([0, 1, -7, 2147483647, None]))
def test_random_arithmetic_gives_a_value_of_its_type(text: str, amount: int | None) -> None:
    try:
        expr = analyze(text, SCOPE)
    except ExpressionError:
        return
    row = [amount if c == "AMOUNT" else 3 if c == "camel" else None for c in COLUMNS]
    value = compile_expression(expr, list(COLUMNS))(row)
    if value is not None:
        assert expr.type is not None
        assert type(value).__name__ == {"INT": "int", "BIGINT": "int", "DOUBLE": "float", "DECIMAL": "Decimal"}[expr.type.kind.value]
        if isinstance(value, int):
            assert -(1 << 63) <= value < 1 << 63
