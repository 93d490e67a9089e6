"""A subscription ends at its limit, at the present end and at a position: see spec.md."""

from __future__ import annotations

from penstock_client import Binding, Ended
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))
    token = client.append(orders, [{"k": "a", "n": n} for n in range(10)]).position
    client.append(orders, [{"k": "a", "n": n} for n in range(10, 20)])

    def count(**options: object) -> int:
        return len(list(client.subscribe(orders, start="earliest", **options)))  # type: ignore[arg-type]

    *_, last = client.subscribe(orders, start="earliest", until="end").events()
    return {
        "limit": count(limit=7), "end": count(until="end"), "position": count(until=token), "even": count(until="end", where="n % 2 = 0"),
        "reason": last.reason if isinstance(last, Ended) else "",
    }  # fmt: skip
