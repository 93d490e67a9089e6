"""Timers of a RemoteProcessor's keys in one task, over a store of the task.

The store has an entry by time for each timer, `[clock][time ms, 8 bytes][length of the key, 4 bytes][key][name]`, so that those that are due
stand at its beginning, and for each timer with a name one that says its time: `[2][clock][length][key][name] -> (time)`. A timer without a name
is known by its time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import Any

from penstock.engine.processors.columns import Keys
from penstock.engine.processors.schedules import NEVER
from penstock.state.port import Store

MOST_NAME = 128
"""Bytes of a name."""
_time, _length = struct.Struct(">Q"), struct.Struct(">I")
_NAMED = b"\x02"


class TimerClock(IntEnum):
    """What a timer's time is compared with."""

    STREAM_TIME = 0
    WALL_CLOCK = 1


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer of a key, its columns. at: ms since 1970."""

    key: tuple[Any, ...]
    name: str
    at: int
    clock: TimerClock = TimerClock.STREAM_TIME


@dataclass(frozen=True, slots=True)
class TimerChange:
    """A timer that is set, or cancelled."""

    timer: Timer
    cancel: bool = False


class Timers:
    """All timers of the task, and an engine.port.Held: the stream time that they go by is what is kept of it."""

    def __init__(self, store: Store, keys: Keys) -> None:
        """keys: how key columns are written."""
        self.kept = -1
        self._store, self._keys = store, keys
        self._next: dict[TimerClock, int] = {}  # the earliest of a clock; not there: to be looked up

    def expire(self) -> None:
        """It keeps nothing that could be forgotten."""

    def advance(self, time: int) -> None:
        """Stream time has come to this."""
        self.kept = max(self.kept, time)

    @property
    def due_by_clock(self) -> int:
        """The time of the clock, ms, from which a timer is due; NEVER without one."""
        return self._earliest(TimerClock.WALL_CLOCK)

    def any_due(self, now_ms: int) -> bool:
        """Whether a timer is due."""
        return self._earliest(TimerClock.STREAM_TIME) <= self.kept or self._earliest(TimerClock.WALL_CLOCK) <= now_ms

    def due(self, now_ms: int, limit: int) -> list[Timer]:
        """Timers that are due, in order of time, the first ones when there are more than `limit`."""
        found: list[Timer] = []
        for clock, until in ((TimerClock.STREAM_TIME, self.kept), (TimerClock.WALL_CLOCK, now_ms)):
            if self._earliest(clock) <= until:
                found += islice(self._up_to(clock, until), limit)
        return sorted(found, key=lambda timer: timer.at)[:limit]

    def written(self, timer: Timer) -> bytes:
        """The bytes of its key, which is not null."""
        key = self._keys.written(timer.key)
        assert key is not None, "checked"
        return key

    def fired(self, timers: Iterable[Timer]) -> None:
        """They are gone."""
        for timer in timers:
            self._remove(timer, self.written(timer))

    def change(self, changes: Iterable[TimerChange]) -> None:
        """Set and cancel some, in order. Of a name there is one timer for each key and clock."""
        for change in changes:
            self._change(change, self.written(change.timer))

    def _change(self, change: TimerChange, key: bytes) -> None:
        timer = change.timer
        at = timer.at
        if timer.name:
            before = self._store.get(self._named(timer, key))
            if before is not None:
                at = _moment(before)
        if change.cancel or timer.name:
            self._remove(Timer(timer.key, timer.name, at, timer.clock), key)
        if change.cancel:
            return
        self._store.put(self._timed(timer, key), (timer.at,))
        if timer.name:
            self._store.put(self._named(timer, key), (timer.at,))
        if timer.clock in self._next:
            self._next[timer.clock] = min(self._next[timer.clock], timer.at)

    def _remove(self, timer: Timer, key: bytes) -> None:
        timed = self._timed(timer, key)
        if self._store.get(timed) is None:
            return
        self._store.put(timed, None)
        if timer.name:
            self._store.put(self._named(timer, key), None)
        if timer.at <= self._next.get(timer.clock, NEVER):
            self._next.pop(timer.clock, None)

    def _earliest(self, clock: TimerClock) -> int:
        if clock not in self._next:
            self._next[clock] = next((timer.at for timer in self._up_to(clock, NEVER)), NEVER)
        return self._next[clock]

    def _up_to(self, clock: TimerClock, until: int) -> Iterator[Timer]:
        for entry, _ in self._store.range(bytes((clock,)), bytes((clock,)) + _time.pack(until + 1)):
            start = 1 + _time.size + _length.size
            end = start + _length.unpack_from(entry, 1 + _time.size)[0]
            yield Timer(self._keys.read(entry[start:end]), entry[end:].decode(), _time.unpack_from(entry, 1)[0], clock)

    @staticmethod
    def _timed(timer: Timer, key: bytes) -> bytes:
        return bytes((timer.clock,)) + _time.pack(timer.at) + _length.pack(len(key)) + key + timer.name.encode()

    @staticmethod
    def _named(timer: Timer, key: bytes) -> bytes:
        return _NAMED + bytes((timer.clock,)) + _length.pack(len(key)) + key + timer.name.encode()


def _moment(value: tuple[object, ...]) -> int:
    """The time of a named timer's entry."""
    (at,) = value
    assert isinstance(at, int)
    return at
