"""Columnar rows: what is encoded is decoded again, for every type, with nulls, nesting and extremes."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock_client.gen.penstock.v1 import row_pb2
from penstock_client.rows import column_decoder, column_encoder, decode_batch, encode_batch, pack_validity, unpack_validity
from penstock_client.types import Kind, SqlType


def encoded(of: SqlType, values: list[Any]) -> row_pb2.ColumnData:
    """A column of its own."""
    column = row_pb2.ColumnData()
    column_encoder(of)(values, column)
    return column


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCALARS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.BOOLEAN: st.booleans(),
    Kind.INT: st.integers(-(2**31), 2**31 - 1),
    Kind.BIGINT: st.integers(-(2**63), 2**63 - 1),
    Kind.DOUBLE: st.floats(allow_nan=False),
    Kind.STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    Kind.BYTES: st.binary(max_size=8),
    Kind.DATE: st.dates(),
    Kind.TIME: st.integers(0, 86_399_999).map(lambda ms: (datetime.min + timedelta(milliseconds=ms)).time()),
    Kind.TIMESTAMP: st.integers(-62_135_596_800_000, 253_402_300_799_999).map(lambda ms: EPOCH + timedelta(milliseconds=ms)),
}


def _decimal(precision: int, scale: int) -> tuple[SqlType, st.SearchStrategy[Any]]:
    limit = 10**precision - 1
    digits = st.integers(-limit, limit).map(lambda n: Decimal(n).scaleb(-scale))
    return SqlType(Kind.DECIMAL, precision, scale), digits


def _keys() -> st.SearchStrategy[tuple[SqlType, st.SearchStrategy[Any]]]:
    return st.sampled_from([(SqlType(k), SCALARS[k]) for k in (Kind.STRING, Kind.INT, Kind.BIGINT)])


def _nested(inner: st.SearchStrategy[tuple[SqlType, st.SearchStrategy[Any]]]) -> st.SearchStrategy[tuple[SqlType, st.SearchStrategy[Any]]]:
    def nullable(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.none() | values

    arrays = inner.map(lambda p: (SqlType(Kind.ARRAY, element=p[0]), st.lists(nullable(p[1]), max_size=3)))
    maps = st.tuples(_keys(), inner).map(
        lambda p: (SqlType(Kind.MAP, key=p[0][0], element=p[1][0]), st.dictionaries(p[0][1], nullable(p[1][1]), max_size=3))
    )
    structs = st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: (
            SqlType(Kind.STRUCT, fields=tuple((f"F{i}", t) for i, (t, _) in enumerate(parts))),
            st.fixed_dictionaries({f"F{i}": nullable(v) for i, (_, v) in enumerate(parts)}),
        )
    )
    return arrays | maps | structs


LEAVES = st.sampled_from([(SqlType(k), v) for k, v in SCALARS.items()] + [_decimal(38, 0), _decimal(38, 38), _decimal(10, 2)])
TYPES = st.recursive(LEAVES, _nested, max_leaves=4)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_decoding_gives_what_was_encoded(data: st.DataObject) -> None:
    of, values = data.draw(TYPES)
    column = data.draw(st.lists(st.none() | values, max_size=20))
    message = row_pb2.ColumnData.FromString(encoded(of, column).SerializeToString())
    assert column_decoder(of)(message, len(column)) == column


@given(st.lists(st.sampled_from([None, 0]), max_size=70))
def test_validity_bits(values: list[int | None]) -> None:
    bits = unpack_validity(pack_validity(values), len(values))
    assert [bit == "1" for bit in bits] == [v is not None for v in values]


def test_validity_is_least_significant_bit_first() -> None:
    assert pack_validity([1, None, None, 1]) == b"\x09"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0])
def test_special_doubles(value: float) -> None:
    of = SqlType(Kind.DOUBLE)
    (got,) = column_decoder(of)(encoded(of, [value]), 1)
    assert repr(got) == repr(value)


def test_times_beyond_python_arrive_as_numbers() -> None:
    stamp, day = SqlType(Kind.TIMESTAMP), SqlType(Kind.DATE)
    assert column_decoder(stamp)(encoded(stamp, [2**62]), 1) == [2**62]
    assert column_decoder(day)(encoded(day, [-(2**31)]), 1) == [-(2**31)]


def test_numbers_stay_numbers_when_not_native() -> None:
    types = [SqlType(k) for k in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP)]
    batch = encode_batch(types, [[1], [2], [3]], 1, native=False)
    assert decode_batch(types, batch, native=False) == [[1], [2], [3]]
    assert decode_batch(types, batch) == [[date(1970, 1, 2)], [time(0, 0, 0, 2000)], [EPOCH + timedelta(milliseconds=3)]]


@pytest.mark.parametrize(
    ("of", "value", "error"),
    [
        (SqlType(Kind.INT), 2**31, ValueError),
        (SqlType(Kind.INT), "1", TypeError),
        (SqlType(Kind.STRING), 1, TypeError),
        (SqlType(Kind.DECIMAL, 4, 1), Decimal("1.25"), ValueError),
        (SqlType(Kind.DECIMAL, 4, 1), Decimal("NaN"), ValueError),
        (SqlType(Kind.DECIMAL, 4, 1), 1.5, TypeError),
        (SqlType(Kind.TIMESTAMP), datetime(2024, 1, 1), ValueError),  # noqa: DTZ001 - that it has no zone is the point
        (SqlType(Kind.DATE), datetime(2024, 1, 1, tzinfo=UTC), TypeError),
        (SqlType(Kind.ARRAY, element=SqlType(Kind.STRING)), "abc", TypeError),
        (SqlType(Kind.MAP, key=SqlType(Kind.STRING), element=SqlType(Kind.INT)), {None: 1}, ValueError),
        (SqlType(Kind.STRUCT, fields=(("A", SqlType(Kind.INT)),)), {"B": 1}, ValueError),
    ],
)
def test_wrong_values_are_refused(of: SqlType, value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        encoded(of, [value])


def test_wrong_data_is_refused() -> None:
    ints = encoded(SqlType(Kind.INT), [1, 2])
    with pytest.raises(ValueError, match="ints where its type needs strings"):
        column_decoder(SqlType(Kind.STRING))(ints, 2)
    with pytest.raises(ValueError, match="2 slots where the batch has 3"):
        column_decoder(SqlType(Kind.INT))(ints, 3)


def test_column_without_data_is_null() -> None:
    for kind in SCALARS:
        assert column_decoder(SqlType(kind))(row_pb2.ColumnData(), 2) == [None, None]
