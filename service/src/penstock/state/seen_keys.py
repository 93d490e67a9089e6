"""Which keys a store may hold rows of, in memory: most rows of a stream-stream join meet nobody, and need not look on the disk for that.

A byte for each hash of a key, in two generations. A generation is forgotten when all rows that were added in it are expired; what was there
before the program began counts as a generation that may hold any key.
"""

from __future__ import annotations

SLOTS = 1 << 19
"""Bytes of a generation. With more keys than that the answer is mostly "maybe", which costs what it would cost without."""
MASK = SLOTS - 1
_ANY, _NONE = b"\1" * SLOTS, bytes(SLOTS)


class SeenKeys:
    """See the module docstring. latest: time of the newest row that is in the store already, -1 for none. now, before: the generations, by
    hash(key) & MASK; whoever asks for every record looks at them himself, in the way of may_hold."""

    __slots__ = ("now", "before", "_now_latest", "_before_latest")

    def __init__(self, latest: int) -> None:
        self.now = bytearray(SLOTS)
        self._now_latest = -1
        self.before: bytes | bytearray = _ANY if latest >= 0 else _NONE
        self._before_latest = latest

    def add(self, key: bytes, time: int) -> None:
        """A row of this key and time, ms, is in the store from now on."""
        self.now[hash(key) & MASK] = 1
        if time > self._now_latest:
            self._now_latest = time

    def may_hold(self, key: bytes) -> bool:
        """False: the store has no row of this key that is not expired."""
        at = hash(key) & MASK
        return self.now[at] == 1 or self.before[at] == 1

    def expire(self, before: int) -> None:
        """Rows of earlier times are gone."""
        if self._before_latest < before and self._now_latest >= 0:
            self.before, self._before_latest = self.now, self._now_latest
            self.now, self._now_latest = bytearray(SLOTS), -1
