"""The committer: one thread a process through which everything is written, so that the event loop never waits for a disk or a lock.

Jobs that arrive while one is being made durable are committed together:

    1. the batches of all waiting jobs go to this process's segment file, then one fdatasync
    2. one LMDB write transaction runs every job in order; a job checks first (a refusal concerns only itself), then writes
    3. LMDB's commit, synced, makes them visible and durable; then the callers are answered

A failure in 1 or 3 fails all of them with LogUnavailable and publishes nothing; the bytes in the file stay without meaning.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import lmdb

from penstock.errors import LogUnavailable, PenstockError
from penstock.log.embedded.segments import SegmentWriter
from penstock.log.embedded.tables import Environment, Tables

log = logging.getLogger("penstock.log")
T = TypeVar("T")

TOGETHER = 256
"""Most jobs in one LMDB transaction."""

Places = Sequence[tuple[int, int]]
"""(file, position) of each of a job's parts."""


@dataclass(slots=True)
class Job(Generic[T]):
    """Parts to write, and what to do in the LMDB transaction with the places where they are now.

    run raises a PenstockError before it has written anything, or not at all.
    """

    parts: Sequence[bytes | bytearray]
    run: Callable[[Tables, Places], T]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[T]
    places: Places = field(default=())
    result: T | None = None
    refused: PenstockError | None = None


class Committer:
    """See the module docstring."""

    def __init__(self, environment: Environment, directory: Path, name: str, published: Callable[[], None]) -> None:
        """published: called in the thread after each commit."""
        self._environment = environment
        self._segments = SegmentWriter(directory, self._new_file)
        self._published = published
        self._queue: queue.SimpleQueue[Job[object] | None] = queue.SimpleQueue()
        self._closed = False
        self.failure = ""
        self._thread = threading.Thread(target=self._work, name=f"log-{name}", daemon=True)
        self._thread.start()

    async def submit(self, run: Callable[[Tables, Places], T], parts: Sequence[bytes | bytearray] = ()) -> T:
        """Run a job; returns when it is durable. A caller that is cancelled does not stop it. Raises what run raises, LogUnavailable."""
        if self._closed:
            raise LogUnavailable("the embedded log is closed")
        loop = asyncio.get_running_loop()
        job: Job[T] = Job(parts, run, loop, loop.create_future())
        self._queue.put(job)  # type: ignore[arg-type]
        return await asyncio.shield(job.future)

    def close(self) -> None:
        """Finish what is queued, then end; blocks."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _new_file(self) -> int:
        with self._environment.write() as tables:
            return tables.count_up("next_file")

    def _work(self) -> None:
        open_for_work = True
        while open_for_work:
            jobs: list[Job[object]] = []
            job = self._queue.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == TOGETHER:
                    break
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
            else:
                open_for_work = False
            if jobs:
                self._commit(jobs)
        self._segments.close()

    def _commit(self, jobs: list[Job[object]]) -> None:
        failure: Exception | None = None
        try:
            self._write(jobs)
            self._run(jobs)
        except (OSError, lmdb.Error) as e:
            failure = LogUnavailable(explain(e))
        except Exception as e:  # a defect in a job: everything of this transaction is gone, the thread goes on
            log.exception("a write to the embedded log failed")
            failure = e
        if failure is None:
            self.failure = ""
            self._published()
        else:
            self.failure = str(failure)
        for job in jobs:
            answer(job, failure or job.refused)

    def _write(self, jobs: list[Job[object]]) -> None:
        parts = [part for job in jobs for part in job.parts]
        if not parts:
            return
        places = self._segments.write(parts)
        self._segments.sync()
        at = 0
        for job in jobs:
            job.places = places[at:at + len(job.parts)]
            at += len(job.parts)

    def _run(self, jobs: list[Job[object]]) -> None:
        with self._environment.write() as tables:
            for job in jobs:
                try:
                    job.result = job.run(tables, job.places)
                except PenstockError as e:
                    job.refused = e


def answer(job: Job[object], error: Exception | None) -> None:
    """Tell the waiting coroutine, unless its loop has ended."""
    def tell() -> None:
        if not job.future.done():
            if error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(error)
                job.future.exception()  # whoever was cancelled does not look; no complaint about that

    try:
        job.loop.call_soon_threadsafe(tell)
    except RuntimeError:
        log.debug("a write was decided after its event loop had ended")


def explain(error: Exception) -> str:
    """What a failed write means, for people."""
    full = isinstance(error, lmdb.MapFullError | lmdb.DiskError) or getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left" in str(error):
        return f"no room for the embedded log, writing goes on when there is: {error}"
    return f"the embedded log cannot be written: {error}"
