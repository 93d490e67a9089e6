"""Type text, common types and what a column takes from an append."""

from __future__ import annotations

from decimal import Decimal

import pytest
from penstock.errors import ExpressionError
from penstock.types.coerce import coerce_insert, common_type
from penstock.types.java import double_text, from_units, to_units, utf16_length
from penstock.types.parse import parse_type
from penstock.types.sqltype import Kind, SqlType
from penstock.types.times import parse_timestamp, timestamp_text


@pytest.mark.parametrize(("text", "shown"), [
    ("varchar", "STRING"), ("integer", "INT"), ("VARCHAR(20)", "STRING"), (" Decimal ( 4 , 2 ) ", "DECIMAL(4, 2)"), ("DECIMAL(5)", "DECIMAL(5, 0)"),
    ("map<string,array<int>>", "MAP<STRING, ARRAY<INT>>"), ("struct<a int, `b` double, \"c\"\"d\" date>", 'STRUCT<A INT, `b` DOUBLE, `c"d` DATE>'),
    ("STRUCT<>", "STRUCT<>"), ("character varying", "STRING"), ("STRUCT<TYPE STRUCT<`x``y` INT>>", "STRUCT<TYPE STRUCT<`x``y` INT>>"),
])
def test_type_text(text: str, shown: str) -> None:
    found = parse_type(text)
    assert str(found) == shown
    assert parse_type(shown) == found


@pytest.mark.parametrize("text", ["", "FOO", "ARRAY", "ARRAY<INT", "MAP<INT>", "DECIMAL", "DECIMAL(0)", "DECIMAL(2,3)", "INT INT", "STRUCT<A>", "STRUCT<A INT, A INT>",
                                  "ARRAY<" * 50 + "INT" + ">" * 50, "INT;"])
def test_bad_type_text(text: str) -> None:
    with pytest.raises(ExpressionError, match="expected"):
        parse_type(text)


def test_types_of_the_user() -> None:
    assert parse_type("ARRAY<address>", {"ADDRESS": SqlType(Kind.STRING)}.get) == parse_type("ARRAY<STRING>")


@pytest.mark.parametrize(("left", "right", "common"), [
    ("INT", "BIGINT", "BIGINT"), ("BIGINT", "DOUBLE", "DOUBLE"), ("INT", "DECIMAL(4, 2)", "DECIMAL(12, 2)"), ("DECIMAL(4, 2)", "DECIMAL(5, 1)", "DECIMAL(6, 2)"),
    ("DECIMAL(4, 2)", "DOUBLE", "DOUBLE"), ("ARRAY<INT>", "ARRAY<BIGINT>", "ARRAY<BIGINT>"), ("STRUCT<A INT>", "STRUCT<A BIGINT, B INT>", "STRUCT<A BIGINT, B INT>"),
])
def test_common_types(left: str, right: str, common: str) -> None:
    assert common_type(parse_type(left), parse_type(right)) == parse_type(common)


def test_no_common_type() -> None:
    with pytest.raises(TypeError, match="explicit casts"):
        common_type(parse_type("INT"), parse_type("STRING"))


@pytest.mark.parametrize(("value", "source", "target", "expected"), [
    (1, "INT", "BIGINT", 1), (1, "INT", "DOUBLE", 1.0), (1, "INT", "DECIMAL(3, 1)", Decimal("1.0")), (Decimal("1.50"), "DECIMAL(3, 2)", "DECIMAL(3, 1)", Decimal("1.5")),
    (Decimal("1.5"), "DECIMAL(2, 1)", "DOUBLE", 1.5), ("2020-01-01", "STRING", "DATE", 18262), ("AQ==", "STRING", "BYTES", b"\x01"), (None, "INT", "STRING", None),
    ([1], "ARRAY<INT>", "ARRAY<BIGINT>", [1]), ({"A": 1}, "STRUCT<A INT>", "STRUCT<A BIGINT, B INT>", {"A": 1, "B": None}),
])
def test_inserted(value: object, source: str, target: str, expected: object) -> None:
    assert coerce_insert(value, parse_type(source), parse_type(target), "F") == expected


@pytest.mark.parametrize(("value", "source", "target"), [
    (1, "BIGINT", "INT"), (1.5, "DOUBLE", "DECIMAL(3, 1)"), (Decimal("1.55"), "DECIMAL(3, 2)", "DECIMAL(3, 1)"), ("x", "STRING", "INT"), (1, "INT", "STRING"), ("x", "STRING", "DATE"),
    (100, "INT", "DECIMAL(2, 0)"), ({"Z": 1}, "STRUCT<Z INT>", "STRUCT<A INT>"),
])
def test_not_inserted(value: object, source: str, target: str) -> None:
    with pytest.raises(ValueError):
        coerce_insert(value, parse_type(source), parse_type(target), "F")


@pytest.mark.parametrize(("value", "text"), [
    (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (100.0, "100.0"), (9999999.0, "9999999.0"), (1e7, "1.0E7"), (1.25e10, "1.25E10"), (0.001, "0.001"), (0.00099, "9.9E-4"),
    (1e-5, "1.0E-5"), (1.7976931348623157e308, "1.7976931348623157E308"), (5e-324, "4.9E-324"), (-1e22, "-1.0E22"), (float("nan"), "NaN"), (float("-inf"), "-Infinity"),
])
def test_text_of_doubles(value: float, text: str) -> None:
    assert double_text(value) == text


def test_utf16() -> None:
    assert utf16_length("a\U0001f600") == 3
    assert from_units(to_units("a\U0001f600b")) == "a\U0001f600b"
    assert from_units(to_units("\U0001f600")[:1]) == "?"


@pytest.mark.parametrize(("text", "shown"), [
    ("2020", "2020-01-01T00:00:00.000"), ("2020-05-26T23", "2020-05-26T23:00:00.000"), ("2020-05-26T23:59:58.1", "2020-05-26T23:59:58.100"),
    ("2020-05-26T00:00+02:00", "2020-05-25T22:00:00.000"), ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999"),
])
def test_timestamps(text: str, shown: str) -> None:
    assert timestamp_text(parse_timestamp(text)) == shown
