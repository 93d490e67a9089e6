"""What it costs to have many topologies with nothing to do: CPU and memory of each of three nodes on Kafka, and whether registering one more moves
any other's tasks.

Each topology counts by the key of a stream of its own, in four partitions: a group, four tasks with state, a changelog. Two figures are of the
node that uses most; `processes` says which of its processes uses what.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from measure import cpu_seconds, pss_mb
from penstock.runtime.board import NodeBoard
from penstock.runtime.board_port import TaskState
from penstock.runtime.layout import Layout
from penstock_client import Client
from penstock_client.builder import Topology
from penstock_client.declare import Binding
from penstock_node import Node, node
from serving import Line, Setting, processes

NODES, PARTITIONS = 3, 4
REGISTER_AT_ONCE = 4
SETTLE_SECONDS, REST_SECONDS = 15.0, 30.0
TIMEOUT = 900.0
MOST_CPU, MOST_MB = 10.0, 1024.0

Place = tuple[int, int]
"""A node, and the generation of the group in which it got the task: a task that moved, were it there and back, has another one."""


def run(setting: Setting, topologies: int) -> Iterator[Line]:
    """The figures with so many topologies."""
    with ExitStack() as stack:
        nodes = []
        for number in range(NODES):
            place = setting.directory / f"idle-{number}"
            place.mkdir()
            nodes.append(stack.enter_context(node(place / "data", setting.bootstrap)))
        names = [f"idle{n}" for n in range(topologies)]
        with ThreadPoolExecutor(REGISTER_AT_ONCE) as pool:
            list(pool.map(lambda n: _register(nodes[0].address, n), names))
        _await(nodes, topologies)
        time.sleep(SETTLE_SECONDS)
        yield from _at_rest(setting, nodes, topologies)
        before = _places(nodes)
        _register(nodes[0].address, "late")
        _await(nodes, topologies + 1)
        after = _places(nodes)
        moved = [task for task, place in before.items() if after.get(task) != place]
        yield setting.line("idle_moved", len(moved), "tasks moved by a registration", 1, less=True, topologies=topologies)


def _at_rest(setting: Setting, nodes: Sequence[Node], topologies: int) -> Iterator[Line]:
    pids = [processes(n.process.pid) for n in nodes]
    before, since = {p: cpu_seconds(p) for family in pids for p in family}, time.monotonic()
    time.sleep(REST_SECONDS)
    wall = time.monotonic() - since
    share = [{_name(n, p): 100 * (cpu_seconds(p) - before[p]) / wall for p in family} for n, family in zip(nodes, pids, strict=True)]
    memory = [{_name(n, p): pss_mb(p) for p in family} for n, family in zip(nodes, pids, strict=True)]
    for figure, found, unit, most in (("idle_cpu", share, "% of a core", MOST_CPU), ("idle_memory", memory, "MB", MOST_MB)):
        worst = max(found, key=lambda f: sum(f.values()))
        yield setting.line(figure, sum(worst.values()), unit, most, less=True, topologies=topologies,
                           processes={name: round(v, 2) for name, v in worst.items()}, nodes=[round(sum(f.values()), 2) for f in found])


def _register(address: str, name: str) -> None:
    topology = Topology(name)
    topology.stream(f"{name}_in").group_by().count("c", name="counts")
    with Client(address, timeout=120) as client:
        client.create_stream(f"{name}_in", "k STRING KEY, n BIGINT", Binding(f"{name}-in", PARTITIONS))
        client.register_topology(topology)


def _await(nodes: Sequence[Node], topologies: int) -> None:
    """Until every task runs, and lies still."""
    limit, still, last = time.monotonic() + TIMEOUT, 0, {}
    while still < 5:
        if time.monotonic() > limit:
            raise TimeoutError(f"{len(last)} of {topologies * PARTITIONS} tasks run after {TIMEOUT:.0f} s")
        time.sleep(1.0)
        now = _places(nodes)
        still = still + 1 if now == last and len(now) == topologies * PARTITIONS else 0
        last = now


def _places(nodes: Sequence[Node]) -> dict[tuple[str, str, int], Place]:
    found: dict[tuple[str, str, int], Place] = {}
    for number, running in enumerate(nodes):
        board = NodeBoard(Layout(running.data).boards())
        try:
            found |= {(t.topology, t.sub, t.partition): (number, t.claim) for t in board.tasks() if t.state is TaskState.RUNNING}
        finally:
            board.close()
    return found


def _name(running: Node, pid: int) -> str:
    names = {int(f.read_text().split()[0]): f.stem for f in Layout(running.data).run.glob("*.pid")}
    return names.get(pid, "supervisor" if pid == running.process.pid else "heartbeats")
