"""A node at its limits, and without what it should have: see spec.md."""

from __future__ import annotations

from penstock_client import Binding, Retry, Tls, Topology
from penstock_client.errors import SchemaRegistryUnavailableError, TooManyQueriesError
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    tls, orders = Tls(**run.settings), run.name("orders")
    client, once = run.connect(tls=tls), run.connect(tls=tls, retry=Retry(attempts=1))
    client.create_stream(orders, "k STRING KEY, n INT")
    stranger = run.connect(tls=Tls(run.settings["ca"]), retry=Retry(attempts=1))
    found: dict[str, object] = {"stranger": reason(stranger.cluster)}
    broken = Topology(run.name("t"))
    broken.stream(orders).process("broken")["out"].to(run.name("out"))
    found["plugin"] = reason(lambda: client.register_topology(broken, validate_only=True))
    try:
        once.create_stream(run.name("avro"), "k STRING KEY, n INT", Binding(value_format="AVRO"))
    except SchemaRegistryUnavailableError as error:
        found |= {"schemas": error.reason, "later_ms": round(1000 * (error.retry_after or 0))}
    client.sql("SET 'auto.offset.reset' = 'earliest';")
    client.append(orders, {"k": "a", "n": 1})
    push = f"""SELECT "k", SUM("n") AS "total" FROM "{orders}" GROUP BY "k" EMIT CHANGES;"""
    with client.query(push, limit=2) as sums:
        totals = [next(sums).total]
        try:
            next(client.query(push))
        except TooManyQueriesError as error:
            found |= {"queries": error.reason, "limit": error.metadata["limit"]}
        client.append(orders, {"k": "a", "n": 2})
        totals += [row.total for row in sums]
    return {**found, "totals": totals}
