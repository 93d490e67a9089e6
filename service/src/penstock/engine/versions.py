"""The versions of a versioned table's rows, after KIP-889: the present row in the table's store, the earlier ones in its history.

A history entry is `[key][valid until] -> (valid from, whether there was a row, columns...)`. Entries of a key do not overlap; what is in none of
them was no row. Where there is no present row the last entry's end is the time of the last deletion, before which a put is history. Only a row
that is deleted at its own time, with no entry that ends there, leaves no trace, as in Kafka Streams (RocksDBVersionedStore.putLatestValue): an older row that
comes later is the present one. Nothing is ever removed by a put: entries expire by the time until which they were valid.
"""

from __future__ import annotations

from bisect import bisect_right

from penstock.state.port import Store, Value, WindowStore


class Versions:
    """See the module docstring. retention: how far back a time may be, against the newest one; callers drop puts that are older."""

    __slots__ = ("_store", "_history", "_retention", "_nothing")

    def __init__(self, store: Store, history: WindowStore, retention_ms: int) -> None:
        self._store, self._history, self._retention = store, history, retention_ms
        self._nothing = (None,) * len(store.spec.fields)

    def put(self, key: bytes, time: int, row: Value | None, newest: int) -> bool:
        """Put the row that is valid from `time` on, None for a deletion. newest: the table's stream time, this row's included. Whether
        this is the present row now, not one of the history."""
        present = self._store.get(key)
        if present is not None and time >= present[0]:  # type: ignore[operator]
            self._follow(key, time, present, row, newest)
            return True
        ends = self._history.windows_of(key, newest)
        at = bisect_right(ends, time.to_bytes(8, "big"))
        if present is None and at == len(ends):
            self._revive(key, time, row, ends)
            return True
        begin: int = 0 if present is None else present[0]  # type: ignore[assignment]
        self._insert(key, time, row, ends[at] if at < len(ends) else begin.to_bytes(8, "big"), at < len(ends))
        return False

    def at(self, key: bytes, time: int, newest: int) -> Value | None:
        """The row that was valid at a time; None where there was none, or it is longer ago than the history goes."""
        present = self._store.get(key)
        if present is not None and present[0] <= time:  # type: ignore[operator]
            return present
        if time < newest - self._retention:
            return None
        ends = self._history.windows_of(key, newest)
        after = bisect_right(ends, time.to_bytes(8, "big"))
        return None if after == len(ends) else row_of(self._history.get(key + ends[after]), time)

    def _follow(self, key: bytes, time: int, present: Value, row: Value | None, newest: int) -> None:
        """Behind the present row, or in its place."""
        if time > present[0]:  # type: ignore[operator]
            self._history.windows_of(key, newest)  # put_window wants them asked for
            self._history.put_window(key, time.to_bytes(8, "big"), (present[0], True, *present[1:]))
        self._store.put(key, row)

    def _revive(self, key: bytes, time: int, row: Value | None, ends: list[bytes]) -> None:
        """Behind a deletion, or the first of its key. A deletion leaves an entry for its end, unless one ends there."""
        end = time.to_bytes(8, "big")
        if row is not None:
            self._store.put(key, row)
        elif not ends or ends[-1] != end:
            self._history.put_window(key, end, (int.from_bytes(ends[-1], "big") if ends else time, False, *self._nothing))

    def _insert(self, key: bytes, time: int, row: Value | None, end: bytes, known: bool) -> None:
        """Before a later version. end: until when that which is valid at `time` is, if it is known, else the begin of the present row."""
        own = (time, False, *self._nothing) if row is None else (time, True, *row[1:])
        entry = self._history.get(key + end) if known else None
        begin: int = time if entry is None else entry[0]  # type: ignore[assignment]
        if entry is None or begin == time:
            self._history.put_window(key, end, own)
        elif begin < time:
            self._history.put_window(key, time.to_bytes(8, "big"), entry)
            self._history.put_window(key, end, own)
        else:
            self._history.put_window(key, begin.to_bytes(8, "big"), own)


def row_of(entry: Value | None, time: int) -> Value | None:
    """The row of the history's first entry that ends behind a time, as the table's store would hold it; None where there was none."""
    return None if entry is None or entry[0] > time or not entry[1] else (entry[0], *entry[2:])  # type: ignore[operator]
