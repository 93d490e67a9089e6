"""A worker gives back the memory that environments leave behind."""

from __future__ import annotations

import asyncio

from penstock.runtime.memory import Memory, trim


async def test_memory_is_given_back_once_when_openings_are_over() -> None:
    given: list[int] = []
    memory = Memory(lambda: given.append(1), calm=0.05)
    running = asyncio.create_task(memory.run())
    for times in (1, 2):
        for _ in range(5):
            memory.changed()
        async with asyncio.timeout(5):
            while len(given) < times:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert len(given) == times
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_the_c_library_is_asked() -> None:
    trim()
