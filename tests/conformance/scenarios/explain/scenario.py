"""A definition and a registered topology are explained: see spec.md."""

from __future__ import annotations

from penstock_client import Topology
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT")
    big = Topology(run.name("big"))
    big.stream(orders).filter("n > 10").to(run.name("large"))
    text = client.explain(big)
    registered = reason(lambda: client.topology(big.name))
    client.register_topology(big)
    source = client.explain(big.name, source=True)
    return {"has_expression": "filter `n` > 10" in text, "registered": registered, "has_source": "def " in source and len(source) > len(text)}
