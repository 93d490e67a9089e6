"""JSON: what ksqlDB's rules make of each value, whichever way (usual or exact) a record takes."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.expr.code import Module, indent
from penstock.formats.errors import FormatError
from penstock.formats.json_reader import LEARNED, JsonReader
from penstock.formats.port import Reader
from penstock.formats.registry import reader, writer
from penstock.plan.nodes import Format
from penstock.types import sqltype as t
from penstock.types.schema import Column
from penstock.types.sqltype import SqlType

JSON = Format("JSON")
BARE = Format("JSON", (("WRAP_SINGLE_VALUE", "false"),))


def compiled(of: Reader, names: tuple[str, ...]):
    """The reader's generated code as a function from bytes to the columns of these names."""
    module = Module()
    targets = {name: module.fresh(name) for name in names}
    body = of.code(module, "data", names, targets)
    source = "\n".join(["def read(data):", *indent(body), f"    return ({''.join(f'{targets[n]}, ' for n in names)})"])
    exec(source, module.globals)
    return module.globals["read"]


def both_ways(of: SqlType, text: str | bytes) -> object:
    """The value of column X, which the generated code and the function must agree on; FormatError's class when both refuse."""
    data = text if isinstance(text, bytes) else text.encode()
    results: list[object] = []
    made = reader(JSON, (Column("X", of),), "value")
    for read in (compiled(made, ("X",)), made.read, compiled(made, ("X",))):
        try:
            results.append(read(b'{"X":' + data + b"}")[0])
        except FormatError:
            results.append(FormatError)
    assert repr(results[0]) == repr(results[1]) == repr(results[2])
    return results[0]


BAD = FormatError
READS = [
    # numbers
    (t.INT, "5", 5), (t.INT, '"5"', 5), (t.INT, '"+5"', 5), (t.INT, "5.9", 5), (t.INT, "-5.9", -5), (t.INT, "1e3", 1000), (t.INT, "2147483648", -2147483648),
    (t.INT, '"2147483648"', BAD), (t.INT, '" 5"', BAD), (t.INT, '"1_0"', BAD), (t.INT, "true", BAD), (t.INT, '"abc"', BAD), (t.INT, "[]", BAD), (t.INT, "{}", BAD),
    (t.INT, '""', BAD), (t.INT, '"\u0665"', BAD),
    (t.BIGINT, "9223372036854775807", 2**63 - 1), (t.BIGINT, "9223372036854775808", -(2**63)), (t.BIGINT, "1e400000000", 0),
    (t.BIGINT, "1e-400000000", 0), (t.BIGINT, "36893488147419103233", 1), (t.BIGINT, '"-9223372036854775808"', -(2**63)),
    (t.BIGINT, '"9223372036854775808"', BAD),
    (t.DOUBLE, "1", 1.0), (t.DOUBLE, "1.5", 1.5), (t.DOUBLE, '"1.5"', 1.5), (t.DOUBLE, '" 1.5d "', 1.5), (t.DOUBLE, '"NaN"', math.nan),
    (t.DOUBLE, '"-Infinity"', -math.inf), (t.DOUBLE, "1e999", math.inf), (t.DOUBLE, '"1_0"', BAD), (t.DOUBLE, "false", BAD), (t.DOUBLE, '"inf"', BAD),
    (t.DOUBLE, "1" * 400, math.inf), (t.DOUBLE, "NaN", BAD),
    (t.decimal(4, 2), "1.5", Decimal("1.50")), (t.decimal(4, 2), "12", Decimal("12.00")), (t.decimal(4, 2), '"1.25"', Decimal("1.25")),
    (t.decimal(4, 2), "1.250", Decimal("1.25")), (t.decimal(4, 2), "1.255", BAD), (t.decimal(4, 2), "100", BAD), (t.decimal(4, 2), '"NaN"', BAD),
    (t.decimal(4, 2), "1e400000000", BAD), (t.decimal(4, 2), "true", BAD), (t.decimal(4, 2), '" 1"', BAD),
    # others
    (t.BOOLEAN, "true", True), (t.BOOLEAN, "false", False), (t.BOOLEAN, '"true"', BAD), (t.BOOLEAN, "1", BAD),
    (t.STRING, '"a"', "a"), (t.STRING, "17", "17"), (t.STRING, "1.50", "1.50"), (t.STRING, "1e3", "1E+3"), (t.STRING, "true", "true"),
    (t.STRING, '{"a": 1.50, "b": ["x", null]}', '{"a":1.50,"b":["x",null]}'), (t.STRING, '["a", 1, null, {"b": 2}]', '[a, 1, null, {"b":2}]'),
    (t.BYTES, '"AAE="', b"\x00\x01"), (t.BYTES, '"?"', BAD), (t.BYTES, "1", BAD),
    (t.DATE, "19000", 19000), (t.DATE, '"19000"', 19000), (t.TIME, "86399999", 86399999), (t.TIME, "86400000", BAD), (t.TIME, "-1", BAD),
    (t.TIMESTAMP, "1750000000000", 1750000000000), (t.TIMESTAMP, "1.9", 1), (t.TIMESTAMP, '"2020"', 2020),
    # nested
    (t.array(t.INT), "[1, null, 2]", [1, None, 2]), (t.array(t.INT), '[1, "2", 3.5]', [1, 2, 3]), (t.array(t.INT), "1", BAD), (t.array(t.INT), '[1, "x"]', BAD),
    (t.array(t.decimal(3, 1)), "[1, 2.5]", [Decimal("1.0"), Decimal("2.5")]),
    (t.map_of(t.STRING, t.BIGINT), '{"a": 1, "b": null}', {"a": 1, "b": None}), (t.map_of(t.STRING, t.BIGINT), '{"a": "7"}', {"a": 7}),
    (t.map_of(t.STRING, t.BIGINT), "[]", BAD),
    (t.struct(("A", t.INT), ("b", t.STRING)), '{"b": "x", "z": 1}', {"A": None, "b": "x"}),
    (t.struct(("A", t.INT), ("b", t.STRING)), '{"a": 1, "B": "x"}', {"A": 1, "b": None}),
    (t.struct(("A", t.INT)), '"x"', BAD), (t.struct(("A", t.array(t.struct(("N", t.INT))))), '{"A": [{"n": "3"}]}', {"A": [{"N": 3}]}),
]


@pytest.mark.parametrize(("of", "text", "expected"), READS, ids=[f"{of}-{text[:30]}" for of, text, _ in READS])
def test_value_of_a_column(of: SqlType, text: str, expected: object) -> None:
    found = both_ways(of, text)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize("of", [t.INT, t.STRING, t.decimal(3, 1), t.array(t.INT), t.struct(("A", t.INT))], ids=str)
def test_null_and_missing_are_null(of: SqlType) -> None:
    assert both_ways(of, "null") is None
    made = reader(JSON, (Column("X", of),), "value")
    assert compiled(made, ("X",))(b"{}") == (None,) == made.read(b"{}")


MALFORMED = [b"", b" ", b"null", b"1", b"[]", b'"x"', b"{", b'{"A":1} {}', b'{"A":1,}', b'\xef\xbb\xbf{"A":1}', b'{"A":"\xff"}', b'{"Z":"\xff"}', b'{"A":"\\ud800"}',
             b'{"A":NaN}', b'{"Z":1e99999999999999999999999}', b'{"Z":' + b"[" * 100_000 + b"]" * 100_000 + b"}"]


@pytest.mark.parametrize("data", MALFORMED, ids=lambda d: repr(d[:20]))
@pytest.mark.parametrize("of", [t.STRING, t.decimal(3, 1)], ids=str)
def test_malformed_record_is_a_format_error(data: bytes, of: SqlType) -> None:
    made = reader(JSON, (Column("A", of),), "value")
    for read in (compiled(made, ("A",)), compiled(made, ()), made.read):
        with pytest.raises(FormatError) as e:
            read(data)
        assert e.value.reason and len(e.value.reason) < 500


NAMES = [
    (b'{"ID":1,"Name":"a"}', (1, "a")), (b'{"id":1,"Name":"a"}', (1, "a")), (b'{"ID":1,"id":2}', (1, None)), (b'{"id":2,"ID":1}', (1, None)),
    (b'{"ID":null,"id":2}', (None, None)), (b'{"iD":1,"Id":2}', (2, None)), (b'{"ID":1,"NAME":"a"}', (1, None)), (b'{"ID":1,"name":"a"}', (1, None)),
    (b'{"ID":1,"ID":2}', (2, None)), (b'{"other":{"ID":5}}', (None, None)),
]


def test_names_match_exactly_then_in_upper_case_whatever_was_learned_before() -> None:
    columns = (Column("ID", t.INT), Column("Name", t.STRING))
    fresh = [compiled(reader(JSON, columns, "value"), ("ID", "Name"))(data) for data, _ in NAMES]
    assert fresh == [expected for _, expected in NAMES]
    read = compiled(reader(JSON, columns, "value"), ("ID", "Name"))
    for _ in range(3):
        for data, expected in NAMES:
            assert read(data) == expected, data


def test_unknown_fields_and_spelling_are_learned_so_that_usual_records_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = reader(JSON, (Column("ID", t.INT), Column("NAME", t.STRING)), "value")
    assert isinstance(made, JsonReader)
    taken = 0
    exact = JsonReader.read

    def counted(self: JsonReader, data: bytes) -> tuple[object, ...]:
        nonlocal taken
        taken += 1
        return exact(self, data)

    monkeypatch.setattr(JsonReader, "read", counted)
    read = compiled(made, ("ID",))
    for n in range(100):
        assert read(b'{"id":%d,"name":"x","extra":{"deep":[1]},"more":1.5}' % n) == (n,)
    assert taken == 1
    for n in range(1000):
        assert read(b'{"id":%d,"key%d":1}' % (n, n)) == (n,)
    assert len(made._ignored) <= LEARNED


def test_every_column_is_checked_even_if_not_needed() -> None:
    read = compiled(reader(JSON, (Column("A", t.INT), Column("B", t.INT)), "value"), ("A",))
    assert read(b'{"A":1,"B":2}') == (1,)
    with pytest.raises(FormatError, match="column B"):
        read(b'{"A":1,"B":"x"}')


def test_bare_values() -> None:
    for fmt, part in ((BARE, "value"), (JSON, "key")):
        made = reader(fmt, (Column("X", t.BIGINT),), part)  # type: ignore[arg-type]
        read = compiled(made, ("X",))
        assert read(b"5") == (5,) and read(b'"5"') == (5,) and read(b"null") == (None,) and made.read(b"5.5") == (5,)
        for data in (b"{}", b"x", b"", b"\xff"):
            with pytest.raises(FormatError):
                read(data)
        wrote = writer(fmt, (Column("X", t.BIGINT),), part)  # type: ignore[arg-type]
        assert wrote.write((5,)) == b"5" and wrote.write((None,)) is None


def written(columns: tuple[Column, ...], values: tuple[object, ...], fmt: Format = JSON, part: str = "value") -> bytes | None:
    """What function and generated code agree to write."""
    made = writer(fmt, columns, part)  # type: ignore[arg-type]
    module = Module()
    names = [module.fresh("v") for _ in columns]
    code = made.code(module, names)
    exec("\n".join([f"def write({', '.join(names)}):", *indent(code.lines), f"    return {code.value}"]), module.globals)
    result = module.globals["write"](*values)
    assert result == made.write(values)
    return result


WRITES = [
    (t.INT, 5, "5"), (t.BIGINT, -(2**63), "-9223372036854775808"), (t.BOOLEAN, True, "true"), (t.STRING, 'a"\n\u00e9\U0001f600', '"a\\"\\n\u00e9\U0001f600"'),
    (t.DOUBLE, 1.0, "1.0"), (t.DOUBLE, 0.0, "0.0"), (t.DOUBLE, -0.0, "-0.0"), (t.DOUBLE, 0.001, "0.001"), (t.DOUBLE, 0.00099, "9.9E-4"),
    (t.DOUBLE, 9999999.999, "9999999.999"), (t.DOUBLE, 1e7, "1.0E7"), (t.DOUBLE, -1e7, "-1.0E7"), (t.DOUBLE, 1e22, "1.0E22"), (t.DOUBLE, 1.5e-300, "1.5E-300"),
    (t.DOUBLE, math.nan, '"NaN"'), (t.DOUBLE, math.inf, '"Infinity"'), (t.DOUBLE, -math.inf, '"-Infinity"'),
    (t.decimal(4, 2), Decimal("1.50"), "1.50"), (t.decimal(9, 7), Decimal("0E-7"), "0.0000000"), (t.decimal(30, 0), Decimal("1E+3"), "1000"),
    (t.BYTES, b"\x00\x01", '"AAE="'), (t.DATE, 19000, "19000"), (t.TIME, 5, "5"), (t.TIMESTAMP, 1, "1"),
    (t.array(t.DOUBLE), [1e7, None, 1.5], "[1.0E7,null,1.5]"), (t.array(t.INT), [1, None], "[1,null]"), (t.map_of(t.STRING, t.DOUBLE), {"a": 1e7}, '{"a":1.0E7}'),
    (t.struct(("A", t.INT), ("B", t.decimal(3, 1))), {"A": None, "B": Decimal("1.0")}, '{"A":null,"B":1.0}'),
    (t.struct(("A", t.array(t.BYTES)), ("B", t.STRING)), {"A": [b"\0"], "B": None}, '{"A":["AA=="],"B":null}'),
]


@pytest.mark.parametrize(("of", "value", "expected"), WRITES, ids=[f"{of}-{v!r}"[:50] for of, v, _ in WRITES])
def test_written_text(of: SqlType, value: object, expected: str) -> None:
    column = Column("col umn", of)
    assert written((column,), (value,)) == f'{{"col umn":{expected}}}'.encode()
    assert written((column,), (None,)) == b'{"col umn":null}'
    assert written((column,), (value,), BARE) == expected.encode()


def test_several_key_columns_are_an_object() -> None:
    columns = (Column("A", t.INT), Column("B", t.STRING))
    assert written(columns, (1, None), JSON, "key") == b'{"A":1,"B":null}'
    assert reader(JSON, columns, "key").read(b'{"A":1,"B":"x"}') == (1, "x")


SCALARS = {
    t.BOOLEAN: st.booleans(), t.INT: st.integers(-(2**31), 2**31 - 1), t.BIGINT: st.integers(-(2**63), 2**63 - 1), t.DOUBLE: st.floats(),
    t.STRING: st.text(st.characters(exclude_categories=["Cs"])), t.BYTES: st.binary(), t.TIME: st.integers(0, 86_399_999),
    t.TIMESTAMP: st.integers(0, 2**50), t.decimal(12, 3): st.integers(-(10**12) + 1, 10**12 - 1).map(lambda n: Decimal(n).scaleb(-3)),
}


def values(of: SqlType) -> st.SearchStrategy[object]:
    """Values of a type, null included."""
    match of.kind:
        case t.Kind.ARRAY:
            assert of.element is not None
            inner = st.lists(values(of.element), max_size=3)
        case t.Kind.MAP:
            assert of.element is not None
            inner = st.dictionaries(SCALARS[t.STRING], values(of.element), max_size=3)
        case t.Kind.STRUCT:
            inner = st.tuples(*(values(f) for _, f in of.fields)).map(lambda row: dict(zip((n for n, _ in of.fields), row, strict=True)))
        case _:
            inner = SCALARS[of]
    return st.none() | inner


types = st.recursive(st.sampled_from(list(SCALARS)), lambda inner: st.one_of(
    inner.map(t.array), inner.map(lambda e: t.map_of(t.STRING, e)),
    st.lists(inner, min_size=1, max_size=3).map(lambda es: t.struct(*((f"F{n}", e) for n, e in enumerate(es))))), max_leaves=4)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_written_reads_back(data: st.DataObject) -> None:
    columns = tuple(Column(f"c {n}", of) for n, of in enumerate(data.draw(st.lists(types, min_size=1, max_size=4))))
    row = tuple(data.draw(values(c.type)) for c in columns)
    made = reader(JSON, columns, "value")
    raw = written(columns, row)
    assert raw is not None
    json.loads(raw)
    assert repr(made.read(raw)) == repr(row) == repr(compiled(made, tuple(c.name for c in columns))(raw))
