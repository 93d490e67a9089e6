"""A table's subscription gives its rows, says that it has caught up, then gives changes: see spec.md."""

from __future__ import annotations

from penstock_client import Batch, CaughtUp, SchemaChanged, Topology
from support import Run, cells


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    client.create_stream(orders, "k STRING KEY, n INT")
    counts = Topology(run.name("counts"))
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    client.register_topology(counts, wait=30)
    token = client.append(orders, [{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "c", "n": 3}]).position
    client.batch_get(totals, ["a", "b", "c"], at_least=token, max_wait=20)
    first, snapshot, marked = "", {}, True
    with client.subscribe(totals) as watch:
        events = watch.events()
        for event in events:
            first = first or ("schema" if isinstance(event, SchemaChanged) else type(event).__name__)
            if isinstance(event, Batch):
                snapshot.update({row.k: row.total for row in event})
                marked = marked and event.snapshot
            if isinstance(event, CaughtUp):
                break
        client.append(orders, {"k": "b", "n": 5})
        change = next(event for event in events if isinstance(event, Batch))
    (row,) = change
    return {"first_event": first, "snapshot": snapshot, "marked": marked, "change": cells(row), "change_marked": change.snapshot}
