"""A stream of appends goes on over a kill of the gateway, each row once: see spec.md."""

from __future__ import annotations

from penstock_client import Binding
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders, till = run.client, run.name("orders"), run.name("till")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))
    with client.appender(orders, producer_id=till) as appender:
        for n in range(100):
            if n == 30:
                run.ask("kill_gateway")
            if n == 60:
                run.ask("cut")
            appender.append({"k": "a", "n": n})
        token = appender.flush()
    values = [row.n for row in client.subscribe(orders, start="earliest", until=token)]
    with client.appender(orders, producer_id=till) as later:
        last = later.last_sequence
    return {"values": len(values), "in_order": values == list(range(100)), "last_sequence": str(last)}
