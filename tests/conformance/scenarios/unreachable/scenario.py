"""Nobody there is told as such; calls that may be repeated wait for the service to come back: see spec.md."""

from __future__ import annotations

from penstock_client import Retry
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, till = run.client, run.name("orders"), run.name("till")
    client.create_stream(orders, "k STRING KEY, n INT")
    client.relation(orders)
    client.append(orders, [])
    run.ask("refuse")
    once = reason(run.connect(retry=Retry(attempts=1)).cluster)
    run.ask("refuse", for_ms=1_000)
    repeated = reason(client.cluster)
    run.ask("refuse", for_ms=1_000)
    without = reason(lambda: client.append(orders, {"k": "a", "n": 1}))
    with_producer = reason(lambda: client.append(orders, {"k": "a", "n": 1}, producer_id=till, sequence=1))
    rows = len(list(client.subscribe(orders, start="earliest", until="end")))
    return {"once": once, "repeated": repeated, "without_producer": without, "with_producer": with_producer, "rows": rows}
