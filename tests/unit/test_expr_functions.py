"""Built-in functions, a line a behaviour."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from penstock.errors import RequestError
from penstock.expr.analyze import analyze
from penstock.expr.catalog import describe, list_functions
from penstock.expr.compile import compile_expression
from penstock.expr.functions import FUNCTIONS
from penstock.expr.functions.registry import compile_call
from penstock.expr.scope import Scope
from penstock.types import sqltype as t

COLUMNS = {"N": t.STRING, "NI": t.INT, "A": t.array(t.INT), "B": t.array(t.INT), "NA": t.array(t.INT), "T": t.array(t.STRING), "M": t.map_of(t.STRING, t.INT),
           "BY": t.BYTES, "X": t.decimal(4, 2), "E": t.STRING, "L": t.array(t.DOUBLE), "S": t.array(t.struct(("F", t.INT)))}
ROW = (None, None, [3, None, 1, 3], [3, 4], None, ["b", "a"], {"b": 2, "a": 1}, b"\x00\x01\xfe\xff", Decimal("-1.25"), "a\U0001f600b", [1.0, 1e7],
       [{"F": 1}, {"F": 1}])
ERROR = "an error, so null"


def evaluate(text: str) -> object:
    errors: list[Exception] = []
    value = compile_expression(analyze(text, Scope((("", COLUMNS),))), list(COLUMNS), report=errors.append)(ROW)
    return ERROR if errors else value


@pytest.mark.parametrize(("text", "expected"), [
    ("ABS(-3)", 3), ("ABS(-2147483648)", -2147483648), ("ABS(X)", Decimal("1.25")), ("ABS(-1.5E0)", 1.5), ("ABS(NI)", None), ("CEIL(1.20)", Decimal("2.00")),
    ("FLOOR(X)", Decimal("-2.00")), ("FLOOR(-1.5E0)", -2.0), ("CEIL(7)", 7), ("ROUND(-1.5E0)", -1), ("ROUND(2.5E0)", 3), ("ROUND(0.49999999999999994E0)", 0),
    ("ROUND(1.255E0, 2)", 1.26), ("ROUND(-1.255E0, 2)", -1.25), ("ROUND(155E0, -1)", 160.0), ("ROUND(X)", Decimal("-1")), ("ROUND(X, 1)", Decimal("-1.20")),
    ("ROUND(7)", 7), ("ROUND(NI)", ERROR), ("TRUNC(-1.9E0)", -1), ("TRUNC(X, 1)", Decimal("-1.20")), ("TRUNC(1.999E0, 2)", 1.99), ("SIGN(-2)", -1), ("SIGN(0)", 0),
    ("SQRT(9)", 3.0), ("CBRT(27)", pytest.approx(3.0)), ("EXP(0)", 1.0), ("EXP(1000)", math.inf), ("LN(0)", -math.inf), ("LOG(1)", 0.0), ("LOG(2, 8)", pytest.approx(3.0)),
    ("POWER(2, 10)", 1024.0), ("POWER(0, -1)", math.inf), ("POWER(-10, 1001)", -math.inf), ("COT(0)", math.inf), ("ATAN2(1, 1)", pytest.approx(math.pi / 4)), ("PI()", math.pi),
    ("DEGREES(PI())", pytest.approx(180.0)), ("GREATEST(1, NULL, 3)", 3), ("LEAST('b', N, 'a')", "a"), ("GREATEST(1.5, 2.5)", Decimal("2.5")), ("LEAST(NI, NI)", None),
    ("SINH(1000)", math.inf), ("SINH(-1000)", -math.inf), ("GEO_DISTANCE(37.4, -122.1, 51.5, -0.1)", pytest.approx(8634.0, abs=5)),
    ("GEO_DISTANCE(0, 0, 0, 1, 'MI')", pytest.approx(69.09, abs=0.1)), ("GEO_DISTANCE(0, 0, 0, 0, N)", 0.0), ("GEO_DISTANCE(0, 0, 0, NI)", ERROR), ("GEO_DISTANCE(91, 0, 0, 0)", ERROR),
    ("UNIX_DATE(GREATEST(FROM_DAYS(1), '1970-01-03'))", 2), ("GEO_DISTANCE(0, 0, 0, 0, 'yard')", ERROR), ("X * 0", Decimal("0.00")), ("-0.0", Decimal("0.0")),
    ("ROUND(X, -1)", Decimal("0.00")), ("CAST(-0.001 AS DECIMAL(4, 2))", Decimal("0.00")), ("CEIL(-0.5)", Decimal("0.0")),
])
def test_numbers(text: str, expected: object) -> None:
    value = evaluate(text)
    assert value == expected
    if isinstance(expected, Decimal):
        assert str(value) == str(expected)


@pytest.mark.parametrize("text", ["SQRT(-1)", "LN(-1)", "LOG(1, 5)", "ASIN(2)", "SIN(1E308 * 10)"])
def test_not_a_number(text: str) -> None:
    value = evaluate(text)
    assert isinstance(value, float) and math.isnan(value)


@pytest.mark.parametrize(("text", "expected"), [
    ("SPLIT('', '')", [""]), ("REGEXP_SPLIT_TO_ARRAY('', '')", [""]), ("INITCAP('ß')", "ß"), ("URL_DECODE_PARAM('50%')", ERROR),
    ("TO_BYTES('YQ', 'base64')", b"a"), ("TO_BYTES('Y', 'base64')", ERROR), ("EXTRACTJSONFIELD('{\"a\":1e5}', '$.a')", "1E+5"),
    ("EXTRACTJSONFIELD('[0.10, 12345678901234567890]', '$')", "[0.10,12345678901234567890]"),
    ("CONCAT('a', N, 'b')", "ab"), ("CONCAT_WS('-', 'a', N, 'b')", "a-b"), ("CONCAT_WS(N, 'a', 'b')", None), ("LEN(E)", 4), ("LEN(BY)", 4), ("LEN(N)", None),
    ("UCASE('aß')", "ASS"), ("LCASE('AB')", "ab"), ("INITCAP('  hello   wORLD')", "Hello   World"), ("TRIM(' a\t')", "a"),
    ("SUBSTRING('hello', 2)", "ello"), ("SUBSTRING('hello', 2, 2)", "el"), ("SUBSTRING('hello', 0, 2)", "he"), ("SUBSTRING('hello', -3, 2)", "ll"), ("SUBSTRING('hello', -9)", "hello"),
    ("SUBSTRING('hello', 9)", ""), ("SUBSTRING('hello', 2, -1)", ""), ("SUBSTRING(E, 4)", "b"), ("SUBSTRING(E, 2, 2)", "\U0001f600"), ("SUBSTRING(BY, 2, 2)", b"\x01\xfe"), ("SUBSTRING('a', NI)", None),
    ("LPAD('a', 4, 'xy')", "xyxa"), ("RPAD('a', 4, 'xy')", "axyx"), ("LPAD('abc', 2, 'x')", "ab"), ("LPAD('a', -1, 'x')", None), ("LPAD('a', 2, '')", None),
    ("REPLACE('aXbX', 'X', 'y')", "ayby"), ("INSTR('hello', 'l')", 3), ("INSTR('hello', 'l', 4)", 4), ("INSTR('hello', 'l', 1, 2)", 4), ("INSTR('hello', 'l', -1)", 4),
    ("INSTR('hello', 'l', -2, 2)", 3), ("INSTR('hello', 'l', 9)", 0), ("INSTR(N, 'l')", 0), ("INSTR('a', 'a', NI)", ERROR),
    ("SPLIT('a,,b', ',')", ["a", "", "b"]), ("SPLIT('abc', '')", ["a", "b", "c"]), ("SPLIT(N, ',')", None), ("SPLIT_TO_MAP('a:1/b:2:3/c', '/', ':')", {"a": "1", "b": "2"}),
    ("SPLIT_TO_MAP('a', '', ':')", None), ("ELT(2, 'a', 'b')", "b"), ("ELT(3, 'a', 'b')", None), ("FIELD('b', 'a', 'b')", 2), ("FIELD(N, 'a')", 0), ("CHR(75)", "K"), ("CHR(-1)", None),
    ("CHR('\\u004b')", "K"), ("CHR('K')", None), ("ENCODE('A', 'ascii', 'hex')", "41"), ("ENCODE('0x414', 'hex', 'base64')", "BBQ="), ("ENCODE('a', 'hex', 'hex')", ERROR), ("ENCODE('414', 'hex', 'utf8')", ERROR), ("ENCODE('X''41''', 'hex', 'utf8')", "A"),
    ("COALESCE(NULL, 'a')", "a"), ("ARRAY_JOIN(ARRAY_UNION(T, T), '')", "ba"),
    ("TO_BYTES('fe', 'hex')", b"\xfe"), ("FROM_BYTES(BY, 'HEX')", "0001FEFF"), ("FROM_BYTES(BY, 'x')", ERROR), ("INT_FROM_BYTES(BY)", 0x1FEFF), ("INT_FROM_BYTES(BY, 'LITTLE_ENDIAN')", -130816),
    ("BIGINT_FROM_BYTES(BY)", ERROR), ("MASK('AbC 12-é')", "XxX-nn-x"), ("MASK('Ab1', '*', NULL, '#', NULL)", "*b#"), ("MASK('a', 'xx', 'y', 'z', 'w')", ERROR), ("MASK(N)", None),
    ("MASK_LEFT('Ab12', 2)", "Xx12"), ("MASK_RIGHT('Ab12', 2)", "Abnn"), ("MASK_KEEP_LEFT('Ab12', 3)", "Ab1n"), ("MASK_KEEP_RIGHT('Ab12', 1)", "Xxn2"), ("MASK_LEFT('a', -1)", ERROR),
    ("MASK_KEEP_RIGHT('Ab12', 9)", "Ab12"), ("MD5('a')", "0cc175b9c0f1b6a831c399e269772661"), ("URL_ENCODE_PARAM('a b&~')", "a+b%26%7E"), ("URL_DECODE_PARAM('a+b%26')", "a b&"),
    ("REGEXP_EXTRACT('a(.)', 'xab')", "ab"), ("REGEXP_EXTRACT('a(.)', 'xab', 1)", "b"), ("REGEXP_EXTRACT('a(.)', 'xab', 2)", None), ("REGEXP_EXTRACT('q', 'xab')", None),
    ("REGEXP_EXTRACT('(', 'x')", ERROR), ("REGEXP_EXTRACT_ALL('.(.)', 'abcd', 1)", ["b", "d"]), ("REGEXP_REPLACE('abc', '(a)(b)', '$2$1')", "bac"),
    ("REGEXP_REPLACE('abc', '\\p{Alpha}', '\\$')", "$$$"), ("REGEXP_REPLACE('abc', 'b', '$1')", ERROR), ("REGEXP_SPLIT_TO_ARRAY('a1b22', '[0-9]+')", ["a", "b", ""]),
    ("REGEXP_SPLIT_TO_ARRAY('ab', '')", ["a", "b"]), ("REGEXP_SPLIT_TO_ARRAY('a-(b)', '(-)')", ["a", "(b)"]), ("REGEXP_EXTRACT('(?<x>b)\\Qc.\\E', 'abc.', 1)", "b"),
])
def test_strings(text: str, expected: object) -> None:
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("ARRAY_LENGTH(A)", 4), ("ARRAY_CONTAINS(A, 3)", True), ("ARRAY_CONTAINS(A, NULL)", True), ("ARRAY_CONTAINS(NA, 1)", False), ("ARRAY_CONCAT(NA, B)", [3, 4]),
    ("ARRAY_DISTINCT(A)", [3, None, 1]), ("ARRAY_DISTINCT(S)", [{"F": 1}]), ("ARRAY_UNION(A, B)", [3, None, 1, 4]), ("ARRAY_UNION(A, NA)", None), ("ARRAY_INTERSECT(A, B)", [3]),
    ("ARRAY_EXCEPT(A, B)", [None, 1]), ("ARRAY_REMOVE(A, 3)", [None, 1]), ("ARRAY_REMOVE(A, NULL)", [3, 1, 3]), ("ARRAY_MAX(A)", 3), ("ARRAY_MIN(T)", "a"), ("ARRAY_MIN(NA)", None),
    ("ARRAY_SORT(A)", [1, 3, 3, None]), ("ARRAY_SORT(A, 'desc')", [3, 3, 1, None]), ("ARRAY_SORT(A, 'x')", None), ("ARRAY_JOIN(A)", "3,null,1,3"), ("ARRAY_JOIN(L, NULL)", "1.01.0E7"),
    ("SLICE(A, 2, 3)", [None, 1]), ("SLICE(A, NULL, 1)", [3]), ("SLICE(A, 2, 9)", None), ("GENERATE_SERIES(1, 3)", [1, 2, 3]), ("GENERATE_SERIES(3, 1)", [3, 2, 1]),
    ("GENERATE_SERIES(1, 6, 2)", [1, 3, 5]), ("GENERATE_SERIES(1, 3, -1)", ERROR), ("AS_MAP(T, A)", {"b": 3, "a": None}), ("MAP_KEYS(M)", ["b", "a"]), ("MAP_VALUES(M)", [2, 1]),
    ("MAP_UNION(M, M)", {"b": 2, "a": 1}), ("ENTRIES(M, TRUE)", [{"K": "a", "V": 1}, {"K": "b", "V": 2}]), ("ENTRIES(M, TRUE)[1]->V + 1", 2),
    ("EXTRACTJSONFIELD('{\"a\":[1.50,{\"b\":\"x\"}]}', '$.a[1].b')", "x"), ("EXTRACTJSONFIELD('{\"a\":[1.50, null]}', '$.a')", "[1.50,null]"), ("EXTRACTJSONFIELD('{}', '$.a')", None),
    ("EXTRACTJSONFIELD('{', '$.a')", ERROR), ("EXTRACTJSONFIELD('{\"a\":null}', '$.a')", "null"), ("IS_JSON_STRING('[1]')", True), ("IS_JSON_STRING('NaN')", False), ("JSON_ARRAY_LENGTH('[1,2]')", 2),
    ("JSON_KEYS('{\"a\":1}')", ["a"]), ("JSON_RECORDS('{\"a\":\"x\",\"b\":1}')", {"a": "x", "b": "1"}), ("JSON_ITEMS('[1,\"a\"]')", ["1", '"a"']), ("JSON_ITEMS('{}')", ERROR),
])
def test_collections_and_json(text: str, expected: object) -> None:
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("CAST(FROM_DAYS(1) AS STRING)", "1970-01-02"), ("UNIX_TIMESTAMP(FROM_UNIXTIME(5))", 5), ("UNIX_DATE(FROM_DAYS(3))", 3),
    ("CAST(FROM_UNIXTIME(0) AT TIME ZONE '+02:00' AS STRING)", "1970-01-01T02:00:00.000"), ("FROM_UNIXTIME(0) AT TIME ZONE 'Nowhere/X'", ERROR),
    ("CAST(CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', '+02:00') AS STRING)", "1970-01-01T02:00:00.000"), ("CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', 'Nowhere/X')", ERROR),
    ("FORMAT_TIMESTAMP(FROM_UNIXTIME(1590537598123), 'yyyy-MM-dd''T''HH:mm:ss.SSS')", "2020-05-26T23:59:58.123"), ("FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'EEE d MMM yy h:mm a XXX', '+01:30')", "Thu 1 Jan 70 1:30 AM +01:30"),
    ("FORMAT_DATE(FROM_DAYS(18408), 'dd.MM.yyyy')", "26.05.2020"), ("FORMAT_DATE(FROM_DAYS(1), 'HH')", ERROR), ("FORMAT_TIME(PARSE_TIME('1:05 pm', 'h:mm a'), 'HH:mm')", "13:05"),
    ("UNIX_TIMESTAMP(PARSE_TIMESTAMP('2020-05-26 23:59', 'yyyy-MM-dd HH:mm'))", 1590537540000), ("UNIX_TIMESTAMP(PARSE_TIMESTAMP('1970-01-01 02+0200', 'yyyy-MM-dd HHX'))", 0),
    ("PARSE_TIMESTAMP('2020', 'yyyy-MM')", ERROR), ("PARSE_TIMESTAMP('2020-02-30', 'yyyy-MM-dd')", 1582934400000),
    ("PARSE_TIMESTAMP('2020-02-32', 'yyyy-MM-dd')", ERROR), ("PARSE_TIMESTAMP('2021-01-01 24:00', 'yyyy-MM-dd HH:mm')", 1609545600000), ("PARSE_TIMESTAMP('2021-2', 'yyyy-Q')", 1609459200000),
    ("PARSE_TIMESTAMP('2021 GMT+02:00', 'yyyy ZZZZ')", 1609452000000), ("PARSE_TIMESTAMP('2021', 'yyyyyyyyyyyyyyyyyyyy')", ERROR), ("FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'z ZZZZ ZZZZZ')", "GMT GMT Z"),
    ("FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'HHH')", ERROR), ("PARSE_TIME('24:00', 'HH:mm')", 0), ("PARSE_TIME('10:20', 'hh:mm')", ERROR), ("PARSE_TIME('10:20', 'mm:ss')", ERROR),
    ("UNIX_DATE(PARSE_DATE('2020-02-30', 'yyyy-MM-dd'))", 18322), ("UNIX_DATE(PARSE_DATE('20200230', 'yyyyMMdd'))", 18322), ("UNIX_DATE(PARSE_DATE('2 february 20, later', 'd MMM yy'))", 18294),
    ("UNIX_DATE(PARSE_DATE('2020-060', 'yyyy-D'))", 18321), ("UNIX_DATE(PARSE_DATE('2020-01-01 02:00 +0200', 'yyyy-MM-dd HH:mm Z'))", 18262), ("UNIX_DATE(PARSE_DATE('Sun 1/13/2020', 'EEE d/M/y'))", 18628),
    ("PARSE_DATE('2020-01-01 00:01', 'yyyy-MM-dd HH:mm')", ERROR), ("PARSE_DATE('x', 'yyyy')", ERROR), ("PARSE_DATE('2020', 'yyyy n')", ERROR), ("UNIX_DATE(PARSE_DATE('May 26, 2020', 'MMM d, yyyy'))", 18408),
    ("PARSE_TIME('2020', 'yyyy')", ERROR), ("STRINGTOTIMESTAMP('1970-01-01', 'yyyy-MM-dd', 'Europe/Berlin')", -3600000), ("UNIX_TIMESTAMP(PARSE_TIMESTAMP('00:01', 'HH:mm[:ss]'))", 60000),
])
def test_dates_and_times(text: str, expected: object) -> None:
    assert evaluate(text) == expected


def test_clocks_and_random() -> None:
    assert evaluate("UNIX_TIMESTAMP() > 1700000000000") is True
    assert evaluate("RANDOM() < 1") is True
    assert evaluate("LEN(UUID())") == 36


def test_a_call_is_bound_for_other_rooms() -> None:
    parse = compile_call("PARSE_TIMESTAMP", "yyyy-MM-dd")
    assert (parse("1970-01-02"), parse(None)) == (86_400_000, None)
    with pytest.raises(ValueError, match="does not fit"):
        parse("x")


def test_every_function_is_described() -> None:
    described = {d.name: d for d in list_functions()}
    assert set(FUNCTIONS) | {"COUNT", "SUM", "TOPK", "EXPLODE"} <= set(described)
    for one in described.values():
        assert one.text.endswith(".") and one.signatures and one.kind in ("SCALAR", "AGGREGATE", "TABLE")
    assert describe("substring").signatures[0] == "(STRING, INT) -> STRING"
    with pytest.raises(RequestError) as caught:
        describe("SUBSTR")
    assert caught.value.reason == "UNKNOWN_FUNCTION"
    assert "SUBSTRING" in caught.value.metadata["candidates"]
