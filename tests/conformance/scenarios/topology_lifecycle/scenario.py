"""A topology is registered, paused, reset, resumed and deleted: see spec.md."""

from __future__ import annotations

from penstock_client import Topology
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    client.create_stream(orders, "k STRING KEY, n INT")
    counts = Topology(run.name("counts"))
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    registered = client.register_topology(counts, wait=30)
    again = reason(lambda: client.register_topology(counts))
    first = client.append(orders, {"k": "a", "n": 1}).position
    client.get(totals, "a", at_least=first, max_wait=20)
    paused = client.pause_topology(counts.name).state
    second = client.append(orders, {"k": "a", "n": 2}).position
    while_paused = client.get(totals, "a")
    reset = client.reset_topology(counts.name)
    client.resume_topology(counts.name)
    after = client.get(totals, "a", at_least=second, max_wait=20)
    listed = counts.name in {one.name for one in client.topologies()}
    client.delete_topology(counts.name)
    return {
        "registered": registered.state, "again": again, "listed": listed, "publishes": totals in registered.relations, "paused": paused,
        "while_paused": while_paused and str(while_paused.total), "version": str(reset.version), "after_reset": after and str(after.total),
        "deleted": reason(lambda: client.topology(counts.name)), "relation": reason(lambda: client.get(totals, "a")),
    }  # fmt: skip
