"""Bringing a store forward: applying its changelogs exactly up to the committed target."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from penstock.errors import LogError
from penstock.log.port import Log, TopicPartition
from penstock.plan.nodes import StoreSpec
from penstock.state.port import Stamp, TaskState
from penstock.state.sorted_entries import NO_ENTRIES, order, slices

BATCH = 4_000
"""Records an LMDB transaction, and as long as it takes the worker's other tasks wait: 5 ms. Larger ones are hardly cheaper for each record, and
a thread does not help, since the interpreter's lock is held."""
GATHER_RECORDS, GATHER_BYTES = 100_000, 16 << 20
"""Of a changelog at most before its newest values are written, in the order of their keys: so that neighbours on a page are written together, and a key
that comes again is written once. Without it each record of a store with random keys copies a page of its own. With what Python has around each, 100,000 small ones
take 35 MB."""
CHUNKS = 2
"""Taken from the reader at a time, for the same reason as BATCH."""


async def replay(log: Log, state: TaskState, stores: Mapping[str, StoreSpec], partition: int, gaps: Mapping[str, tuple[int, int]],
                 stamp: Stamp, progress: Callable[[int, int, float], None]) -> Stamp:
    """Apply [from, to) of each changelog topic in `gaps`; returns the stamp written last.

    stores: store spec by changelog topic. progress: called with (records done, records in all, records a second). The fetch may end
    before `to` (a committed transaction's marker can be in flight): then this waits, it never stops early.
    """
    total = sum(to - at for at, to in gaps.values())
    reader = log.reader()
    began = time.monotonic()
    done = 0
    left = {TopicPartition(topic, partition): to for topic, (at, to) in gaps.items() if at < to}
    pending: dict[TopicPartition, dict[bytes | None, bytes | None]] = {tp: {} for tp in left}
    gathered = dict.fromkeys(left, 0)  # bytes of what is pending
    reader.add({TopicPartition(topic, partition): at for topic, (at, to) in gaps.items() if at < to})
    try:
        while left:
            for chunk in await reader.poll(0.5, CHUNKS):
                to = left.get(chunk.tp)
                if to is None:
                    continue
                entries, finished = pending[chunk.tp], chunk.next >= to
                for r in chunk.records if not finished else [r for r in chunk.records if r.offset < to]:
                    entries[r.key] = r.value
                if None in entries:
                    at = next(r.offset for r in chunk.records if r.key is None)
                    raise LogError(f"{chunk.tp.topic}[{partition}] at {at}: a changelog record without a key")
                done += min(chunk.next, to) - chunk.start
                gathered[chunk.tp] += chunk.size
                if finished or len(entries) >= GATHER_RECORDS or gathered[chunk.tp] >= GATHER_BYTES:
                    reached = to if finished else chunk.next
                    after = replace(stamp, changelogs={**stamp.changelogs, chunk.tp.topic: reached})
                    pending[chunk.tp], gathered[chunk.tp] = {}, 0
                    await _write(state, stores[chunk.tp.topic].name, cast(dict[bytes, bytes | None], entries), stamp, after)
                    stamp = after
                    progress(done, total, done / max(1e-9, time.monotonic() - began))
                if finished:
                    del left[chunk.tp]
                    reader.remove([chunk.tp])
    finally:
        await reader.close()
    return stamp


async def _write(state: TaskState, store: str, entries: Mapping[bytes, bytes | None], before: Stamp, after: Stamp) -> None:
    """In order of keys, some at a time. Only the last transaction says how far the store has come: who finds an earlier one applies the same again."""
    ordered = await asyncio.to_thread(order, list(entries))
    for some in slices(entries, ordered, BATCH):
        state.restore(store, some, before)
        await asyncio.sleep(0)
    state.restore(store, NO_ENTRIES, after)
