"""The Store ports: what a task keeps, over LMDB or memory. One contract suite (tests/contract/test_store.py).

A task has one TaskState (one LMDB environment) with several named stores. Values in a store are Python tuples
(timestamp ms, field, field, ...) in the write-back cache and packed bytes (state/codec.py) below it and in the changelog: the same bytes.
Keys are bytes: the serialised key for a key-value store, state/keys.py's window key for a window store. Readers in the same task see
dirty entries; everybody else sees committed ones only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from penstock.plan.nodes import StoreSpec
from penstock.state.sorted_entries import SortedEntries

Value = tuple[object, ...]
"""(timestamp ms, fields...)."""


class Store(Protocol):
    """Key-value store with a write-back cache. Generated code uses `cache` and `dirty` directly on its hot path:

        v = cache_get(k, MISSING)
        if v is MISSING: v = load(k)         # reads below the cache, enters the result (None: absent) into the cache
        cache[k] = new; dirty[k] = None      # dirty keys in order of first change; a None value in cache is a delete
    """

    spec: StoreSpec
    cache: MutableMapping[bytes, Value | None]
    dirty: MutableMapping[bytes, None]

    def load(self, key: bytes) -> Value | None:
        """The committed or frozen value of a key that is not in the cache; enters it into the cache."""

    def get(self, key: bytes) -> Value | None: ...
    def put(self, key: bytes, value: Value | None) -> None: ...
    def range(self, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]:
        """low <= key < high in byte order, dirty entries included; an empty high is no bound."""

    def prefix(self, prefix: bytes) -> Iterator[tuple[bytes, Value]]: ...


class WindowStore(Store, Protocol):
    """Store whose keys are window keys (state/keys.py): [key][start ms 8 bytes big endian]. Windows that start before
    `expire_before` are gone for readers and removed from disk at commits, in bounded slices, without changelog records."""

    def fetch(self, key: bytes, start_from: int, start_to: int) -> Iterator[tuple[int, Value]]:
        """Windows of one key by start, both bounds inclusive, in order of start."""

    def expire(self, before: int) -> None:
        """Windows with start < before are forgotten from now on."""

    def windows_of(self, key: bytes, until: int) -> list[bytes]:
        """What the windows of one key add to it, in order, for reading only. until: no window of the store is of a later time. The
        engine's way to them with each record; what it found changes by the next two only."""

    def put_window(self, key: bytes, window: bytes, value: Value) -> None: ...
    def remove_window(self, key: bytes, window: bytes) -> None: ...


class SessionStore(WindowStore, Protocol):
    """Store whose keys are session keys (state/keys.py): [key][end ms][start ms], 8 bytes big endian each. Sessions that end before
    `expire_before` are gone."""

    def sessions(self, key: bytes, earliest_end: int, latest_start: int) -> Iterator[tuple[int, int, Value]]:
        """(start, end, value) of one key's sessions that end at earliest_end or later and start at latest_start or earlier, in order of
        end, then start."""


class JoinStore(Protocol):
    """Store of one side of a stream-stream join: rows by key and time. Entries expire as a window store's. It has no `cache` and `dirty`
    for generated code: `add` and `rows` know more of what they can leave out."""

    spec: StoreSpec

    def add(self, key: bytes, time: int, fields: tuple[object, ...]) -> None:
        """One more row of a key and time."""

    def rows(self, key: bytes, first: int, last: int) -> Sequence[Value]:
        """(time, fields...) of each row of a key with first <= time <= last, in order of time, then of arrival."""

    def expire(self, before: int) -> None:
        """Rows with time < before are forgotten from now on."""


class Frozen(NamedTuple):
    """What one commit writes for one store: (key, packed value or None for a delete), sorted by key. The same bytes go to the
    changelog. expired: in a window store, windows of an earlier time (ms) are gone with this commit; taken with the entries, since
    processing goes on and what it lets expire may be lost again. fresh: in a window store, those of the keys that are not known to have
    been there before."""

    store: str
    entries: Sequence[tuple[bytes, bytes | None]]
    expired: int = 0
    fresh: Collection[bytes] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an environment says of itself; read and written in the same transaction as its entries.

    incarnation: of the topology. format: layout version of this program. owner: token of who opened it last.
    inputs: consumed offset by "topic[partition]". changelogs: per changelog topic the offset behind the last record applied.
    boot: boot id of the machine when last written. committed_ms: wall clock of the last commit.
    """

    incarnation: int
    format: int
    owner: str
    inputs: Mapping[str, int]
    changelogs: Mapping[str, int]
    boot: str
    committed_ms: int


class TaskState(Protocol):
    """All stores of one task, and its stamp."""

    def store(self, name: str) -> Store | WindowStore | SessionStore: ...
    def stamp(self) -> Stamp | None:
        """None for a fresh environment."""

    def take(self, owner: str) -> None:
        """Write the owner token: from now on an earlier owner's commit raises StoreLost."""

    def freeze(self) -> list[Frozen]:
        """Pack and hand out every dirty entry; later changes are dirty anew. Frozen entries stay readable until commit."""

    def commit(self, frozen: Sequence[Frozen], stamp: Stamp) -> None:
        """One write transaction: entries and stamp. Raises StoreLost when owner or the previous inputs are not what this object last
        wrote or took, StoreFull when there is no room (nothing is written)."""

    def restore(self, store: str, entries: SortedEntries, stamp: Stamp) -> None:
        """Apply changelog records (packed values), with the stamp."""

    def wipe(self) -> None:
        """Empty every store and the stamp."""

    def drop_cache(self) -> None:
        """Forget dirty and cached entries: back to the last commit."""

    def sync(self) -> None:
        """Put everything that was committed on the disk."""

    def close(self) -> None: ...


class StateReader(Protocol):
    """Read-only view of a task's environment in another process (the gateway)."""

    def snapshot(self) -> StateSnapshot:
        """A short read transaction; close it soon. Reopens when the environment was replaced."""

    def close(self) -> None: ...


class StateSnapshot(Protocol):
    """One consistent, committed view."""

    stamp: Stamp | None

    def get(self, store: str, key: bytes) -> Value | None: ...
    def range(self, store: str, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]: ...
    def close(self) -> None: ...
