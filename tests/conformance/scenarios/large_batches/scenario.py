"""Large batches go through, and too large ones are refused with the limit: see spec.md."""

from __future__ import annotations

from penstock_client import Binding
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT, note STRING", Binding(partitions=1))
    written = client.append(orders, [{"k": "a", "n": n, "note": "x" * 100} for n in range(20_000)])
    values = [row.n for row in client.subscribe(orders, start="earliest", until=written.position, max_batch_rows=65_536)]
    row = reason(lambda: client.append(orders, {"k": "a", "note": "x" * 2_000_000}))
    request = reason(lambda: client.append(orders, {"k": "a", "note": "x" * 5_000_000}))
    client.append(orders, {"k": "a", "note": "é" * 100_000})
    (long,) = client.subscribe(orders, start=written.position, until="end")
    return {
        "appended": written.appended, "read": len(values), "sum": str(sum(values)), "row": row, "request": request,
        "long": len(long.note) if set(long.note) == {"é"} else 0,
    }  # fmt: skip
