"""The write-back cache of a store: what generated code reads and writes between commits.

Entries live in one dict. A key is clean (as the backend has it), dirty (changed since the last freeze) or frozen (packed, handed out, not
yet committed). Dirty and frozen keys are never evicted, so whatever is not in the cache is in the backend as it was last committed, and
`load` needs to look nowhere else. `cache` and `dirty` keep their identity for the life of the store: generated code binds them once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from itertools import islice
from typing import Protocol

from penstock.plan.nodes import StoreSpec
from penstock.state.codec import packer, unpacker
from penstock.state.keys import SESSION_SIZE, START_SIZE, after_prefix, expiry_time, session_bounds, window_key, window_start
from penstock.state.port import Frozen, Value

CACHE_LIMIT = 200_000
"""Entries a store keeps in memory; more only while they are not committed."""
MISSING: object = object()
"""What cache.get answers for a key that has to be loaded."""


class Backend(Protocol):
    """The committed entries of one store: packed values by key."""

    def get(self, key: bytes) -> bytes | None: ...
    def scan(self, low: bytes, high: bytes) -> Iterator[tuple[bytes, bytes]]:
        """low <= key < high in order; an empty high is no bound."""

    def few(self, low: bytes, high: bytes) -> Sequence[tuple[bytes, bytes]]:
        """The same for a short range with two bounds, read at once."""

    def latest(self) -> int:
        """Of a join store: the latest time of its rows, ms; -1 when there are none."""


class CachedStore:
    """A key-value store over a backend (state/port.py, Store)."""

    def __init__(self, spec: StoreSpec, backend: Backend, older: Mapping[int, Sequence[str]], limit: int = CACHE_LIMIT) -> None:
        self.spec = spec
        self.cache: MutableMapping[bytes, Value | None] = {}
        self.dirty: MutableMapping[bytes, None] = {}
        self._limit = limit
        self._read = backend.get
        self._scan = backend.scan
        self._few = backend.few
        self._pack = packer(spec)
        self._unpack = unpacker(spec, older)
        self._frozen: deque[dict[bytes, None]] = deque()
        self._sorted: list[bytes] = []  # dirty keys in order, the first _seen of them
        self._seen = 0

    def load(self, key: bytes) -> Value | None:
        """Committed value of a key that is not in the cache; enters it."""
        data = self._read(key)
        value = None if data is None else self._unpack(data)
        self.cache[key] = value
        return value

    def get(self, key: bytes) -> Value | None:
        """Value of a key, dirty entries included."""
        value = self.cache.get(key, MISSING)
        return self.load(key) if value is MISSING else value  # type: ignore[return-value]

    def put(self, key: bytes, value: Value | None) -> None:
        """Set the value of a key; None deletes it."""
        self.cache[key] = value
        self.dirty[key] = None

    def range(self, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]:
        """low <= key < high in order, dirty entries included; an empty high is no bound."""
        changed = self._changed(low, high)
        if not changed:
            return ((key, self._unpack(data)) for key, data in self._scan(low, high))
        return self._overlaid(changed, self._scan(low, high), self.cache.get)

    def prefix(self, prefix: bytes) -> Iterator[tuple[bytes, Value]]:
        """Entries whose key begins with the prefix."""
        return self.range(prefix, after_prefix(prefix))

    def _overlaid(self, changed: Sequence[bytes], committed: Iterator[tuple[bytes, bytes]],
                  cached: Callable[[bytes], Value | None]) -> Iterator[tuple[bytes, Value]]:
        """Merge of the changed keys with what is committed; a changed key hides the committed one."""
        at, end = 0, len(changed)
        for key, data in committed:
            while at < end and changed[at] < key:
                value = cached(changed[at])
                if value is not None:
                    yield changed[at], value
                at += 1
            if at < end and changed[at] == key:
                continue  # yielded, or left out as deleted, when its turn comes above
            yield key, self._unpack(data)
        for key in changed[at:]:
            value = cached(key)
            if value is not None:
                yield key, value

    def _changed(self, low: bytes, high: bytes) -> list[bytes]:
        """Dirty and frozen keys of a range, in order."""
        found = _between(self._dirty_in_order(), low, high)
        if self._frozen:
            more = {k for keys in self._frozen for k in keys if k >= low and (not high or k < high)}
            return sorted(more.union(found))
        return found

    def _dirty_in_order(self) -> list[bytes]:
        """Keys are only ever added to `dirty` between freezes, at its end: what is new is sorted in."""
        count = len(self.dirty)
        if count != self._seen:
            self._sorted.extend(islice(self.dirty, self._seen, None))
            self._sorted.sort()
            self._seen = count
        return self._sorted

    def freeze(self) -> Frozen:
        """Pack every dirty entry; they stay readable, and in memory, until `committed`."""
        if not self.dirty:
            return Frozen(self.spec.name, ())
        keys = dict(self.dirty)
        cache, pack = self.cache, self._pack
        entries: list[tuple[bytes, bytes | None]] = []
        add = entries.append
        for key in sorted(keys):
            value = cache[key]
            add((key, None if value is None else pack(value)))
        self.dirty.clear()
        self._sorted, self._seen = [], 0
        self._frozen.append(keys)
        if len(cache) > self._limit:
            self._evict()
        return Frozen(self.spec.name, entries)

    def committed(self) -> None:
        """The oldest freeze that had entries is in the backend."""
        if self._frozen:
            self._frozen.popleft()

    def _evict(self) -> Sequence[bytes]:
        """Down to nine tenths of the limit, oldest first, but for what is not committed or was changed since the last commit; the keys."""
        excess = len(self.cache) - self._limit * 9 // 10
        held = self._frozen[0] if len(self._frozen) == 1 else {k for keys in self._frozen for k in keys}
        victims = list(islice((k for k in self.cache if k not in held), excess))
        for key in victims:
            del self.cache[key]
        return victims

    def drop(self) -> None:
        """Forget everything that is not committed, and the rest of the cache."""
        self.cache.clear()
        self.dirty.clear()
        self._frozen.clear()
        self._sorted, self._seen = [], 0


def _between(keys: list[bytes], low: bytes, high: bytes) -> list[bytes]:
    return keys[bisect_left(keys, low):bisect_left(keys, high) if high else len(keys)]


class CachedWindowStore(CachedStore):
    """A window store (state/port.py, WindowStore): keys are `[key][start ms]`. Windows of one key that the engine asks for with each
    record are found through an index in memory: the overlay of a range would sort the dirty keys each time."""

    SIZE = START_SIZE

    def __init__(self, spec: StoreSpec, backend: Backend, older: Mapping[int, Sequence[str]], limit: int = CACHE_LIMIT) -> None:
        super().__init__(spec, backend, older, limit)
        self.expire_before = 0
        time = expiry_time(spec.kind)
        assert time is not None
        self.time = time  # of a key: what it expires by
        self._index: dict[bytes, list[bytes]] = {}  # key -> what its windows add to it, in order
        self._noted: set[bytes] = set()  # keys in the cache of which the backend knows when they expire

    def load(self, key: bytes) -> Value | None:
        if self.time(key) < self.expire_before:
            return None  # not cached: the entry may be on disk for a while
        value = super().load(key)
        if value is not None:
            self._noted.add(key)
        return value

    def get(self, key: bytes) -> Value | None:
        return None if self.time(key) < self.expire_before else super().get(key)

    def range(self, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]:
        before, time, entries = self.expire_before, self.time, super().range(low, high)
        return ((k, v) for k, v in entries if time(k) >= before) if before else entries

    def windows_of(self, key: bytes, until: int) -> list[bytes]:
        """What the windows of a key add to it, in order, for reading only. until: no window of the store is of a later time (a
        session's end, a window's start); it bounds the scan at first use. Changes go through put_window and remove_window."""
        found = self._index.get(key)
        if found is None:
            low, high = key + self.expire_before.to_bytes(8, "big"), key + (until + 1).to_bytes(8, "big")
            size = len(key) + self.SIZE
            found = self._index[key] = [k[-self.SIZE:] for k, _ in self.range(low, high) if len(k) == size and k.startswith(key)]
        elif found and self.expire_before and int.from_bytes(found[0][:8], "big") < self.expire_before:
            del found[:bisect_left(found, self.expire_before.to_bytes(8, "big"))]
        return found

    def put_window(self, key: bytes, window: bytes, value: Value) -> None:
        """Set the value of a window of a key whose windows were asked for since the last commit."""
        found = self._index[key]
        at = bisect_left(found, window)
        if at == len(found) or found[at] != window:
            found.insert(at, window)
        self.put(key + window, value)

    def remove_window(self, key: bytes, window: bytes) -> None:
        """Delete such a window."""
        self._index[key].remove(window)
        self.put(key + window, None)

    def freeze(self) -> Frozen:
        if len(self._index) > self._limit:
            self._index.clear()  # loaded again as needed
        fresh = self.dirty.keys() - self._noted
        self._noted |= fresh
        return super().freeze()._replace(expired=self.expire_before, fresh=fresh)

    def _evict(self) -> Sequence[bytes]:
        victims = super()._evict()
        self._noted.difference_update(victims)
        return victims

    def drop(self) -> None:
        self._index.clear()
        self._noted.clear()
        super().drop()

    def fetch(self, key: bytes, start_from: int, start_to: int) -> Iterator[tuple[int, Value]]:
        """Windows of one key with start_from <= start <= start_to, in order of start."""
        low = window_key(key, max(0, start_from, self.expire_before))
        size = len(low)
        for found, value in self.range(low, window_key(key, start_to) + b"\0"):
            if len(found) == size and found.startswith(key):
                yield window_start(found), value

    def expire(self, before: int) -> None:
        """Windows with start < before are gone for readers from now on, and leave the disk with the commits that follow."""
        self.expire_before = max(self.expire_before, before)

    def forget(self, keys: Sequence[bytes]) -> None:
        """These were expired on disk."""
        self._noted.difference_update(keys)
        dirty, cached = self.dirty, self.cache.pop
        held = {k for keys in self._frozen for k in keys}
        for key in keys:
            if key not in dirty and key not in held:
                cached(key, None)


class CachedSessionStore(CachedWindowStore):
    """A session store (state/port.py, SessionStore): keys are `[key][end ms][start ms]`."""

    SIZE = SESSION_SIZE

    def sessions(self, key: bytes, earliest_end: int, latest_start: int) -> Iterator[tuple[int, int, Value]]:
        """(start, end, value) of a key's sessions that end at earliest_end or later and start at latest_start or earlier, in order of
        end, then start."""
        low = key + max(0, earliest_end, self.expire_before).to_bytes(8, "big")
        size = len(key) + SESSION_SIZE
        for found, value in self.range(low, after_prefix(key)):
            if len(found) == size and found.startswith(key):
                start, end = session_bounds(found)
                if start <= latest_start:
                    yield start, end, value
