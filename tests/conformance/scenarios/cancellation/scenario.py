"""A subscription that is left is over at the service: see spec.md."""

from __future__ import annotations

from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT")
    client.append(orders, {"k": "a", "n": 1})
    subscriptions = [client.subscribe(orders, start="earliest") for _ in range(5)]
    for subscription in subscriptions:
        next(subscription)
    opened = run.ask("subscriptions", count=5)["count"]
    for subscription in subscriptions:
        subscription.close()
    left = run.ask("subscriptions", count=0)["count"]
    return {"open": opened, "left": left, "then": reason(client.cluster)}
