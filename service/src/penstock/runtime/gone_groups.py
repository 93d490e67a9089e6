"""Consumer groups of topologies that were deleted or reset: a group can be deleted only when its last member has left it, be it that a node which is
down has none until its session is over. Each worker tries for those that it was in; who comes too late finds it done.
"""

from __future__ import annotations

import asyncio
import logging
import time

from penstock.errors import LogError
from penstock.log.port import Log

log = logging.getLogger("penstock.worker")

RETRY = 2.0
GIVE_UP = 600.0
"""Seconds. A group without members forgets its offsets by itself after the log's retention of them."""


class GoneGroups:
    """Deletes groups in the background, one after the other."""

    def __init__(self, source: Log, retry: float = RETRY) -> None:
        self._log, self._retry = source, retry
        self._waiting: dict[str, float] = {}
        self._added = asyncio.Event()

    def add(self, group: str) -> None:
        """This worker has left it for good."""
        self._waiting[group] = time.monotonic() + GIVE_UP
        self._added.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._added.wait()
            for group, limit in list(self._waiting.items()):
                try:
                    await self._log.delete_group(group)
                except LogError as e:
                    if time.monotonic() < limit:
                        continue
                    log.warning("group %s is left to the log, which forgets it later: %s", group, e)
                del self._waiting[group]
            if self._waiting:
                await asyncio.sleep(self._retry)
            else:
                self._added.clear()
