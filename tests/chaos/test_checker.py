"""The checker must see each kind of fault, or a clean run would mean nothing."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from checker import Violations, check_echo, check_equal_stores, check_running, check_table, recount, running  # noqa: E402

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
