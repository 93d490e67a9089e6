"""What tasks notice of a node that joins: two nodes on Kafka count at half of the rate that they have just shown, a third one comes, and tasks with
state move to it once it has copied that.

A pause is the longest time in which a task's committed position did not move although records came for it in every commit interval. It is taken
from the nodes' boards, before the third node comes (so much is the machine's own) and while it joins. By hand: it has the machine to itself.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack

from load import opened
from penstock.log.port import Log, TopicConfig
from penstock.runtime.board import NodeBoard
from penstock.runtime.board_port import TaskState
from penstock.runtime.layout import Layout
from penstock_client import Client
from penstock_client.builder import Topology
from penstock_client.declare import Binding
from penstock_node import Node, node
from serving import Line, Setting

PARTITIONS, KEYS = 8, 2_000
TOPIC = "bench-join"
EVERY = 0.05
"""Seconds between two writes into each partition."""
FULL_RECORDS = 400_000
LOOK = 0.01
CALM_SECONDS, JOIN_SECONDS, STILL_SECONDS = 10.0, 90.0, 10.0
LONGEST = 1.0

Task = tuple[str, int]
"""Sub-topology and partition."""


def run(setting: Setting) -> Iterator[Line]:
    """The pauses."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(_node(setting, n)) for n in range(2)]
        asyncio.run(_create(setting))
        topology = Topology("join")
        topology.stream("join_in").group_by().count("c", name="counts")
        with Client(nodes[0].address, timeout=60) as client:
            client.create_stream("join_in", "k STRING KEY, n BIGINT", Binding(TOPIC, create=False))
            client.register_topology(topology, wait=60)
        boards = stack.enter_context(_Boards(nodes))
        _until(lambda: len(boards.owners()) == PARTITIONS and set(boards.owners().values()) == {0, 1}, "two nodes to share the tasks")
        rate = _full_rate(setting, boards)
        source = stack.enter_context(_Source(setting, rate / 2))
        boards.watch(CALM_SECONDS)
        calm = boards.watch(CALM_SECONDS)
        third: Future[Node] | None = stack.enter_context(ThreadPoolExecutor(1)).submit(lambda: stack.enter_context(_node(setting, 2)))  # watched from its start on
        joined, began, moved = dict.fromkeys(calm, 0.0), time.monotonic(), time.monotonic()
        before = boards.owners()
        while time.monotonic() - began < JOIN_SECONDS and (2 not in before.values() or time.monotonic() - moved < STILL_SECONDS):
            if third is not None and third.done():
                boards.add(third.result())
                third = None
            for task, pause in boards.watch(1.0).items():
                joined[task] = max(joined.get(task, 0.0), pause)
            if (now := boards.owners()) != before:
                before, moved = now, time.monotonic()
        source.stop()
    mine = {t: p for t, p in joined.items() if before.get(t) == 2}
    yield setting.line("join_pause", max(joined.values()), "s without a commit", LONGEST, less=True, calm=max(calm.values()), rate=rate / 2,
                       moved=len(mine), moved_longest=max(mine.values(), default=0.0), tasks={f"{s}/{p}": round(v, 2) for (s, p), v in sorted(joined.items())})


def _node(setting: Setting, number: int) -> AbstractContextManager[Node]:
    place = setting.directory / f"join-{number}"
    place.mkdir()
    return node(place / "data", setting.bootstrap)


class _Boards:
    """What the nodes say of the topology's tasks. Pauses are measured over calls of `watch` that follow each other."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._boards = [NodeBoard(Layout(n.data).boards()) for n in nodes]
        self._at: dict[Task, tuple[int, float]] = {}

    def __enter__(self) -> _Boards:
        return self

    def __exit__(self, *_: object) -> None:
        for board in self._boards:
            board.close()

    def add(self, fresh: Node) -> None:
        self._boards.append(NodeBoard(Layout(fresh.data).boards()))

    def owners(self) -> dict[Task, int]:
        """Number of the node that runs it."""
        return {(t.sub, t.partition): n for n, b in enumerate(self._boards) for t in b.tasks("join") if t.state is TaskState.RUNNING}

    def positions(self) -> dict[Task, int]:
        """Committed records."""
        found: dict[Task, int] = {}
        for board in self._boards:
            for t in board.tasks("join"):
                found[t.sub, t.partition] = max(found.get((t.sub, t.partition), 0), sum(t.inputs.values()))
        return found

    def watch(self, seconds: float) -> dict[Task, float]:
        """The longest pause of each task that went on in this time."""
        pauses: dict[Task, float] = {}
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for task, position in self.positions().items():
                known, since = self._at.get(task, (-1, now))
                pauses[task] = max(pauses.get(task, 0.0), now - since)
                if position > known:
                    self._at[task] = position, now
            time.sleep(LOOK)
        return pauses


class _Source:
    """Writes at a rate into every partition, from a thread of its own."""

    def __init__(self, setting: Setting, rate: float) -> None:
        self._setting, self._rows = setting, max(1, int(rate * EVERY / PARTITIONS))
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> _Source:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No more records."""
        self._end.set()
        self._thread.join()

    async def _run(self) -> None:
        async with opened(self._setting.directory, self._setting.bootstrap) as log:
            number, due = 0, time.monotonic()
            while not self._end.is_set():
                await asyncio.gather(*(_write(log, p, number, self._rows) for p in range(PARTITIONS)))
                number, due = number + self._rows, due + EVERY
                await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _write(log: Log, partition: int, number: int, count: int) -> None:
    while count > 0:
        batch = log.builder(transactional=False)
        for n in range(number, number + count):
            if not batch.append(int(time.time() * 1000), b"k%d" % (n * 7919 % KEYS), b'{"n":%d}' % n, ()):
                break
        number, count = number + batch.count, count - batch.count
        await log.append(TOPIC, partition, batch)


async def _create(setting: Setting) -> None:
    async with opened(setting.directory, setting.bootstrap) as log:
        await log.create_topic(TOPIC, TopicConfig(PARTITIONS, retention_ms=-1))


def _full_rate(setting: Setting, boards: _Boards) -> float:
    """Records a second of the two nodes together, of records that lie ready."""

    async def fill() -> None:
        async with opened(setting.directory, setting.bootstrap) as log:
            for partition in range(PARTITIONS):
                await _write(log, partition, 0, FULL_RECORDS // PARTITIONS)

    filling = threading.Thread(target=lambda: asyncio.run(fill()))
    began = time.monotonic()
    filling.start()
    _until(lambda: sum(boards.positions().values()) >= FULL_RECORDS, "what was written to be counted")
    filling.join()
    return FULL_RECORDS / (time.monotonic() - began)


def _until(reached: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + JOIN_SECONDS
    while not reached():
        if time.monotonic() > limit:
            raise TimeoutError(f"waited {JOIN_SECONDS:.0f} s for {what}")
        time.sleep(0.02)
