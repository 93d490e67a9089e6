"""The board: what workers tell the other processes of the node (runtime/board_port.py).

One LMDB environment a worker, written after each commit without syncing (it describes processes that live now; after a restart of the
machine it is rewritten). Beside it a memory-mapped file says which records the worker is processing at this moment: it survives kill -9
and costs no system call (runtime/poison.py).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import lmdb
import msgspec

from penstock.errors import StateError
from penstock.runtime.board_port import TaskEntry

log = logging.getLogger("penstock.board")

MAP_SIZE = 256 << 20
_opened: dict[str, lmdb.Environment] = {}
"""Boards that this process writes: LMDB refuses a second opening in one process, so a reader in it shares the writer's environment."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TaskEntry).decode


def _key(topology: str, incarnation: int, sub: str, partition: int) -> bytes:
    return f"{topology}\0{incarnation}\0{sub}\0{partition}".encode()


class BoardWriter:
    """The board of one worker. Raises StateError when it cannot be opened, on a full disk above all."""

    def __init__(self, path: Path, worker: str) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.worker = worker
        try:
            self._env = lmdb.open(str(path), map_size=MAP_SIZE, sync=False, metasync=False, max_readers=512)
            self._env.reader_check()
        except lmdb.Error as e:
            raise StateError(f"the board in {path} cannot be opened: {e}") from e
        self._owed: dict[bytes, bytes | None] = {}
        self._path = str(path)
        _opened[self._path] = self._env

    def clear(self) -> None:
        """Forget what an earlier process of this worker wrote. StateError: to go on would be to show it."""
        try:
            with self._env.begin(write=True) as txn:
                txn.drop(self._env.open_db(None, txn=txn), delete=False)
        except lmdb.Error as e:
            raise StateError(f"the board in {self._path} cannot be written: {e}") from e

    def put(self, entries: Iterable[TaskEntry]) -> None:
        """Write tasks in one transaction. On a full disk the board stays as it was: it only describes, and work may go on without it. What could
        not be written goes along with the next write."""
        self._write({_key(e.topology, e.incarnation, e.sub, e.partition): _encode(e) for e in entries})

    def remove(self, topology: str, incarnation: int, tasks: Iterable[tuple[str, int]]) -> None:
        """These (sub, partition) are no longer this worker's. As put on a full disk."""
        self._write({_key(topology, incarnation, sub, partition): None for sub, partition in tasks})

    @property
    def behind(self) -> bool:
        """Something could not be written yet."""
        return bool(self._owed)

    def _write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """None: remove."""
        self._owed |= changes
        try:
            with self._env.begin(write=True) as txn:
                for key, value in self._owed.items():
                    if value is None:
                        txn.delete(key)
                    else:
                        txn.put(key, value)
        except lmdb.Error as e:
            log.warning("the board of %s cannot be written: %s", self.worker, e)
        else:
            self._owed.clear()

    def close(self) -> None:
        del _opened[self._path]
        self._env.close()


class NodeBoard:
    """Reads every worker's board of a node; finds new workers by itself."""

    def __init__(self, boards: Path) -> None:
        self._dir = boards
        self._envs: dict[str, tuple[int, lmdb.Environment]] = {}
        self._version: tuple[tuple[str, int, int], ...] = ()
        self._all: Sequence[TaskEntry] = ()

    def _environments(self) -> list[lmdb.Environment]:
        if self._dir.exists():
            for path in self._dir.iterdir():
                if str(path) in _opened:
                    continue
                data = path / "data.mdb"
                if not data.exists():
                    continue
                inode = os.stat(data).st_ino
                known = self._envs.get(path.name)
                if known is None or known[0] != inode:
                    if known is not None:
                        known[1].close()
                    env = lmdb.open(str(path), map_size=MAP_SIZE, readonly=True, lock=True, max_readers=512)
                    self._envs[path.name] = (inode, env)
        own = [env for path, env in _opened.items() if Path(path).parent == self._dir]
        return own + [env for _, env in self._envs.values()]

    def tasks(self, topology: str | None = None) -> Sequence[TaskEntry]:
        """The newest entry of each task. Without a topology the same object as before when no worker has written since."""
        if topology is not None:
            return self._read(topology)
        version = tuple((env.path(), os.stat(f"{env.path()}/data.mdb").st_ino, env.info()["last_txnid"]) for env in self._environments())
        if version != self._version:
            self._version, self._all = version, self._read(None)
        return self._all

    def _read(self, topology: str | None) -> Sequence[TaskEntry]:
        prefix = b"" if topology is None else topology.encode() + b"\0"
        newest: dict[tuple[str, int, str, int], TaskEntry] = {}
        for env in self._environments():
            with env.begin() as txn, txn.cursor() as cursor:
                if not cursor.set_range(prefix):
                    continue
                for key, value in cursor:
                    if not key.startswith(prefix):
                        break
                    entry = _decode(value)
                    at = (entry.topology, entry.incarnation, entry.sub, entry.partition)
                    if at not in newest or newest[at].updated_ms <= entry.updated_ms:
                        newest[at] = entry
        return list(newest.values())

    def task(self, topology: str, incarnation: int, sub: str, partition: int) -> TaskEntry | None:
        """One task's newest entry."""
        key = _key(topology, incarnation, sub, partition)
        found: TaskEntry | None = None
        for env in self._environments():
            with env.begin() as txn:
                value = txn.get(key)
            if value is not None:
                entry = _decode(value)
                if found is None or found.updated_ms <= entry.updated_ms:
                    found = entry
        return found

    def close(self) -> None:
        for _, env in self._envs.values():
            env.close()
        self._envs.clear()
