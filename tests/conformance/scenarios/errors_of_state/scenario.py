"""What cannot be read or written now can be later: see spec.md."""

from __future__ import annotations

from penstock_client import Retry, Topology
from penstock_client.errors import LogUnavailableError, NotServingError
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, once, orders, totals = run.client, run.connect(retry=Retry(attempts=1)), run.name("orders"), run.name("totals")
    client.create_stream(orders, "k STRING KEY, n INT")
    found: dict[str, object] = {}
    run.ask("hold_worker")
    counts = Topology(run.name("counts"))
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    client.register_topology(counts)
    try:
        once.get(totals, "a")
    except NotServingError as error:
        found |= {"reading": error.reason, "task": "task" in error.metadata, "soon": bool(error.retry_after)}
    run.ask("release_worker")
    token = client.append(orders, {"k": "a", "n": 1}).position
    row = client.get(totals, "a", at_least=token, max_wait=20)
    found["read"] = row and row.total
    run.ask("fail_log")
    try:
        once.append(orders, {"k": "a", "n": 2}, producer_id=run.name("p"), sequence=1)
    except LogUnavailableError as error:
        found |= {"writing": error.reason, "later_ms": round(1000 * (error.retry_after or 0))}
    run.ask("mend_log")
    written = client.append(orders, {"k": "a", "n": 2}, producer_id=run.name("p"), sequence=1)
    with client.subscribe(orders, start="earliest", until="end") as rows:
        found |= {"written": written.appended, "rows": sorted(row.n for row in rows)}
    return found
