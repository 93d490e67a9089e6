"""Timers of a remote processor come once, with the state of their key: see spec.md."""

from __future__ import annotations

import time
from typing import Any

from penstock_client import Binding, Topology
from penstock_client.worker import Worker
from support import Run


class Watch:
    def __call__(self, row: Any, context: Any) -> None:
        context.put("seen", {"n": row["n"] + (context.state("seen") or {"n": 0})["n"]})
        if row["n"]:
            context.set_timer(row["ROWTIME"] + 10_000, "over")
        else:
            context.cancel_timer("over")

    def on_timer(self, timer: Any, context: Any) -> None:
        context.send("ended", context.state("seen"))
        context.put("seen", None)


def scenario(run: Run) -> dict[str, object]:
    client, visits, out, processor = run.client, run.name("visits"), run.name("out"), run.name("watch")
    client.create_stream(visits, "k STRING KEY, n BIGINT", Binding(partitions=1))
    last = Topology(run.name("last"))
    last.stream(visits).process_remotely(
        processor, {"ended": "k STRING KEY, n BIGINT"}, {"seen": "n BIGINT"}, keeps_key=True, timers=True, name="watch")["ended"].to(out)
    client.register_topology(last, wait=30)
    with Worker(run.address, {processor: Watch()}), client.appender(visits, producer_id=run.name("door")) as appender:
        for k, n, at in (("a", 1, 1000), ("b", 2, 2000), ("x", 5, 2500), ("x", 0, 3000), ("a", 3, 9000)):
            appender.append([{"k": k, "n": n, "ROWTIME": at}])
        run.ask("kill_worker")
        appender.append([{"k": "c", "n": 4, "ROWTIME": 12_000}])
        run.ask("kill_gateway")
        appender.append([{"k": "d", "n": 5, "ROWTIME": 19_000}])
        position = appender.flush(60)
        rows = [[row.k, str(row.n), str(row.ROWTIME)] for row in client.subscribe(out, start="earliest", limit=2)]
        until = time.monotonic() + 30
        while (a := client.get(f"{last.name}.watch.seen", "a", at_least=position, max_wait=30)) is not None and time.monotonic() < until:
            time.sleep(0.1)
        x = client.get(f"{last.name}.watch.seen", "x")
        assert x is not None
    return {"rows": rows, "a": a is not None, "x": str(x.n)}
