"""The service describes itself: see spec.md."""

from __future__ import annotations

from penstock_client import Binding, Topology
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=2))
    copy = Topology(run.name("copy"))
    copy.stream(orders).to(run.name("out"))
    client.register_topology(copy, wait=30)
    cluster = client.cluster()
    return {
        "log": cluster.log, "available": cluster.log_available, "nodes": len(cluster.nodes), "tasks": [task.state for task in client.tasks(copy.name)],
        "kind": client.function("ABS").kind, "has_sum": "SUM" in {function.name for function in client.functions()},
    }  # fmt: skip
