"""Applying a changelog: values are gathered and written in the order of their keys, and only the last transaction moves the position."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from penstock.log.port import Chunk, TopicPartition
from penstock.plan.nodes import StoreKind, StoreSpec
from penstock.runtime.restore import BATCH, replay
from penstock.state.port import Stamp
from penstock.state.sorted_entries import SortedEntries

TP = TopicPartition("changelog", 0)


class Reader:
    """Gives prepared chunks."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = list(chunks)

    def add(self, positions: Mapping[TopicPartition, int]) -> None: ...
    def remove(self, tps: Sequence[TopicPartition]) -> None: ...
    async def close(self) -> None: ...

    async def poll(self, timeout: float, most: int) -> list[Chunk]:
        some, self._chunks = self._chunks[:most], self._chunks[most:]
        return some


class State:
    """Notes each transaction."""

    def __init__(self) -> None:
        self.written: list[tuple[list[tuple[bytes, bytes | None]], int]] = []

    def restore(self, store: str, entries: SortedEntries, stamp: Stamp) -> None:
        self.written.append((list(entries.entries), stamp.changelogs["changelog"]))


def test_the_newest_values_are_written_in_order_and_the_position_moves_last() -> None:
    keys, size = BATCH + 10, 1_000
    records = [SimpleNamespace(offset=n, key=b"%06d" % (n * 7919 % keys), value=b"%d" % n) for n in range(2 * keys)]
    records[-1] = SimpleNamespace(offset=2 * keys - 1, key=records[-1].key, value=None)
    chunks = [Chunk(TP, cast(Any, records[at:at + size]), at, min(at + size, 2 * keys), 2 * keys, size) for at in range(0, 2 * keys, size)]
    state, to = State(), 2 * keys
    log = cast(Any, SimpleNamespace(reader=lambda: Reader(chunks)))
    spec = StoreSpec("s", StoreKind.KEY_VALUE, ("v",), 1, changelog="changelog")
    stamp = asyncio.run(replay(log, cast(Any, state), {"changelog": spec}, 0, {"changelog": (0, to)}, Stamp(1, 1, "me", {}, {"changelog": 0}, "b", 1),
                               lambda *_: None))
    assert stamp.changelogs == {"changelog": to}
    assert [at for _, at in state.written] == [0, 0, to], "who stops in between finds the old position, and applies the same again"
    written = [entry for entries, _ in state.written for entry in entries]
    assert written == sorted({r.key: r.value for r in records}.items()) and max(len(e) for e, _ in state.written) <= BATCH
