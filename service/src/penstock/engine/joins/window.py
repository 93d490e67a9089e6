"""One side of a stream-stream join: its rows, as long as a row of the other side can meet them."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.state.port import JoinStore, Value


class JoinWindow:
    """Rows over a store. A row is there while its time is behind the newest one of its own side by less than the retention, as in Kafka
    Streams' window store: late rows of the other side still meet it, whatever stream time is. `kept` is that newest time; it is stored
    with each commit."""

    __slots__ = ("kept", "_store", "_retention")

    def __init__(self, store: JoinStore, retention_ms: int) -> None:
        self.kept = -1
        self._store = store
        self._retention = retention_ms

    def add(self, key: bytes, time: int, fields: tuple[object, ...]) -> None:
        """One more row."""
        if time > self.kept:
            self.kept = time
        if time > self.kept - self._retention:
            self._store.add(key, time, fields)

    def advance(self, time: int) -> None:
        """A record without a value is no row, and counts for the newest time all the same."""
        self.kept = max(self.kept, time)

    def rows(self, key: bytes, first: int, last: int) -> Sequence[Value]:
        """(time, fields...) of the rows of a key with first <= time <= last, by time, then in order of arrival."""
        oldest = self.kept - self._retention + 1
        if first < oldest:
            first = oldest
        return self._store.rows(key, first, last) if first <= last else ()

    def expire(self) -> None:
        """Forget rows that are never met again."""
        self._store.expire(self._oldest())

    def _oldest(self) -> int:
        return max(0, self.kept - self._retention + 1)
