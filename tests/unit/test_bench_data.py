"""The benchmark's data are the same bytes everywhere; its checks see what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture(autouse=True)
def bench_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ("transactions", "commerce", "workloads", "measure"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_the_first_records_are_the_known_ones() -> None:
    from transactions import FEW_USERS, MANY_USERS, checksum

    first = next(MANY_USERS.rows(1))
    assert first.value.startswith(b'{"id":1000000000,"ts":17') and first.value.endswith(b'"}')
    assert [checksum(d.rows(20_000)) for d in (MANY_USERS, FEW_USERS)] == [0x1eceacce, 0x83fe20c5]
    assert list(MANY_USERS.rows(100)) == list(MANY_USERS.rows(200))[:100]


def test_the_first_records_of_the_joins_are_the_known_ones() -> None:
    from commerce import clicks, customers, impressions, purchases
    from transactions import checksum

    assert checksum(customers.rows(1)) == customers.crc32, "all of them, whatever is bought"
    assert [checksum(d.rows(8_000)) for d in (purchases, impressions, clicks)] == [0x764a6206, 0x9f4e7c01, 0x3e5ca869]
    assert list(impressions.rows(100)) == list(impressions.rows(200))[:100]
    assert sum(1 for _ in clicks.rows(8_000)) == 2_000


def test_minutes_enriched_and_matched_results_must_be_right() -> None:
    from workloads import WORKLOADS

    def minute(n: int, key: bytes = b"u") -> tuple[bytes, bytes]:
        return key, b'{"user":"u","ws":60000,"we":120000,"sum":5,"n":%d}' % n

    check = WORKLOADS["w3"].check
    assert check([minute(1), minute(2)], 2) == "" and "in place of 3" in check([minute(1), minute(2)], 3)
    assert check([minute(2)], 1) and check([minute(1, b"v")], 1)
    bought = b'{"id":1,"ts":2,"cust":"c000007","name":"Customer Number 000007","tier":"gold","country":"DE","sku":"s","qty":1,"amount":2}'
    check = WORKLOADS["w4"].check
    assert check([(b"c000007", bought)], 1) == "" and check([(b"c000007", bought)] * 2, 2)
    assert check([(b"c000007", bought.replace(b"Number 000007", b"Number 000008"))], 1)
    matched = b'{"imp":"i00000004","ad":"a","campaign":"c","user":"u","its":1750000000004,"cts":1750000000014,"dt":10,"cost":1,"ref":"r"}'
    check = WORKLOADS["w5"].check
    assert check([(b"i00000004", matched)], 1) == ""
    assert check([(b"i00000004", matched.replace(b'"dt":10', b'"dt":11'))], 1) and check([], 1)


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
