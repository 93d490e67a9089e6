"""A stream of appends: batches are on their way to the log while earlier ones are being acknowledged, at most so many, all in order.

A batch that goes to the log in several pieces is written alone: between its pieces another one could come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from penstock_client.gen.penstock.v1 import append_service_pb2 as pb

from penstock.serving.append import Ack, Appender
from penstock.serving.positions import Position, joined

Writing = asyncio.Task[Ack]


async def acknowledgements(appender: Appender, batches: AsyncIterator[pb.AppendBatch], producer_id: str, epoch: int, most: int,
                           included: Position) -> AsyncIterator[tuple[Ack, str]]:
    """What became of each batch, in their order, and the token that includes it, the batches before and what `included` does; where they are in more
    partitions than a token can name it begins anew; empty when nothing was written. most: batches on their way at once; no more are taken until one is
    acknowledged. Raises what a batch raises, after the acknowledgements of those before it."""
    room = asyncio.Semaphore(most)
    writing: asyncio.Queue[Writing | None] = asyncio.Queue()
    reading = asyncio.create_task(_write(appender, batches, producer_id, epoch, room, writing), name="append-stream")
    try:
        while (one := await writing.get()) is not None:
            ack, token = await one, ""
            if ack.position is not None:
                included, token = joined(included, ack.position)
            yield ack, token
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
