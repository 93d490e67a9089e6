"""The workloads: what each reads, computes and must write, and what it has to reach beside Kafka Streams.

    w1      base-txn100k: payments over 50000, the card masked but for four digits, four fields
    w2      base-txn100k: payments per user, every update written
    w2-1k   base-txn1k: the same with 1,000 users
    w3      base-txn100k: sum and count per user and minute, grace 10 s, every update written
    w4      base-purchases, base-customers: purchases with their customer
    w5      base-imps, base-clicks: clicks with their impression, at most 10 minutes apart
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import msgspec
from commerce import BUYERS, CUSTOMERS, clicked, clicks, customers, impressions, purchases
from penstock_client.builder import Topology, tumbling
from penstock_client.declare import Binding
from transactions import FEW_USERS, MANY_USERS, RECORDS, START_MS, Row

PARTITIONS = 4
MINUTE_MS, JOIN_MS = 60_000, 600_000
COLUMNS = "k STRING KEY, id BIGINT, ts BIGINT, `user` STRING, card STRING, amount BIGINT, currency STRING, merchant STRING, country STRING"
CUSTOMER = ("cust STRING KEY, name STRING, tier STRING, country STRING, email STRING, since BIGINT, credit BIGINT, ts BIGINT")
PURCHASE = "k STRING KEY, id BIGINT, ts BIGINT, cust STRING, sku STRING, qty BIGINT, amount BIGINT, currency STRING, store STRING"
IMPRESSION = ("k STRING KEY, imp STRING, ts BIGINT, `user` STRING, ad STRING, campaign STRING, site STRING, country STRING, cost BIGINT")
CLICK = "k STRING KEY, id BIGINT, ts BIGINT, imp STRING, `user` STRING, device STRING, ref STRING, x INT, y INT"

Results = Iterable[tuple[bytes, bytes]]


class Data(Protocol):
    """A topic's data."""

    @property
    def topic(self) -> str: ...
    def rows(self, records: int) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Input:
    """A topic that a workload reads, and how it is declared."""

    relation: str
    data: Data
    columns: str
    table: bool = False


@dataclass(frozen=True, slots=True)
class Workload:
    """target: the most CPU a record that Penstock on Kafka may use, as a part of Kafka Streams' warm second half. whole: records of the first
    input in a whole run. topology: of a name, the relations it reads and the one it writes. expected: results for so many records. check:
    empty when results are exactly right, else what is wrong with them. streams_name: the workload of the Kafka Streams program."""

    name: str
    inputs: tuple[Input, ...]
    target: float
    whole: int
    topology: Callable[[str, Sequence[str], str], Topology]
    expected: Callable[[int], int]
    check: Callable[[Results, int], str]
    streams_name: str


# --------------------------------------------------------------------------------------------------------------- W1

class Payment(msgspec.Struct):
    """The field that decides what W1 writes."""

    amount: int


class Masked(msgspec.Struct):
    """A W1 result."""

    id: int
    user: str
    card: str
    amount: int


_payment = msgspec.json.Decoder(Payment).decode
_masked = msgspec.json.Decoder(Masked).decode


@cache
def _large(records: int) -> int:
    return sum(1 for row in MANY_USERS.rows(records) if _payment(row.value).amount > 50_000)


def _check_masked(results: Results, expected: int) -> str:
    """Each payment once, with its card masked."""
    seen: set[int] = set()
    found = 0
    for key, value in results:
        row = _masked(value)
        found += 1
        seen.add(row.id)
        if row.amount <= 50_000 or row.user != key.decode() or not row.card.startswith("************") or len(row.card) != 16:
            return f"{value.decode()} under {key.decode()}"
    return "" if found == len(seen) == expected else f"{found} results of {len(seen)} payments in place of {expected}"


def _written(output: str) -> Binding:
    return Binding(output, PARTITIONS, key_format="KAFKA", value_format="JSON")


def _w1(name: str, relations: Sequence[str], output: str) -> Topology:
    topology = Topology(name, guarantee="EXACTLY_ONCE", updates="EVERY")
    chosen = topology.stream(relations[0], start="earliest").filter("amount > 50000")
    masked = ("CONCAT('************', SUBSTRING(card, -4))", "card")
    chosen.select("id", "`user`", masked, "amount").to(output, binding=_written(output))
    return topology


# --------------------------------------------------------------------------------------------------------------- W2

class Count(msgspec.Struct):
    """A W2 result."""

    n: int


_count = msgspec.json.Decoder(Count).decode


def _check_counts(results: Results, expected: int) -> str:
    """Each user's counts are 1, 2, 3..., in order, and all of them together as many as there were payments."""
    return _gapless(((key.decode(), _count(value).n) for key, value in results), expected)


def _gapless(counts: Iterable[tuple[object, int]], expected: int) -> str:
    last: dict[object, int] = {}
    for group, n in counts:
        if n != last.get(group, 0) + 1:
            return f"{group}: {n} follows {last.get(group, 0)}"
        last[group] = n
    return "" if sum(last.values()) == expected else f"{sum(last.values())} updates in place of {expected}"


def _w2(name: str, relations: Sequence[str], output: str) -> Topology:
    topology = Topology(name, guarantee="EXACTLY_ONCE", updates="EVERY")
    counts = topology.stream(relations[0], start="earliest").group_by().count("n")
    counts.to(output, binding=_written(output))
    return topology


# --------------------------------------------------------------------------------------------------------------- W3

class Minute(msgspec.Struct):
    """A W3 result."""

    user: str
    ws: int
    we: int
    sum: int
    n: int


_minute = msgspec.json.Decoder(Minute).decode


def _check_minutes(results: Results, expected: int) -> str:
    """Each user's counts within a minute are 1, 2, 3..., in order, under the user's key."""
    rows = [(key, _minute(value)) for key, value in results]
    wrong = next((r for k, r in rows if k.decode() != r.user or r.ws % MINUTE_MS or r.we != r.ws + MINUTE_MS or r.sum < 0), None)
    return _gapless((((r.user, r.ws), r.n) for _, r in rows), expected) if wrong is None else str(wrong)


def _w3(name: str, relations: Sequence[str], output: str) -> Topology:
    topology = Topology(name, guarantee="EXACTLY_ONCE", updates="EVERY")
    windows = topology.stream(relations[0], start="earliest").group_by().window(tumbling(minutes=1, grace=10))
    sums = windows.aggregate(("SUM(amount)", "sum"), ("COUNT(*)", "n")).to_stream()
    rows = sums.select(("k", "user"), ("WINDOWSTART", "ws"), ("WINDOWEND", "we"), "sum", "n")
    rows.partition_by(("k", "k")).to(output, binding=_written(output))
    return topology


# --------------------------------------------------------------------------------------------------------------- W4

class Enriched(msgspec.Struct):
    """A W4 result."""

    id: int
    ts: int
    cust: str
    name: str
    tier: str
    country: str
    sku: str
    qty: int
    amount: int


_enriched = msgspec.json.Decoder(Enriched).decode


@cache
def _known_buyers(records: int) -> int:
    return sum(1 for row in purchases.rows(records) if int(row.key[1:]) < CUSTOMERS)


def _check_enriched(results: Results, expected: int) -> str:
    """Each purchase once, with the name of its customer."""
    seen: set[int] = set()
    found = 0
    for key, value in results:
        row = _enriched(value)
        found += 1
        seen.add(row.id)
        if row.cust != key.decode() or row.name != f"Customer Number {row.cust[1:]}" or int(row.cust[1:]) >= min(CUSTOMERS, BUYERS):
            return f"{value.decode()} under {key.decode()}"
    return "" if found == len(seen) == expected else f"{found} results of {len(seen)} purchases in place of {expected}"


def _w4(name: str, relations: Sequence[str], output: str) -> Topology:
    topology = Topology(name, guarantee="EXACTLY_ONCE", updates="EVERY")
    bought = topology.stream(relations[0], start="earliest", name="p")
    known = topology.table(relations[1], start="earliest", name="c")
    joined = bought.join(known, ("p.id", "id"), ("p.ts", "ts"), ("p.cust", "cust"), ("c.name", "name"), ("c.tier", "tier"),
                         ("c.country", "country"), ("p.sku", "sku"), ("p.qty", "qty"), ("p.amount", "amount"))
    joined.to(output, binding=_written(output))
    return topology


# --------------------------------------------------------------------------------------------------------------- W5

class Matched(msgspec.Struct):
    """A W5 result."""

    imp: str
    ad: str
    campaign: str
    user: str
    its: int
    cts: int
    dt: int
    cost: int
    ref: str


_matched = msgspec.json.Decoder(Matched).decode


@cache
def _near(records: int) -> int:
    return sum(1 for at, impression in clicked(min(records, impressions.whole)) if at - (START_MS + impression) <= JOIN_MS)


def _check_matched(results: Results, expected: int) -> str:
    """Each impression with its click once, if they are near enough."""
    seen: set[str] = set()
    found = 0
    for key, value in results:
        row = _matched(value)
        found += 1
        seen.add(row.imp)
        if row.imp != key.decode() or row.dt != row.cts - row.its or not 0 <= row.dt <= JOIN_MS or row.its != START_MS + int(row.imp[1:]):
            return f"{value.decode()} under {key.decode()}"
    return "" if found == len(seen) == expected else f"{found} results of {len(seen)} impressions in place of {expected}"


def _w5(name: str, relations: Sequence[str], output: str) -> Topology:
    topology = Topology(name, guarantee="EXACTLY_ONCE", updates="EVERY")
    shown, clicked_on = (topology.stream(r, start="earliest", name=n) for r, n in zip(relations, "ic", strict=True))
    matched = shown.join_stream(clicked_on, ("i.imp", "imp"), ("i.ad", "ad"), ("i.campaign", "campaign"), ("i.`user`", "user"), ("i.ts", "its"),
                                ("c.ts", "cts"), ("c.ts - i.ts", "dt"), ("i.cost", "cost"), ("c.ref", "ref"), within=JOIN_MS / 1000, grace=10)
    matched.to(output, binding=_written(output))
    return topology


_MANY = (Input("payments", MANY_USERS, COLUMNS),)
_FEW = (Input("payments", FEW_USERS, COLUMNS),)
_BOUGHT = (Input("purchases", purchases, PURCHASE), Input("customers", customers, CUSTOMER, table=True))
_SHOWN = (Input("impressions", impressions, IMPRESSION), Input("clicks", clicks, CLICK))

WORKLOADS = {
    w.name: w for w in (
        Workload("w1", _MANY, 0.6, RECORDS, _w1, _large, _check_masked, "w1"),
        Workload("w2", _MANY, 0.6, RECORDS, _w2, lambda records: records, _check_counts, "w2"),
        Workload("w2-1k", _FEW, 0.3, RECORDS, _w2, lambda records: records, _check_counts, "w2"),
        Workload("w3", _MANY, 0.6, RECORDS, _w3, lambda records: records, _check_minutes, "w3"),
        Workload("w4", _BOUGHT, 0.6, purchases.whole, _w4, _known_buyers, _check_enriched, "w4"),
        Workload("w5", _SHOWN, 0.8, impressions.whole, _w5, _near, _check_matched, "w5"),
    )
}
