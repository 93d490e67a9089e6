"""A subscription goes on over a kill of the gateway and a cut, without a gap or a repeat: see spec.md."""

from __future__ import annotations

from penstock_client import Batch, Binding, Reconnecting
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))

    def write(start: int) -> None:
        run.ask("append", relation=orders, rows=[{"k": "a", "n": n} for n in range(start, start + 100)])

    write(0)
    taken: dict[int, int] = {}
    killed = cut = reconnected = False
    written = 100
    with client.subscribe(orders, columns=["n", "ROWOFFSET"], start="earliest", max_batch_rows=10) as subscription:
        for event in subscription.events():
            reconnected = reconnected or isinstance(event, Reconnecting)
            if isinstance(event, Batch):
                for row in event:
                    taken.setdefault(row.ROWOFFSET, row.n)
            if len(taken) >= 30 and not killed:
                killed = True
                run.ask("kill_gateway")
            if len(taken) >= 300 and not cut:
                cut = True
                run.ask("cut")
            if len(taken) >= 400:
                break
            if len(taken) >= written:
                write(written)
                written += 100
    values = list(taken.values())
    return {"rows": len(values), "in_order": values == list(range(400)), "reconnected": reconnected}
