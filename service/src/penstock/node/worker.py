"""A worker process: `python -m penstock.node.worker <arguments as JSON>`, started by the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from penstock.errors import LogUnavailable
from penstock.log.embedded import EmbeddedLog
from penstock.log.open import open_log
from penstock.log.port import Log
from penstock.node.child import Surroundings, main, settle
from penstock.runtime.worker import Line, run_worker

log = logging.getLogger("penstock.node")

BACK_OFF = (0.5, 10.0)


async def work(around: Surroundings) -> None:
    """Run tasks until told to stop."""
    source = await _open(around)
    if source is None:
        return
    try:
        if isinstance(source, EmbeddedLog):
            await source.set_workers(around.config.worker_count)

        def ready() -> None:
            settle()
            around.line.ready()

        await run_worker(around.config, around.child.name, Line(around.line.stop, around.line.drain, ready, lambda: around.line.say(drained=True)), source, around.notices)
    finally:
        await source.close()


async def _open(around: Surroundings) -> Log | None:
    """The log, as soon as it answers; None when told to stop before that."""
    pause = BACK_OFF[0]
    while not around.line.stop.is_set():
        try:
            return await open_log(around.config, around.child.name, around.notices)
        except LogUnavailable as e:
            log.warning("the log does not answer, trying again in %.1f s: %s", pause, e)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await around.line.stop.wait()
            pause = min(BACK_OFF[1], pause * 2)
    return None


if __name__ == "__main__":
    main(work)
