"""A task's state in LMDB: one environment a task, one database a store.

    data.mdb, lock.mdb          LMDB's
    WRITER                      flock of the process that writes
    database "s:<store>"        physical key (state/keys.py) -> packed value (state/codec.py)
    database "e:<store>"        window, session and join stores: what expires when (state/expiry.py)
    database "meta"             stamp, owner, expired:<store>, fields:<store>:<schema id>

Settings: no fsync at commits, since the changelog is the durable truth and a kill -9 loses nothing that was written (an unclean stop of
the machine makes recovery rebuild); not writemap, where a full disk would be a SIGBUS in place of an error; the map is large, sparse and
never resized while readers may be open. One process writes an environment, in one thread; any number read it (state/reader.py).
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, cast

import lmdb
import msgspec

from penstock.errors import StateError, StoreBusy, StoreFull, StoreLost
from penstock.plan.nodes import StoreSpec
from penstock.state.cache import CACHE_LIMIT, CachedStore, CachedWindowStore
from penstock.state.codec import schema_id
from penstock.state.expiry import ExpiryIndex
from penstock.state.keys import PREFIX, expiry_bytes, expiry_time, is_plain, ordered_scan, physical, split_value, with_key
from penstock.state.kinds import cached_store
from penstock.state.port import Frozen, Stamp
from penstock.state.sorted_entries import Entry, SortedEntries

FORMAT = 2
"""Layout of an environment; another one is rebuilt from the changelog."""
MAP_SIZE = 8 << 30
MAX_READERS = 512
EXPIRE_SLICE = 2_000
"""Windows removed by one commit, a chunk of them more or less, so that a commit never waits for a mass of them."""

DROPPED_AT_ONCE = 64
"""Databases of dropped stores that can be opened, to be removed, beside those in use."""

STAMP, OWNER = b"stamp", b"owner"
_start = struct.Struct(">Q")
_encode = msgspec.msgpack.encode
_stamp_of = msgspec.msgpack.Decoder(Stamp).decode

Environment: TypeAlias = lmdb.Environment
Transaction: TypeAlias = "lmdb.Transaction[bytes]"
Cursor: TypeAlias = "lmdb.Cursor[bytes]"
LmdbError = lmdb.Error

opened: dict[tuple[int, int], lmdb.Environment] = {}
"""Environments this process writes, by (device, inode) of data.mdb: LMDB refuses a second opening in one process, so a reader in the
writer's process shares its environment."""


def file_id(path: Path) -> tuple[int, int]:
    """What tells this environment's file from one that replaced it."""
    found = os.stat(f"{path}/data.mdb")
    return found.st_dev, found.st_ino


def store_database(name: str) -> bytes:
    """Name of a store's database."""
    return b"s:" + name.encode()


def expiry_database(name: str) -> bytes:
    """Name of the database that says what of a window store expires when."""
    return b"e:" + name.encode()


def expired_key(name: str) -> bytes:
    """Meta entry: windows of this store that start before are gone."""
    return b"expired:" + name.encode()


def fields_prefix(name: str) -> bytes:
    """Meta entries: field names by schema id."""
    return b"fields:" + name.encode() + b":"


def read_stamp(txn: Transaction, meta: Any) -> Stamp | None:
    """The stamp, its owner being whoever took the environment last."""
    return stamp_of(*stamp_entries(txn, meta))


def stamp_entries(txn: Transaction, meta: Any) -> tuple[bytes | None, bytes]:
    """(packed stamp, owner) as they are stored."""
    return txn.get(STAMP, db=meta), txn.get(OWNER, b"", db=meta)


def stamp_of(data: bytes | None, owner: bytes) -> Stamp | None:
    """What the entries say."""
    return None if data is None else replace(_stamp_of(data), owner=owner.decode())


def read_fields(txn: Transaction, meta: Any, name: str) -> dict[int, Sequence[str]]:
    """Field names of a store by the schema ids that were ever written."""
    prefix = fields_prefix(name)
    found: dict[int, Sequence[str]] = {}
    cursor = txn.cursor(db=meta)
    if cursor.set_range(prefix):
        for key, value in cursor:
            if not key.startswith(prefix):
                break
            found[int(key[len(prefix):], 16)] = msgspec.msgpack.decode(value, type=tuple[str, ...])
    return found


def read_expired(txn: Transaction, meta: Any, name: str) -> int:
    """Windows that start before this are gone."""
    data = txn.get(expired_key(name), db=meta)
    return 0 if data is None else _start.unpack(data)[0]


def get_entry(txn: Transaction, database: Any, key: bytes) -> bytes | None:
    """Packed value of a key."""
    if is_plain(key):
        return txn.get(key, db=database)  # type: ignore[no-any-return]
    data = txn.get(physical(key), db=database)
    if data is None:
        return None
    found, value = split_value(data)
    return value if found == key else None


def scan_entries(txn: Transaction, database: Any, low: bytes, high: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, packed value) with low <= key < high in order; an empty high is no bound."""
    if not low:
        value = get_entry(txn, database, b"")
        if value is not None:
            yield b"", value
    with txn.cursor(db=database) as cursor:
        if cursor.set_range(low[:PREFIX]) if low else cursor.first():
            yield from ordered_scan(iter(cursor), low, high)


def begin_reading(env: Environment) -> Transaction:
    """A read transaction, also when the writer has a larger map than this process."""
    try:
        return env.begin()
    except lmdb.MapResizedError:
        env.set_mapsize(0)
        return env.begin()


def open_for_reading(path: Path, identity: tuple[int, int], databases: int, map_size: int) -> tuple[Environment, bool]:
    """(environment, whether the caller owns it and closes it). In the writer's process it is the writer's."""
    if identity in opened:
        return opened[identity], False
    env = lmdb.open(str(path), map_size=map_size, max_dbs=databases, max_readers=MAX_READERS, readonly=True, lock=True, create=False,
                    readahead=False)
    env.reader_check()
    return env, True


def is_open(identity: tuple[int, int], env: Environment) -> bool:
    """Whether this process's writer still has this environment open."""
    return opened.get(identity) is env


def open_stores(env: Environment, specs: Mapping[str, StoreSpec]) -> tuple[Any, dict[str, Any]]:
    """(meta, database by store) of an environment opened for reading; stores that are not there are left out."""
    meta, found = env.open_db(b"meta", create=False), dict[str, Any]()
    for name in specs:
        try:
            found[name] = env.open_db(store_database(name), create=False)
        except lmdb.NotFoundError:
            continue
    return meta, found


class LmdbBackend:
    """Committed entries of one store, read in a transaction that the task's reads share between commits."""

    def __init__(self, state: LmdbTaskState, database: Any, index: ExpiryIndex | None) -> None:
        self._state = state
        self.database = database
        self.index = index

    def get(self, key: bytes) -> bytes | None:
        return get_entry(self._state.reading(), self.database, key)

    def scan(self, low: bytes, high: bytes) -> Iterator[tuple[bytes, bytes]]:
        with self._state.env.begin(buffers=False) as txn:
            yield from scan_entries(txn, self.database, low, high)

    def few(self, low: bytes, high: bytes) -> Sequence[tuple[bytes, bytes]]:
        """As scan, of a short range at once: in the transaction and with the cursor that the task's reads share."""
        if not is_plain(low) or len(low) > PREFIX:
            return list(self.scan(low, high))
        cursor = self._state.cursor(self.database)
        if not cursor.set_range(low):
            return ()
        found: list[tuple[bytes, bytes]] = []
        for entry in cursor:
            if entry[0] >= high:  # whether it is a key or the beginning of one
                break
            if len(entry[0]) > PREFIX:
                return list(self.scan(low, high))
            found.append(entry)
        return found

    def latest(self) -> int:
        return -1 if self.index is None else self.index.latest(self._state.reading())


@contextmanager
def _writing(env: lmdb.Environment, path: Path) -> Iterator[Transaction]:
    """A write transaction; all or nothing. No room left is StoreFull, anything else of LMDB's a StateError."""
    try:
        with env.begin(write=True) as txn:
            yield txn
    except lmdb.MapFullError as e:
        size = env.info()["map_size"] >> 20
        raise StoreFull(f"no room to write {path}: its {size:,} MiB are full; start the node with a larger --store-size") from e
    except lmdb.DiskError as e:
        raise StoreFull(f"no room to write {path}: {e}") from e
    except lmdb.Error as e:
        raise StateError(f"cannot write {path}: {e}") from e


def _lock(path: Path) -> int:
    handle = os.open(path / "WRITER", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        os.close(handle)
        raise StoreBusy(f"{path} is open for writing in another process") from e
    return handle


def _stored(entries: SortedEntries) -> Sequence[Entry]:
    """As LMDB holds them, in its order."""
    if entries.plain:
        return entries.entries
    return sorted((k, v) if is_plain(k) else (physical(k), None if v is None else with_key(k, v)) for k, v in entries.entries)


class LmdbTaskState:
    """All stores of one task (state/port.py, TaskState). Make one with `open`."""

    def __init__(self, path: Path, env: lmdb.Environment, lock: int, specs: Iterable[StoreSpec], cache_limit: int) -> None:
        self.path = path
        self.env = env
        self._lock = lock
        self._id = file_id(path)
        opened[self._id] = env
        self._reading: Transaction | None = None
        self._cursors: dict[int, Cursor] = {}
        self._stores: dict[str, CachedStore] = {}
        self._databases: dict[str, Any] = {}
        self._expiry: dict[str, ExpiryIndex] = {}
        self._chunks: dict[str, Any] = {}  # databases of those
        with _writing(env, path) as txn:
            self._meta = env.open_db(b"meta", txn=txn)
            specs = tuple(specs)
            self._forget_others(txn, {name for s in specs for name in (store_database(s.name), expiry_database(s.name))})
            for spec in specs:
                self._add(txn, spec, cache_limit)
            self._owner = bytes(txn.get(OWNER, b"", db=self._meta))
            self._stamp = read_stamp(txn, self._meta)

    @classmethod
    def open(cls, path: Path, specs: Iterable[StoreSpec], incarnation: int, *, map_size: int = MAP_SIZE, sync: bool = False,
             cache_limit: int = CACHE_LIMIT) -> LmdbTaskState:
        """Open or create the environment in this directory. Whether its content may be used is recovery's decision (`stamp`); the
        incarnation names the topology in errors. Raises StateError when another process writes it or it cannot be read, StoreFull
        when there is no room for an empty one."""
        specs = tuple(specs)
        path.mkdir(parents=True, exist_ok=True)
        lock = _lock(path)
        try:
            env = lmdb.open(str(path), map_size=map_size, max_dbs=2 * len(specs) + 2 + DROPPED_AT_ONCE, max_readers=MAX_READERS, sync=sync, metasync=sync,
                            readahead=False)
        except lmdb.Error as e:
            os.close(lock)
            raise StateError(f"cannot open {path} (incarnation {incarnation}): {e}") from e
        try:
            env.reader_check()
            return cls(path, env, lock, specs, cache_limit)
        except BaseException:
            opened.pop(file_id(path), None)
            env.close()
            os.close(lock)
            raise

    def _forget_others(self, txn: Transaction, own: set[bytes]) -> None:
        """Stores of nodes that an update dropped leave the disk."""
        with txn.cursor() as cursor:
            names = [bytes(name) for name in cursor.iternext(values=False)]
        for name in [n for n in names if n.startswith((b"s:", b"e:", b"x:")) and n not in own][:DROPPED_AT_ONCE]:
            txn.drop(self.env.open_db(name, txn=txn, create=False, dupsort=name.startswith(b"x:")))  # x: format 1 had
            if name.startswith(b"s:"):
                txn.delete(b"expired:" + name[2:], db=self._meta)

    def _add(self, txn: Transaction, spec: StoreSpec, cache_limit: int) -> None:
        name = spec.name
        database = self._databases[name] = self.env.open_db(store_database(name), txn=txn)
        older = read_fields(txn, self._meta, name)
        if older.get(schema_id(spec)) != spec.fields:
            older[schema_id(spec)] = spec.fields
            txn.put(fields_prefix(name) + b"%08x" % schema_id(spec), _encode(spec.fields), db=self._meta)
        if expiry_time(spec.kind) is not None:
            chunks = self._chunks[name] = self.env.open_db(expiry_database(name), txn=txn)
            self._expiry[name] = ExpiryIndex(lambda txn: txn.cursor(db=chunks), expiry_bytes(spec.kind), spec.retention_ms)
        store = self._stores[name] = cached_store(spec, LmdbBackend(self, database, self._expiry.get(name)), older, cache_limit)
        if isinstance(store, CachedWindowStore):
            store.expire(read_expired(txn, self._meta, name))

    def store(self, name: str) -> CachedStore:
        """One store; StateError when there is none of this name."""
        try:
            return self._stores[name]
        except KeyError:
            raise StateError(f"{self.path} has no store {name}") from None

    def reading(self) -> Transaction:
        """The read transaction that loads share until the next write: a long one would keep pages from being used again."""
        if self._reading is None:
            self._reading = self.env.begin()
        return self._reading

    def cursor(self, database: Any) -> Cursor:
        """A cursor in that transaction, shared too."""
        found = self._cursors.get(id(database))
        if found is None:
            found = self._cursors[id(database)] = self.reading().cursor(db=database)
        return found

    def _end_reading(self) -> None:
        self._cursors.clear()
        if self._reading is not None:
            self._reading.abort()
            self._reading = None

    def stamp(self) -> Stamp | None:
        return self._stamp

    def take(self, owner: str) -> None:
        self._end_reading()
        with _writing(self.env, self.path) as txn:
            txn.put(OWNER, owner.encode(), db=self._meta)
            self._stamp = read_stamp(txn, self._meta)
        self._owner = owner.encode()

    def freeze(self) -> list[Frozen]:
        return [store.freeze() for store in self._stores.values()]

    def commit(self, frozen: Sequence[Frozen], stamp: Stamp) -> None:
        self._end_reading()
        gone: dict[str, list[bytes]] = {}
        with _writing(self.env, self.path) as txn:
            self._check_owner(txn)
            self._check_inputs(txn)
            for f in frozen:
                entries = SortedEntries.of(f.entries)
                self._write(txn, f.store, _stored(entries), entries.deletes)
            for f in frozen:
                if f.store in self._expiry:
                    self._expiry[f.store].add(txn, f.fresh)
                    gone[f.store] = self._expire(txn, f.store, f.expired)
            self._put_stamp(txn, stamp)
        self._written(stamp)
        for f in frozen:
            if f.entries:
                self._stores[f.store].committed()
        for name, keys in gone.items():
            store = self._stores[name]
            assert isinstance(store, CachedWindowStore)
            store.forget(keys)

    def restore(self, store: str, entries: SortedEntries, stamp: Stamp) -> None:
        self._end_reading()
        name = self.store(store).spec.name
        with _writing(self.env, self.path) as txn:
            self._check_owner(txn)
            if entries.entries:
                stored = _stored(entries)
                behind = self._behind(txn, name, stored)
                if name in self._expiry:
                    self._expiry[name].add(txn, self._fresh(txn, name, entries, behind))
                self._write(txn, name, stored, entries.deletes, behind)
            self._put_stamp(txn, stamp)
        self._written(stamp)

    def _behind(self, txn: Transaction, name: str, stored: Sequence[Entry]) -> bool:
        """Whether they stand behind all that the store holds."""
        with txn.cursor(db=self._databases[name]) as cursor:
            return not cursor.last() or cursor.key() < stored[0][0]

    def _fresh(self, txn: Transaction, name: str, entries: SortedEntries, behind: bool) -> list[bytes]:
        """Keys that the store does not hold yet. Most entries update a window that is noted already: looking is cheaper than noting, the more so
        with a cursor, which finds neighbours on its page."""
        if behind:
            return [k for k, v in entries.entries if v is not None]
        with txn.cursor(db=self._databases[name]) as cursor:
            holds = cursor.set_key
            if entries.plain:
                return [k for k, v in entries.entries if v is not None and not holds(k)]
            return [k for k, v in entries.entries if v is not None and not holds(physical(k))]

    def _check_owner(self, txn: Transaction) -> None:
        owner = bytes(txn.get(OWNER, b"", db=self._meta))
        if owner != self._owner:
            raise StoreLost(f"{self.path} belongs to {owner.decode()}, not to {self._owner.decode()}: it was opened elsewhere")

    def _check_inputs(self, txn: Transaction) -> None:
        stored = read_stamp(txn, self._meta)
        if (None if stored is None else stored.inputs) != (None if self._stamp is None else self._stamp.inputs):
            raise StoreLost(f"{self.path} is at {None if stored is None else stored.inputs}, not at this task's last commit "
                            f"{None if self._stamp is None else self._stamp.inputs}")

    def _put_stamp(self, txn: Transaction, stamp: Stamp) -> None:
        txn.put(STAMP, _encode(stamp), db=self._meta)
        txn.put(OWNER, stamp.owner.encode(), db=self._meta)

    def _written(self, stamp: Stamp) -> None:
        self._stamp = stamp
        self._owner = stamp.owner.encode()

    def _write(self, txn: Transaction, name: str, stored: Sequence[Entry], deletes: bool, append: bool = False) -> None:
        """stored: sorted. append: they stand behind all that is there."""
        if not stored:
            return
        database = self._databases[name]
        puts = cast(Sequence[tuple[bytes, bytes]], stored)
        if deletes:
            puts = [(k, v) for k, v in stored if v is not None]
            for key, value in stored:
                if value is None:
                    txn.delete(key, db=database)
        if puts:
            with txn.cursor(db=database) as cursor:
                _, added = cursor.putmulti(puts, append=append)
            if added != len(puts):  # LMDB leaves out what does not stand behind
                raise StateError(f"{self.path}: entries of {name} to be appended are out of order")

    def _expire(self, txn: Transaction, name: str, before: int) -> list[bytes]:
        """Remove some EXPIRE_SLICE windows that are over; physical keys removed."""
        txn.put(expired_key(name), _start.pack(before), db=self._meta)
        delete, database = txn.delete, self._databases[name]
        return self._expiry[name].remove(txn, before, EXPIRE_SLICE, lambda key: delete(key, db=database))

    def wipe(self) -> None:
        """Empty every store and forget the stamp; the owner stays."""
        self.drop_cache()
        with _writing(self.env, self.path) as txn:
            for database in (*self._databases.values(), *self._chunks.values()):
                txn.drop(database, delete=False)
            txn.delete(STAMP, db=self._meta)
            for name in self._expiry:
                txn.delete(expired_key(name), db=self._meta)
        self._stamp = None
        for name in self._expiry:
            self._expire_before(name, 0)

    def _forget(self) -> None:
        self._end_reading()
        for store in self._stores.values():
            store.drop()

    def drop_cache(self) -> None:
        self._forget()
        if self._expiry:
            with self.env.begin() as txn:
                expired = {name: read_expired(txn, self._meta, name) for name in self._expiry}
            for name, before in expired.items():
                self._expire_before(name, before)

    def _expire_before(self, name: str, before: int) -> None:
        """Back to what is committed: what was let expire since then is there again."""
        store = self._stores[name]
        assert isinstance(store, CachedWindowStore)
        store.expire_before = before

    def sync(self) -> None:
        """Put everything that was committed on the disk. Raises StoreFull when there is no room for it."""
        try:
            self.env.sync(True)
        except lmdb.Error as e:
            raise StoreFull(f"{self.path} cannot be synced: {e}") from e

    def close(self) -> None:
        """Close it; who wants it to be good after any restart of the machine calls sync before."""
        self._forget()
        opened.pop(self._id, None)
        self.env.close()
        os.close(self._lock)
