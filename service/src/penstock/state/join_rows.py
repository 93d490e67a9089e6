"""The store of one side of a stream-stream join: rows by key and time, every one of several rows of one key and time.

An entry is `[key][time ms] -> (time, fields of the first row, fields of the second, ...)`: a plain tuple while there is one row, which is
nearly always, so that a row is packed and read like any other value. What is not committed is kept by key and forgotten at the commit,
since a committed row is read once, if ever; what is committed is found through a scan of the key's entries, unless its key was never seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from penstock.plan.nodes import StoreSpec
from penstock.state.cache import CACHE_LIMIT, Backend, CachedWindowStore
from penstock.state.port import Frozen, Value
from penstock.state.seen_keys import SeenKeys

UNKNOWN = (1 << 63) - 1
"""Newest time of a store that was not looked at yet: any row may be there."""

Entry = tuple[Any, ...]
"""A Value; its first element is the time."""
Added = dict[bytes, Entry | dict[int, Entry]]
"""Entries by key: one alone, several by time."""
_key = itemgetter(0)


class CachedJoinStore(CachedWindowStore):
    """A join store (state/port.py, JoinStore)."""

    def __init__(self, spec: StoreSpec, backend: Backend, older: Mapping[int, Sequence[str]], limit: int = CACHE_LIMIT) -> None:
        super().__init__(spec, backend, older, limit)
        self._width = len(spec.fields) + 1
        self._latest = backend.latest
        self._recent: Added = {}  # since the last freeze
        self._packed: deque[Added] = deque()  # of each freeze that is not committed
        self._newest = UNKNOWN  # no row of a later time was ever added
        self._met: SeenKeys | None = None

    def add(self, key: bytes, time: int, fields: tuple[object, ...]) -> None:
        """One more row of a key and time; nothing when that time is expired."""
        if time < self.expire_before:
            return
        if self._met is None:
            self._newest = self._latest()
            self._met = SeenKeys(self._newest)
        value: Entry
        if time > self._newest:
            self._newest, value = time, (time, *fields)
        else:
            rows = self._entry(key, time)
            value = (time, *fields) if rows is None else (*rows, *fields)
        self._met.now.add(hash(key), time)
        there = self._recent.get(key)
        if there is None:
            self._recent[key] = value
        elif isinstance(there, dict):
            there[time] = value
        else:
            self._recent[key] = {there[0]: there, time: value}

    def rows(self, key: bytes, first: int, last: int) -> Sequence[Value]:
        """(time, fields...) of each row of a key with first <= time <= last, in order of time, then of arrival."""
        met = self._met
        if met is not None:
            of, now, before = hash(key), met.now, met.before
            if not now.slots[of & now.mask] and not before.slots[of & before.mask]:
                return ()
        first = max(0, first, self.expire_before)
        low = key + first.to_bytes(8, "big")
        size = len(low)
        values: list[Entry] = [self._unpack(data) for k, data in self._few(low, key + (last + 1).to_bytes(8, "big")) if len(k) == size]
        for added in (*self._packed, self._recent):
            there = added.get(key)
            if there is not None:
                near: Iterable[Entry] = there.values() if isinstance(there, dict) else (there,)
                by_time = {value[0]: value for value in values} | {v[0]: v for v in near if first <= v[0] <= last}
                values = [by_time[time] for time in sorted(by_time)]
        width = self._width
        if all(len(value) == width for value in values):
            return values
        return [row for value in values for row in self._each(value)]

    def _entry(self, key: bytes, time: int) -> Value | None:
        """What there is of a key and time."""
        for added in (self._recent, *reversed(self._packed)):
            there = added.get(key)
            if isinstance(there, dict):
                if time in there:
                    return there[time]
            elif there is not None and there[0] == time:
                return there
        assert self._met is not None
        if not self._met.may_hold(key):
            return None
        data = self._read(key + time.to_bytes(8, "big"))
        return None if data is None else self._unpack(data)

    def _each(self, value: Value) -> list[Value]:
        width = self._width - 1
        return [(value[0], *value[at:at + width]) for at in range(1, len(value), width)]

    def get(self, key: bytes) -> Value | None:
        time = self.time(key)
        return None if time < self.expire_before else next((v for k, v in self.range(key, key + b"\0")), None)

    def range(self, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]:
        changed = {k: v for added in (*self._packed, self._recent) for k, v in _entries(added) if low <= k and (not high or k < high)}
        before, time = self.expire_before, self.time
        found = self._overlaid(sorted(changed), self._scan(low, high), changed.get)
        return ((k, v) for k, v in found if time(k) >= before)

    def freeze(self) -> Frozen:
        if not self._recent:
            return Frozen(self.spec.name, (), self.expire_before)
        pack = self._pack
        entries: list[tuple[bytes, bytes | None]] = []
        for key, there in self._recent.items():
            if isinstance(there, dict):
                entries += [(key + time.to_bytes(8, "big"), pack(value)) for time, value in there.items()]
            else:
                entries.append((key + there[0].to_bytes(8, "big"), pack(there)))
        entries.sort(key=_key)
        self._packed.append(self._recent)
        self._recent = {}
        return Frozen(self.spec.name, entries, self.expire_before, [key for key, _ in entries])

    def committed(self) -> None:
        if self._packed:
            self._packed.popleft()

    def expire(self, before: int) -> None:
        super().expire(before)
        if self._met is not None:
            self._met.expire(before)

    def forget(self, keys: Sequence[bytes]) -> None:
        """Nothing of them is in memory."""

    def drop(self) -> None:
        self._recent = {}
        self._packed.clear()
        self._met, self._newest = None, UNKNOWN


def _entries(added: Added) -> Iterator[tuple[bytes, Value]]:
    """(`[key][time]`, value) of each entry, in no order."""
    for key, there in added.items():
        if isinstance(there, dict):
            for time, value in there.items():
                yield key + time.to_bytes(8, "big"), value
        else:
            yield key + there[0].to_bytes(8, "big"), there
