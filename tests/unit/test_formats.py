"""KAFKA, DELIMITED, NONE, and what each format refuses."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.errors import RequestError
from penstock.expr.code import Module, indent
from penstock.formats.errors import FormatError
from penstock.formats.port import Part, Reader
from penstock.formats.registry import reader, writer
from penstock.plan.nodes import Format
from penstock.types import sqltype as t
from penstock.types.schema import Column
from penstock.types.sqltype import SqlType

KAFKA, DELIMITED, NONE = Format("KAFKA"), Format("DELIMITED"), Format("NONE")


def cols(*types: SqlType) -> tuple[Column, ...]:
    return tuple(Column(f"C{n}", of) for n, of in enumerate(types))


def read_both(made: Reader, columns: tuple[Column, ...], data: bytes) -> tuple[object, ...]:
    """What function and generated code agree to read."""
    module = Module()
    targets = {c.name: module.fresh("v") for c in columns}
    body = made.code(module, "data", list(targets), targets)
    exec("\n".join(["def read(data):", *indent(body), f"    return ({''.join(v + ', ' for v in targets.values())})"]), module.globals)
    try:
        result = made.read(data)
    except FormatError as e:
        with pytest.raises(FormatError) as other:
            module.globals["read"](data)
        assert other.value.reason == e.reason
        raise
    assert module.globals["read"](data) == result
    return result


def write_both(fmt: Format, columns: tuple[Column, ...], values: tuple[object, ...], part: Part = "value") -> bytes | None:
    """What function and generated code agree to write."""
    made = writer(fmt, columns, part)
    module = Module()
    names = [module.fresh("v") for _ in columns]
    code = made.code(module, names)
    exec("\n".join([f"def write({', '.join(names)}):", *indent(code.lines), f"    return {code.value}"]), module.globals)
    assert module.globals["write"](*values) == made.write(values)
    return made.write(values)


@pytest.mark.parametrize(("of", "value", "data"), [
    (t.INT, -2, b"\xff\xff\xff\xfe"), (t.BIGINT, 1, b"\0\0\0\0\0\0\0\x01"), (t.DOUBLE, 1.5, b"\x3f\xf8\0\0\0\0\0\0"), (t.STRING, "\u00e9", b"\xc3\xa9"),
    (t.STRING, "", b""), (t.BYTES, b"\xff", b"\xff"),
], ids=str)
def test_kafka(of: SqlType, value: object, data: bytes) -> None:
    for part in ("key", "value"):
        assert write_both(KAFKA, cols(of), (value,), part) == data  # type: ignore[arg-type]
        assert write_both(KAFKA, cols(of), (None,), part) is None  # type: ignore[arg-type]
        assert read_both(reader(KAFKA, cols(of), part), cols(of), data) == (value,)  # type: ignore[arg-type]


@pytest.mark.parametrize("of", [t.INT, t.BIGINT, t.DOUBLE], ids=str)
@pytest.mark.parametrize("data", [b"", b"123", b"123456789"])
def test_kafka_number_of_another_length_is_an_error(of: SqlType, data: bytes) -> None:
    with pytest.raises(FormatError, match="C0"):
        read_both(reader(KAFKA, cols(of), "value"), cols(of), data)


def test_kafka_text_that_is_no_utf8_is_replaced_as_by_the_string_deserializer() -> None:
    assert read_both(reader(KAFKA, cols(t.STRING), "key"), cols(t.STRING), b"a\xffb") == ("a\ufffdb",)


def test_parts_without_columns() -> None:
    for fmt in (KAFKA, NONE, Format("JSON"), DELIMITED):
        assert write_both(fmt, (), (), "key") is None
        assert read_both(reader(fmt, (), "key"), (), b"anything") == ()


ROW = cols(t.STRING, t.INT, t.BIGINT, t.DOUBLE, t.decimal(4, 2), t.BOOLEAN, t.BYTES, t.DATE)


def test_delimited_row() -> None:
    values = ("a b", 1, -2, 1e7, Decimal("1.50"), True, b"\0", 19000)
    data = b"a b,1,-2,1.0E7,1.50,true,AA==,19000"
    assert write_both(DELIMITED, ROW, values) == data
    assert read_both(reader(DELIMITED, ROW, "value"), ROW, data) == values
    assert write_both(DELIMITED, ROW, (None,) * 8) == b",,,,,,,"
    assert read_both(reader(DELIMITED, ROW, "value"), ROW, b",,,,,,,") == (None,) * 8


@pytest.mark.parametrize(("text", "first", "later"), [
    ("plain", "plain", "plain"), ("a,b", '"a,b"', '"a,b"'), ('a"b', '"a""b"', '"a""b"'), ("a\nb", '"a\nb"', '"a\nb"'), ("#a", '"#a"', '"#a"'),
    (" a", '" a"', '" a"'), ("a ", '"a "', '"a "'), ("", '""', ""), ("$a", '"$a"', "$a"), ("\u00e9", '"\u00e9"', "\u00e9"), ("-1", '"-1"', "-1"),
])
def test_delimited_quoting(text: str, first: str, later: str) -> None:
    assert write_both(DELIMITED, cols(t.STRING, t.STRING), (text, text)) == f"{first},{later}".encode()


@pytest.mark.parametrize(("name", "character"), [("SPACE", " "), ("TAB", "\t"), ("|", "|"), ("tab", "\t")])
def test_delimiters(name: str, character: str) -> None:
    fmt = Format("DELIMITED", (("DELIMITER", name),))
    assert write_both(fmt, cols(t.INT, t.INT), (1, 2)) == f"1{character}2".encode()
    assert read_both(reader(fmt, cols(t.INT, t.INT), "value"), cols(t.INT, t.INT), f"1{character}2".encode()) == (1, 2)


@pytest.mark.parametrize(("data", "expected"), [
    (b'"a,b",1', ("a,b", 1)), (b'"",1', (None, 1)), (b"\n\na,1\nb,2", ("a", 1)), (b'a"b,1', ('a"b', 1)), (b'"a\nb",1', ("a\nb", 1)), (b"\xff,1", ("\ufffd", 1)),
])
def test_delimited_reading(data: bytes, expected: tuple[object, ...]) -> None:
    assert read_both(reader(DELIMITED, cols(t.STRING, t.INT), "value"), cols(t.STRING, t.INT), data) == expected


@pytest.mark.parametrize("data", [b"", b"\n", b"a", b"a,1,2", b"a,x", b"a, 1", b"a,1.5", b'"a,1', b'"a"b,1'])
def test_delimited_refuses(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_both(reader(DELIMITED, cols(t.STRING, t.INT), "value"), cols(t.STRING, t.INT), data)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=2, max_size=4))
def test_delimited_text_reads_back(texts: list[str]) -> None:
    columns = cols(*(t.STRING for _ in texts))
    data = writer(DELIMITED, columns, "value").write(texts)
    assert data is not None and list(reader(DELIMITED, columns, "value").read(data)) == texts


MAP = t.map_of(t.STRING, t.INT)
REFUSED: list[tuple[Format, tuple[Column, ...], Part, str]] = [
    (Format("XML"), cols(t.INT), "value", "XML"), (KAFKA, cols(t.INT, t.INT), "value", "one column"), (KAFKA, cols(t.BOOLEAN), "value", "BOOLEAN"),
    (KAFKA, cols(t.decimal(2, 1)), "key", "DECIMAL"), (NONE, cols(t.INT), "key", "without columns"), (NONE, (), "value", "keys"),
    (DELIMITED, cols(t.array(t.INT)), "value", "ARRAY"), (DELIMITED, (), "value", "column"), (Format("JSON"), cols(MAP), "key", "MAP"),
    (Format("JSON"), cols(t.array(MAP)), "key", "MAP"), (Format("JSON"), cols(t.map_of(t.INT, t.INT)), "value", "STRING"),
    (Format("DELIMITED", (("DELIMITER", "ab"),)), cols(t.INT), "value", "DELIMITER"), (Format("DELIMITED", (("DELIMITER", '"'),)), cols(t.INT), "value", "DELIMITER"),
    (Format("JSON", (("DELIMITER", ","),)), cols(t.INT), "value", "DELIMITER"), (Format("JSON", (("WRAP_SINGLE_VALUE", "no"),)), cols(t.INT), "value", "true or false"),
    (Format("JSON", (("WRAP_SINGLE_VALUE", "false"),)), cols(t.INT, t.INT), "value", "exactly one"),
    (Format("JSON", (("WRAP_SINGLE_VALUE", "false"),)), cols(t.INT), "key", "exactly one"),
    (Format("KAFKA", (("WRAP_SINGLE_VALUE", "true"),)), cols(t.INT), "value", "never wraps"),
    (Format("DELIMITED", (("WRAP_SINGLE_VALUE", "true"),)), cols(t.INT), "value", "never wraps"),
]


@pytest.mark.parametrize(("fmt", "columns", "part", "says"), REFUSED, ids=[f"{f.name}-{p}-{s}" for f, _, p, s in REFUSED])
def test_impossible_formats_are_refused(fmt: Format, columns: tuple[Column, ...], part: Part, says: str) -> None:
    for make in (reader, writer):
        with pytest.raises(RequestError, match=says) as e:
            make(fmt, columns, part)
        assert e.value.reason == "INVALID_FORMAT"
