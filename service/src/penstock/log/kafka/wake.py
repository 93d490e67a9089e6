"""Waiting: for an event no longer than so many seconds, and for what another thread does.

asyncio.wait_for of Python 3.11 can swallow a cancellation that arrives together with the event; the task then goes on for ever.
"""

from __future__ import annotations

import asyncio
import threading


async def happens(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for the event, at most so long; None: for as long as it takes."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class Signal:
    """Take a future with next(), look at the state, then await the future: no change is missed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: list[asyncio.Future[None]] = []

    def next(self) -> asyncio.Future[None]:
        """Done at the next fire(); belongs to the running loop."""
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiters = [w for w in self._waiters if not w.done()]
            self._waiters.append(future)
        return future

    def fire(self) -> None:
        """Wake whoever waits. From any thread."""
        with self._lock:
            waiters, self._waiters = self._waiters, []
        for future in waiters:
            try:
                future.get_loop().call_soon_threadsafe(_set, future)
            except RuntimeError:
                continue  # its loop is closed: nobody waits there any more


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
