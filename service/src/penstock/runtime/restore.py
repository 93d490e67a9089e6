"""Bringing a store forward: applying its changelogs exactly up to the committed target."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import cast

from penstock.errors import LogError
from penstock.log.port import Log, TopicPartition
from penstock.plan.nodes import StoreSpec
from penstock.state.port import Stamp, TaskState

BATCH = 4_000
"""Records an LMDB transaction, and as long as it takes the worker's other tasks wait: 10 ms. Larger ones are hardly cheaper for each record, and
a thread does not help, since the interpreter's lock is held."""
GATHER_RECORDS, GATHER_BYTES = 40_000, 8 << 20
"""Of a changelog at most before its newest values are written, in the order of their keys: so that neighbours on a page are written together, and a key
that comes again is written once. Without it each record of a store with random keys copies a page of its own."""
CHUNKS = 2
"""Taken from the reader at a time, for the same reason."""


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
    pending: dict[TopicPartition, dict[bytes, bytes | None]] = {tp: {} for tp in left}
    gathered = dict.fromkeys(left, 0)  # bytes of what is pending
    reader.add({TopicPartition(topic, partition): at for topic, (at, to) in gaps.items() if at < to})
    try:
        while left:
            for chunk in await reader.poll(0.5, CHUNKS):
                to = left.get(chunk.tp)
                if to is None:
                    continue
                entries, finished = pending[chunk.tp], chunk.next >= to
                newest = {r.key: r.value for r in chunk.records if not finished or r.offset < to}
                if None in newest:
                    at = next(r.offset for r in chunk.records if r.key is None)
                    raise LogError(f"{chunk.tp.topic}[{partition}] at {at}: a changelog record without a key")
                entries.update(cast(dict[bytes, bytes | None], newest))
                done += min(chunk.next, to) - chunk.start
                gathered[chunk.tp] += chunk.size
                if finished or len(entries) >= GATHER_RECORDS or gathered[chunk.tp] >= GATHER_BYTES:
                    reached = to if finished else chunk.next
                    after = replace(stamp, changelogs={**stamp.changelogs, chunk.tp.topic: reached})
                    await _write(state, stores[chunk.tp.topic].name, entries, stamp, after)
                    stamp = after
                    pending[chunk.tp], gathered[chunk.tp] = {}, 0
                    progress(done, total, done / max(1e-9, time.monotonic() - began))
                if finished:
                    del left[chunk.tp]
                    reader.remove([chunk.tp])
    finally:
        await reader.close()
    return stamp


async def _write(state: TaskState, store: str, entries: Mapping[bytes, bytes | None], before: Stamp, after: Stamp) -> None:
    """In order of keys, some at a time. Only the last transaction says how far the store has come: who finds an earlier one applies the same again."""
    ordered = sorted(entries.items(), key=itemgetter(0))
    for at in range(0, max(1, len(ordered)), BATCH):
        state.restore(store, ordered[at:at + BATCH], after if at + BATCH >= len(ordered) else before)
        await asyncio.sleep(0)
