"""A batch with a producer and a sequence is written once: see spec.md."""

from __future__ import annotations

from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, till = run.client, run.name("orders"), run.name("till")
    client.create_stream(orders, "k STRING KEY, n INT")
    first = client.append(orders, {"k": "a", "n": 1}, producer_id=till, sequence=1)
    again = client.append(orders, {"k": "a", "n": 1}, producer_id=till, sequence=1)
    gap = reason(lambda: client.append(orders, {"k": "a", "n": 3}, producer_id=till, sequence=3))
    client.append(orders, {"k": "a", "n": 2}, producer_id=till, sequence=2)
    values = [row.n for row in client.subscribe(orders, start="earliest", until="end")]
    return {"first": [first.appended, first.duplicate], "again": [again.appended, again.duplicate], "gap": gap, "values": values}
