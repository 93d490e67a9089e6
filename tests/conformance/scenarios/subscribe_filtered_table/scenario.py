"""A row that stops matching arrives as deleted: see spec.md."""

from __future__ import annotations

from penstock_client import Batch, CaughtUp, Topology
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    client.create_stream(orders, "k STRING KEY, n INT")
    counts = Topology(run.name("counts"))
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    client.register_topology(counts, wait=30)
    token = client.append(orders, {"k": "a", "n": 10}).position
    client.get(totals, "a", at_least=token, max_wait=20)
    rows, columns = [], []
    with client.subscribe(totals, where="total > :least", parameters={"least": 5}, columns=["total"]) as watch:
        for event in watch.events():
            if isinstance(event, CaughtUp):
                client.append(orders, {"k": "a", "n": -8})
            if isinstance(event, Batch):
                columns = list(event.schema.names)
                rows += [[row.k, row.total, row.deleted] for row in event]
                if len(rows) == 2:
                    client.append(orders, {"k": "b", "n": 6})
            if len(rows) == 3:
                break
    return {"rows": rows, "columns": columns}
