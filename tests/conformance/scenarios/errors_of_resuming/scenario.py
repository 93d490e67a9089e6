"""Positions from which nothing can go on any more are refused, each for its reason: see spec.md."""

from __future__ import annotations

from penstock_client import Binding
from penstock_client.errors import PositionExpiredError
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))
    written = client.append(orders, {"k": "a", "n": 1}).position
    with client.subscribe(orders, start="earliest", until="end") as rows:
        list(rows)
        resume = rows.position
    client.append(orders, {"k": "a", "n": 2})
    run.ask("expire", topic=orders)
    client.append(orders, {"k": "a", "n": 3})
    expired, left = "", []
    try:
        next(client.subscribe(orders, start=resume))
    except PositionExpiredError as error:
        expired = error.reason
        left = [row.n for row in client.subscribe(orders, start=error.metadata["earliest"], until="end")]
    before = {topology.name for topology in client.topologies()}
    push = f"""SELECT "k", SUM("n") AS "total" FROM "{orders}" GROUP BY "k" EMIT CHANGES;"""
    client.sql("SET 'auto.offset.reset' = 'earliest';")
    with client.query(push) as sums:
        first = next(sums)
        total, came = first.total, sums.position
    for topology in client.topologies():
        if topology.name not in before:
            client.delete_topology(topology.name)
    gone = reason(lambda: next(client.query(push, resume=came)))
    client.drop_relation(orders, delete_topic=True)
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))
    return {
        "expired": expired, "left": left, "total": total, "gone": gone, "replaced": reason(lambda: next(client.subscribe(orders, start=resume))),
        "foreign": reason(lambda: next(client.subscribe(orders, start=written))),
    }  # fmt: skip
