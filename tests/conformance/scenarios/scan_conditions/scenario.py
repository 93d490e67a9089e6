"""A scan is narrowed by condition, keys and limit, and goes on after its cursor: see spec.md."""

from __future__ import annotations

from penstock_client import Topology
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client, stock, shown = run.client, run.name("stock"), run.name("shown")
    client.create_table(stock, "shop STRING KEY, item INT KEY, n INT")
    copy = Topology(run.name("copy"))
    copy.table(stock).to(shown)
    client.register_topology(copy, wait=30)
    rows = [{"shop": f"s{shop}", "item": item, "n": 10 * shop + item} for shop in range(5) for item in range(10)]
    token = client.append(stock, rows).position
    every = list(client.scan(shown, at_least=token, max_wait=20))
    where = list(client.scan(shown, where="n > :least", parameters={"least": 41}))
    prefix, bounds = list(client.scan(shown, prefix="s3")), list(client.scan(shown, from_key=("s1", 5), to_key=("s2", 4)))
    some = client.scan(shown, limit=20)
    head = [(row.shop, row.item) for row in some]
    rest = client.scan(shown, cursor=some.cursor)
    tail = [(row.shop, row.item) for row in rest]
    return {
        "all": len(every), "where": len(where), "prefix": len(prefix), "range": len(bounds), "limit": len(head), "together": len(head) + len(tail),
        "distinct": len({*head, *tail}), "position": rest.position != "",
    }  # fmt: skip
