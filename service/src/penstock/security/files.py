"""Files that are read anew when they change on disk, and whose content stays as it was when they are wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from penstock.config import ConfigError

_log = logging.getLogger("penstock.security")

T = TypeVar("T")
Stamp = tuple[tuple[int, int, int] | None, ...]
"""(inode, size, time of writing) of each file, None where it is not there: what a rename or a write changes."""


class Watched(Generic[T]):
    """What some files hold. Not for several threads at once."""

    def __init__(self, paths: Sequence[Path], read: Callable[[], T], anew: str, kept: str) -> None:
        """Reads them. anew and kept: what the log says when they were read again, and when they could not be. Raises what read raises."""
        self._paths, self._read, self._anew, self._kept = paths, read, anew, kept
        self._stamp = _stamp(paths)
        self.current = read()

    def refresh(self) -> bool:
        """Look whether they have changed; whether they were read anew. What is wrong is said once and leaves everything as it was."""
        found = _stamp(self._paths)
        if found == self._stamp:
            return False
        self._stamp = found
        try:
            self.current = self._read()
        except ConfigError as error:
            _log.warning("%s: %s", self._kept, error)
            return False
        _log.info("%s", self._anew)
        return True


def _stamp(paths: Sequence[Path]) -> Stamp:
    return tuple(_one(path) for path in paths)


def _one(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
