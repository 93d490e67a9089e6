"""A wait for a position ends in time: see spec.md."""

from __future__ import annotations

import time

from penstock_client import Topology
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    client.create_stream(orders, "k STRING KEY, n INT")
    counts = Topology(run.name("counts"))
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    client.register_topology(counts, wait=30)
    run.ask("hold_worker")
    token = client.append(orders, {"k": "a", "n": 1}).position
    began = time.monotonic()
    why = reason(lambda: client.get(totals, "a", at_least=token, max_wait=0.3))
    in_time = time.monotonic() - began < 10
    run.ask("release_worker")
    row = client.get(totals, "a", at_least=token, max_wait=20)
    return {"reason": why, "in_time": in_time, "then": row and str(row.total)}
