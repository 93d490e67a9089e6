"""A node is taken out of the service: see spec.md."""

from __future__ import annotations

from penstock_client import Retry
from penstock_client.errors import DrainingError
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, once = run.client, run.connect(retry=Retry(attempts=1))
    [node] = client.cluster().nodes
    unknown = reason(lambda: client.drain_node(run.name("none")))
    run.ask("hold_worker")
    client.drain_node(node.id)
    draining, later = "", 0
    try:
        once.topologies()
    except DrainingError as error:
        draining, later = error.reason, round(1000 * (error.retry_after or 0))
    run.ask("release_worker")
    code = run.ask("ended")["code"]
    return {"state": node.state, "unknown": unknown, "draining": draining, "later_ms": later, "code": code, "then": reason(once.cluster)}
