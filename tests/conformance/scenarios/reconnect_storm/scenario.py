"""Many subscriptions of one client come back after their connection was cut: see spec.md."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from penstock_client import Binding
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))
    client.append(orders, {"k": "a", "n": 0})
    subscriptions = [client.subscribe(orders, start="earliest") for _ in range(20)]
    for subscription in subscriptions:
        next(subscription)
    for _ in range(3):
        run.ask("cut")
    run.ask("append", relation=orders, rows=[{"k": "a", "n": 1}])
    with ThreadPoolExecutor(20) as threads:
        second = [row.n for row in threads.map(next, subscriptions)]
    return {"second": sorted(set(second)), "all_came": len(second), "open": run.ask("subscriptions", count=20)["count"]}
