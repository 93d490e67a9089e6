"""Rows as JSON are cast as INSERT VALUES does: see spec.md."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from support import Run, cells, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n BIGINT, price DECIMAL(10, 2), day DATE")
    rows = [{"k": "a", "n": 9007199254740993, "price": Decimal("12.5"), "day": date(2024, 2, 29)}, {"k": "b"}]
    written = client.append(orders, rows, as_json=True)
    found = {row.k: cells(row) for row in client.subscribe(orders, start="earliest", until="end")}
    return {"appended": written.appended, **found, "refused": reason(lambda: client.append(orders, {"k": "c", "n": "x"}, as_json=True))}
