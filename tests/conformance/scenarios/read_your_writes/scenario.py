"""An answer includes the write whose token it is given: see spec.md."""

from __future__ import annotations

from penstock_client import Topology
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals, doubled = run.client, run.name("orders"), run.name("totals"), run.name("doubled")
    client.create_stream(orders, "k STRING KEY, n INT")
    first, second = Topology(run.name("first")), Topology(run.name("second"))
    first.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    client.register_topology(first, wait=30)
    second.table(totals).select(double="total * 2").to(doubled)
    client.register_topology(second, wait=30)
    seen, token = [], ""
    for _ in range(10):
        token = client.append(orders, {"k": "a", "n": 1}).position
        row = client.get(doubled, "a", at_least=token, max_wait=20)
        seen.append(row and row.double)
    row = client.get(doubled, "a", at_least=[token, ""], max_wait=20)
    return {"seen": seen, "several_tokens": row and row.double}
