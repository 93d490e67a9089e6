"""What it costs to have a node's work done by several workers: the CPU a record of all processes of a node with three workers, over that of a node with
one. Each worker has its own fetches, commits, transactions and heartbeats, and what is ready is cut into more and smaller pieces.

Two nodes on Kafka, each a service of its own, count the same payments per user in a topic of its own. They take turns at so many records that are
written at once, each of a pair in turn the first, and the first pair is not counted: processes load and compile then.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import workloads
from load import batches, opened
from measure import cpu_seconds
from penstock.log.port import BatchBuilder, Log, TopicConfig
from penstock.runtime.board import NodeBoard
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.runtime.layout import Layout
from penstock_client import Client
from penstock_client.declare import Binding
from penstock_node import Node, node
from serving import Line, Setting, processes
from transactions import MANY_USERS

WORKERS, PARTITIONS, PAIRS = 3, 12, 5
MOST = 1.2
TIMEOUT = 120.0
LOOK = 0.02
NAME = "spread"


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two nodes, with its topic and its board."""

    workers: int
    node: Node
    topic: str
    board: NodeBoard

    def tasks(self) -> Sequence[TaskEntry]:
        """Those that run."""
        return [t for t in self.board.tasks(NAME) if t.state is TaskState.RUNNING]

    def committed(self) -> int:
        """Input records."""
        return sum(sum(t.inputs.values()) for t in self.tasks())

    def spread(self) -> bool:
        """Whether every task runs, and each worker has as many."""
        owners = [t.worker for t in self.tasks()]
        return len(owners) == PARTITIONS and all(owners.count(w) == PARTITIONS // self.workers for w in owners)


def run(setting: Setting, records: int) -> Iterator[Line]:
    """The median ratio of the pairs. records: of each turn."""
    with ExitStack() as stack:
        sides = [_begin(setting, stack, workers) for workers in (1, WORKERS)]
        found: list[tuple[float, float]] = []
        for pair in range(PAIRS + 1):
            at = [_turn(setting, side, records) for side in (sides if pair % 2 else sides[::-1])]
            found.append((at[0], at[1]) if pair % 2 else (at[1], at[0]))
        ratios = [three / one for one, three in found[1:]]
        yield setting.line("workers", statistics.median(ratios), f"of the CPU a record with {WORKERS} workers instead of one", MOST, less=True, records=records,
                           one_us=[round(one * 1e6, 2) for one, _ in found[1:]], more_us=[round(more * 1e6, 2) for _, more in found[1:]])


def _begin(setting: Setting, stack: ExitStack, workers: int) -> _Side:
    place, topic = setting.directory / f"workers-{workers}", f"bench_workers_{workers}"
    place.mkdir()
    asyncio.run(_create(setting, {topic: PARTITIONS, f"{topic}_out": workloads.PARTITIONS}))
    running = stack.enter_context(node(place / "data", setting.bootstrap, "--workers", str(workers), "--service-id", f"bench{workers}"))
    board = NodeBoard(Layout(running.data).boards())
    stack.callback(board.close)
    with Client(running.address, timeout=60) as client:
        client.create_stream("spread_in", workloads.COLUMNS, Binding(topic, create=False, key_format="KAFKA", value_format="JSON"))
        client.register_topology(workloads.WORKLOADS["w2"].topology(NAME, ["spread_in"], f"{topic}_out"), wait=60)
    side = _Side(workers, running, topic, board)
    _until(side.spread, side, "every worker to have its share")
    return side


def _turn(setting: Setting, side: _Side, records: int) -> float:
    """CPU seconds a record."""
    target, before = side.committed() + records, _used(side.node)
    asyncio.run(_append(setting, side.topic, records))
    _until(lambda: side.committed() >= target, side, f"{target:,} committed records")
    after = _used(side.node)
    if not before.keys() <= after.keys():  # those for heartbeats may come later
        raise RuntimeError(f"a process of the node died, see {side.node.data.parent / 'node.log'}")
    return (sum(after.values()) - sum(before.values())) / records


def _used(running: Node) -> Mapping[int, float]:
    """CPU seconds of each of its processes."""
    return {pid: cpu_seconds(pid) for pid in processes(running.process.pid)}


def _until(reached: Callable[[], bool], side: _Side, what: str) -> None:
    limit = time.monotonic() + TIMEOUT
    while not reached():
        if time.monotonic() > limit:
            raise TimeoutError(f"waited {TIMEOUT:.0f} s for {what}, see {side.node.data.parent / 'node.log'}")
        time.sleep(LOOK)


async def _create(setting: Setting, topics: Mapping[str, int]) -> None:
    async with opened(setting.directory, setting.bootstrap) as log:
        for topic, partitions in topics.items():  # results have the payments' timestamps, which are long past
            await log.create_topic(topic, TopicConfig(partitions, retention_ms=-1))


async def _append(setting: Setting, topic: str, records: int) -> None:
    async with opened(setting.directory, setting.bootstrap) as log:
        built: dict[int, list[BatchBuilder]] = {}
        for partition, batch in batches(log, list(MANY_USERS.rows(records)), PARTITIONS):
            built.setdefault(partition, []).append(batch)
        await asyncio.gather(*(_write(log, topic, p, some) for p, some in built.items()))


async def _write(log: Log, topic: str, partition: int, some: Sequence[BatchBuilder]) -> None:
    for batch in some:
        await log.append(topic, partition, batch)
