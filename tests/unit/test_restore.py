"""Applying a changelog: values are gathered and written in the order of their keys, and only the last transaction moves the position. Who is stopped
anywhere goes on there."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from penstock.errors import StoreFull
from penstock.log.port import Chunk, TopicPartition
from penstock.plan.nodes import StoreKind, StoreSpec
from penstock.runtime import opening, restore
from penstock.runtime.restore import BATCH, replay
from penstock.state.keys import window_key
from penstock.state.lmdb import LmdbBackend, LmdbTaskState
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


class Stopped(Exception):
    """A process that ends here."""


class Stopping(LmdbTaskState):
    """Ends in place of its `left`-th transaction."""

    left = 0

    def restore(self, store: str, entries: SortedEntries, stamp: Stamp) -> None:
        self.left -= 1
        if self.left == 0:
            raise Stopped
        super().restore(store, entries, stamp)


@pytest.mark.parametrize("kind", [StoreKind.KEY_VALUE, StoreKind.WINDOW])
def test_a_replay_that_is_stopped_anywhere_goes_on_from_its_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: StoreKind) -> None:
    monkeypatch.setattr(restore, "BATCH", 16)
    monkeypatch.setattr(restore, "GATHER_RECORDS", 50)
    draw = random.Random(5)
    keys = [window_key(b"k%d" % draw.randrange(300), 1_000 * n) for n in range(100)] + [window_key(b"p" * n, 0) for n in range(480, 520)]
    values = {n: None if draw.random() < 0.2 else b"%d" % n for n in range(600)}
    records = [SimpleNamespace(offset=n, key=draw.choice(keys), value=value) for n, value in values.items()]
    spec = StoreSpec("s", kind, ("v",), 1, retention_ms=1 << 40, changelog="changelog")
    stamp, stops, finished = Stamp(1, 1, "me", {}, {"changelog": 0}, "b", 1), 0, False
    while not finished:
        state = Stopping.open(tmp_path / "store", [spec], 1, map_size=1 << 24)
        state.take("me")
        stamp, state.left = state.stamp() or stamp, draw.randrange(1, 12)
        at = stamp.changelogs["changelog"]
        chunks = [Chunk(TP, cast(Any, records[n:n + 20]), n, min(n + 20, 600), 600, 0) for n in range(at, 600, 20)]
        log = cast(Any, SimpleNamespace(reader=lambda: Reader(chunks)))  # noqa: B023
        try:
            asyncio.run(replay(log, state, {"changelog": spec}, 0, {"changelog": (at, 600)}, stamp, lambda *_: None))
            finished = True
        except Stopped:
            stops += 1
        held = dict(LmdbBackend(state, state._databases["s"], None).scan(b"", b""))
        state.close()
    assert stops > 3
    newest = {r.key: r.value for r in records}
    assert held == {k: v for k, v in newest.items() if v is not None}


async def test_a_sync_is_waited_for_and_holds_nobody_up() -> None:
    """Also by who cancels it: the store is closed then."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def sync() -> None:
        begun.set()
        assert go_on.wait(10)
        ended.set()

    syncing = asyncio.create_task(opening._synced(cast(Any, SimpleNamespace(sync=sync))))
    while not begun.is_set():
        await asyncio.sleep(0.01)  # the loop goes on
    for _ in range(2):
        syncing.cancel()
        await asyncio.sleep(0.01)
        assert not syncing.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await syncing
    assert ended.is_set()

    def full() -> None:
        raise StoreFull("no room")

    with pytest.raises(StoreFull):
        await opening._synced(cast(Any, SimpleNamespace(sync=full)))
