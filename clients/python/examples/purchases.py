"""The purchases of a shop: card numbers are masked for everything downstream; patterns, rewards and totals come from what is masked. The points of
each customer are computed by this program, as a worker of a remote processor, and kept by the service. It ends with a recount of what the service
published against what was appended.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import asdict, dataclass

from penstock_client import Binding, Client, Row, Topology, tumbling
from penstock_client.processing import Context
from penstock_client.worker import Worker

COUNT = 2_000
DEPARTMENTS = {"coffee": "groceries", "bread": "groceries", "lamp": "home", "camera": "electronics", "novel": "books"}
COLUMNS = "customer STRING KEY, card STRING, item STRING, price DOUBLE, department STRING, store STRING, zip STRING"


@dataclass(frozen=True)
class Purchase:
    """Prices are quarters, so that sums are exact in any order."""

    customer: str
    card: str
    item: str
    price: float
    department: str
    store: str = "Harbour"
    zip: str = "20457"


def points(row: Row, context: Context) -> None:
    """A point for each whole unit of money. Rows, state and input are committed together, exactly once."""
    before = context.state("totals") or {"points": 0}
    now = {"points": before["points"] + int(row["price"])}
    context.put("totals", now)
    context.send("rewards", now)


def shop() -> Topology:
    """What is made of the purchases."""
    topology = Topology("shop_python")
    masked = topology.stream("purchases_python").select("item", "price", "department", "store", "zip", card="MASK_KEEP_RIGHT(card, 4)", name="masked")
    masked.to("purchases_masked_python")
    masked.select("item", "zip", sold_at="ROWTIME", name="where_and_when").to("patterns_python")
    outputs, stores = {"rewards": "customer STRING KEY, points BIGINT"}, {"totals": "points BIGINT"}
    computed = masked.process_remotely("points_python", outputs, stores, keeps_key=True, name="points")
    computed["rewards"].to_table(name="rewards").to("rewards_python")
    minutes = masked.group_by("department").window(tumbling(minutes=1, grace=3_600, retention=86_400))
    minutes.aggregate(total="SUM(price)", sold="COUNT(*)", name="totals").to("department_totals_python")
    masked.filter("price > 100", name="expensive").to("high_value_python")
    return topology


def generate() -> list[Purchase]:
    """The same purchases every time."""
    draw = random.Random(7)
    items = [draw.choice(list(DEPARTMENTS)) for _ in range(COUNT)]
    return [Purchase(f"c{draw.randrange(50):03d}", f"0000-0000-0000-{draw.randrange(10_000):04d}", item, draw.randrange(8, 800) / 4, DEPARTMENTS[item])
            for item in items]  # fmt: skip


def send(client: Client, purchases: list[Purchase]) -> str:
    """Append the purchases in batches, many on their way at once; the position that includes them all."""
    with client.appender("purchases_python") as appender:
        for start in range(0, COUNT, 100):
            appender.append([asdict(purchase) for purchase in purchases[start : start + 100]])
        return appender.flush()


def recount(client: Client, purchases: list[Purchase], position: str) -> None:
    """Compare points, masked cards and high values."""
    earned: Counter[str] = Counter()
    for purchase in purchases:
        earned[purchase.customer] += int(purchase.price)
    last = purchases[-1].customer
    print(f"rewards of {last} with the token of the last append:", client.get("rewards_python", last, at_least=position, max_wait=20))
    published = {row.customer: row.points for row in client.scan("rewards_python", at_least=position)}
    masked = Counter(row.card for row in client.subscribe("purchases_masked_python", start="earliest", limit=COUNT))
    high = sorted(purchase.price for purchase in purchases if purchase.price > 100)
    pushed = sorted(row.price for row in client.subscribe("high_value_python", start="earliest", limit=len(high)))
    if published != earned or masked != Counter(f"nnnn-nnnn-nnnn-{purchase.card[15:]}" for purchase in purchases) or pushed != high:
        raise SystemExit(f"the recount differs: {published} are the points, {earned} must be")
    print(f"recount of {COUNT} purchases, {len(earned)} customers: every value right")


def main(address: str = "127.0.0.1:7550") -> None:
    """Play it."""
    with Client(address) as client, Worker(address, {"points_python": points}):
        client.create_stream("purchases_python", COLUMNS, Binding(partitions=4, value_format="JSON"))
        client.register_topology(shop(), wait=30)
        purchases = generate()
        recount(client, purchases, send(client, purchases))


if __name__ == "__main__":
    main(*sys.argv[1:])
