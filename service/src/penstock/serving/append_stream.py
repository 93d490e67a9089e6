"""A stream of appends: batches are on their way to the log while earlier ones are being acknowledged, at most so many, all in order.

A batch that goes to the log in several pieces is written alone: between its pieces another one could come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from penstock_client.gen.penstock.v1 import append_service_pb2 as pb

from penstock.serving.append import Ack, Appender
from penstock.serving.positions import Position, fits, merge

Writing = asyncio.Task[Ack]


async def acknowledgements(appender: Appender, batches: AsyncIterator[pb.AppendBatch], producer_id: str, epoch: int, most: int,
                           included: Position) -> AsyncIterator[Ack]:
    """What became of each batch, in their order. most: batches on their way at once; no more are taken until one is acknowledged. included: of
    what was written before; the position of each includes it and the batches before, until they are in more partitions than a token can name: then
    it begins anew. Raises what a batch raises, after the acknowledgements of those before it."""
    room = asyncio.Semaphore(most)
    writing: asyncio.Queue[Writing | None] = asyncio.Queue()
    reading = asyncio.create_task(_write(appender, batches, producer_id, epoch, room, writing), name="append-stream")
    try:
        while (one := await writing.get()) is not None:
            ack = await one
            if ack.position is not None:
                together = merge([included, ack.position], included.log_id)
                included = together if fits(together) else ack.position
                ack = replace(ack, position=included)
            yield ack
            room.release()
        await reading
    finally:
        reading.cancel()
        left = [one for _ in range(writing.qsize()) if (one := writing.get_nowait()) is not None]
        for one in left:
            one.cancel()
        await asyncio.gather(reading, *left, return_exceptions=True)


async def _write(appender: Appender, batches: AsyncIterator[pb.AppendBatch], producer_id: str, epoch: int, room: asyncio.Semaphore,
                 writing: asyncio.Queue[Writing | None]) -> None:
    last: Writing | None = None
    try:
        async for batch in batches:
            await room.acquire()
            checked = await appender.check(batch, producer_id, epoch)
            alone = len(checked.pieces) > 1
            if alone and last is not None:
                await asyncio.wait([last])
            last = asyncio.create_task(appender.write(checked))
            writing.put_nowait(last)
            if alone:
                await asyncio.wait([last])
    finally:
        writing.put_nowait(None)
