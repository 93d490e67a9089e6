"""Keys that a where leaves (serving/narrow.py)."""

from __future__ import annotations

import pytest
from penstock.expr.analyze import expect_boolean
from penstock.expr.scope import Scope
from penstock.serving.narrow import keys_of
from penstock.types import sqltype as t
from penstock.types.schema import Column, Role

KEY = (Column("K", t.STRING, Role.KEY), Column("N", t.INT, Role.KEY))
COLUMNS = {"K": t.STRING, "N": t.INT, "V": t.STRING, "D": t.DOUBLE}


@pytest.mark.parametrize(("where", "keys"), [
    ("K = 'a' AND N = 1", [("a", 1)]),
    ("1 = N AND 'a' = K AND V = 'x'", [("a", 1)]),
    ("K IN ('a', 'b') AND N = 1", [("a", 1), ("b", 1)]),
    ("(K = 'a' OR K = 'b') AND (N = 1 OR N = 2)", [("a", 1), ("a", 2), ("b", 1), ("b", 2)]),
    ("(K = 'a' AND N = 1) OR (K = 'b' AND N = 1)", [("a", 1), ("b", 1)]),
    ("K = 'a' AND K = 'b' AND N = 1", []),
    ("N = 5000000000 AND K = 'a'", []),
    ("K = :k AND N = :n", [("p", 7)]),
    ("K = 'a'", None),
    ("K = 'a' AND N > 1", None),
    ("K = 'a' AND N = 1 OR V = 'x'", None),
    ("K = 'a' AND NOT (N = 1)", None),
    ("K = V AND N = 1", None),
    ("K = UCASE('a') AND N = 1", None),
    ("K LIKE 'a' AND N = 1", None),
    ("K = 'a' AND N = 1.0", None),
])
def test_keys(where: str, keys: list[tuple[object, ...]] | None) -> None:
    expr = expect_boolean(where, Scope((("", COLUMNS),), {"k": t.STRING, "n": t.INT}))
    assert keys_of(expr, KEY, {"k": "p", "n": 7}) == keys


def test_a_double_has_more_than_one_spelling() -> None:
    expr = expect_boolean("D = 0.0", Scope((("", COLUMNS),)))
    assert keys_of(expr, (Column("D", t.DOUBLE, Role.KEY),), {}) is None
