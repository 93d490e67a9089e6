"""Commands on nodes and their work: status, drain."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from penstock.cli import output
from penstock.cli.catalog import plain_object, topology_object
from penstock.cli.failure import FAILED, failures
from penstock.cli.options import DEFAULT_ADDRESS, Address, Json, connect


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(status)
    app.command()(drain)


def status(
    topology: Annotated[str, typer.Argument(help="One topology; without it all.")] = "",
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Show the service, its nodes, its topologies and their tasks."""
    with failures(address), connect(address) as client:
        cluster, tasks = client.cluster(), client.tasks(topology)
        found = [client.topology(topology)] if topology else client.topologies()
        if json:
            output.json_line({"type": "cluster", **plain_object(cluster)})
            for info in found:
                output.json_line({"type": "topology", **topology_object(info)})
            for task in tasks:
                output.json_line({"type": "task", **plain_object(task)})
            return
        log = f"{cluster.log} log" + ("" if cluster.log_available else ", NOT AVAILABLE")
        print(f"service {cluster.service_id} on the {log}\n")
        here = Counter(task.node for task in tasks)
        output.table(("NODE", "ADDRESS", "STATE", "TASKS", "VERSION", "RACK"),
                     ((n.id, n.address, n.state, here[n.id], n.version, n.rack) for n in cluster.nodes))
        for node, addresses in _twice(cluster.nodes).items():
            print(f"node {node} runs twice, at {' and '.join(addresses)}: end one, and give it a --node-id and a data directory of its own")
        print()
        output.table(("TOPOLOGY", "STATE", ""), ((t.name, t.state, t.state_reason) for t in found))
        print()
        copied = any(task.standby_nodes for task in tasks)
        headers = ("TASK", "STATE", "LAG", "WORKER", *(("STANDBYS",) if copied else ()), "")
        output.table(headers, (_task(task, copied) for task in tasks))


def _twice(nodes: Iterable[Any]) -> dict[str, list[str]]:
    """Addresses of those whose id another one has too."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        found.setdefault(node.id, []).append(node.address)
    return {node: addresses for node, addresses in found.items() if len(addresses) > 1}


def _task(task: Any, copied: bool) -> tuple[Any, ...]:
    progress = "" if task.restore_progress is None else f"{task.restore_progress:.0%} "
    worker = "/".join(part for part in (task.node, task.worker) if part)
    return (f"{task.topology}/{task.sub_topology}/{task.partition}", task.state, task.lag, worker or "-",
            *((", ".join(task.standby_nodes),) if copied else ()), progress + task.state_reason)


def drain(
    node: Annotated[str, typer.Argument(help="The node's id, as status shows it.")],
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
    within: Annotated[float, typer.Option("--within", min=0, help="Seconds to wait until it is gone; 0 does not wait.")] = 30.0,
) -> None:
    """Take a node out of the service: its tasks and clients go to others, then its processes end."""
    from penstock_client.errors import UnreachableError

    with failures(address), connect(address) as client:
        client.drain_node(node)
        end = time.monotonic() + within
        gone = False
        while not gone and time.monotonic() < end:
            time.sleep(0.2)
            try:
                gone = all(n.id != node for n in client.cluster().nodes)
            except UnreachableError:
                gone = True  # it was this one
        if json:
            output.json_line({"drained": node, "gone": gone})
        else:
            print(f"drained: {node}" if gone else f"draining: {node}")
        if within and not gone:
            raise typer.Exit(FAILED)
