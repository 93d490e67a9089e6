"""A reader that stops misses nothing, and holds up no other call: see spec.md."""

from __future__ import annotations

import time

from penstock_client import Binding
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT, note STRING", Binding(partitions=1))
    values: list[int] = []
    with client.subscribe(orders, columns=["n", "note"], start="earliest") as subscription:
        batches = subscription.batches()
        for start in range(0, 20_000, 2_000):
            rows = [{"k": "a", "n": n, "note": "x" * 200} for n in range(start, start + 2_000)]
            run.ask("append", relation=orders, rows=rows)
        values.extend(next(batches).column("n"))
        began = time.monotonic()
        for _ in range(20):
            client.cluster()
        answered = time.monotonic() - began < 10
        while len(values) < 20_000:
            values.extend(next(batches).column("n"))
    return {"others_answered": answered, "rows": len(values), "in_order": values == list(range(20_000))}
