"""Whether files have changed on disk: by what a rename or a write changes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[tuple[int, int, int] | None, ...]
"""(inode, size, time of writing) of each file, None where it is not there."""


def stamp(paths: Iterable[Path]) -> Stamp:
    """As they are now."""
    return tuple(_one(path) for path in paths)


def _one(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
