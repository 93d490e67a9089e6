"""Nodes of one service on one broker, each with a gateway and a worker in this process, and a client that runs in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from penstock.api.server import run_gateway
from penstock.config import ServeConfig
from penstock.log.open import open_log
from penstock.runtime.worker import Line, run_worker
from penstock.serving.local_notices import LocalNotices
from penstock_client import AsyncClient

T = TypeVar("T")
SESSION_MS = 10_000


@dataclass
class InProcess:
    """A node. leave() has it give its tasks to others before it ends, stop() does not."""

    config: ServeConfig
    address: str = ""
    client: AsyncClient = field(init=False)
    _stops: dict[str, asyncio.Event] = field(default_factory=dict)
    _drain: asyncio.Event = field(default_factory=asyncio.Event)
    _drained: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def start(self) -> None:
        """Ready when its gateway serves and its worker has read the registry."""
        loop, notices = asyncio.get_running_loop(), LocalNotices()
        address: asyncio.Future[str] = loop.create_future()
        worker_ready = asyncio.Event()
        self._stops = {"gateway": asyncio.Event(), "worker": asyncio.Event()}
        self._tasks["gateway"] = asyncio.create_task(run_gateway(self.config, self._stops["gateway"], address.set_result, notices))

        async def work() -> None:
            log = await open_log(self.config, "w0", notices)
            try:
                await run_worker(self.config, "w0", Line(self._stops["worker"], self._drain, worker_ready.set, self._drained.set), log, notices)
            finally:
                await log.close()

        await asyncio.wait([self._tasks["gateway"], address], return_when=asyncio.FIRST_COMPLETED)
        self.address = await address
        self._tasks["worker"] = asyncio.create_task(work())
        await worker_ready.wait()
        self.client = AsyncClient(self.address, timeout=20)

    async def leave(self) -> None:
        """As a node that drains."""
        self._drain.set()
        await self._drained.wait()
        await self.stop()

    async def stop(self) -> None:
        """The worker first, then the gateway."""
        for part in ("worker", "gateway"):
            if part in self._tasks:
                self._stops[part].set()
                await self._tasks.pop(part)
        await self.client.close()


@asynccontextmanager
async def cluster(bootstrap: str, directory: Path, service: str, *names: str) -> AsyncIterator[list[InProcess]]:
    """Nodes by name, all stopped at the end."""
    nodes = [node(bootstrap, directory, service, name) for name in names]
    try:
        for n in nodes:
            await n.start()
        yield nodes
    finally:
        await asyncio.gather(*(n.stop() for n in nodes))


def node(bootstrap: str, directory: Path, service: str, name: str) -> InProcess:
    """A node that is not started."""
    return InProcess(ServeConfig(listen="127.0.0.1:0", data_dir=str(directory / name), workers=1, service_id=service, default_partitions=4,
                                 kafka=bootstrap, node_id=name, schema_registry_listen="none", session_timeout_ms=SESSION_MS))


async def until(condition: Callable[[], Awaitable[T]], seconds: float = 20.0, what: str = "") -> T:
    """The first true answer."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not (found := await condition()):
        assert loop.time() < end, f"waited {seconds:.0f} s in vain for {what or condition}"
        await asyncio.sleep(0.05)
    return found
