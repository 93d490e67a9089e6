"""Reading a task's environment from another process, such as the gateway, while its worker goes on writing.

A snapshot is one LMDB read transaction: consistent, committed, with the stamp of the commit it shows. Keep it short: pages that it can see
are not used again, and the file never shrinks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from penstock.errors import StateError
from penstock.plan.nodes import StoreSpec
from penstock.state.codec import unpacker
from penstock.state.keys import expiry_time
from penstock.state.lmdb import (
    MAP_SIZE,
    Environment,
    LmdbError,
    Transaction,
    begin_reading,
    file_id,
    get_entry,
    is_open,
    open_for_reading,
    open_stores,
    read_expired,
    read_fields,
    scan_entries,
    stamp_entries,
    stamp_of,
)
from penstock.state.port import Stamp, Value

Unpack = Callable[[bytes], Value]


class LmdbSnapshot:
    """One committed view (state/port.py, StateSnapshot)."""

    def __init__(self, reader: LmdbStateReader, txn: Transaction) -> None:
        self._reader = reader
        self._txn = txn
        self.stamp = reader.stamp(txn)
        self._owner = "" if self.stamp is None else self.stamp.owner
        self._gone: dict[str, Callable[[bytes], bool] | None] = {}

    def _store(self, store: str) -> tuple[Any, Unpack, Callable[[bytes], bool] | None]:
        """(database, unpack, whether a key's window is gone; None: none is)."""
        database, spec = self._reader.database(store), self._reader.specs[store]
        if store not in self._gone:
            self._gone[store] = self._test_gone(spec)
        return database, self._reader.unpack(spec, self._txn, self._owner), self._gone[store]

    def _test_gone(self, spec: StoreSpec) -> Callable[[bytes], bool] | None:
        time = self._reader.times[spec.name]
        if time is None:
            return None
        expired = read_expired(self._txn, self._reader.meta, spec.name)
        return (lambda key: time(key) < expired) if expired else None

    def get(self, store: str, key: bytes) -> Value | None:
        """Value of a key; None when there is none or its window is gone."""
        database, unpack, gone = self._store(store)
        if gone is not None and gone(key):
            return None
        data = get_entry(self._txn, database, key)
        return None if data is None else unpack(data)

    def range(self, store: str, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]:
        """low <= key < high in order; an empty high is no bound."""
        database, unpack, gone = self._store(store)
        for key, data in scan_entries(self._txn, database, low, high):
            if gone is None or not gone(key):
                yield key, unpack(data)

    def close(self) -> None:
        """End the read transaction."""
        self._txn.abort()

    def __enter__(self) -> LmdbSnapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LmdbStateReader:
    """Opens an environment read-only at the first snapshot, and anew when its file was replaced (state/port.py, StateReader).

    map_size is the writer's: a smaller map cannot see what the writer adds. check_every: seconds between looks whether the file was
    replaced; each is a system call. Raises StateError when there is no environment (yet)."""

    def __init__(self, path: Path, specs: Iterable[StoreSpec], *, map_size: int = MAP_SIZE, check_every: float = 0.0) -> None:
        self.path = path
        self.specs = {spec.name: spec for spec in specs}
        self.times = {name: expiry_time(spec.kind) for name, spec in self.specs.items()}
        self.meta: Any = None
        self._map_size = map_size
        self._env: Environment | None = None
        self._own = False
        self._check_every = check_every
        self._checked = 0.0
        self._id: tuple[int, int] | None = None
        self._databases: dict[str, Any] = {}
        self._entries: tuple[bytes | None, bytes] = (None, b"")
        self._stamp: Stamp | None = None
        self._unpack: dict[tuple[str, str], Unpack] = {}

    def stamp(self, txn: Transaction) -> Stamp | None:
        """The stamp, decoded once a commit: most snapshots see the same one."""
        entries = stamp_entries(txn, self.meta)
        if entries != self._entries:
            if entries[1] != self._entries[1]:
                self._unpack.clear()
            self._entries, self._stamp = entries, stamp_of(*entries)
        return self._stamp

    def unpack(self, spec: StoreSpec, txn: Transaction, owner: str) -> Unpack:
        """The function that unpacks a store's values. Field names are read once for each owner, since a writer that knows more fields
        notes them before it takes the environment."""
        found = self._unpack.get((owner, spec.name))
        if found is None:
            found = self._unpack[owner, spec.name] = unpacker(spec, read_fields(txn, self.meta, spec.name))
        return found

    def snapshot(self) -> LmdbSnapshot:
        """A short read transaction; close it soon."""
        try:
            if self._gone():
                self._reopen()
            assert self._env is not None
            return LmdbSnapshot(self, begin_reading(self._env))
        except (LmdbError, FileNotFoundError) as e:
            raise StateError(f"cannot read {self.path}: {e}") from e

    def _gone(self) -> bool:
        """Whether nothing is open, or what is open is not the environment any more."""
        if self._env is None or self._id is None or not (self._own or is_open(self._id, self._env)):
            return True
        now = time.monotonic()
        if now - self._checked < self._check_every:
            return False
        self._checked = now
        return file_id(self.path) != self._id

    def database(self, store: str) -> Any:
        """Database of a store; StateError when it is not there."""
        try:
            return self._databases[store]
        except KeyError:
            raise StateError(f"{self.path} has no store {store}") from None

    def _reopen(self) -> None:
        self.close()
        self._id = file_id(self.path)
        self._env, self._own = open_for_reading(self.path, self._id, 2 * len(self.specs) + 2, self._map_size)
        self.meta, self._databases = open_stores(self._env, self.specs)
        self._entries, self._stamp = (None, b""), None
        self._unpack.clear()

    def close(self) -> None:
        """Close the environment; a later snapshot opens it again."""
        if self._env is not None and self._own:
            self._env.close()
        self._env = None
