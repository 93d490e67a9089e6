"""Which keys a store may hold rows of, in memory: most rows of a stream-stream join meet nobody, and need not look on the disk for that.

A byte for each hash of a key, in two generations. A generation is forgotten when all rows that were added in it are expired; what was there
before the program began counts as a generation that may hold any key.
"""

from __future__ import annotations

from array import array

LEAST, GROWTH, MOST = 1 << 12, 8, 1 << 19
"""Bytes of a generation: of a new one, how it grows, and its end. With more keys than that the answer is mostly "maybe", which costs what it
would cost without."""
SPARSE = 4
"""Bytes for each row that was added, before a generation grows."""


class Generation:
    """Whether a key was added: slots[hash(key) & mask] is 0 when it was not. latest: the newest time of its rows, ms; -1 when there are none."""

    __slots__ = ("slots", "mask", "latest", "_hashes")

    def __init__(self) -> None:
        self.slots: bytes | bytearray = bytearray(LEAST)
        self.mask = LEAST - 1
        self.latest = -1
        self._hashes: array[int] | None = array("q")  # to grow with; None when it does not grow any more

    @classmethod
    def of_any(cls, latest: int) -> Generation:
        """One that may hold any key."""
        made = cls()
        made.slots, made.mask, made.latest = b"\1", 0, latest
        return made

    def add(self, of: int, time: int) -> None:
        """A row of a key with this hash."""
        self.slots[of & self.mask] = 1  # type: ignore[index]
        if time > self.latest:
            self.latest = time
        if self._hashes is not None:
            self._hashes.append(of)
            if len(self._hashes) * SPARSE > len(self.slots):
                self._grow(self._hashes)

    def _grow(self, hashes: array[int]) -> None:
        size = min(MOST, len(self.slots) * GROWTH)
        self.mask, slots = size - 1, bytearray(size)
        for of in hashes:
            slots[of & self.mask] = 1
        self.slots = slots
        if size == MOST:
            self._hashes = None


class SeenKeys:
    """See the module docstring. latest: time of the newest row that is in the store already, -1 for none. now, before: the generations;
    whoever asks for every record looks into them himself, in the way of may_hold."""

    __slots__ = ("now", "before")

    def __init__(self, latest: int) -> None:
        self.now = Generation()
        self.before = Generation() if latest < 0 else Generation.of_any(latest)

    def may_hold(self, key: bytes) -> bool:
        """False: the store has no row of this key that is not expired."""
        of = hash(key)
        return any(seen.slots[of & seen.mask] for seen in (self.now, self.before))

    def expire(self, before: int) -> None:
        """Rows of earlier times are gone."""
        if self.before.latest < before and self.now.latest >= 0:
            self.before, self.now = self.now, Generation()
