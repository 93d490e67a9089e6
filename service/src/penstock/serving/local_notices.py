"""Notices inside one process: for a gateway that runs alone, and for tests."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class LocalWaiter:
    """Awaits notices of one kind."""

    def __init__(self, among: set[LocalWaiter]) -> None:
        self.event = asyncio.Event()
        self._among = among
        among.add(self)

    async def wait(self, timeout: float) -> bool:
        """True when one came since the last wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.event.wait()
        came = self.event.is_set()
        self.event.clear()
        return came

    def close(self) -> None:
        """Hear no more."""
        self._among.discard(self)


class LocalNotices:
    """Implements runtime.board_port.Notices for one event loop."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[LocalWaiter]] = {}

    def send(self, what: str) -> None:
        """Wake all who wait for this."""
        for waiter in self._waiters.get(what, ()):
            waiter.event.set()

    def subscribe(self, what: str) -> LocalWaiter:
        """A waiter for this kind."""
        return LocalWaiter(self._waiters.setdefault(what, set()))
