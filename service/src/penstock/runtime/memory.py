"""Giving memory back to the system. LMDB takes two megabytes for each environment that is written to, and malloc keeps them when it is closed, in pieces
that the next one does not fit: a worker whose tasks came and went a few times holds hundreds of megabytes that nobody uses.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Callable

CALM = 10.0
"""Seconds without either after which there is nothing more to wait for."""


def trim() -> None:
    """Pages of the heap that are free go back; where the C library cannot, nothing happens. Without the interpreter's lock."""
    function = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if function is not None:
        function(0)


class Memory:
    """Gives back what is free some time after environments were opened or removed."""

    def __init__(self, give_back: Callable[[], None] = trim, calm: float = CALM) -> None:
        self._give_back, self._calm = give_back, calm
        self._changed = asyncio.Event()
        self._since = 0.0

    def changed(self) -> None:
        """An environment was opened or removed."""
        self._since = time.monotonic()
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._changed.wait()
            while (left := self._since + self._calm - time.monotonic()) > 0:
                await asyncio.sleep(left)
            self._changed.clear()
            await asyncio.to_thread(self._give_back)
