"""Reading topics from their beginning to their present end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from penstock.log.port import Log, Record, TopicPartition

POLL = 0.5
"""Seconds that one wait for records takes at most."""


async def held_now(log: Log, tps: Sequence[TopicPartition], *, committed: bool = True) -> AsyncIterator[tuple[TopicPartition, Sequence[Record]]]:
    """Everything that partitions hold now, some records of one at a time. committed: up to the last stable offset; else to the end, and what is
    still in a transaction is waited for. Raises LogError."""
    starts, ends = await log.earliest(tps), await log.ends(tps, committed=committed)
    left = {tp: ends[tp] for tp in tps if starts[tp] < ends[tp]}
    reader = log.reader()
    try:
        reader.add({tp: starts[tp] for tp in left})
        while left:
            for chunk in await reader.poll(POLL):
                end = ends[chunk.tp]
                yield chunk.tp, [record for record in chunk.records if record.offset < end]
                if chunk.next >= end:
                    left.pop(chunk.tp, None)
    finally:
        await reader.close()
