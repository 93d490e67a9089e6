"""The purchases of a shop, with a worker killed in the middle, and a recount."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.cli.demo.feed import feed
from penstock.cli.demo.recount import Recount, moment
from penstock.cli.demo.stage import Stage

PURCHASES = 6_000
BEGIN = datetime(2025, 6, 15, 9, 0, tzinfo=UTC)
ITEMS = {"coffee": "groceries", "bread": "groceries", "lamp": "home", "chair": "home", "headphones": "electronics", "camera": "electronics",
         "novel": "books", "atlas": "books"}
STORES = {"Harbour": "20457", "Market Square": "20095", "Station": "20099"}


@dataclass(frozen=True)
class Purchase:
    """One purchase; prices are quarters, so that sums are exact in any order."""

    customer: str
    card: str
    item: str
    price: float
    department: str
    store: str
    zip: str
    at: datetime

    def row(self) -> dict[str, Any]:
        """For append."""
        return {"customer": self.customer, "card": self.card, "item": self.item, "price": self.price, "department": self.department,
                "store": self.store, "zip": self.zip, "ROWTIME": self.at}


def generate(count: int) -> list[Purchase]:
    """The same purchases every time, five minutes of them."""
    rnd = random.Random(7)
    out = []
    for n in range(count):
        item, store = rnd.choice(list(ITEMS)), rnd.choice(list(STORES))
        card = "-".join(f"{rnd.randrange(10_000):04d}" for _ in range(4))
        out.append(Purchase(f"c{rnd.randrange(200):03d}", card, item, rnd.randrange(8, 800) / 4, ITEMS[item], store, STORES[store],
                            BEGIN + timedelta(milliseconds=50 * n)))
    return out


def play(stage: Stage) -> bool:
    """Whether the recount agrees."""
    purchases = generate(PURCHASES)
    stage.apply("purchases.yaml")
    expensive = stage.follow("high_value", where="price > 195", start="earliest")
    rewards = stage.follow("rewards")
    totals = stage.follow("department_totals")
    patterns = stage.follow("patterns", start="earliest")
    masked = stage.follow("purchases_masked", start="earliest")

    token = feed(stage, "purchases", [p.row() for p in purchases], "purchases", seen=lambda: bool(rewards.rows and masked.rows))

    last = purchases[-1].customer
    asked = time.monotonic()
    row = stage.client.get("rewards", last, at_least=token, max_wait=25)
    took = (time.monotonic() - asked) * 1000
    expected = sum(int(p.price) for p in purchases if p.customer == last)
    stage.say(f"read your writes: rewards of {last} with the token of the last append: {row.points if row else None} points "
              f"(expected {expected}), answered in {took:.0f} ms")

    high = sum(p.price > 195 for p in purchases)
    stage.wait("every masked purchase by push", lambda: len(masked.rows) >= PURCHASES and len(patterns.rows) >= PURCHASES and len(expensive.rows) >= high)
    stage.show("purchases_masked, pushed", masked.rows)
    stage.show("patterns, pushed", patterns.rows)
    stage.show("high_value where price > 195, pushed", expensive.rows)
    stage.show("rewards, pushed: the newest row of each customer", rewards.rows[-4:])
    stage.show("department_totals, pushed: one-minute windows", totals.rows[-4:])
    recount = Recount(stage)
    recount.right(f"the points of {last}", expected, row and row.points)
    return compare(stage, recount, purchases, token)


def compare(stage: Stage, recount: Recount, purchases: list[Purchase], token: str) -> bool:
    """Everything once more from the purchases, against what the service published."""
    read = list(stage.client.subscribe("purchases_masked", start="earliest", until="end"))
    recount.count(Counter((p.customer, mask(p.card), p.item, p.price, p.at) for p in purchases),
                  Counter((r.customer, r.card, r.item, r.price, moment(r.ROWTIME)) for r in read))
    items = list(stage.client.subscribe("patterns", start="earliest", until="end"))
    recount.count(Counter((p.item, p.zip, p.at) for p in purchases), Counter((r.item, r.zip, moment(r.ROWTIME)) for r in items))

    points: Counter[str] = Counter()
    windows: Counter[tuple[str, datetime]] = Counter()
    sums: dict[tuple[str, datetime], float] = {}
    for p in purchases:
        points[p.customer] += int(p.price)
        at = (p.department, p.at.replace(second=0, microsecond=0))
        windows[at] += 1
        sums[at] = sums.get(at, 0.0) + p.price
    recount.count(points, Counter({r.customer: r.points for r in stage.client.scan("rewards", at_least=token)}))
    table = list(stage.client.scan("department_totals", at_least=token))
    recount.count(windows, Counter({(r.department, moment(r.WINDOWSTART)): r.sold for r in table}))
    recount.rows(sums, {(r.department, moment(r.WINDOWSTART)): r.total for r in table}, "the total")
    return recount.close(f"{len(purchases):,} purchases, {len(points)} customers, {len(windows)} department minutes")


def mask(card: str) -> str:
    """As MASK_KEEP_RIGHT(card, 4) does."""
    return "".join("n" if c.isdigit() else "-" for c in card[:-4]) + card[-4:]
