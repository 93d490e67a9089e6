"""The gateway process: `python -m penstock.node.gateway <arguments as JSON>`, started by the supervisor."""

from __future__ import annotations

import asyncio
import logging

from penstock.api.server import Drain, run_gateway
from penstock.errors import LogError
from penstock.log.embedded import open_embedded
from penstock.node.child import Surroundings, main, settle
from penstock.runtime.layout import Layout

log = logging.getLogger("penstock.node")

UPKEEP_EVERY = 30.0


async def serve(around: Surroundings) -> None:
    """Answer calls until told to stop; keep the embedded log tidy meanwhile."""
    upkeep = None if around.config.kafka else asyncio.create_task(_upkeep(around), name="upkeep")

    def ready(address: str) -> None:
        settle()
        around.line.ready(address)

    try:
        line = around.line
        await run_gateway(around.config, line.stop, ready, around.notices,
                          Drain(lambda others: line.say(end=True, others=others), line.drain, lambda: line.say(drained=True)))
    finally:
        if upkeep is not None:
            upkeep.cancel()
            await asyncio.gather(upkeep, return_exceptions=True)


async def _upkeep(around: Surroundings) -> None:
    source = await open_embedded(Layout(around.config.data).log, process="upkeep", notices=around.notices)
    try:
        while True:
            await asyncio.sleep(UPKEEP_EVERY)
            try:
                await source.maintain()
            except LogError as e:
                log.warning("upkeep of the embedded log failed, trying again: %s", e)
    finally:
        await source.close()


if __name__ == "__main__":
    main(serve)
