"""The benchmark's data are the same bytes everywhere; its checks see what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture(autouse=True)
def bench_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ("transactions", "workloads", "measure"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_the_first_records_are_the_known_ones() -> None:
    from transactions import FEW_USERS, MANY_USERS, checksum

    first = next(MANY_USERS.rows(1))
    assert first.value.startswith(b'{"id":1000000000,"ts":17') and first.value.endswith(b'"}')
    assert [checksum(d.rows(20_000)) for d in (MANY_USERS, FEW_USERS)] == [0x1eceacce, 0x83fe20c5]
    assert list(MANY_USERS.rows(100)) == list(MANY_USERS.rows(200))[:100]


def test_counts_must_be_gapless_and_complete() -> None:
    from workloads import WORKLOADS

    right = [(b"a", b'{"n":1}'), (b"b", b'{"n":1}'), (b"a", b'{"n":2}')]
    check = WORKLOADS["w2"].check
    assert check(right, 3) == ""
    assert "in place of 4" in check(right, 4)
    assert check(right[1:], 2) == "a: 2 follows 0"
    assert check([*right, right[-1]], 4) == "a: 2 follows 2"


def test_masked_payments_must_come_once_each() -> None:
    from workloads import WORKLOADS

    row = (b"u1", b'{"id":1,"user":"u1","card":"************1234","amount":60000}')
    check = WORKLOADS["w1"].check
    assert check([row], 1) == ""
    assert check([row, row], 2) and check([row], 2)
    assert check([(b"u1", row[1].replace(b"****", b"1234"))], 1)


def test_figures_of_samples() -> None:
    from measure import Sample, figures

    found = figures([Sample(0, 10.0, 1.0), Sample(500_000, 11.0, 3.0), Sample(1_000_000, 12.0, 4.0)], 50.0)
    assert (found.records_per_s, found.cpu_s_per_million, found.half2_cpu_s_per_million) == (500_000, 3.0, 2.0)
