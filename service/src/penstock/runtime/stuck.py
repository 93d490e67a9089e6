"""Says which node a worker is stuck in: a thread that looks at the main thread's stack when the event loop stands still.

Only code that lets go of the interpreter's lock is seen (a plug-in that sleeps, waits for a socket or loops in Python); in any case the
supervisor's watchdog ends a worker that has shown no sign of life for node/control.py's STALL, and runtime/poison.py finds the record.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from penstock.engine.failure import node_at
from penstock.engine.processors.host import ProcessorHost
from penstock.runtime.task import Task

log = logging.getLogger("penstock.worker")

STUCK = 3.0
"""Seconds without a turn of the event loop after which a task is called stuck."""
LOOK = 1.0
BEAT = 0.5

Say = Callable[[Task, str], None]


def where(frame: FrameType | None) -> tuple[Task | None, str]:
    """The task that a stack works on, and the node: the innermost plug-in, or generated code."""
    task: Task | None = None
    node = ""
    for at in _outwards(frame):
        owner = at.f_locals.get("self")
        node = node or (owner.node if isinstance(owner, ProcessorHost) else node_at(at.f_code.co_filename, at.f_lineno))
        task = task or (owner if isinstance(owner, Task) else None)
    return task, node


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


class StuckWatch:
    """Watches the loop of the thread that makes it. say: called in the watch's thread, with what to show of the task."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._thread_id = threading.get_ident()
        self._alive = time.monotonic()
        self._end = threading.Event()
        self._beat = asyncio.create_task(self._beats(), name="beat")
        self._thread = threading.Thread(target=self._watch, name="stuck-watch", daemon=True)
        self._thread.start()

    async def _beats(self) -> None:
        while True:
            self._alive = time.monotonic()
            await asyncio.sleep(BEAT)

    def _watch(self) -> None:
        told = False
        while not self._end.wait(LOOK):
            still = time.monotonic() - self._alive
            if still < STUCK:
                told = False
                continue
            task, node = where(sys._current_frames().get(self._thread_id))
            if task is None:
                continue
            reason = f"stuck for {still:.0f} s in node {node or '?'}"
            if not told:
                log.error("task %s is %s", task.name, reason)
                told = True
            self._say(task, reason)

    async def close(self) -> None:
        """End the watch."""
        self._end.set()
        self._beat.cancel()
        await asyncio.gather(self._beat, return_exceptions=True)
        self._thread.join()
