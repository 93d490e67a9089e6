"""The checker must see each kind of fault, or a clean run would mean nothing."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from checker import (  # noqa: E402
    Violations,
    amount,
    check_echo,
    check_enriched,
    check_equal_stores,
    check_finals,
    check_mended,
    check_owned,
    check_pairs,
    check_running,
    check_table,
    closed_windows,
    owned,
    recount,
    rowtime,
    running,
)

SENT = {"k1": 5, "k2": 3}
ECHO = {"k1": [1, 2, 3, 4, 5], "k2": [1, 2, 3]}


def verdict(check, *args) -> tuple[int, int, int]:  # type: ignore[no-untyped-def]
    v = Violations()
    check(v, "t", *args)
    return v.lost, v.doubled, v.other


def test_echo() -> None:
    assert verdict(check_echo, SENT, ECHO) == (0, 0, 0)
    assert verdict(check_echo, SENT, {**ECHO, "k1": [1, 2, 4, 5]}) == (1, 0, 0)
    assert verdict(check_echo, SENT, {**ECHO, "k1": [1, 2, 3, 3, 4, 5]}) == (0, 1, 0)
    assert verdict(check_echo, SENT, {**ECHO, "k1": [2, 1, 3, 4, 5]}) == (0, 0, 1)
    assert verdict(check_echo, SENT, {**ECHO, "k9": [1]}) == (0, 0, 1)
    assert verdict(check_echo, SENT, {"k1": ECHO["k1"]}) == (3, 0, 0)


def test_mended() -> None:
    good = [("k2", 3), ("k1", 2), ("k1", 1), ("k2", 1), ("k2", 2), ("k1", 5), ("k1", 3), ("k1", 4)]
    assert verdict(check_mended, SENT, good) == (0, 0, 0)
    assert verdict(check_mended, SENT, good[1:]) == (1, 0, 0)
    assert verdict(check_mended, SENT, [*good, good[3]]) == (0, 1, 0)
    assert verdict(check_mended, SENT, [*good, ("k2", 4)]) == (0, 0, 1)


def test_running() -> None:
    good = {k: running(k, n) for k, n in SENT.items()}
    assert verdict(check_running, SENT, good) == (0, 0, 0)
    assert verdict(check_running, SENT, {**good, "k1": good["k1"][:-1]}) == (1, 0, 0)
    assert verdict(check_running, SENT, {**good, "k1": [*good["k1"], good["k1"][-1]]}) == (0, 1, 0)
    wrong = list(good["k2"])
    wrong[1] = (2, 0, 0, 0)
    assert verdict(check_running, SENT, {**good, "k2": wrong}) == (0, 0, 1)


def test_table() -> None:
    groups, _ = recount(SENT)
    assert verdict(check_table, groups, groups) == (0, 0, 0)
    some = next(iter(groups))
    count, total = groups[some]
    assert verdict(check_table, groups, {**groups, some: (count + 2, total)}) == (0, 2, 0)
    assert verdict(check_table, groups, {**groups, some: (count, total + 1)}) == (0, 0, 1)
    assert verdict(check_table, groups, {k: v for k, v in groups.items() if k != some}) == (count, 0, 0)


def test_stores() -> None:
    assert verdict(check_equal_stores, {b"a": b"1"}, {b"a": b"1"}) == (0, 0, 0)
    assert verdict(check_equal_stores, {b"a": b"1"}, {b"a": b"2"}) == (0, 0, 1)
    assert verdict(check_equal_stores, {b"a": b"1"}, {}) == (0, 0, 1)


def test_closed_windows() -> None:
    """Windows of a second hold two numbers of a key; a second of grace."""
    start = rowtime(0)
    assert closed_windows([[("a", 0), ("a", 1), ("a", 3)]], 1000, 1000) == {}
    assert closed_windows([[("a", 0), ("a", 1), ("a", 4)]], 1000, 1000) == {("a", start): (2, amount("a", 0) + amount("a", 1))}
    late = [("a", 0), ("a", 4), ("a", 1), ("b", 1), ("b", 2)]
    assert closed_windows([late], 1000, 1000) == {("a", start): (1, amount("a", 0))}
    assert closed_windows([[("a", 0)], [("b", 4)]], 1000, 1000) == {}, "time goes by the partition"


def test_finals() -> None:
    expected = {("a", 0): (2, 5), ("b", 0): (1, 3)}
    good = [(("a", 0), (2, 5)), (("b", 0), (1, 3))]
    assert verdict(check_finals, expected, good) == (0, 0, 0)
    assert verdict(check_finals, expected, good[:1]) == (1, 0, 0)
    assert verdict(check_finals, expected, [*good, good[0]]) == (0, 1, 0)
    assert verdict(check_finals, expected, [*good, (("a", 10), (1, 1))]) == (0, 0, 1)
    assert verdict(check_finals, expected, [good[0], (("b", 0), (1, 4))]) == (0, 0, 1)


def test_pairs() -> None:
    good = [("k1", (3, 3)), ("k2", (3, 3))]
    assert verdict(check_pairs, SENT, good) == (0, 0, 0)
    assert verdict(check_pairs, SENT, good[:1]) == (1, 0, 0)
    assert verdict(check_pairs, SENT, [*good, good[1]]) == (0, 1, 0)
    assert verdict(check_pairs, SENT, [*good, ("k1", (4, 3))]) == (0, 0, 1)


def test_enriched() -> None:
    versions = {"k1": 3, "k2": 1}
    good = {"k1": [(1, 1), (2, 1), (3, 3), (4, 3), (5, 3)], "k2": [(1, 1), (2, 1), (3, 1)]}
    assert verdict(check_enriched, SENT, versions, good) == (0, 0, 0)
    assert verdict(check_enriched, SENT, versions, {**good, "k2": good["k2"][:2]}) == (1, 0, 0)
    assert verdict(check_enriched, SENT, versions, {**good, "k2": [*good["k2"], (3, 1)]}) == (0, 1, 0)
    assert verdict(check_enriched, SENT, versions, {**good, "k1": [(1, 2), (2, 1), (3, 3), (4, 3), (5, 3)]}) == (0, 0, 1)
    assert verdict(check_enriched, SENT, versions, {**good, "k2": [(1, 1), (2, 1), (3, 2)]}) == (0, 0, 1)


def test_owned() -> None:
    good = owned(["k1", "k2"], {"o1": 2, "o2": 3}, {"k1": 4, "k2": 5})
    assert verdict(check_owned, good, good) == (0, 0, 0)
    assert verdict(check_owned, good, {"o1": good["o1"]}) == (1, 0, 0)
    who, change, version = good["o2"]
    assert verdict(check_owned, good, {**good, "o2": (who, change, version - 1)}) == (1, 0, 0)
    assert verdict(check_owned, good, {**good, "o2": ("k9", change - 1, version)}) == (1, 0, 0)
    assert verdict(check_owned, good, {**good, "o2": ("k9", change, version)}) == (0, 0, 1)
    assert verdict(check_owned, good, {**good, "o3": good["o1"]}) == (0, 0, 1)
