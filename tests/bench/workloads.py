"""The workloads: what each reads, computes and must write, and what it has to reach beside Kafka Streams.

    w1      base-txn100k: payments over 50000, the card masked but for four digits, four fields
    w2      base-txn100k: payments per user, every update written
    w2-1k   base-txn1k: the same with 1,000 users
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import msgspec
from penstock_client.builder import Topology
from penstock_client.declare import Binding
from transactions import FEW_USERS, MANY_USERS, Dataset

PARTITIONS = 4
RELATION = "payments"
COLUMNS = "k STRING KEY, id BIGINT, ts BIGINT, `user` STRING, card STRING, amount BIGINT, currency STRING, merchant STRING, country STRING"


class Payment(msgspec.Struct):
    """The field that decides what W1 writes."""

    amount: int


class Masked(msgspec.Struct):
    """A W1 result."""

    id: int
    user: str
    card: str
    amount: int


class Count(msgspec.Struct):
    """A W2 result."""

    n: int


_payment = msgspec.json.Decoder(Payment).decode
_masked = msgspec.json.Decoder(Masked).decode
_count = msgspec.json.Decoder(Count).decode


@dataclass(frozen=True, slots=True)
class Workload:
    """target: the most CPU a record that Penstock on Kafka may use, as a part of Kafka Streams' warm second half. topology: of a name, the
    relation it reads and the one it writes. counts: it counts (W2), else it masks (W1)."""

    name: str
    dataset: Dataset
    target: float
    topology: Callable[[str, str, str], Topology]
    counts: bool

    @property
    def streams_name(self) -> str:
        """The workload of the Kafka Streams program."""
        return "w2" if self.counts else "w1"

    def expected(self, records: int) -> int:
        """Results that it writes for the first records."""
        return records if self.counts else _large(self.dataset, records)

    def check(self, results: Iterable[tuple[bytes, bytes]], expected: int) -> str:
        """Empty when results are exactly right, else what is wrong with them."""
        return _check_counts(results, expected) if self.counts else _check_masked(results, expected)


@cache
def _large(dataset: Dataset, records: int) -> int:
    return sum(1 for row in dataset.rows(records) if _payment(row.value).amount > 50_000)


def _check_counts(results: Iterable[tuple[bytes, bytes]], expected: int) -> str:
    """Each user's counts are 1, 2, 3..., in order, and all of them together as many as there were payments."""
    last: dict[bytes, int] = {}
    for key, value in results:
        n = _count(value).n
        if n != last.get(key, 0) + 1:
            return f"{key.decode()}: {n} follows {last.get(key, 0)}"
        last[key] = n
    return "" if sum(last.values()) == expected else f"{sum(last.values())} updates in place of {expected}"


def _check_masked(results: Iterable[tuple[bytes, bytes]], expected: int) -> str:
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


def _w1(name: str, relation: str, output: str) -> Topology:
    topology = Topology(name, guarantee="EXACTLY_ONCE", updates="EVERY")
    chosen = topology.stream(relation, start="earliest").filter("amount > 50000")
    masked = ("CONCAT('************', SUBSTRING(card, -4))", "card")
    chosen.select("id", "`user`", masked, "amount").to(output, binding=Binding(output, PARTITIONS, key_format="KAFKA", value_format="JSON"))
    return topology


def _w2(name: str, relation: str, output: str) -> Topology:
    topology = Topology(name, guarantee="EXACTLY_ONCE", updates="EVERY")
    counts = topology.stream(relation, start="earliest").group_by().count("n")
    counts.to(output, binding=Binding(output, PARTITIONS, key_format="KAFKA", value_format="JSON"))
    return topology


WORKLOADS = {
    w.name: w for w in (
        Workload("w1", MANY_USERS, 0.6, _w1, counts=False), Workload("w2", MANY_USERS, 0.6, _w2, counts=True),
        Workload("w2-1k", FEW_USERS, 0.3, _w2, counts=True),
    )
}
