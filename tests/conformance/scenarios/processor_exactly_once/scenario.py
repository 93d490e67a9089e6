"""A remote processor counts each row once, whoever is killed: see spec.md."""

from __future__ import annotations

from collections import Counter
from typing import Any

from penstock_client import Binding, Topology
from penstock_client.worker import Worker
from support import Run


def total(row: Any, context: Any) -> None:
    now = row["n"] + (context.state("totals") or {"total": 0})["total"]
    context.put("totals", {"total": now})
    context.send("sums", {"n": row["n"], "total": now})


def scenario(run: Run) -> dict[str, object]:
    client, payments, out, processor = run.client, run.name("payments"), run.name("out"), run.name("total")
    client.create_stream(payments, "k STRING KEY, n BIGINT", Binding(partitions=2))
    sums = Topology(run.name("sums"))
    sums.stream(payments).process_remotely(
        processor, {"sums": "k STRING KEY, n BIGINT, total BIGINT"}, {"totals": "total BIGINT"}, keeps_key=True, name="sum")["sums"].to(out)
    client.register_topology(sums, wait=30)
    worker = Worker(run.address, {processor: total})
    worker.start()
    with client.appender(payments, producer_id=run.name("till")) as appender:
        for batch in range(20):
            appender.append([{"k": f"k{i % 7}", "n": i} for i in range(50 * batch, 50 * batch + 50)])
            if batch == 4:
                run.ask("kill_gateway")
            if batch == 9:
                run.ask("kill_worker")
            if batch == 14:
                worker.close()
                worker = Worker(run.address, {processor: total})
                worker.start()
        position = appender.flush(60)
    found = client.get(f"{sums.name}.sum.totals", "k0", at_least=position, max_wait=60)
    assert found is not None
    totals: Counter[str] = Counter()
    rows, continued = 0, True
    for row in client.subscribe(out, start="earliest", limit=1000):
        rows += 1
        totals[row.k] += row.n
        continued = continued and row.total == totals[row.k]
    worker.close()
    return {"total": str(found.total), "rows": rows, "continued": continued, "totals": {k: str(totals[k]) for k in sorted(totals)}}
