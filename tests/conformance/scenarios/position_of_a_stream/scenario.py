"""The position of a stream of appends includes every batch of it: see spec.md."""

from __future__ import annotations

from penstock_client import Binding, Topology
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=4))
    counts = Topology(run.name("counts"))
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    client.register_topology(counts, wait=30)
    run.ask("hold_worker")
    keys = [f"k{n}" for n in range(10)]
    with client.appender(orders) as appender:
        for k in keys:
            appender.append({"k": k, "n": 1})
        appender.flush()
        run.ask("cut")
        appender.append({"k": "k0", "n": 1})
        token = appender.flush()
    held = {reason(lambda k=k: client.get(totals, k, at_least=token, max_wait=0.1)) for k in keys}
    run.ask("release_worker")
    rows = [client.get(totals, k, at_least=token, max_wait=20) for k in keys]
    return {"held": sorted(held), "then": sum(row.total for row in rows if row is not None)}
