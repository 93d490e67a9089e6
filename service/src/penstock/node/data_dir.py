"""The data directory: one node at a time, of a format that this version knows."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import msgspec

from penstock.config import ServeConfig
from penstock.node.exit_codes import Exit
from penstock.runtime.layout import Layout

FORMAT = 1
ORPHANS_END_WITHIN = 15.0
"""Seconds to wait for the processes of a node whose supervisor was killed: they hold the lock until they have stopped."""


class CannotStart(Exception):
    """Why a node does not start: one line for people, and the exit code."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


class NodeFile(msgspec.Struct, frozen=True):
    """node.json."""

    format: int
    service_id: str
    node_id: str


@dataclass(frozen=True, slots=True)
class DataDir:
    """A directory that is ours. lock: a descriptor that children inherit, so that it stays locked until the last one has ended."""

    node: NodeFile
    lock: int


def take(config: ServeConfig) -> DataDir:
    """Create, lock and check the directory. Raises CannotStart."""
    layout = Layout(config.data)
    try:
        for directory in (layout.root, layout.run, layout.boards()):
            directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as e:
        raise _unwritable(config, e) from e
    try:
        _lock(lock, config)
        try:
            return DataDir(_node_file(layout, config), lock)
        except OSError as e:
            raise _unwritable(config, e) from e
    except BaseException:
        os.close(lock)
        raise


def _lock(lock: int, config: ServeConfig) -> None:
    until = time.monotonic() + ORPHANS_END_WITHIN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            return
        except OSError as e:
            if e.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise _unwritable(config, e) from e
        owner = _owner(lock)
        if owner or time.monotonic() >= until:
            who = f"process {owner}" if owner else "processes of a node that was killed"
            raise CannotStart(f"{config.data_dir} is in use by another node ({who}): stop it, or choose another --data", Exit.IN_USE)
        time.sleep(0.1)


def _owner(lock: int) -> int:
    """The supervisor that holds the lock; 0 when it is gone."""
    text = os.pread(lock, 32, 0).strip()
    if not text.isdigit():
        return 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(text), 0)
        return int(text)
    return 0


def _node_file(layout: Layout, config: ServeConfig) -> NodeFile:
    path = layout.node_file
    if path.exists():
        try:
            found = msgspec.json.decode(path.read_bytes(), type=NodeFile)
        except msgspec.DecodeError as e:
            raise CannotStart(f"{path} cannot be read ({e}): is {config.data_dir} a data directory of Penstock?", Exit.NEWER_FORMAT) from e
        if found.format > FORMAT:
            raise CannotStart(f"{config.data_dir} has format {found.format}, written by a newer version; this one knows formats up to {FORMAT}",
                              Exit.NEWER_FORMAT)
        if found.service_id != config.service_id:
            raise CannotStart(f"{config.data_dir} belongs to service {found.service_id}, not {config.service_id}: choose another --data",
                              Exit.USAGE)
        _probe(layout.root)
        return found
    made = NodeFile(FORMAT, config.service_id, f"n{uuid.uuid4().hex[:8]}")
    partial = path.with_suffix(".tmp")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    partial.replace(path)
    return made


def _probe(root: Path) -> None:
    """A directory that can only be read fails here and not later in a worker."""
    probe = root / ".probe"
    probe.write_bytes(b"x")
    probe.unlink()


def _unwritable(config: ServeConfig, error: OSError) -> CannotStart:
    return CannotStart(f"{config.data_dir} cannot be written ({error.strerror}): choose another --data, or mend its permissions",
                       Exit.UNWRITABLE)
