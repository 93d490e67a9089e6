"""A new client goes on after the position that an earlier one stored: see spec.md."""

from __future__ import annotations

from penstock_client import Binding
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))
    client.append(orders, [{"k": "a", "n": n} for n in range(50)])
    with run.connect() as reader:
        batches = reader.subscribe(orders, start="earliest", max_batch_rows=10).batches()
        one, two = next(batches), next(batches)
    client.append(orders, [{"k": "a", "n": n} for n in range(50, 60)])
    rest = [row.n for row in run.connect().subscribe(orders, start=two.position, until="end")]
    values = [*one.column("n"), *two.column("n"), *rest]
    return {"first": len(one) + len(two), "rest": len(rest), "in_order": values == list(range(60))}
