"""The join store's contract (state/port.py, JoinStore), on memory and on LMDB, against rows in a list."""

from __future__ import annotations

import tempfile
from collections import deque
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from penstock.plan.nodes import StoreKind, StoreSpec
from penstock.state.join_rows import CachedJoinStore
from penstock.state.lmdb import LmdbTaskState
from penstock.state.memory import MemoryTaskState
from penstock.state.port import Frozen, Stamp, TaskState

SPEC = StoreSpec("left", StoreKind.JOIN, ("a", "b"), 0x79, retention_ms=16_000)
KEYS = (b"", b"k", b"k" + bytes(8), b"l" * 600)
SECOND = 1_000

Row = tuple[bytes, int, int]
"""(key, time, number): rows of one key and time are in order of arrival."""


class JoinStore(RuleBasedStateMachine):
    """Rows come, are frozen and committed, expire; now and then everything that is not committed is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.states: list[TaskState] = [MemoryTaskState([SPEC]), LmdbTaskState.open(Path(self.directory.name) / "env", [SPEC], 7, map_size=64 << 20)]
        for state in self.states:
            state.take("w")
        self.rows: list[Row] = []
        self.expired = 0
        self.frozen: deque[tuple[list[list[Frozen]], list[Row], int]] = deque()
        self.committed: tuple[list[Row], int] = ([], 0)
        self.number = 0

    def stores(self) -> list[CachedJoinStore]:
        found = [state.store("left") for state in self.states]
        return [store for store in found if isinstance(store, CachedJoinStore)]

    @rule(key=st.sampled_from(KEYS), time=st.integers(0, 40))
    def add(self, key: bytes, time: int) -> None:
        self.number += 1
        for store in self.stores():
            store.add(key, time * SECOND, (self.number, "b"))
        if time * SECOND >= self.expired:
            self.rows.append((key, time * SECOND, self.number))

    @rule()
    def freeze(self) -> None:
        self.frozen.append(([state.freeze() for state in self.states], list(self.rows), self.expired))
        first, second = self.frozen[-1][0]
        assert first[0].entries == second[0].entries, "the same bytes in the same order"

    @rule()
    def commit(self) -> None:
        if self.frozen:
            frozen, *self.committed = self.frozen.popleft()  # type: ignore[assignment]
            for state, entries in zip(self.states, frozen, strict=True):
                state.commit(entries, Stamp(7, 2, "w", {}, {}, "boot", 0))

    @rule(ahead=st.integers(1, 12))
    def expire(self, ahead: int) -> None:
        self.expired += ahead * SECOND
        for store in self.stores():
            store.expire(self.expired)

    @rule()
    def drop(self) -> None:
        for state in self.states:
            state.drop_cache()
        self.frozen.clear()
        self.rows, self.expired = list(self.committed[0]), self.committed[1]

    @invariant()
    def finds_what_is_there(self) -> None:
        there = sorted((row for row in self.rows if row[1] >= self.expired), key=lambda row: (row[1], row[2]))
        for store in self.stores():
            for key in KEYS:
                for first, last in ((0, 40 * SECOND), (15 * SECOND, 20 * SECOND)):
                    assert list(store.rows(key, first, last)) == [(t, n, "b") for k, t, n in there if k == key and first <= t <= last]
            entries = [(k, v) for k, v in store.range(b"", b"")]
            assert [k for k, _ in entries] == sorted({k + t.to_bytes(8, "big") for k, t, _ in there})

    def teardown(self) -> None:
        for state in self.states:
            state.close()
        self.directory.cleanup()


TestJoinStore = JoinStore.TestCase
TestJoinStore.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
