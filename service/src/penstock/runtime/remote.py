"""A worker's way to programs that process its rows: through the gateway of its node, to which the programs dial in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penstock.engine.processors.bundles import Bundle, Result
from penstock.engine.processors.calls import CallHost
from penstock.engine.processors.remote import RemoteHost
from penstock.runtime.remote_port import BUFFER, Answer, Forget, Waits, Work, receive, send, socket_path

log = logging.getLogger("penstock.programs")

AGAIN = 0.2
NO_GATEWAY = "the gateway of this node does not answer"


@dataclass(slots=True)
class Waiting:
    """A bundle that is not answered. reason: why, for people; empty while a program has it."""

    work: Work
    wake: Callable[[], None]
    reason: str = ""
    result: Result | None = None


class RemoteLink:
    """One connection, made when there is the first bundle, and again whenever it is lost: all that is not answered is sent again then."""

    def __init__(self, run: Path) -> None:
        """run: where the gateway listens."""
        self._run = run
        self._waiting: dict[int, Waiting] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ids = 0

    def submit(self, host: RemoteHost | CallHost, partition: int, lease: int, number: int, bundle: Bundle, wake: Callable[[], None]) -> Waiting:
        """Give a bundle away; wake is called when the answer, or news of it, is in what is returned."""
        self._ids += 1
        node = host.node
        work = Work(self._ids, host.shape, partition, lease, number, bundle, node.timeout_ms, node.max_attempts)
        made = self._waiting[work.id] = Waiting(work, wake)
        if self._writer is not None:
            send(self._writer, work)
        elif self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="programs")
        return made

    def forget(self, waiting: Waiting) -> None:
        """The task ends, or begins anew."""
        if self._waiting.pop(waiting.work.id, None) is not None and self._writer is not None:
            send(self._writer, Forget(waiting.work.id))

    async def close(self) -> None:
        """End the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                with socket_path(self._run) as path:
                    reader, writer = await asyncio.open_unix_connection(path, limit=BUFFER)
                try:
                    self._writer = writer
                    for waiting in self._waiting.values():
                        waiting.reason = ""
                        send(writer, waiting.work)
                    while True:
                        self._heard(await receive(reader))
                finally:
                    self._writer = None
                    writer.close()
            except (OSError, asyncio.IncompleteReadError) as e:
                log.debug("%s: %s", NO_GATEWAY, e)
            for waiting in self._waiting.values():
                waiting.reason = NO_GATEWAY
            await asyncio.sleep(AGAIN)

    def _heard(self, message: object) -> None:
        match message:
            case Answer(id=number, result=result):
                waiting = self._waiting.pop(number, None)
                if waiting is not None:
                    waiting.result = result
                    waiting.wake()
            case Waits(id=number, reason=reason) if number in self._waiting:
                self._waiting[number].reason = reason
