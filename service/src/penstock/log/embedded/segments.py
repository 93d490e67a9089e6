"""Segment files: append-only files of record batches, each written by one process and read by all.

A file's writer holds a lock (flock) on it, so that maintenance never removes what is being written, also when nothing in it is published
yet; the lock goes with the process. Bytes behind what the index names are of no meaning: a writer that died left them there.
"""

from __future__ import annotations

import fcntl
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from penstock.log.records import CorruptBatch

ROLL = 64 << 20
OPEN_FILES = 256
_IOV = 512


def segment_path(directory: Path, file: int) -> Path:
    return directory / f"{file:010d}.seg"


def segment_number(path: Path) -> int:
    return int(path.stem)


class SegmentWriter:
    """Appends to this process's own files. Not thread-safe: the committer's thread uses it."""

    def __init__(self, directory: Path, new_file: Callable[[], int], roll: int = ROLL) -> None:
        """new_file: gives the number of the next file."""
        self._dir = directory
        self._new_file = new_file
        self._roll = roll
        self._fd = -1
        self._file = 0
        self._position = 0

    def write(self, parts: Sequence[bytes | bytearray]) -> list[tuple[int, int]]:
        """(file, position) of each part. Durable after sync(). Raises OSError; then nothing of the parts counts."""
        if self._fd >= 0 and self._position >= self._roll:
            self.close()
        if self._fd < 0:
            self._open()
        start = at = self._position
        places = []
        for part in parts:
            places.append((self._file, at))
            at += len(part)
        for i in range(0, len(parts), _IOV):
            start += self._write_all(parts[i:i + _IOV], start)
        self._position = at
        return places

    def _write_all(self, parts: Sequence[bytes | bytearray], at: int) -> int:
        total = sum(map(len, parts))
        done = os.pwritev(self._fd, parts, at)
        if done < total:  # rare: a signal, or a disk that is nearly full; the next call says which
            rest = memoryview(b"".join(parts))
            while done < total:
                done += os.pwrite(self._fd, rest[done:], at + done)
        return total

    def sync(self) -> None:
        """Make what was written durable."""
        os.fdatasync(self._fd)

    def _open(self) -> None:
        while True:
            file = self._new_file()
            path = segment_path(self._dir, file)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _same_file(path, fd):
                break
            os.close(fd)  # maintenance found the new file before it was locked, and removed it
        directory = os.open(self._dir, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        self._fd, self._file, self._position = fd, file, 0

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _same_file(path: Path, fd: int) -> bool:
    try:
        return os.stat(path).st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False


def remove_if_unused(path: Path) -> bool:
    """Unlink a file unless a process is writing it."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(fd)


class SegmentReader:
    """Reads ranges of any file of the log; keeps the files used last open. An open file can be read after it was removed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._fds: OrderedDict[int, int] = OrderedDict()

    def read(self, file: int, position: int, length: int) -> bytearray:
        """Raises FileNotFoundError when the file was removed meanwhile (look in the index again), CorruptBatch when it is too short."""
        data = bytearray(length)
        view = memoryview(data)
        fd = self._fd(file)
        done = 0
        while done < length:
            n = os.preadv(fd, [view[done:]], position + done)
            if n == 0:
                raise CorruptBatch(f"segment {file} ends at {position + done}, but the index names {length} bytes at {position}")
            done += n
        view.release()
        return data

    def _fd(self, file: int) -> int:
        fd = self._fds.get(file)
        if fd is None:
            fd = os.open(segment_path(self.directory, file), os.O_RDONLY | os.O_CLOEXEC)
            self._fds[file] = fd
            if len(self._fds) > OPEN_FILES:
                os.close(self._fds.popitem(last=False)[1])
        else:
            self._fds.move_to_end(file)
        return fd

    def close(self) -> None:
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()
