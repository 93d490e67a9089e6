"""Stores of tasks that this node no longer has: they stay for a while, since a task that comes back goes on from them, and then leave the disk."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from penstock.runtime.board_port import TaskEntry
from penstock.runtime.layout import Layout

log = logging.getLogger("penstock.worker")

DELAY = 600.0
"""Seconds that a store stays (Kafka Streams' state.cleanup.delay)."""
EVERY = 30.0


class Leftovers:
    """Looks after the stores of a node; one worker of it does. A task that the node has, be it as a copy or FAILED, is on a board."""

    def __init__(self, layout: Layout, tasks: Callable[[], Iterable[TaskEntry]], delay: float = DELAY) -> None:
        """tasks: of all boards of the node."""
        self._layout, self._tasks, self._delay = layout, tasks, delay
        self._unused: dict[Path, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(min(EVERY, self._delay))
            try:
                self.look(time.monotonic())
            except Exception:  # nothing depends on it; the next look comes
                log.exception("stores that are not used any more cannot be looked for")

    def look(self, now: float) -> None:
        """Note what is unused, remove what has been so for long enough."""
        used = {self._layout.task(t.topology, t.incarnation, t.sub, t.partition) for t in self._tasks()}
        unused = [path for path in _stores(self._layout.root / "state") if path not in used]
        self._unused = {path: self._unused.get(path, now) for path in unused}
        for path in due(self._unused.items(), now, self._delay):
            del self._unused[path]
            if _remove(path):
                log.info("removed %s: no worker of this node has had its task for %.0f s", path, self._delay)


def recent(path: Path) -> bool:
    """Whether a store is there that was written not long ago, so that its task can go on from it with little to read."""
    try:
        return time.time() - (path / "data.mdb").stat().st_mtime < DELAY
    except OSError:
        return False


def due(unused: Collection[tuple[Path, float]], now: float, delay: float) -> list[Path]:
    """What has been unused for long enough. unused: with the time since when."""
    return [path for path, since in unused if now - since >= delay]


def _stores(root: Path) -> Iterable[Path]:
    """Environments of tasks; those of global tables belong to a worker (runtime/layout.py)."""
    for topology in root.iterdir() if root.exists() else ():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it was deleted just now
            yield from (path for path in topology.iterdir() if "@" not in path.name)


def _remove(path: Path) -> bool:
    """Remove it unless somebody has it open; then it is in use after all."""
    try:
        handle = os.open(path / "WRITER", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
