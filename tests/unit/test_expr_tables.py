"""The parser's tables: of the grammar as it is, without unit rules, and the same trees as with them."""

from __future__ import annotations

import pytest
from lark import Lark
from penstock.errors import ExpressionError
from penstock.expr import tables
from penstock.expr.parser import Builder, parse_expression, parse_projection, run_parser

TEXTS = (
    "a", "`a`.`b`", "a.b + 1 * -2 % 3", "NOT a OR b AND c = d", "x BETWEEN 1 AND 2 + 3 AND y", "f(a, (b), g(*)) || 'x' LIKE '%' ESCAPE '!'", "((((a))))",
    "CASE a WHEN 1 THEN 'x' ELSE 'y' END", "CASE WHEN a IS NOT NULL THEN b END", "CAST(a AS MAP<STRING, INT>)[1]->f", "ARRAY[1, a + 1][2]", "MAP('a' := b)",
    "STRUCT(a := 1, b := c->d)", "TRANSFORM(a, (x, y) => x + y)", "a IN (1, 2) AND b NOT IN (c)", "a IS DISTINCT FROM b", "t AT TIME ZONE 'UTC' > u", ":p + 1",
)
WRONG = ("", "a +", "(a", "a b c", "a BETWEEN 1", "CASE WHEN a END", "f(a", "a IN ()", "1 2", "a..b", "NOT", "a = = b", "CAST(a INT)", "ARRAY[1", "x -> 1")


def test_tables_belong_to_the_grammar() -> None:
    assert tables.is_current(), "the grammar has changed: python -m penstock.expr.tables"


def test_trees_are_those_of_the_grammar() -> None:
    plain = Lark(tables.grammar(), parser="lalr", start=["expression"], transformer=Builder(), maybe_placeholders=True)
    for text in TEXTS:
        assert parse_expression(text) == run_parser(plain, text, "expression"), text
    for text in WRONG:
        with pytest.raises(ExpressionError) as ours:
            parse_expression(text)
        with pytest.raises(ExpressionError) as theirs:
            run_parser(plain, text, "expression")
        assert (ours.value.start, ours.value.end) == (theirs.value.start, theirs.value.end), text


def test_columns_in_backquotes_are_read_as_the_grammar_reads_them() -> None:
    plain = Lark(tables.grammar(), parser="lalr", start=["expression", "projection"], transformer=Builder(), maybe_placeholders=True)
    for text in ("`a`", "`a``b`", "`a b`.`c.d`", "`A`.`b`", "````"):
        assert parse_expression(text) == run_parser(plain, text, "expression")
        assert parse_projection(text) == run_parser(plain, text, "projection")


def test_what_is_missing_is_said_and_not_every_operator() -> None:
    with pytest.raises(ExpressionError, match=r"unexpected 'THEN': expected '\)' or ','$"):
        parse_expression("f(a THEN")
    with pytest.raises(ExpressionError, match=r"ends early: expected THEN$"):
        parse_expression("CASE WHEN a > 1")
