"""Many keys are looked up at once, in the order asked: see spec.md."""

from __future__ import annotations

from penstock_client import Topology
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, stock, shown = run.client, run.name("stock"), run.name("shown")
    client.create_table(stock, "shop STRING KEY, item INT KEY, n BIGINT")
    copy = Topology(run.name("copy"))
    copy.table(stock).to(shown)
    client.register_topology(copy, wait=30)
    rows = [{"shop": "s1", "item": 1, "n": 10}, {"shop": "s1", "item": 2, "n": 20}, {"shop": "s2", "item": 1, "n": 30}]
    token = client.append(stock, rows).position
    found = client.batch_get(shown, [("s2", 1), ("none", 1), ("s1", 2)], columns=["n"], at_least=token, max_wait=20)
    first = found[0]
    return {
        "found": [row and str(row.n) for row in found], "columns": list(first.schema.names) if first else [],
        "wrong_key": reason(lambda: client.batch_get(shown, [("s1",)])),
    }  # fmt: skip
