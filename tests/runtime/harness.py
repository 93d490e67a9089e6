"""One worker in this process, on an embedded log in a temporary directory."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from broker import Broker
from penstock.catalog.port import CatalogState, Change, TopologyEntry
from penstock.catalog.register import register
from penstock.catalog.registry import open_registry
from penstock.catalog.update import Leave, update
from penstock.clock import SystemClock
from penstock.config import ServeConfig
from penstock.log.embedded import open_embedded
from penstock.log.kafka.log import open_kafka
from penstock.log.port import Log, TopicPartition
from penstock.plan.relations import Relations
from penstock.plan.resolved import ResolvedPlan
from penstock.planner import plan_topology
from penstock.planner.updating.decide import Decision
from penstock.runtime.board import NodeBoard
from penstock.runtime.board_port import TaskState
from penstock.runtime.layout import Layout
from penstock.runtime.worker import Line, run_worker
from penstock_client.builder import Topology


async def _as_planned(plan: ResolvedPlan) -> ResolvedPlan:
    """These sources begin at the beginning."""
    return plan


class QuietNotices:
    """Notices inside one process: every send wakes every waiter."""

    def __init__(self) -> None:
        self._events: dict[str, list[asyncio.Event]] = {}

    def send(self, what: str) -> None:
        for event in self._events.get(what, ()):
            event.set()

    def subscribe(self, what: str) -> QuietWaiter:
        event = asyncio.Event()
        self._events.setdefault(what, []).append(event)
        return QuietWaiter(event)

    def close(self) -> None:
        self._events.clear()


class QuietWaiter:
    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, timeout: float) -> bool:
        try:
            async with asyncio.timeout(timeout):  # wait_for loses a cancellation that comes with the event
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    def close(self) -> None:
        self._event.clear()


class Bench:
    """A log, a registry and, between start and stop, a worker."""

    def __init__(self, root: Path, opener: Callable[[], Awaitable[Log]] | None = None) -> None:
        self.root = root
        self._opener = opener or (lambda: open_embedded(self.root / "log", process="test", notices=self.notices))
        self.input = self.output = ""
        self.config = ServeConfig(data_dir=str(root), service_id=f"s{uuid.uuid4().hex[:8]}")
        self.notices = QuietNotices()
        self.log: Log
        self._worker: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    @classmethod
    def on_kafka(cls, broker: Broker, root: Path, beside: Bench | None = None) -> Bench:
        """beside: of the same service, for a second worker."""
        bench = cls(root, lambda: open_kafka(broker.bootstrap, {}, process="test" if beside is None else "beside", service=bench.config.service_id))
        if beside is not None:
            bench.config, bench.notices = beside.config, beside.notices
        return bench

    async def open(self) -> Bench:
        self.log = await self._opener()
        self.registry = await open_registry(self.log, self.config.service_id, self.notices)
        self.board = NodeBoard(Layout(self.root).boards())
        return self

    async def close(self) -> None:
        await self.registry.close()
        self.board.close()
        await self.log.close()

    async def start(self, slot: str = "w0") -> None:
        self._stop = asyncio.Event()
        ready = asyncio.Event()
        self._worker = asyncio.create_task(run_worker(self.config, slot, Line(self._stop, ready=ready.set), self.log, self.notices))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([self._worker, waiting], return_when=asyncio.FIRST_COMPLETED)
        if self._worker.done():
            self._worker.result()

    async def stop(self) -> None:
        self._stop.set()
        assert self._worker is not None
        await self._worker

    async def crash(self) -> None:
        """As near to kill -9 as one process can come: nothing is committed or closed in order."""
        assert self._worker is not None
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    async def register(self, topology: Topology) -> TopologyEntry:
        definition = topology.message()

        def plan_on(relations: Relations, incarnation: int) -> ResolvedPlan:
            return plan_topology(definition, relations, service_id=self.config.service_id, incarnation=incarnation)

        return await register(self.log, self.registry, definition.name, definition.SerializeToString(deterministic=True), plan_on, _as_planned, SystemClock())

    async def update(self, topology: Topology, leave: Leave | None = None) -> tuple[TopologyEntry, Decision]:
        definition = topology.message()

        def plan_on(relations: Relations, incarnation: int) -> ResolvedPlan:
            return plan_topology(definition, relations, service_id=self.config.service_id, incarnation=incarnation)

        return await update(self.log, self.registry, definition.name, definition.SerializeToString(deterministic=True), plan_on, _as_planned, "", leave or Leave())

    async def running(self, entry: TopologyEntry) -> None:
        """Wait until every task runs this plan."""
        wanted = sum(sub.partitions for sub in entry.plan.subs)
        async with asyncio.timeout(20):
            while True:
                tasks = [t for t in self.board.tasks(entry.name) if (t.incarnation, t.edition, t.state) == (entry.incarnation, entry.plan.edition, TaskState.RUNNING)]
                if len(tasks) == wanted:
                    return
                await asyncio.sleep(0.02)

    async def change(self, decide: Callable[[CatalogState], Sequence[Change]]) -> None:
        await self.registry.change(decide)

    async def append(self, topic: str, rows: list[tuple[str | None, object, int]], partitions: int = 1) -> None:
        """(key, JSON value or None for a null value, timestamp), all to partition 0 or by a simple hash of the key."""
        builders = {}
        for key, value, timestamp in rows:
            p = 0 if key is None else sum(key.encode()) % partitions
            b = builders.setdefault(TopicPartition(topic, p), self.log.builder(transactional=False))
            data = value if isinstance(value, bytes | None) else json.dumps(value).encode()
            assert b.append(timestamp, None if key is None else key.encode(), data, ())
        await self.log.append_many(builders)

    async def read(self, topic: str, count: int, timeout: float = 10.0) -> list[tuple[bytes | None, object]]:
        """At least `count` records of all partitions, JSON decoded, or what came in time."""
        info = (await self.log.topics([topic]))[topic]
        reader = self.log.reader()
        reader.add({TopicPartition(topic, p): 0 for p in range(info.partitions)})
        out: list[tuple[bytes | None, object]] = []
        end = asyncio.get_running_loop().time() + timeout
        while len(out) < count and asyncio.get_running_loop().time() < end:
            for chunk in await reader.poll(0.1):
                out += [(r.key, None if r.value is None else json.loads(r.value)) for r in chunk.records]
        await reader.close()
        return out

