"""A stream goes on with new credentials when its own have expired: see spec.md."""

from __future__ import annotations

from penstock_client import Binding, Tls
from penstock_client.events import Batch, Reconnecting
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    orders, tls, old = run.name("orders"), Tls(run.settings["ca"]), run.settings["reader"]
    tokens = [old]
    admin = run.connect(tls=tls, token=run.settings["token"])
    admin.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))
    renewing, fixed = run.connect(tls=tls, token=lambda: tokens[-1]), run.connect(tls=tls, token=old)
    rows = fixed.subscribe(orders, start="earliest", progress_interval=0.5)
    values: list[int] = []
    reconnects: list[str] = []
    ended = ""
    admin.append(orders, {"k": "a", "n": 0})
    for event in renewing.subscribe(orders, start="earliest", progress_interval=0.5).events():
        if isinstance(event, Batch):
            values += [row.n for row in event]
            if len(values) == 2:
                break
            next(rows)
            tokens.append(run.ask("exchange_token")["token"])
            ended = reason(lambda: next(rows))
            admin.append(orders, {"k": "a", "n": 1})
        elif isinstance(event, Reconnecting):
            reconnects.append(event.error.reason if event.error else "")
    return {"fixed": ended, "values": values, "reconnects": reconnects}
