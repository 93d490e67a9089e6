"""A task's state in memory: for tests and the test driver. It keeps packed bytes below the same cache as LMDB does, so that values go
through the same encoding."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from penstock.errors import StateError, StoreFull, StoreLost
from penstock.plan.nodes import StoreSpec
from penstock.state.cache import CACHE_LIMIT, CachedStore, CachedWindowStore
from penstock.state.codec import schema_id, unpacker
from penstock.state.keys import expiry_time, window_start
from penstock.state.kinds import cached_store
from penstock.state.port import Frozen, Stamp, Value
from penstock.state.sorted_entries import SortedEntries


class MemoryBackend:
    """Packed entries of one store in key order."""

    def __init__(self) -> None:
        self.data: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        return self.data.get(key)

    def scan(self, low: bytes, high: bytes) -> Iterator[tuple[bytes, bytes]]:
        first = bisect_left(self._keys, low)
        last = bisect_left(self._keys, high) if high else len(self._keys)
        return iter([(k, self.data[k]) for k in self._keys[first:last]])

    def few(self, low: bytes, high: bytes) -> Sequence[tuple[bytes, bytes]]:
        return list(self.scan(low, high))

    def latest(self) -> int:
        return max(map(window_start, self._keys), default=-1)

    def apply(self, entries: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Puts, and deletes where the value is None."""
        for key, value in entries:
            if value is not None:
                if key not in self.data:
                    insort(self._keys, key)
                self.data[key] = value
            elif self.data.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]


class MemoryEnvironment:
    """What an LMDB environment holds, in a process: share one between states to play an earlier and a later owner.

    limit: bytes of keys and values at which a commit raises StoreFull; 0 is no limit."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self.stores: dict[str, MemoryBackend] = {}
        self.schemas: dict[str, dict[int, Sequence[str]]] = {}
        self.expired: dict[str, int] = {}
        self.owner = ""
        self.stamp: Stamp | None = None

    def size(self) -> int:
        """Bytes of keys and values."""
        return sum(len(k) + len(v) for store in self.stores.values() for k, v in store.data.items())


class MemoryTaskState:
    """All stores of one task (state/port.py, TaskState)."""

    def __init__(self, specs: Iterable[StoreSpec], environment: MemoryEnvironment | None = None, cache_limit: int = CACHE_LIMIT) -> None:
        self.environment = environment or MemoryEnvironment()
        self._owner = self.environment.owner
        self._stamp = self.environment.stamp
        self._stores: dict[str, CachedStore] = {}
        for spec in specs:
            backend = self.environment.stores.setdefault(spec.name, MemoryBackend())
            older = self.environment.schemas.setdefault(spec.name, {})
            older[schema_id(spec)] = spec.fields
            store = self._stores[spec.name] = cached_store(spec, backend, older, cache_limit)
            if isinstance(store, CachedWindowStore):
                store.expire(self.environment.expired.get(spec.name, 0))

    def store(self, name: str) -> CachedStore:
        """One store; StateError when there is none of this name."""
        try:
            return self._stores[name]
        except KeyError:
            raise StateError(f"this task has no store {name}") from None

    def stamp(self) -> Stamp | None:
        return self.environment.stamp

    def take(self, owner: str) -> None:
        self._owner = self.environment.owner = owner
        self._stamp = self.environment.stamp
        if self._stamp is not None:
            self._stamp = self.environment.stamp = replace(self._stamp, owner=owner)

    def freeze(self) -> list[Frozen]:
        return [store.freeze() for store in self._stores.values()]

    def commit(self, frozen: Sequence[Frozen], stamp: Stamp) -> None:
        self._check_owner()
        env = self.environment
        stored = None if env.stamp is None else dict(env.stamp.inputs)
        if stored != (None if self._stamp is None else dict(self._stamp.inputs)):
            raise StoreLost(f"the store's inputs are {stored}, not those of this task's last commit")
        if env.limit and env.size() + sum(len(k) + len(v or b"") for f in frozen for k, v in f.entries) > env.limit:
            raise StoreFull(f"the store has no room for this commit within {env.limit} bytes")
        self._write(frozen, stamp)
        for f in frozen:
            if f.entries:
                self._stores[f.store].committed()

    def restore(self, store: str, entries: SortedEntries, stamp: Stamp) -> None:
        self._check_owner()
        self._write([Frozen(self.store(store).spec.name, entries.entries)], stamp)

    def _check_owner(self) -> None:
        if self.environment.owner != self._owner:
            raise StoreLost(f"the store belongs to {self.environment.owner}, not to {self._owner}")

    def _write(self, frozen: Sequence[Frozen], stamp: Stamp) -> None:
        env = self.environment
        for f in frozen:
            env.stores[f.store].apply(f.entries)
            store = self._stores[f.store]
            if isinstance(store, CachedWindowStore):
                env.expired[f.store] = max(f.expired, env.expired.get(f.store, 0))
                old = [k for k in env.stores[f.store].data if store.time(k) < f.expired]
                env.stores[f.store].apply((k, None) for k in old)
                store.forget(old)
        env.stamp = self._stamp = stamp
        env.owner = self._owner = stamp.owner

    def wipe(self) -> None:
        self.drop_cache()
        self.environment.stamp = self._stamp = None
        self.environment.expired.clear()
        for name, store in self._stores.items():
            backend = self.environment.stores[name]
            backend.apply([(k, None) for k in list(backend.data)])
            if isinstance(store, CachedWindowStore):
                store.expire_before = 0

    def drop_cache(self) -> None:
        for name, store in self._stores.items():
            store.drop()
            if isinstance(store, CachedWindowStore):
                store.expire_before = self.environment.expired.get(name, 0)

    def sync(self) -> None:
        """Memory has no disk."""

    def close(self) -> None:
        self.drop_cache()


class MemorySnapshot:
    """A committed view of a MemoryEnvironment (state/port.py, StateSnapshot): a copy, so use it on small ones."""

    def __init__(self, environment: MemoryEnvironment, specs: Mapping[str, StoreSpec]) -> None:
        self.stamp = environment.stamp
        self._specs = specs
        self._copies = {name: dict(environment.stores[name].data) for name in specs}
        self._expired = dict(environment.expired)
        self._unpack = {name: unpacker(spec, environment.schemas[name]) for name, spec in specs.items()}

    def get(self, store: str, key: bytes) -> Value | None:
        data = self._copies[store].get(key)
        return None if data is None or self._gone(store, key) else self._unpack[store](data)

    def range(self, store: str, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]:
        for key in sorted(self._copies[store]):
            if key >= low and (not high or key < high) and not self._gone(store, key):
                yield key, self._unpack[store](self._copies[store][key])

    def _gone(self, store: str, key: bytes) -> bool:
        time = expiry_time(self._specs[store].kind)
        return time is not None and time(key) < self._expired.get(store, 0)

    def close(self) -> None:
        self._copies.clear()
