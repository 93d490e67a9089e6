"""An update says what becomes of each node, and needs leave for what is lost: see spec.md."""

from __future__ import annotations

from penstock_client import Topology
from support import Run, cells, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    client.create_stream(orders, "k STRING KEY, n INT")

    def definition(sink: bool, **columns: str) -> Topology:
        counts = Topology(run.name("counts"))
        table = counts.stream(orders).group_by().aggregate(name="sums", **columns)
        if sink:
            table.to(totals)
        return counts

    client.register_topology(definition(True, total="SUM(n)"), wait=30)
    token = client.append(orders, {"k": "a", "n": 5}).position
    client.get(totals, "a", at_least=token, max_wait=20)
    wider = definition(True, total="SUM(n)", many="COUNT(*)")
    checked = client.update_topology(wider, validate_only=True)
    without = definition(False, total="SUM(n)")
    dropped = client.update_topology(without, validate_only=True)
    refused = reason(lambda: client.update_topology(without))
    updated = client.update_topology(wider, wait=30)
    token = client.append(orders, {"k": "a", "n": 2}).position
    row = client.get(totals, "a", at_least=token, max_wait=20)
    return {
        "added_column": next(c.effect for c in checked.changes if c.node == "sums"), "dropped_needs_leave": any(c.needs_leave for c in dropped.changes),
        "refused": refused, "version": str(updated.topology.version), "row": row and cells(row),
    }  # fmt: skip
