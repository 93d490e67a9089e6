"""Keys, ranges and windows that a condition leaves (expr/narrow.py)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from penstock.expr.analyze import expect_boolean
from penstock.expr.narrow import ANYTHING, EVER, MOST, Narrow, narrow
from penstock.expr.scope import Scope
from penstock.types import sqltype as t
from penstock.types.schema import Column, Role
from penstock.types.sqltype import SqlType

COLUMNS = {"K": t.STRING, "N": t.INT, "V": t.STRING, "D": t.DOUBLE, "X": t.decimal(4, 2), "B": t.BYTES, "DAY": t.DATE, "L": t.array(t.INT), "WINDOWSTART": t.BIGINT}
KEY = (Column("K", t.STRING, Role.KEY), Column("N", t.INT, Role.KEY))


def narrowed(where: str, *key: str, windowed: bool = False) -> Narrow:
    columns = tuple(Column(name, COLUMNS[name], Role.KEY) for name in key) or KEY
    types: dict[str, SqlType | None] = {"k": t.STRING, "n": t.INT, "none": t.INT}
    return narrow(expect_boolean(where, Scope((("", COLUMNS),), types)), columns, {"k": "p", "n": 7, "none": None}, windowed)


@pytest.mark.parametrize(("where", "keys"), [
    ("K = 'a' AND N = 1", [("a", 1)]),
    ("1 = N AND 'a' = K AND V = 'x'", [("a", 1)]),
    ("K IN ('a', 'b') AND N = 1", [("a", 1), ("b", 1)]),
    ("(K = 'a' OR K = 'b') AND (N = 1 OR N = 2)", [("a", 1), ("a", 2), ("b", 1), ("b", 2)]),
    ("(K = 'a' AND N = 1) OR (K = 'b' AND N = 2)", [("a", 1), ("b", 2)]),
    ("K = 'a' AND K = 'b' AND N = 1", []),
    ("K = 'a' AND N IN (1, 2) AND N IN (2, 3)", [("a", 2)]),
    ("N = 5000000000 AND K = 'a'", []),
    ("K = :k AND N = :n", [("p", 7)]),
    ("K = 'a' AND N = :none", []),
    ("K = UCASE('a') AND N = 1", [("A", 1)]),
    ("K IS NOT DISTINCT FROM 'a' AND N = 1", [("a", 1)]),
    ("K = 'a' AND N IS NOT DISTINCT FROM :none", None),
    ("K = 'a'", None),
    ("K = 'a' AND N > 1", None),
    ("K = 'a' AND N = 1 OR V = 'x'", None),
    ("K = 'a' AND NOT (N = 1)", None),
    ("K = V AND N = 1", None),
    ("K = CAST(UUID() AS STRING) AND N = 1", None),
    ("K LIKE 'a' AND N = 1", None),
    ("K = 'a' AND N = 1.0", None),
])
def test_keys(where: str, keys: list[tuple[object, ...]] | None) -> None:
    found = narrowed(where)
    assert found.keys == (None if keys is None else tuple(keys)) and found.nothing is (keys == [])


def test_kinds_of_keys() -> None:
    assert narrowed("D = 0.0", "D") == ANYTHING, "0.0 and -0.0 are equal and have other bytes"
    assert narrowed("X IN (1.5, 2)", "X").keys == ((Decimal("1.50"),), (Decimal("2.00"),)) and narrowed("X = 1.005", "X").nothing
    assert narrowed("DAY = '1970-01-02'", "DAY").keys == ((1,),)
    assert narrowed("L = ARRAY[1]", "L") == ANYTHING


@pytest.mark.parametrize(("where", "key", "low", "high"), [
    ("K > 'a' AND K <= 'c'", "K", "a", "c"), ("'b' < K", "K", "b", None), ("K BETWEEN 'a' AND 'c' AND K >= 'b'", "K", "b", "c"),
    ("N > 3 OR N BETWEEN 1 AND 2", "N", 1, None), ("N < 5000000000", "N", None, None), ("K > 'a' OR V = 'x'", "K", None, None),
    ("K > '\U0001f600'", "K", None, None), ("B > B", "B", None, None), ("X > 1", "X", None, None), ("K = 'a'", "KN", "a", "a"), ("NOT K > 'a'", "K", None, None),
])
def test_ranges(where: str, key: str, low: object, high: object) -> None:
    found = narrowed(where, *key)
    assert (found.low, found.high) == (low, high) or found.keys is not None


def test_windows() -> None:
    assert narrowed("K = 'a' AND WINDOWSTART >= 10 AND WINDOWSTART < 20", "K", windowed=True) == Narrow((("a",),), windows=(10, 19))
    assert narrowed("WINDOWSTART = '1970-01-01T00:00:01' OR WINDOWSTART IN (5, 7)", "K", windowed=True).windows == (5, 1000)
    assert narrowed("WINDOWSTART > 10 AND WINDOWSTART < 5", "K", windowed=True).nothing
    assert narrowed("WINDOWSTART > 10", "K").windows == EVER


def test_many_alternatives_are_read_as_fewer() -> None:
    many = " OR ".join(f"K = 'k{n}'" for n in range(100))
    assert len(narrowed(many, "K").keys or ()) == 100
    assert narrowed(f"({many}) AND ({many}) AND ({many})", "K").keys is not None
    assert narrowed(f"K IN ({', '.join(repr(str(n)) for n in range(MOST + 1))})", "K").keys is None
