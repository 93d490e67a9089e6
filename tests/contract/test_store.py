"""The Store contract (state/port.py), on memory and on LMDB."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.errors import StateError, StoreFull, StoreLost
from penstock.plan.nodes import StoreKind, StoreSpec
from penstock.state.keys import ordered_scan, physical, session_bounds, session_key, split_window_key, window_key, with_key
from penstock.state.lmdb import EXPIRE_SLICE, LmdbTaskState
from penstock.state.memory import MemoryEnvironment, MemorySnapshot, MemoryTaskState
from penstock.state.port import Stamp, StateSnapshot, TaskState
from penstock.state.reader import LmdbStateReader
from penstock.state.sorted_entries import NO_ENTRIES, SortedEntries, order, slices

KV = StoreSpec("totals", StoreKind.KEY_VALUE, ("count", "sum"), 0xABCD)
WIN = StoreSpec("minutes", StoreKind.WINDOW, ("n",), 0x77, retention_ms=60_000)
SESSIONS = StoreSpec("visits", StoreKind.SESSION, ("n",), 0x78, retention_ms=60_000)
SPECS = (KV, WIN, SESSIONS)
STAMP = Stamp(7, 1, "w1", {"in[0]": 10}, {"log": 3}, "boot", 1000)


class Memory:
    """Opens states over one shared memory environment."""

    def __init__(self) -> None:
        self.environment = MemoryEnvironment()

    def open(self, specs: Sequence[StoreSpec] = SPECS, cache_limit: int = 200_000) -> TaskState:
        return MemoryTaskState(specs, self.environment, cache_limit)

    def steal(self, owner: str) -> None:
        self.environment.owner = owner

    def shrink(self, state: TaskState) -> None:
        self.environment.limit = self.environment.size() + 1000

    def snapshot(self, specs: Sequence[StoreSpec] = SPECS) -> StateSnapshot:
        return MemorySnapshot(self.environment, {s.name: s for s in specs})


class Lmdb:
    """Opens states in one directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.readers: list[LmdbStateReader] = []

    def open(self, specs: Sequence[StoreSpec] = SPECS, cache_limit: int = 200_000) -> TaskState:
        return LmdbTaskState.open(self.path, specs, 7, map_size=64 << 20, cache_limit=cache_limit)

    def steal(self, owner: str) -> None:
        """As a process does that does not keep to the lock."""
        program = ("import lmdb, sys\nenv = lmdb.open(sys.argv[1], map_size=64 << 20, max_dbs=8)\nmeta = env.open_db(b'meta')\n"
                   "with env.begin(write=True, db=meta) as t: t.put(b'owner', sys.argv[2].encode())")
        subprocess.run([sys.executable, "-c", program, str(self.path), owner], check=True)

    def shrink(self, state: TaskState) -> None:
        assert isinstance(state, LmdbTaskState)
        state.env.set_mapsize(256 * 1024)

    def snapshot(self, specs: Sequence[StoreSpec] = SPECS) -> StateSnapshot:
        self.readers.append(LmdbStateReader(self.path, specs, map_size=64 << 20))
        return self.readers[-1].snapshot()


@pytest.fixture(params=["memory", "lmdb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Memory | Lmdb:
    return Memory() if request.param == "memory" else Lmdb(tmp_path / "env")


@pytest.fixture
def state(place: Memory | Lmdb) -> Iterator[TaskState]:
    opened = place.open()
    opened.take("w1")
    yield opened
    opened.close()


def commit(state: TaskState, stamp: Stamp = STAMP) -> None:
    state.commit(state.freeze(), stamp)


def test_get_put_delete(state: TaskState) -> None:
    store = state.store("totals")
    assert store.get(b"a") is None
    store.put(b"a", (5, 1, 2.5))
    assert store.get(b"a") == (5, 1, 2.5)
    commit(state)
    state.drop_cache()
    assert store.get(b"a") == (5, 1, 2.5)
    store.put(b"a", None)
    assert store.get(b"a") is None
    commit(state)
    state.drop_cache()
    assert store.get(b"a") is None


def test_generated_code_may_use_the_dicts(state: TaskState) -> None:
    store = state.store("totals")
    cache, dirty = store.cache, store.dirty
    cache[b"k"] = (1, 1, 1)
    dirty[b"k"] = None
    commit(state)
    assert store.cache is cache and store.dirty is dirty and not dirty
    state.drop_cache()
    assert not cache and store.load(b"k") == (1, 1, 1) and b"k" in cache
    assert store.load(b"absent") is None and cache[b"absent"] is None


def test_freeze_hands_out_each_dirty_entry_once_sorted(state: TaskState) -> None:
    store = state.store("totals")
    for key in (b"c", b"a", b"b"):
        store.put(key, (1, 1, 1))
    store.put(b"b", None)
    frozen = {f.store: f.entries for f in state.freeze()}
    assert [k for k, _ in frozen["totals"]] == [b"a", b"b", b"c"]
    assert dict(frozen["totals"])[b"b"] is None and not frozen["minutes"]
    assert all(not f.entries for f in state.freeze())


def test_what_expires_after_a_freeze_is_not_gone_with_that_commit(state: TaskState, place: Memory | Lmdb) -> None:
    """Processing goes on while a commit is written; after a crash those records come again and find the windows as they were."""
    store = state.store("minutes")
    store.put(window_key(b"a", 100), (100, 1))
    frozen = state.freeze()
    store.expire(5_000)
    assert store.get(window_key(b"a", 100)) is None
    state.commit(frozen, STAMP)
    assert store.get(window_key(b"a", 100)) is None
    state.drop_cache()
    assert store.get(window_key(b"a", 100)) == (100, 1)
    store.expire(5_000)
    commit(state)
    state.drop_cache()
    assert store.get(window_key(b"a", 100)) is None
    state.close()
    assert place.open().store("minutes").get(window_key(b"a", 100)) is None


def test_scans_overlay_dirty_and_frozen_entries(state: TaskState) -> None:
    store = state.store("totals")
    for n, key in enumerate((b"a", b"b", b"c", b"d", b"e")):
        store.put(key, (n, 0, 0))
    commit(state)
    state.drop_cache()
    store.put(b"b", (20, 0, 0))
    store.put(b"c", None)
    store.put(b"bb", (21, 0, 0))
    frozen = state.freeze()
    store.put(b"d", None)
    store.put(b"f", (30, 0, 0))
    expected = [(b"b", (20, 0, 0)), (b"bb", (21, 0, 0)), (b"e", (4, 0, 0))]
    assert list(store.range(b"b", b"f")) == expected
    assert list(store.range(b"b", b"")) == [*expected, (b"f", (30, 0, 0))]
    assert list(store.prefix(b"b")) == expected[:2]
    state.commit(frozen, STAMP)
    assert list(store.range(b"", b"")) == [(b"a", (0, 0, 0)), *expected, (b"f", (30, 0, 0))]
    commit(state)
    state.drop_cache()
    assert list(store.range(b"", b"")) == [(b"a", (0, 0, 0)), *expected, (b"f", (30, 0, 0))]


def test_frozen_entries_stay_readable_and_are_not_evicted(place: Memory | Lmdb) -> None:
    state = place.open(cache_limit=10)
    store = state.store("totals")
    for n in range(100):
        store.put(b"%03d" % n, (n, 0, 0))
    frozen = state.freeze()
    assert all(store.get(b"%03d" % n) == (n, 0, 0) for n in range(100))
    state.commit(frozen, STAMP)
    store.put(b"new", (1, 1, 1))
    commit(state)
    assert len(store.cache) <= 10 and b"new" in store.cache
    assert all(store.get(b"%03d" % n) == (n, 0, 0) for n in range(100))
    state.close()


def test_drop_cache_goes_back_to_the_last_commit(state: TaskState) -> None:
    store = state.store("totals")
    store.put(b"a", (1, 0, 0))
    commit(state)
    store.put(b"a", (2, 0, 0))
    state.freeze()
    store.put(b"a", (3, 0, 0))
    state.drop_cache()
    assert store.get(b"a") == (1, 0, 0)
    assert all(not f.entries for f in state.freeze())


VALUES = [
    (1, True, None), (2, -(1 << 63), 1.5), (3, "text \u00e9\U0001f600", b"\x00\xff"), (4, Decimal("1.50"), [Decimal("0.0"), None]),
    (5, {"a": 1, "b": [1, 2]}, {1: "x", b"k": 2}), (6, 1 << 70, [1 << 70]), (7, {Decimal("1.0"): 2}, float("inf")),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: str(v[0]))
def test_values_come_back_exactly(state: TaskState, value: tuple[object, ...]) -> None:
    store = state.store("totals")
    store.put(b"v", value)
    commit(state)
    state.drop_cache()
    back = store.get(b"v")
    assert back == value and repr(back) == repr(value)


def test_stamp_is_none_until_a_commit_then_what_was_committed(place: Memory | Lmdb) -> None:
    state = place.open()
    state.take("w1")
    assert state.stamp() is None
    commit(state)
    assert state.stamp() == STAMP
    state.close()
    again = place.open()
    assert again.stamp() == STAMP
    again.take("w2")
    stamp = again.stamp()
    assert stamp is not None and stamp.owner == "w2" and stamp.inputs == STAMP.inputs
    commit(again, replace(STAMP, owner="w2", inputs={"in[0]": 20}))
    again.close()


def test_commit_after_another_owner_took_the_environment_writes_nothing(place: Memory | Lmdb, state: TaskState) -> None:
    commit(state)
    place.steal("w2")
    state.store("totals").put(b"a", (1, 1, 1))
    with pytest.raises(StoreLost):
        commit(state)
    state.drop_cache()
    assert state.store("totals").get(b"a") is None
    with pytest.raises(StoreLost):
        state.restore("totals", SortedEntries.of([(b"a", b"x")]), STAMP)


def test_commit_after_somebody_wrote_other_inputs_is_lost(place: Memory | Lmdb, state: TaskState) -> None:
    commit(state)
    if isinstance(place, Memory):
        place.environment.stamp = replace(STAMP, inputs={"in[0]": 99})
    else:
        program = ("import lmdb, msgspec, sys\nfrom penstock.state.port import Stamp\n"
                   "env = lmdb.open(sys.argv[1], map_size=64 << 20, max_dbs=8)\nmeta = env.open_db(b'meta')\n"
                   "with env.begin(write=True, db=meta) as t:\n"
                   "    t.put(b'stamp', msgspec.msgpack.encode(Stamp(7, 1, 'w1', {'in[0]': 99}, {}, 'boot', 5)))")
        subprocess.run([sys.executable, "-c", program, str(place.path)], check=True)
    with pytest.raises(StoreLost):
        commit(state)


def test_full_store_writes_nothing_and_heals(place: Memory | Lmdb, state: TaskState) -> None:
    store = state.store("totals")
    store.put(b"small", (1, 1, 1))
    commit(state)
    place.shrink(state)
    for n in range(200):
        store.put(b"%04d" % n, (1, 1, "x" * 4000))
    frozen = state.freeze()
    with pytest.raises(StoreFull):
        state.commit(frozen, replace(STAMP, inputs={"in[0]": 11}))
    assert state.stamp() == STAMP
    state.drop_cache()
    assert [k for k, _ in store.range(b"", b"")] == [b"small"]
    store.put(b"small", (2, 2, 2))
    commit(state)
    state.drop_cache()
    assert store.get(b"small") == (2, 2, 2)


LONG = [b"k" * 495 + tail for tail in (b"", b"a", b"b" * 15, b"b" * 16, b"c" * 100, b"a" * 2000, b"aa", b"z" * 16)]


def test_long_and_empty_keys_keep_their_order(state: TaskState) -> None:
    store = state.store("totals")
    keys = sorted([*LONG, b"", b"\0", b"k", b"k" * 494, b"k" * 496 + b"0", b"l", b"k" * 510, b"k" * 511])
    for n, key in enumerate(keys):
        store.put(key, (n, 0, 0))
    commit(state)
    state.drop_cache()
    assert [k for k, _ in store.range(b"", b"")] == keys
    for n, key in enumerate(keys):
        assert store.get(key) == (n, 0, 0)
        assert [k for k, _ in store.range(key, b"")] == keys[n:]
        if key:
            assert [k for k, _ in store.range(b"", key)] == keys[:n]
    for key in keys:
        store.put(key, None)
    commit(state)
    state.drop_cache()
    assert list(store.range(b"", b"")) == []


def test_windows_of_a_key(state: TaskState) -> None:
    store = state.store("minutes")
    tricky = b"a" + (60_000).to_bytes(8, "big")
    for key in (b"a", b"ab", tricky, b""):
        for start in (0, 60_000, 120_000):
            store.put(window_key(key, start), (start, len(key)))
    for _ in range(2):
        assert list(store.fetch(b"a", 0, 60_000)) == [(0, (0, 1)), (60_000, (60_000, 1))]
        assert list(store.fetch(b"", 60_000, 1 << 62)) == [(60_000, (60_000, 0)), (120_000, (120_000, 0))]
        assert list(store.fetch(tricky, -5, 0)) == [(0, (0, 9))]
        assert list(store.fetch(b"b", 0, 1 << 62)) == []
        commit(state)
        state.drop_cache()


def test_sessions_of_a_key_in_order_of_end(state: TaskState) -> None:
    store = state.store("visits")
    for key in (b"a", b"ab", b"a" + (5).to_bytes(8, "big"), b""):
        for start, end in ((0, 10), (30, 40), (60, 60)):
            store.put(session_key(key, start, end), (end, len(key)))
    for _ in range(2):
        assert list(store.sessions(b"a", 0, 1 << 62)) == [(0, 10, (10, 1)), (30, 40, (40, 1)), (60, 60, (60, 1))]
        assert list(store.sessions(b"a", 10, 30)) == [(0, 10, (10, 1)), (30, 40, (40, 1))]
        assert list(store.sessions(b"", 41, 60)) == [(60, 60, (60, 0))]
        assert list(store.sessions(b"a", 11, 29)) == []
        commit(state)
        state.drop_cache()


@pytest.mark.parametrize("name", ["minutes", "visits"])
def test_windows_of_a_key_are_found_whatever_is_committed(state: TaskState, name: str) -> None:
    store = state.store(name)
    size = store.SIZE

    def window(time: int) -> bytes:
        return time.to_bytes(8, "big") * (size // 8)

    for key in (b"a", b"ab", b"a" + b"\0" * 8):
        store.windows_of(key, 0)
        for time in (30, 10):
            store.put_window(key, window(time), (time, time))
    for _ in range(2):
        assert store.windows_of(b"a", 30) == [window(10), window(30)]
        assert [store.get(b"a" + w) for w in store.windows_of(b"a", 30)] == [(10, 10), (30, 30)]
        commit(state)
        state.drop_cache()
    store.windows_of(b"a", 40)
    store.put_window(b"a", window(40), (40, 1))
    store.remove_window(b"a", window(30))
    store.put_window(b"a", window(40), (40, 2))
    assert store.windows_of(b"a", 40) == [window(10), window(40)]
    store.expire(11)
    assert store.windows_of(b"a", 40) == [window(40)]
    assert store.windows_of(b"ab", 30) == [window(30)]
    assert [f.entries for f in state.freeze() if f.store == name] == [[(b"a" + window(30), None), (b"a" + window(40), state_value(state, name))]]


def state_value(state: TaskState, name: str) -> bytes:
    """Packed form of what the test above stored last."""
    store = state.store(name)
    store.put(b"x" + bytes(store.SIZE), (40, 2))
    return next(v for f in state.freeze() if f.store == name for k, v in f.entries if k.startswith(b"x") and v is not None)


def test_sessions_expire_by_their_end(place: Memory | Lmdb, state: TaskState) -> None:
    store = state.store("visits")
    store.put(session_key(b"a", 0, 50), (50, 1))
    store.put(session_key(b"b", 10, 20), (20, 2))
    commit(state)
    store.expire(30)
    assert [session_bounds(k) for k, _ in store.range(b"", b"")] == [(0, 50)]
    assert store.get(session_key(b"b", 10, 20)) is None
    commit(state)
    state.drop_cache()
    snapshot = place.snapshot()
    assert [k for k, _ in snapshot.range("visits", b"", b"")] == [session_key(b"a", 0, 50)]
    assert snapshot.get("visits", session_key(b"b", 10, 20)) is None
    snapshot.close()


@pytest.mark.parametrize("key", [b"short", b"l" * 700], ids=["short", "long"])
def test_expired_windows_are_gone_at_once_and_leave_in_slices(place: Memory | Lmdb, state: TaskState, key: bytes) -> None:
    store = state.store("minutes")
    for n in range(50):
        store.put(window_key(key, n * 1000), (n, n))
    commit(state)
    store.expire(20_000)
    assert [s for s, _ in store.fetch(key, 0, 1 << 62)] == [n * 1000 for n in range(20, 50)]
    assert store.get(window_key(key, 5000)) is None and store.load(window_key(key, 5000)) is None
    assert all(not f.entries for f in state.freeze()), "expiry writes no changelog"
    commit(state)
    state.drop_cache()
    assert len(list(store.range(b"", b""))) == 30
    snapshot = place.snapshot()
    assert len(list(snapshot.range("minutes", b"", b""))) == 30
    assert snapshot.get("minutes", window_key(key, 5000)) is None
    assert snapshot.get("minutes", window_key(key, 20_000)) == (20, 20)
    snapshot.close()


def test_expiry_is_bounded_and_survives_reopening(tmp_path: Path) -> None:
    place = Lmdb(tmp_path / "env")
    state = place.open()
    assert isinstance(state, LmdbTaskState)
    store = state.store("minutes")
    for n in range(EXPIRE_SLICE + 100):
        store.put(window_key(b"%d" % n, 1000), (n, n))
    store.put(window_key(b"late", 5000), (1, 1))
    commit(state)
    store.expire(2000)
    commit(state)

    def left() -> int:
        with state.env.begin() as txn:
            return int(txn.stat(state._databases["minutes"])["entries"])

    assert left() == 101
    state.close()
    state = place.open()
    assert isinstance(state, LmdbTaskState)
    assert [v for _, v in state.store("minutes").range(b"", b"")] == [(1, 1)]
    commit(state)
    assert left() == 1
    state.close()


def test_restore_applies_packed_entries_with_the_stamp(state: TaskState) -> None:
    store, windows = state.store("totals"), state.store("minutes")
    for n in range(100):
        store.put(b"%03d" % n, (n, n, 0))
        windows.put(window_key(b"k", n * 1000), (n, n))
    packed = {f.store: list(f.entries) for f in state.freeze()}
    state.wipe()
    assert state.stamp() is None and store.get(b"001") is None
    state.restore("totals", SortedEntries.of(packed["totals"][:50]), replace(STAMP, changelogs={"log": 50}))
    newer = [*((k, None) for k, _ in packed["totals"][:10]), *packed["totals"][50:]]
    state.restore("totals", SortedEntries.of(newer), replace(STAMP, changelogs={"log": 110}))
    state.restore("minutes", SortedEntries.of(packed["minutes"]), replace(STAMP, changelogs={"log": 110, "win": 100}))
    state.restore("totals", NO_ENTRIES, STAMP)
    assert state.stamp() == STAMP
    assert [k for k, _ in store.range(b"", b"")] == [b"%03d" % n for n in range(10, 100)]
    windows.expire(90_000)
    commit(state)
    state.drop_cache()
    assert [s for s, _ in windows.fetch(b"k", 0, 1 << 62)] == [n * 1000 for n in range(90, 100)]


def test_slices_of_any_keys_are_restored(state: TaskState) -> None:
    store, long = state.store("totals"), b"p" * 500
    names = [b"", b"a", b"a\0", b"a\0\0", b"\xff", *(long + b"%d" % n for n in range(20)), *(b"%03d" % n for n in range(20))]
    for n, key in enumerate(names):
        store.put(key, (n, n, 0))
    values: dict[bytes, bytes | None] = {k: v for k, v in state.freeze()[0].entries}
    state.wipe()
    for newer in (values, {b"": None, long + b"3": None, b"a": values[b"a"]}):
        for some in slices(newer, order(list(newer)), 7):
            state.restore("totals", some, STAMP)
    assert dict(store.range(b"", b"")) == {key: (n, n, 0) for n, key in enumerate(names) if key not in (b"", long + b"3")}


def test_wipe_keeps_the_owner(place: Memory | Lmdb, state: TaskState) -> None:
    state.store("totals").put(b"a", (1, 1, 1))
    commit(state)
    state.wipe()
    assert state.stamp() is None and list(state.store("totals").range(b"", b"")) == []
    commit(state, replace(STAMP, inputs={"in[0]": 1}))
    place.steal("w2")
    with pytest.raises(StoreLost):
        commit(state)


def test_added_and_dropped_fields_decode(place: Memory | Lmdb) -> None:
    state = place.open()
    state.store("totals").put(b"a", (9, 1, 2))
    commit(state)
    state.close()
    grown = (StoreSpec("totals", StoreKind.KEY_VALUE, ("max", "sum"), 0x1111), WIN)
    state = place.open(grown)
    assert state.store("totals").get(b"a") == (9, None, 2)
    state.store("totals").put(b"b", (9, 3, 4))
    commit(state)
    snapshot = place.snapshot(grown)
    assert dict(snapshot.range("totals", b"", b"")) == {b"a": (9, None, 2), b"b": (9, 3, 4)}
    snapshot.close()
    state.close()


def test_values_of_an_unknown_older_schema_count_by_position(place: Memory | Lmdb) -> None:
    state = place.open()
    state.store("totals").put(b"a", (9, 1, 2))
    packed = state.freeze()[0].entries
    state.close()
    other = Memory() if isinstance(place, Memory) else Lmdb(place.path.parent / "other")
    grown = (StoreSpec("totals", StoreKind.KEY_VALUE, ("count", "sum", "max"), 0x2222),)
    state = other.open(grown)
    state.restore("totals", SortedEntries.of(packed), STAMP)
    assert state.store("totals").get(b"a") == (9, 1, 2, None)
    state.close()
    other = Memory() if isinstance(place, Memory) else Lmdb(place.path.parent / "fewer")
    state = other.open((StoreSpec("totals", StoreKind.KEY_VALUE, ("count",), 0x3333),))
    state.restore("totals", SortedEntries.of(packed), STAMP)
    with pytest.raises(StateError, match="totals"):
        state.store("totals").get(b"a")
    state.close()


def test_unknown_store_is_refused(state: TaskState) -> None:
    with pytest.raises(StateError, match="nothing"):
        state.store("nothing")


def test_snapshot_is_one_committed_view(place: Memory | Lmdb, state: TaskState) -> None:
    store = state.store("totals")
    store.put(b"a", (1, 1, 1))
    commit(state)
    snapshot = place.snapshot()
    store.put(b"a", (2, 2, 2))
    assert snapshot.get("totals", b"a") == (1, 1, 1)
    commit(state, replace(STAMP, inputs={"in[0]": 11}))
    assert snapshot.get("totals", b"a") == (1, 1, 1) and snapshot.stamp == STAMP
    snapshot.close()
    later = place.snapshot()
    assert later.get("totals", b"a") == (2, 2, 2) and later.get("totals", b"absent") is None
    assert later.stamp is not None and later.stamp.inputs == {"in[0]": 11}
    later.close()


READER = """
import sys
from pathlib import Path
from penstock.errors import StateError
from penstock.plan.nodes import StoreKind, StoreSpec
from penstock.state.reader import LmdbStateReader
reader = LmdbStateReader(Path(sys.argv[1]), [StoreSpec("totals", StoreKind.KEY_VALUE, ("count", "sum"), 0xABCD)], map_size=int(sys.argv[2]))
for line in sys.stdin:
    try:
        with reader.snapshot() as snapshot:
            print(sorted(snapshot.range("totals", b"", b"")), flush=True)
    except StateError as e:
        print("StateError", e, flush=True)
"""


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Asks a reader in another process, whose map is smaller than the writer's, for everything in the store."""
    process = subprocess.Popen([sys.executable, "-c", READER, str(tmp_path / "env"), str(1 << 20)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None

    def asked() -> str:
        process.stdin.write("?\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    yield asked
    process.stdin.close()
    process.wait()
    process.stdout.close()


def test_reader_in_another_process_sees_commits_growth_and_replacement(tmp_path: Path, ask: Callable[[], str]) -> None:
    assert ask().startswith("StateError")
    place = Lmdb(tmp_path / "env")
    state = place.open()
    state.take("w1")
    assert ask() == "[]"
    state.store("totals").put(b"a", (1, 1, 1))
    assert ask() == "[]"
    commit(state)
    assert ask() == "[(b'a', (1, 1, 1))]"
    for n in range(20):
        state.store("totals").put(b"big%d" % n, (1, 1, "x" * 200_000))
    commit(state)
    assert ask().count("big") == 20
    state.close()
    shutil.rmtree(place.path)
    state = place.open()
    assert ask() == "[]"
    state.close()


def test_two_processes_never_write_one_environment(tmp_path: Path) -> None:
    state = Lmdb(tmp_path / "env").open()
    program = ("import sys\nfrom pathlib import Path\nfrom penstock.errors import StateError\nfrom penstock.state.lmdb import LmdbTaskState\n"
               "try: LmdbTaskState.open(Path(sys.argv[1]), (), 1)\nexcept StateError as e: print(e)")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "env")], check=True, capture_output=True, text=True)
    assert "open for writing in another process" in done.stdout
    state.close()
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "env")], check=True, capture_output=True, text=True)
    assert done.stdout == ""


def test_window_keys_split() -> None:
    assert split_window_key(window_key(b"key", 123)) == (b"key", 123)


keys = st.one_of(st.binary(min_size=1, max_size=6), st.builds(lambda n, t: b"p" * n + t, st.integers(490, 512), st.binary(max_size=20)))


@settings(max_examples=200, deadline=None)
@given(st.sets(keys, max_size=30), keys, st.one_of(keys, st.just(b"")))
def test_scan_of_physical_keys_is_in_order_of_keys(chosen: set[bytes], low: bytes, high: bytes) -> None:
    held = sorted((physical(k), b"v" if physical(k) == k else with_key(k, b"v")) for k in chosen)
    begin = [e for e in held if e[0] >= low[:495]]
    expected = sorted(k for k in chosen if k >= low and (not high or k < high))
    assert list(ordered_scan(iter(begin), low, high)) == [(k, b"v") for k in expected]
