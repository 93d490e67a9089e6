"""Waking those who wait for the log to change: at once within the process, by notices from the node's other processes, else by a slow look."""

from __future__ import annotations

import asyncio
from typing import Protocol

WITH_NOTICES = 1.0
WITHOUT_NOTICES = 0.05
"""Seconds between looks when nothing was heard."""


class Heard(Protocol):
    """What this log needs of a subscription to notices."""

    async def wait(self, timeout: float) -> bool: ...
    def close(self) -> None: ...


class Notices(Protocol):
    """What this log needs of the node's notices (runtime/board_port.py, a higher room)."""

    def send(self, what: str) -> None: ...
    def subscribe(self, what: str) -> Heard: ...


class Wakeups:
    """Belongs to one event loop; changed() may be called from any thread."""

    def __init__(self, notices: Notices | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._notices = notices
        self._waiting: set[asyncio.Event] = set()
        self._scheduled = False
        self.look_every = WITHOUT_NOTICES if notices is None else WITH_NOTICES
        self._listener = None if notices is None else asyncio.create_task(self._listen(notices), name="log-notices")

    def register(self) -> asyncio.Event:
        """An event that is set whenever the log may have changed; its owner clears it."""
        event = asyncio.Event()
        self._waiting.add(event)
        return event

    def unregister(self, event: asyncio.Event) -> None:
        self._waiting.discard(event)

    def changed(self) -> None:
        """This process has changed the log; from any thread."""
        if not self._scheduled:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._tell)
            except RuntimeError:
                self._scheduled = False  # the loop has ended: nobody waits any more

    def _tell(self) -> None:
        self._scheduled = False
        if self._notices is not None:
            self._notices.send("log")
        self._wake()

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    async def _listen(self, notices: Notices) -> None:
        waiter = notices.subscribe("log")
        try:
            while True:
                if await waiter.wait(60.0):
                    self._wake()
        finally:
            waiter.close()

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        self._wake()
