"""The figures of serving: lookups, pushes, appends, the way from an append to a push, restoring, and a node at rest.

Each is {figure, log, value, unit, target, reached} and what explains it. The client is a process of its own, so that a gateway's CPU
(from /proc) is the gateway's alone; what is said "per core" is per second of that CPU, which a busy machine does not change.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from load import ends, opened
from measure import cpu_seconds, pss_mb
from penstock.runtime.board import NodeBoard
from penstock.runtime.board_port import TaskState
from penstock.runtime.layout import Layout
from penstock_client import Client
from penstock_client.builder import Topology
from penstock_client.declare import Binding
from penstock_client.events import SchemaChanged
from penstock_node import Node, node
from workloads import COLUMNS, PARTITIONS

Line = dict[str, Any]
LOAD = Path(__file__).with_name("serving_load.py")
RELATION = "bench_payments"
TABLE = "bench_counts.counts"
USERS = 50_000
"""Users that are looked up: most of them have paid."""
SETTLE_SECONDS = 5.0
REST_SECONDS = 20.0
LOOKUP_SECONDS = 8.0
IN_FLIGHT = 16
"""Callers that keep the gateway busy, for its rate; their times are those of a queue."""
FEW_IN_FLIGHT = 4
"""Callers whose times are measured."""
ROUNDS = 200
APPEND_ROWS, APPEND_BATCHES = 500, 200
TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a figure is measured. source: topic of payments; ends: its end by "topic[partition]"."""

    log: str
    directory: Path
    bootstrap: str
    source: str
    ends: Mapping[str, int]

    def line(self, figure: str, value: float, unit: str, target: float | None, *, less: bool = False, **more: Any) -> Line:
        """One figure. less: reached by a value under its target, else by one over it."""
        reached = None if target is None else value < target if less else value >= target
        return {"figure": figure, "log": self.log, "value": _short(value), "unit": unit, "target": target, "reached": reached,
                **{k: _short(v) if isinstance(v, float) else v for k, v in more.items()}}

    @contextmanager
    def node(self, name: str) -> Iterator[Node]:
        """A node on a directory of its own, empty at first; on the embedded log the one that holds the payments."""
        place = self.directory / (name if self.bootstrap else "embedded")
        place.mkdir(exist_ok=True)
        with node(place / "data", self.bootstrap) as running:
            yield running


def _short(value: float) -> float:
    return round(value, 2) if abs(value) < 100 else round(value)


def gateway_of(running: Node) -> int:
    """Process id of the gateway."""
    return int((Layout(running.data).run / "gateway.pid").read_text().split()[0])


def processes(root: int) -> list[int]:
    """A process and all that came from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(") ")[2].split()[1])
        except OSError:  # it ended in between
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def load(*arguments: str) -> Line:
    """Run the load process to its end."""
    done = subprocess.run([sys.executable, str(LOAD), *arguments], stdout=subprocess.PIPE, text=True, check=True, timeout=TIMEOUT)
    found: Line = json.loads(done.stdout)
    return found


def echo(client: Client, name: str) -> str:
    """A topology that passes rows on: from the relation `<name>_in` to the returned one."""
    client.create_stream(f"{name}_in", "id STRING KEY, n BIGINT, text STRING", Binding(f"{name}-in", 1))
    topology = Topology(name)
    topology.stream(f"{name}_in").select("n", "text").to(f"{name}_out", binding=Binding(f"{name}-out", 1))
    client.register_topology(topology, wait=30.0)
    return f"{name}_out"


def at_rest(setting: Setting) -> Iterator[Line]:
    """Memory and CPU of a node's processes, one topology registered and nothing to do."""
    with setting.node("idle") as running, Client(running.address) as client:
        echo(client, "bench_rest")
        time.sleep(SETTLE_SECONDS)
        pids = processes(running.process.pid)
        before, since = {p: cpu_seconds(p) for p in pids}, time.monotonic()
        time.sleep(REST_SECONDS)
        used = {p: cpu_seconds(p) - before[p] for p in pids}
        share = 100 * sum(used.values()) / (time.monotonic() - since)
        memory = {p: pss_mb(p) for p in pids}
        client.delete_topology("bench_rest", delete_topics=True)
        yield setting.line("rest_memory", sum(memory.values()), "MB", 300, less=True, processes={_name(running, p): _short(m) for p, m in memory.items()})
        yield setting.line("rest_cpu", share, "% of a core", 3, less=True, seconds={_name(running, p): _short(s) for p, s in used.items()})


def _name(running: Node, pid: int) -> str:
    names = {int(f.read_text().split()[0]): f.stem for f in Layout(running.data).run.glob("*.pid")}
    return names.get(pid, "supervisor" if pid == running.process.pid else f"other-{pid}")


def append_to_push(setting: Setting) -> Iterator[Line]:
    """From the call of an append to the arrival of the row that an exactly-once topology made of it, one row at a time."""
    with setting.node("idle") as running, Client(running.address) as client:
        output = echo(client, "bench_echo")
        with client.subscribe(output) as subscription:
            events = subscription.batches()
            times, acked = [], []
            first = client.subscribe(output)
            assert isinstance(next(iter(first.events())), SchemaChanged)  # both subscriptions have begun at the end
            first.close()
            for n in range(ROUNDS + 20):
                began = time.monotonic()
                client.append("bench_echo_in", {"id": f"k{n}", "n": n, "text": "one row"})
                acked.append(time.monotonic() - began)
                batch = next(events)
                times.append(time.monotonic() - began)
                assert list(batch.column("n")) == [n], f"row {n}: {batch.columns}"
        client.delete_topology("bench_echo", delete_topics=True)
        cut = quantiles(times[20:], n=100)
        yield setting.line("append_to_push_p50", 1000 * cut[49], "ms", 60 if setting.bootstrap else 25, less=True, p99=1000 * cut[98],
                           append_p50=1000 * quantiles(acked[20:], n=2)[0])


def appends(setting: Setting) -> Iterator[Line]:
    """Rows a second into a topic that nothing reads, one batch after the other and as a stream of batches."""
    with setting.node("idle") as running, Client(running.address) as client:
        gateway = gateway_of(running)
        client.create_stream("bench_append", "id STRING KEY, n BIGINT, text STRING", Binding("bench-append", 1))
        rows = [{"id": f"k{n}", "n": n, "text": "some text of a row"} for n in range(APPEND_ROWS)]
        total = APPEND_ROWS * APPEND_BATCHES
        for name in ("append_unary", "append_stream"):
            before, began = cpu_seconds(gateway), time.monotonic()
            if name == "append_unary":
                for _ in range(APPEND_BATCHES):
                    client.append("bench_append", rows)
            else:
                with client.appender("bench_append") as appender:
                    for _ in range(APPEND_BATCHES):
                        appender.append(rows)
                    appender.flush(TIMEOUT)
            wall, used = time.monotonic() - began, cpu_seconds(gateway) - before
            yield {"figure": name, "log": setting.log, "value": _short(total / wall), "unit": "rows/s", "target": None, "reached": None,
                   "rows_per_gateway_cpu_s": _short(total / used)}
        client.drop_relation("bench_append", delete_topic=True)


@contextmanager
def counted(setting: Setting) -> Iterator[tuple[Node, Client]]:
    """A node that has counted all payments by user, in the table TABLE."""
    with setting.node("counted") as running, Client(running.address) as client:
        client.create_stream(RELATION, COLUMNS, Binding(setting.source, create=False, key_format="KAFKA", value_format="JSON"))
        topology = Topology("bench_counts")
        topology.stream(RELATION, start="earliest").group_by().count("n", name="counts")
        if "bench_counts" not in [t.name for t in client.topologies()]:
            running.run(topology, setting.ends)
        yield running, client


def lookups(setting: Setting) -> Iterator[Line]:
    """Point lookups while the worker counts other payments as fast as it can."""
    with counted(setting) as (running, client):
        busy = [f"bench_busy{n}" for n in range(4)]
        for name in busy:
            topology = Topology(name, updates="EVERY")
            topology.stream(RELATION, start="earliest").group_by().count("n").to(f"{name}_out", binding=Binding(f"{name}-out", PARTITIONS))
            client.register_topology(topology, wait=30.0)
        gateway, worker = gateway_of(running), running.worker
        before, worked, began = cpu_seconds(gateway), cpu_seconds(worker), time.monotonic()
        found = load("lookup", running.address, TABLE, str(USERS), str(LOOKUP_SECONDS), str(IN_FLIGHT))
        used, worked, wall = cpu_seconds(gateway) - before, cpu_seconds(worker) - worked, time.monotonic() - began
        some = load("lookup", running.address, TABLE, str(USERS), str(LOOKUP_SECONDS), str(FEW_IN_FLIGHT))
        for name in busy:
            client.delete_topology(name, delete_topics=True)
        yield setting.line("lookups", found["all_calls"] / used, "a second of gateway CPU", 3000, per_s=found["calls"] / found["seconds"],
                           worker_cores=worked / wall, missing=found["missing"])
        yield setting.line("lookup_p99", some["p99_ms"], "ms", 10, less=True, p50=some["p50_ms"], in_flight=FEW_IN_FLIGHT,
                           per_s=some["calls"] / some["seconds"], p99_of_many=found["p99_ms"], load=os.getloadavg()[0])


def pushes(setting: Setting) -> Iterator[Line]:
    """A stream's history and a table's rows to one subscriber: one that only counts, and the Python client."""
    with counted(setting) as (running, _):
        gateway = gateway_of(running)
        for name, relation, start in (("push_stream", RELATION, "earliest"), ("push_table", TABLE, "snapshot")):
            for client in ("raw", "client"):
                before = cpu_seconds(gateway)
                found = load("push", running.address, relation, start, client)
                used = cpu_seconds(gateway) - before
                yield setting.line(f"{name}_{client}", found["rows"] / found["seconds"], "rows/s", 100_000, rows=found["rows"],
                                   rows_per_gateway_cpu_s=found["rows"] / max(used, 0.01))


def until(reached: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + TIMEOUT
    while not reached():
        if time.monotonic() > limit:
            raise TimeoutError(f"waited {TIMEOUT:.0f} s for {what}")
        time.sleep(0.05)


def restoring(setting: Setting) -> Iterator[Line]:
    """A node that lost its state builds it again from the changelogs."""
    with counted(setting) as (running, client):
        state, boards = Layout(running.data).root / "state", Layout(running.data).boards()
        changelogs = [t.name for t in client.topics(include_internal=True) if "bench_counts" in t.name and t.name.endswith("-changelog")]
    records = asyncio.run(_records(setting, changelogs))
    shutil.rmtree(state)
    with ThreadPoolExecutor(1) as aside, closing(NodeBoard(boards)) as board:
        opened_all = aside.submit(_opening, board)  # from before the start: the node is ready at once, and opens its tasks meanwhile
        with setting.node("counted") as running:
            wall = opened_all.result()
            used = cpu_seconds(running.worker)
    yield setting.line("restore", records / wall, "records/s", 300_000, records=records, seconds=wall, worker_cpu_s_with_its_start=used)


def _opening(board: NodeBoard) -> float:
    """Seconds from the first task that is opened to the last one that runs."""
    began, limit = 0.0, time.monotonic() + TIMEOUT
    while time.monotonic() < limit:
        tasks = board.tasks("bench_counts")
        if not began and any(t.state in (TaskState.OPENING, TaskState.RESTORING) for t in tasks):
            began = time.monotonic()
        if began and len(tasks) == PARTITIONS and all(t.state is TaskState.RUNNING for t in tasks):
            return time.monotonic() - began
        time.sleep(0.005)
    raise TimeoutError(f"not every task runs after {TIMEOUT:.0f} s")


async def _records(setting: Setting, topics: Sequence[str]) -> int:
    """Records in topics, the few markers of transactions included."""
    async with opened(setting.directory / "embedded", setting.bootstrap) as log:
        return sum([sum((await ends(log, topic)).values()) for topic in topics])


FIGURES: dict[str, Callable[[Setting], Iterator[Line]]] = {
    "rest": at_rest, "latency": append_to_push, "append": appends, "lookup": lookups, "push": pushes, "restore": restoring,
}


def as_text(found: Line) -> str:
    """A line for people."""
    known = ("figure", "log", "value", "unit", "target", "reached")
    more = ", ".join(f"{k} {v:,}" if isinstance(v, int | float) else f"{k} {v}" for k, v in found.items() if k not in known)
    verdict = "" if found["target"] is None else f" (target {found['target']:,}: {'reached' if found['reached'] else 'MISSED'})"
    return f"{found['figure']:20} {found['log']:8} {found['value']:>10,} {found['unit']}{verdict}   {more}"
