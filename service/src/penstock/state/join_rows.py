"""The store of one side of a stream-stream join: rows by key and time, every one of several rows of one key and time.

An entry is `[key][time ms] -> (time, fields of the first row, fields of the second, ...)`: a plain tuple while there is one row, which is
nearly always, so that a row is packed and read like any other value. What was added since the last commit is found through an index by
key, what is committed through a scan of the key's entries; no key is sorted among others.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Mapping, Sequence

from penstock.plan.nodes import StoreSpec
from penstock.state.cache import CACHE_LIMIT, MISSING, Backend, CachedWindowStore
from penstock.state.port import Frozen, Value


class CachedJoinStore(CachedWindowStore):
    """A join store (state/port.py, JoinStore)."""

    def __init__(self, spec: StoreSpec, backend: Backend, older: Mapping[int, Sequence[str]], limit: int = CACHE_LIMIT) -> None:
        super().__init__(spec, backend, older, limit)
        self._width = len(spec.fields)
        self._recent: dict[bytes, list[int]] = {}  # times added since the last freeze, in order
        self._packed: deque[dict[bytes, list[int]]] = deque()  # the same of each freeze that is not committed

    def add(self, key: bytes, time: int, fields: tuple[object, ...]) -> None:
        """One more row of a key and time; nothing when that time is expired."""
        if time < self.expire_before:
            return
        entry = key + time.to_bytes(8, "big")
        rows = self.cache.get(entry, MISSING)
        if rows is MISSING:
            rows = self.load(entry)
        self.cache[entry] = (time, *fields) if rows is None else (*rows, *fields)  # type: ignore[misc]
        if entry not in self.dirty:
            self.dirty[entry] = None
            times = self._recent.setdefault(key, [])
            if not times or times[-1] <= time:
                times.append(time)
            else:
                insort(times, time)

    def rows(self, key: bytes, first: int, last: int) -> Sequence[Value]:
        """(time, fields...) of each row of a key with first <= time <= last, in order of time, then of arrival."""
        low = key + max(0, first, self.expire_before).to_bytes(8, "big")
        size = len(low)
        committed = self._few(low, key + (last + 1).to_bytes(8, "big"))
        recent = [t for times in self._added() if key in times for t in times[key] if first <= t <= last and t >= self.expire_before]
        if not recent:
            if not committed:
                return ()
            values = [self._unpack(data) for k, data in committed if len(k) == size]
        else:
            entries = {k: self._unpack(data) for k, data in committed if len(k) == size}
            entries |= {k: v for t in recent if (v := self.cache[k := key + t.to_bytes(8, "big")]) is not None}
            values = [entries[k] for k in sorted(entries)]
        width = self._width + 1
        if all(len(value) == width for value in values):
            return values
        return [row for value in values for row in self._each(value)]

    def _added(self) -> Sequence[dict[bytes, list[int]]]:
        """Times by key of what is not committed, oldest first."""
        return (*self._packed, self._recent) if self._packed else (self._recent,)

    def _each(self, value: Value) -> list[Value]:
        width = self._width
        return [(value[0], *value[at:at + width]) for at in range(1, len(value), width)]

    def freeze(self) -> Frozen:
        if self.dirty:
            self._packed.append(self._recent)
            self._recent = {}
        return super().freeze()

    def committed(self) -> None:
        if self._packed:
            self._packed.popleft()
        super().committed()

    def drop(self) -> None:
        self._recent = {}
        self._packed.clear()
        super().drop()
