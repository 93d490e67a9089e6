"""Rows of a left, right or full stream-stream join that have met no other row, until their window and grace are past.

They leave in order of (time, side, key), right before left, only when a row arrives that is not older than stream time, ahead of what that
row gives itself. When to look is Kafka Streams' rule, exactly: `kept` is the time that the last look ended at, or an earlier one that was
added since, and nothing is looked for while the window of such a time would be open for the arriving row's side.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import NamedTuple

from penstock.state.port import Store, Value

NEVER = (1 << 63) - 1
"""Earliest time of no rows."""
_SIDES = (b"\x01", b"\x00")
"""Byte in the store's key for left and right."""


class Due(NamedTuple):
    """A row that leaves unmatched. side: 0 left, 1 right. row: (time, fields...)."""

    side: int
    key: bytes
    row: Value


class Unmatched:
    """The rows of both sides, over a store with keys `[time][side][key]`; keys are held in memory too, in order, by side.

    reach: how far behind stream time the window of a left row and of a right one closes, before grace: after and before."""

    def __init__(self, store: Store, reach: tuple[int, int], grace_ms: int, widths: tuple[int, int]) -> None:
        self.kept = NEVER
        self._store = store
        self._reach = reach
        self._grace = grace_ms
        self._widths = widths
        self._keys: tuple[list[bytes], list[bytes]] | None = None

    def add(self, side: int, key: bytes, time: int, fields: tuple[object, ...]) -> None:
        """A row that has met none."""
        self.kept = min(self.kept, time)
        entry = time.to_bytes(8, "big") + _SIDES[side] + key
        rows = self._store.get(entry)
        if rows is None:
            insort(self._in_order()[side], entry)
            self._store.put(entry, (time, *fields))
        else:
            self._store.put(entry, (*rows, *fields))

    def matched(self, side: int, key: bytes, time: int) -> None:
        """Rows of this key and time have met another: none of them leaves unmatched."""
        entry = time.to_bytes(8, "big") + _SIDES[side] + key
        if self._store.get(entry) is not None:
            keys = self._in_order()[side]
            del keys[bisect_left(keys, entry)]
            self._store.put(entry, None)

    def due(self, side: int, stream_time: int) -> list[Due]:
        """The rows that leave now, which a row of `side` asks for whose time is stream time. They are forgotten."""
        if self.kept + self._reach[side] + self._grace >= stream_time:
            return []
        ordered = self._in_order()
        closed = [bisect_left(keys, self._open_from(i, stream_time)) for i, keys in enumerate(ordered)]
        self.kept = self._last_looked_at(closed)
        found: list[Due] = []
        for entry in sorted(ordered[0][:closed[0]] + ordered[1][:closed[1]]):
            found += self._taken(entry)
        for keys, count in zip(ordered, closed, strict=True):
            del keys[:count]
        return found

    def expire(self) -> None:
        """Nothing is forgotten before it has left."""

    def _open_from(self, side: int, stream_time: int) -> bytes:
        """What the first key of an open row would be."""
        return max(0, stream_time - self._reach[side] - self._grace).to_bytes(8, "big")

    def _last_looked_at(self, closed: list[int]) -> int:
        """Time of the row behind the first open ones of both sides; where one side has no open row, or none is behind, of the last one."""
        ordered = self._in_order()
        ends = [keys[-1] for keys in ordered if keys]
        if not ends:
            return NEVER
        last = max(ends)
        if all(count < len(keys) for keys, count in zip(ordered, closed, strict=True)):
            both_open = max(keys[count] for keys, count in zip(ordered, closed, strict=True))
            behind = [keys[at] for keys in ordered if (at := bisect_right(keys, both_open)) < len(keys)]
            last = min(behind, default=both_open)
        return int.from_bytes(last[:8], "big")

    def _taken(self, entry: bytes) -> list[Due]:
        side = _SIDES.index(entry[8:9])
        rows = self._store.get(entry)
        assert rows is not None
        self._store.put(entry, None)
        width, key = self._widths[side], entry[9:]
        return [Due(side, key, (rows[0], *rows[at:at + width])) for at in range(1, len(rows), width)]

    def _in_order(self) -> tuple[list[bytes], list[bytes]]:
        if self._keys is None:
            self._keys = ([], [])
            for entry, _ in self._store.range(b"", b""):
                self._keys[_SIDES.index(entry[8:9])].append(entry)
        return self._keys
