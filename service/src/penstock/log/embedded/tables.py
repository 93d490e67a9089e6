"""The embedded log's LMDB environment: what is in it, and how it is read and written inside a transaction.

    meta       "log_id", "format", "next_topic", "next_file", "workers", "generation" -> text or decimal
    topics     name -> TopicRow (msgpack)
    ends       topic, partition -> start offset, end offset
    index      topic, partition, base offset -> Entry: where the bytes of a batch are
    files      file -> batches that the index still names there
    groups     group \\0 topic, partition -> next offset, metadata
    sequences  append producer id -> last sequence
    writers    transactional id -> epoch
    slots      worker slot -> epoch
    dead       topic -> name: deleted topics whose index is not cleared yet
    cleaned    topic, partition -> offset up to which it is compacted or merged

Topics and files have numbers that are never used again, so nothing of a deleted topic comes back under its name.
"""

from __future__ import annotations

import os
import struct
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import lmdb
import msgspec

from penstock.errors import LogError, UnknownTopic
from penstock.log.port import CommittedOffset, TopicConfig, TopicInfo

if TYPE_CHECKING:
    from lmdb import _Database

MAP_SIZE = 32 << 30
FORMAT = "1"
NAMES = ("meta", "topics", "ends", "index", "files", "groups", "sequences", "writers", "slots", "dead", "cleaned")

_PARTITION = struct.Struct(">II")
_INDEX_KEY = struct.Struct(">IIQ")
_ENTRY = struct.Struct(">IQIQIqq")
_ENDS = struct.Struct(">QQ")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")


class TopicRow(msgspec.Struct, frozen=True, array_like=True):
    """A topic as stored. number: its key in the other tables."""

    number: int
    topic_id: str
    partitions: int
    compact: bool
    retention_ms: int
    delete_retention_ms: int

    def info(self, name: str) -> TopicInfo:
        return TopicInfo(name, self.topic_id, self.partitions, self.compact, self.retention_ms)


class Entry(NamedTuple):
    """A batch: its bytes are file[position : position + length]; it spans the offsets base..next-1, `records` of them are there.

    max_timestamp: of its records. written_ms: the wall clock when it was published; retention goes by that, so that old event times do
    not delete fresh records.
    """

    base: int
    file: int
    position: int
    length: int
    next: int
    records: int
    max_timestamp: int
    written_ms: int


_topic_encode = msgspec.msgpack.Encoder().encode
_topic_decode = msgspec.msgpack.Decoder(TopicRow).decode


@dataclass(frozen=True, slots=True)
class Environment:
    """An open environment and its tables. Shared by all logs that one process opens on a directory."""

    path: str
    env: lmdb.Environment
    dbs: tuple[_Database, ...]
    log_id: str

    def read(self) -> Tables:
        """A short read transaction: use as a context manager."""
        return Tables(self.env.begin(), self.dbs)

    def write(self) -> Tables:
        """The write transaction: use as a context manager; commits unless an exception leaves it. Blocks: only in the committer's thread."""
        return Tables(self.env.begin(write=True), self.dbs)


_open_lock = threading.Lock()
_open: dict[str, tuple[Environment, int]] = {}
"""LMDB must not be opened twice by one process: open environments by real path, and how many use each."""


def acquire(directory: Path) -> Environment:
    """Open (or share) the environment below a log directory. Raises LogError for a directory of another format."""
    path = os.path.realpath(directory / "index")
    with _open_lock:
        found, users = _open.get(path, (None, 0))
        if found is None:
            found = _create(path)
        _open[path] = (found, users + 1)
        return found


def release(environment: Environment) -> None:
    """Give it back; the last user closes it."""
    with _open_lock:
        found, users = _open[environment.path]
        if users > 1:
            _open[environment.path] = (found, users - 1)
        else:
            del _open[environment.path]
            environment.env.close()


def _create(path: str) -> Environment:
    os.makedirs(path, exist_ok=True)
    env = lmdb.open(path, map_size=MAP_SIZE, max_dbs=len(NAMES) + 4, max_readers=1024)
    env.reader_check()
    try:
        with env.begin(write=True) as txn:
            dbs = tuple(env.open_db(name.encode(), txn=txn) for name in NAMES)
            tables = Tables(txn, dbs)
            log_id = tables.meta("log_id")
            if not log_id:
                log_id = uuid.uuid4().hex
                tables.set_meta("log_id", log_id)
                tables.set_meta("format", FORMAT)
            found = tables.meta("format")
    except BaseException:
        env.close()
        raise
    if found != FORMAT:
        env.close()
        raise LogError(f"the log in {path} has format {found}; this version reads format {FORMAT}")
    return Environment(path, env, dbs, log_id)


class Tables:
    """The tables within one LMDB transaction."""

    __slots__ = ("txn", "_meta", "_topics", "_ends", "_index", "_files", "_groups", "_sequences", "_writers", "_slots", "_dead", "_cleaned")

    def __init__(self, txn: lmdb.Transaction, dbs: tuple[_Database, ...]) -> None:
        self.txn = txn
        (self._meta, self._topics, self._ends, self._index, self._files, self._groups, self._sequences, self._writers, self._slots, self._dead,
         self._cleaned) = dbs

    def __enter__(self) -> Tables:
        self.txn.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.txn.__exit__(*error)

    # meta
    def meta(self, name: str) -> str:
        """Empty when not set."""
        return self._text(self._meta, name)

    def set_meta(self, name: str, value: str) -> None:
        self.txn.put(name.encode(), value.encode(), db=self._meta)

    def drop_meta(self, name: str) -> None:
        """As if never set."""
        self.txn.delete(name.encode(), db=self._meta)

    def count_up(self, name: str) -> int:
        """The next number of a counter, from 1."""
        number = int(self.meta(name) or 0) + 1
        self.set_meta(name, str(number))
        return number

    def _get(self, db: _Database, key: bytes) -> bytes | None:
        return cast("bytes | None", self.txn.get(key, db=db))

    def _text(self, db: _Database, key: str) -> str:
        value = self._get(db, key.encode())
        return "" if value is None else value.decode()

    # topics
    def topic(self, name: str) -> TopicRow | None:
        value = self._get(self._topics, name.encode())
        return None if value is None else _topic_decode(value)

    def known_topic(self, name: str, partition: int = 0) -> TopicRow:
        """Raises UnknownTopic, also for a partition that it does not have."""
        row = self.topic(name)
        if row is None or not 0 <= partition < row.partitions:
            raise UnknownTopic(name)
        return row

    def topics(self) -> dict[str, TopicRow]:
        with self.txn.cursor(db=self._topics) as cursor:
            return {bytes(name).decode(): _topic_decode(value) for name, value in cursor}

    def add_topic(self, name: str, config: TopicConfig) -> TopicRow:
        row = TopicRow(self.count_up("next_topic"), uuid.uuid4().hex, config.partitions, config.compact, config.retention_ms,
                       config.delete_retention_ms)
        self.txn.put(name.encode(), _topic_encode(row), db=self._topics)
        for p in range(row.partitions):
            self.set_ends(row.number, p, 0, 0)
        return row

    def drop_topic(self, name: str) -> None:
        """Nobody finds it from now on; maintenance clears its index."""
        row = self.topic(name)
        if row is not None:
            self.txn.delete(name.encode(), db=self._topics)
            self.txn.put(_U32.pack(row.number), name.encode(), db=self._dead)

    def dead_topics(self) -> list[int]:
        with self.txn.cursor(db=self._dead) as cursor:
            return [_U32.unpack(key)[0] for key in cursor.iternext(values=False)]

    def bury(self, topic: int) -> None:
        """Nothing of it is left in the index."""
        self.txn.delete(_U32.pack(topic), db=self._dead)
        for db in (self._ends, self._cleaned):
            with self.txn.cursor(db=db) as cursor:
                while cursor.set_range(_U32.pack(topic)) and cursor.key()[:4] == _U32.pack(topic):
                    cursor.delete()
        with self.txn.cursor(db=self._groups) as cursor:
            for key in [k for k in cursor.iternext(values=False) if k[-8:-4] == _U32.pack(topic)]:
                self.txn.delete(key, db=self._groups)

    # offsets
    def ends(self, topic: int, partition: int) -> tuple[int, int]:
        """(first offset, offset behind the last record); (0, 0) for what does not exist."""
        value = self._get(self._ends, _PARTITION.pack(topic, partition))
        return (0, 0) if value is None else _ENDS.unpack(value)

    def set_ends(self, topic: int, partition: int, start: int, end: int) -> None:
        self.txn.put(_PARTITION.pack(topic, partition), _ENDS.pack(start, end), db=self._ends)

    def cleaned(self, topic: int, partition: int) -> int:
        value = self._get(self._cleaned, _PARTITION.pack(topic, partition))
        return 0 if value is None else _U64.unpack(value)[0]

    def set_cleaned(self, topic: int, partition: int, offset: int) -> None:
        self.txn.put(_PARTITION.pack(topic, partition), _U64.pack(offset), db=self._cleaned)

    # index
    def entries(self, topic: int, partition: int, offset: int = 0) -> Iterator[Entry]:
        """The batches that hold offset or come behind it, in order."""
        prefix = _PARTITION.pack(topic, partition)
        with self.txn.cursor(db=self._index) as cursor:
            key = _INDEX_KEY.pack(topic, partition, offset)
            found = cursor.set_range(key)
            if not found or cursor.key() != key:
                before = cursor.prev() if found else cursor.last()
                if before and cursor.key()[:8] == prefix and self._entry(bytes(cursor.key()), bytes(cursor.value())).next > offset:
                    found = True
                elif before:
                    found = cursor.next()
                else:
                    found = cursor.first()
            while found and cursor.key()[:8] == prefix:
                yield self._entry(bytes(cursor.key()), bytes(cursor.value()))
                found = cursor.next()

    @staticmethod
    def _entry(key: bytes, value: bytes) -> Entry:
        return Entry(_U64.unpack_from(key, 8)[0], *_ENTRY.unpack(value))

    def has(self, topic: int, partition: int, entry: Entry) -> bool:
        """Whether the index still says exactly this."""
        return self._get(self._index, _INDEX_KEY.pack(topic, partition, entry.base)) == _ENTRY.pack(*entry[1:])

    def add_entry(self, topic: int, partition: int, entry: Entry) -> None:
        self.txn.put(_INDEX_KEY.pack(topic, partition, entry.base), _ENTRY.pack(*entry[1:]), db=self._index)
        self._count(entry.file, 1)

    def remove_entry(self, topic: int, partition: int, entry: Entry) -> None:
        if self.txn.delete(_INDEX_KEY.pack(topic, partition, entry.base), db=self._index):
            self._count(entry.file, -1)

    def remove_topic_entries(self, topic: int, limit: int) -> int:
        """Drop up to limit index entries of a dead topic; how many were dropped."""
        done, prefix = 0, _U32.pack(topic)
        with self.txn.cursor(db=self._index) as cursor:
            while done < limit and cursor.set_range(prefix) and cursor.key()[:4] == prefix:
                file = _ENTRY.unpack(cursor.value())[0]
                cursor.delete()
                self._count(file, -1)
                done += 1
        return done

    # files
    def _count(self, file: int, change: int) -> None:
        key = _U32.pack(file)
        value = self._get(self._files, key)
        count = change + (0 if value is None else _U64.unpack(value)[0])
        self.txn.put(key, _U64.pack(count), db=self._files)

    def live_files(self) -> set[int]:
        """Files that the index names."""
        with self.txn.cursor(db=self._files) as cursor:
            return {_U32.unpack(key)[0] for key, value in cursor if _U64.unpack(value)[0]}

    def forget_files(self, files: Iterable[int]) -> None:
        for file in files:
            self.txn.delete(_U32.pack(file), db=self._files)

    # groups
    @staticmethod
    def _group_key(group: str, topic: int, partition: int) -> bytes:
        return group.encode() + b"\0" + _PARTITION.pack(topic, partition)

    def committed(self, group: str, topic: int, partition: int) -> CommittedOffset:
        value = self._get(self._groups, self._group_key(group, topic, partition))
        return CommittedOffset(-1) if value is None else CommittedOffset(_U64.unpack_from(value)[0], value[8:].decode())

    def set_committed(self, group: str, topic: int, partition: int, offset: CommittedOffset) -> None:
        key = self._group_key(group, topic, partition)
        if offset.offset < 0:
            self.txn.delete(key, db=self._groups)
        else:
            self.txn.put(key, _U64.pack(offset.offset) + offset.metadata.encode(), db=self._groups)

    def drop_group(self, group: str) -> None:
        prefix = group.encode() + b"\0"
        with self.txn.cursor(db=self._groups) as cursor:
            while cursor.set_range(prefix) and bytes(cursor.key()).startswith(prefix):
                cursor.delete()

    # producers
    def sequence(self, producer_id: str) -> int:
        return self._number(self._sequences, producer_id)

    def set_sequence(self, producer_id: str, sequence: int) -> None:
        self.txn.put(producer_id.encode(), _U64.pack(sequence), db=self._sequences)

    def writer_epoch(self, transactional_id: str) -> int:
        """0: never opened."""
        return self._number(self._writers, transactional_id)

    def new_writer_epoch(self, transactional_id: str) -> int:
        epoch = self.writer_epoch(transactional_id) + 1
        self.txn.put(transactional_id.encode(), _U64.pack(epoch), db=self._writers)
        return epoch

    def slot_epoch(self, slot: str) -> int:
        return self._number(self._slots, slot)

    def new_slot_epoch(self, slot: str) -> int:
        epoch = self.slot_epoch(slot) + 1
        self.txn.put(slot.encode(), _U64.pack(epoch), db=self._slots)
        return epoch

    def _number(self, db: _Database, key: str) -> int:
        value = self._get(db, key.encode())
        return 0 if value is None else _U64.unpack(value)[0]
