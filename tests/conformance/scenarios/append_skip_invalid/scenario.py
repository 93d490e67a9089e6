"""Invalid rows are named, and skipped if asked: see spec.md."""

from __future__ import annotations

from penstock_client import PenstockError
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT")
    rows = [{"k": "a", "n": 1}, {"k": "b", "n": "x"}, {"k": "c", "n": 3}]
    why, refused = "OK", []
    try:
        client.append(orders, rows, as_json=True)
    except PenstockError as error:
        why, refused = error.reason, [[one.row, one.reason] for one in error.row_errors]
    written = client.append(orders, rows, as_json=True, skip_invalid=True)
    keys = sorted(row.k for row in client.subscribe(orders, start="earliest", until="end"))
    return {
        "refused": why, "rows": refused, "appended": written.appended, "skipped": [[one.row, one.reason] for one in written.row_errors], "keys": keys
    }
