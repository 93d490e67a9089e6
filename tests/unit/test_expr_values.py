"""Expressions over rows: what they give. One line a behaviour; sections follow the language's description."""

from __future__ import annotations

from decimal import Decimal

import pytest
from penstock.expr.analyze import analyze
from penstock.expr.compile import compile_condition, compile_expression
from penstock.expr.scope import Scope
from penstock.expr.stored import from_data, to_data
from penstock.types import sqltype as t
from penstock.types.parse import parse_type

COLUMNS = {
    "I": t.INT, "J": t.INT, "B": t.BIGINT, "D": t.DOUBLE, "X": t.decimal(10, 2), "Y": t.decimal(4, 1), "S": t.STRING, "Z": t.STRING, "F": t.BOOLEAN,
    "A": t.array(t.INT), "M": t.map_of(t.STRING, t.INT), "R": t.struct(("P", t.INT), ("q", t.STRING)), "TS": t.TIMESTAMP, "DT": t.DATE,
    "TM": t.TIME, "BY": t.BYTES, "ROWTIME": t.BIGINT, "if": t.INT, "len": t.STRING, "AD": t.array(t.DOUBLE),
}
SCOPE = Scope((("", COLUMNS),), {"limit": t.INT, "name": t.STRING})
PARAMETERS = {"limit": 3, "name": "ann"}
ROW: dict[str, object] = {
    "I": 7, "J": -2, "B": 5_000_000_000, "D": 1.5, "X": Decimal("2.50"), "Y": Decimal("0.3"), "S": "abc", "Z": None, "F": True, "A": [1, 2, None],
    "M": {"k": 1}, "R": {"P": 4, "q": None}, "TS": 1_590_537_598_123, "DT": 18_408, "TM": 45_296_789, "BY": b"\x01\xff", "ROWTIME": 1_590_537_598_123,
    "if": 3, "len": "xy", "AD": [1.0, 2.5],
}
ERROR = object()
"""The value is null and an error was reported."""


def evaluate(text: str, **changed: object) -> object:
    row = {**ROW, **changed}
    errors: list[Exception] = []
    expr = analyze(text, SCOPE)
    assert from_data(to_data(expr)) == expr
    value = compile_expression(expr, list(row), PARAMETERS, errors.append)(tuple(row.values()))
    if errors and value is None:
        return ERROR
    return value


def check(text: str, expected: object) -> None:
    value = evaluate(text)
    assert value == expected and type(value) is type(expected), f"{text} gave {value!r}"
    if isinstance(expected, Decimal):
        assert str(value) == str(expected)


@pytest.mark.parametrize(("text", "expected"), [
    ("1", 1), ("-2147483648", -2147483648), ("1.50", Decimal("1.50")), ("1.5E0", 1.5), ("'it''s'", "it's"), ("TRUE", True), (":limit", 3),
    ("I + 1", 8), ("I + J * 2", 3), ("(I + J) * 2", 10), ("I - -1", 8), ("-I", -7), ("- -I", 7), ("+I", 7),
    ("I / 2", 3), ("J / 3", 0), ("-7 / 2", -3), ("I / J", -3), ("-7 % 3", -1), ("I % J", 1), ("-I % J", -1),
    ("I / 0", ERROR), ("I % 0", ERROR), ("D / 0", float("inf")), ("-D / 0", float("-inf")), ("D % 1", 0.5),
    ("2147483647 + 1", -2147483648), ("I * 2147483647 * 2", -14), ("B * B", 6553255926290448384), ("9223372036854775807 + I", -9223372036854775802),
    ("-2147483648 / -1", -2147483648), ("I + B", 5_000_000_007), ("I + D", 8.5), ("B * D", 7.5e9), ("X * 2.0", Decimal("5.000")),
    ("X + I", Decimal("9.50")), ("X + Y", Decimal("2.80")), ("X - Y", Decimal("2.20")), ("X * Y", Decimal("0.750")), ("X / 2", Decimal("1.2500000000000")),
    ("X / 3", ERROR), ("X / 0", ERROR), ("X % Y", Decimal("0.10")), ("-X", Decimal("-2.50")), ("X + D", 4.0),
    ("S + 'd'", "abcd"), ("S + Z", "abcnull"), ("S || Z || 'd'", "abcd"), ("Z || Z", ""),
    ("CAST(NULL AS INT) + I", ERROR), ("`if` + 1", 4), ('"len" || \'!\'', "xy!"),
])
def test_literals_and_arithmetic(text: str, expected: object) -> None:
    check(text, expected)


@pytest.mark.parametrize(("text", "expected"), [
    ("I = 7", True), ("I <> 7", False), ("I != 8", True), ("I < B", True), ("I >= D", True), ("D = 1.5", True), ("X = 2.5", True), ("X > D", True),
    ("X = I", False), ("Y < 1", True), ("S = 'abc'", True), ("S < 'abd'", True), ("S > 'ABC'", True), ("S >= S", True), ("F = TRUE", True),
    ("BY = BY", True), ("A = A", True), ("Z = 'a'", False), ("Z <> 'a'", False), ("NOT (Z = 'a')", True), ("Z = Z", False),
    ("Z IS NULL", True), ("S IS NULL", False), ("S IS NOT NULL", True), ("'a' IS NULL", False), ("NULL IS NULL", True),
    ("Z IS DISTINCT FROM S", True), ("Z IS NOT DISTINCT FROM NULL", True), ("I IS DISTINCT FROM 7", False), ("X IS NOT DISTINCT FROM 2.5", True),
    ("I BETWEEN 7 AND 9", True), ("I BETWEEN 8 AND 9", False), ("I NOT BETWEEN 8 AND 9", True), ("X BETWEEN Y AND I", True),
    ("I + 1 BETWEEN 8 AND 8", True), ("S BETWEEN 'abb' AND 'abd'", True), ("Z BETWEEN 'a' AND 'b'", False), ("Z NOT BETWEEN 'a' AND 'b'", True),
    ("I IN (1, 7)", True), ("I NOT IN (1, 7)", False), ("I IN (1, 7.0)", True), ("I IN (1, '7')", True), ("I IN (J, 7)", True), ("Z IN ('a')", False),
    ("Z NOT IN ('a')", True), ("S IN (Z, 'abc')", True), ("S IN (1, 'abc')", True), ("I IN (NULL, 7)", True), ("Z IN (Z)", False),
    ("S LIKE 'a%'", True), ("S LIKE '_b_'", True), ("S LIKE 'b%'", False), ("S NOT LIKE 'b%'", True), ("'a%c' LIKE 'a!%c' ESCAPE '!'", True),
    ("S LIKE 'a!%' ESCAPE '!'", False), ("Z LIKE 'a'", ERROR), ("'a' LIKE 'a!' ESCAPE '!'", ERROR), ("'a!' LIKE 'a!!' ESCAPE '!'", True), ("S LIKE S", True), ("'a.c' LIKE 'a_c'", True), ("'abc' LIKE 'a.c'", False),
    ("TS > '2020-05'", True), ("TS < '2020-05-26T23:59:58.123'", False), ("TS = '2020-05-26T23:59:58.123Z'", True), ("TS > '2020-05-27T01:00:00+0200'", True),
    ("ROWTIME = '2020-05-26T23:59:58.123'", True), ("ROWTIME BETWEEN '2020' AND '2021'", True), ("DT = '2020-05-26'", True), ("DT < TS", True),
    ("TM > '12:34'", True), ("TM = '12:34:56.789'", True), ("DT BETWEEN '2020-05' AND '2020-06'", True),
    ("F AND I = 7", True), ("F OR CAST(Z AS BOOLEAN)", True), ("CAST(Z AS BOOLEAN) OR F", ERROR), ("NOT CAST(Z AS BOOLEAN)", ERROR), ("I = 8 AND CAST(Z AS BOOLEAN)", False),
    ("F AND CAST(Z AS BOOLEAN)", ERROR), ("NOT F", False), ("I = 1 OR I = 2 OR I = 7", True), ("F AND LEN(CAST(I AS STRING)) = 1", True),
    ("I = 0 OR 10 / (I - 7) > 1", ERROR), ("I = 7 OR 10 / (I - 7) > 1", True), ("Z = CAST(10 / (I - 7) AS STRING)", ERROR),
])
def test_comparison_and_logic(text: str, expected: object) -> None:
    check(text, expected)


@pytest.mark.parametrize(("text", "expected"), [
    ("CASE WHEN I > 5 THEN 'big' ELSE 'small' END", "big"), ("CASE WHEN I > 9 THEN 'big' END", None), ("CASE WHEN F THEN 1 ELSE 1 / 0 END", 1),
    ("CASE WHEN NOT F THEN 1 ELSE 1 / 0 END", ERROR), ("CASE WHEN I = 1 THEN NULL ELSE I END", 7), ("CASE WHEN CAST(Z AS BOOLEAN) THEN 1 ELSE 2 END", ERROR),
    ("CASE WHEN I = 1 THEN COALESCE(CAST(S AS INT), 1) WHEN I = 7 THEN COALESCE(CAST(S AS INT), 2) ELSE 3 END", 2),
    ("A[1]", 1), ("A[-2]", 2), ("A[0]", None), ("A[4]", None), ("A[-4]", None), ("A[I - 6]", 1), ("M['k']", 1), ("M['x']", None), ("R->P", 4),
    ("R->q", None), ("R->`q`", None), ("CAST(NULL AS STRUCT<P INT>)->P", None), ("COALESCE(Z, S, 'd')", "abc"), ("COALESCE(I + CAST(NULL AS INT), 1)", ERROR),
    ("COALESCE(CAST(S AS INT), 4)", 4), ("COALESCE(B, 0)", 5_000_000_000), ("IFNULL(Z, 'd')", "d"), ("NULLIF(S, 'abc')", None), ("NULLIF(S, 'x')", "abc"),
])
def test_case_access_and_conditionals(text: str, expected: object) -> None:
    value = evaluate(text)
    assert value == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("CAST(F AS STRING)", "true"), ("CAST(I AS BIGINT)", 7), ("CAST(I AS DOUBLE)", 7.0), ("CAST(I AS DECIMAL(4, 2))", Decimal("7.00")),
    ("CAST(B AS DECIMAL(4, 2))", ERROR), ("CAST(B AS INT)", 705032704), ("CAST(X AS INT)", 2), ("CAST(2.999 AS INT)", 2), ("CAST(X AS DECIMAL(3, 1))", Decimal("2.5")),
    ("CAST(2.45 AS DECIMAL(3, 1))", Decimal("2.5")), ("CAST(-2.45 AS DECIMAL(3, 1))", Decimal("-2.5")), ("CAST(99.96 AS DECIMAL(3, 1))", ERROR),
    ("CAST(X AS STRING)", "2.50"), ("CAST(D AS INT)", 1), ("CAST(1E20 AS BIGINT)", 9223372036854775807), ("CAST(-1E20 AS INT)", -2147483648),
    ("CAST(D AS DECIMAL(3, 2))", Decimal("1.50")), ("CAST(D AS STRING)", "1.5"), ("CAST(1E22 AS STRING)", "1.0E22"), ("CAST(1E7 AS STRING)", "1.0E7"),
    ("CAST(1.234E-5 AS STRING)", "1.234E-5"), ("CAST(0.001E0 AS STRING)", "0.001"), ("CAST('tr' AS BOOLEAN)", True), ("CAST('YES' AS BOOLEAN)", True),
    ("CAST('' AS BOOLEAN)", False), ("CAST('trues' AS BOOLEAN)", False), ("CAST(' 12 ' AS INT)", 12), ("CAST('1.5' AS INT)", ERROR),
    ("CAST('9999999999' AS INT)", ERROR), ("CAST('1e3' AS DOUBLE)", 1000.0), ("CAST('NaN' AS DOUBLE)", ERROR), ("CAST('1.255' AS DECIMAL(3, 2))", Decimal("1.26")),
    ("CAST('2020-05' AS DATE)", 18383), ("CAST('12:34' AS TIME)", 45_240_000), ("CAST('2020-05-26T23' AS TIMESTAMP)", 1_590_534_000_000),
    ("CAST('2020-13' AS DATE)", ERROR), ("CAST('AQI=' AS BYTES)", b"\x01\x02"), ("CAST('?' AS BYTES)", ERROR), ("CAST(TS AS STRING)", "2020-05-26T23:59:58.123"),
    ("CAST(TS AS DATE)", 18408), ("CAST(TS AS TIME)", 86_398_123), ("CAST(DT AS TIMESTAMP)", 1_590_451_200_000), ("CAST(DT AS STRING)", "2020-05-26"),
    ("CAST(TM AS STRING)", "12:34:56"), ("CAST(A AS ARRAY<STRING>)", ["1", "2", None]), ("CAST(A AS STRING)", "[1, 2, null]"),
    ("CAST(M AS STRING)", "{k=1}"), ("CAST(R AS STRING)", "Struct{P=4}"), ("CAST(R AS STRUCT<P BIGINT, N INT>)", {"P": 4, "N": None}),
    ("CAST(Z AS INT)", None), ("CAST(NULL AS INT)", None),
])
def test_casts(text: str, expected: object) -> None:
    check(text, expected)


@pytest.mark.parametrize(("text", "type_"), [
    ("1", "INT"), ("3000000000", "BIGINT"), ("0.05", "DECIMAL(3, 2)"), ("1.50", "DECIMAL(3, 2)"), ("1E0", "DOUBLE"), ("I + B", "BIGINT"),
    ("X + Y", "DECIMAL(11, 2)"), ("X * Y", "DECIMAL(15, 3)"), ("X / Y", "DECIMAL(16, 7)"), ("X % Y", "DECIMAL(5, 2)"), ("X + I", "DECIMAL(13, 2)"),
    ("X + B", "DECIMAL(22, 2)"), ("X + D", "DOUBLE"), ("A[1]", "INT"), ("R->q", "STRING"), ("R", "STRUCT<P INT, `q` STRING>"), ("S || S", "STRING"),
    ("CASE WHEN F THEN NULL ELSE X END", "DECIMAL(10, 2)"), ("GREATEST(X, Y)", "DECIMAL(10, 2)"), ("ROUND(X)", "DECIMAL(8, 0)"), ("IFNULL(I, B)", "BIGINT"),
])
def test_types(text: str, type_: str) -> None:
    assert analyze(text, SCOPE).type == parse_type(type_)
    assert str(parse_type(type_)) == type_


def test_nan_is_equal_to_nothing() -> None:
    nan = float("nan")
    assert [evaluate(f"D {sign} D", D=nan) for sign in ("=", "<>", "<", ">=")] == [False] * 4
    assert evaluate("X = D", D=nan) is ERROR


def test_text_is_ordered_by_utf16_units() -> None:
    assert evaluate("S < Z", S="\U0001f600", Z="\uffee") is True
    assert evaluate("BY < CAST('AQ==' AS BYTES)", BY=b"\xff") is True


def test_a_large_bigint_is_compared_with_a_double_as_a_double() -> None:
    assert evaluate("B = D", B=9007199254740993, D=9007199254740992.0) is True


def test_null_operands_are_errors_and_conditions_are_false() -> None:
    assert evaluate("I + 1", I=None) is ERROR
    assert evaluate("I + 1 IS NULL", I=None) is ERROR
    assert evaluate("D / 2", D=None) is ERROR
    assert evaluate("-X", X=None) is ERROR
    errors: list[Exception] = []
    holds = compile_condition(analyze("I / J > 1", SCOPE), ["I", "J"], report=errors.append)
    assert (holds((4, 2)), holds((4, 0)), holds((None, 1))) == (True, False, False)
    assert len(errors) == 2


def test_long_and_deep_expressions_compile() -> None:
    assert evaluate(" + ".join(["I"] * 90)) == 630
    assert evaluate(" OR ".join(f"I = {n}" for n in range(1000, 2000)) + " OR I = 7") is True
    assert evaluate("(" * 60 + "I" + ")" * 60) == 7
    assert evaluate("UCASE(" * 90 + "S" + ")" * 90) == "ABC"
    assert evaluate("CASE " + " ".join(f"WHEN I = {n} THEN COALESCE(CAST(S AS INT), {n})" for n in range(300)) + " END") == 7
