"""What follows a scan is subscribed to without a gap: see spec.md."""

from __future__ import annotations

from penstock_client import Topology
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    client.create_stream(orders, "k STRING KEY, n INT")
    counts = Topology(run.name("counts"))
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    client.register_topology(counts, wait=30)
    token = client.append(orders, [{"k": "a", "n": 1}, {"k": "b", "n": 1}]).position
    scan = client.scan(totals, at_least=token, max_wait=20)
    scanned = {row.k: row.total for row in scan}
    client.append(orders, [{"k": "a", "n": 1}, {"k": "c", "n": 1}])
    after: dict[str, int] = {}
    with client.subscribe(totals, start=scan.position) as changes:
        for row in changes:
            after[row.k] = row.total
            if {"a", "c"} <= after.keys():
                break
    return {"scanned": scanned, "after": after, "unchanged_came": "b" in after}
