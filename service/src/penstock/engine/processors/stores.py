"""Stores as plug-ins see them (plugins/processor.py), over the task's stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.engine.processors.columns import Keys, Values
from penstock.plan.nodes import ProcessorStore
from penstock.plugins.processor import Key, KeyLike, Value
from penstock.state import keys as layout
from penstock.state.port import SessionStore, Store, WindowStore


class _Rows:
    """What the kinds of stores share."""

    def __init__(self, node: str, declared: ProcessorStore, time: Callable[[], int]) -> None:
        """time: of the record or punctuation in process."""
        what = f"store {declared.name} of {node}"
        self._keys = Keys(what, declared.schema, declared.key_format)
        self._values = Values(what, declared.schema.value)
        self._time = time

    def _stored(self, value: Value | None, timestamp: int | None) -> tuple[Any, ...] | None:
        if value is None:
            return None
        return (self._time() if timestamp is None else timestamp, *self._values.to_tuple(value))

    def _row(self, stored: Sequence[Any]) -> Value:
        return self._values.to_dict(stored[1:])


class KeyValueRows(_Rows):
    """A KeyValueStore."""

    def __init__(self, node: str, declared: ProcessorStore, time: Callable[[], int], store: Store) -> None:
        super().__init__(node, declared, time)
        self._store = store

    def get(self, key: KeyLike) -> Value | None:
        """The row of a key."""
        found = self._store.get(self._keys.needed(key))
        return None if found is None else self._row(found)

    def put(self, key: KeyLike, value: Value | None, timestamp: int | None = None) -> None:
        """Set or delete it."""
        self._store.put(self._keys.needed(key), self._stored(value, timestamp))

    def delete(self, key: KeyLike) -> Value | None:
        """Delete and give it."""
        before = self.get(key)
        self._store.put(self._keys.needed(key), None)
        return before

    def range(self, low: KeyLike | None = None, high: KeyLike | None = None) -> Iterator[tuple[Key, Value]]:
        """Rows between two keys, both included."""
        first = b"" if low is None else self._keys.needed(low)
        behind = b"" if high is None else self._keys.needed(high) + b"\0"
        return ((self._keys.to_dict(key), self._row(value)) for key, value in list(self._store.range(first, behind)))

    def all(self) -> Iterator[tuple[Key, Value]]:
        """Every row."""
        return self.range()


class WindowRows(_Rows):
    """A WindowStore."""

    def __init__(self, node: str, declared: ProcessorStore, time: Callable[[], int], store: WindowStore) -> None:
        super().__init__(node, declared, time)
        self._store = store

    def get(self, key: KeyLike, start: int) -> Value | None:
        """The row of a window."""
        found = self._store.get(layout.window_key(self._keys.needed(key), start))
        return None if found is None else self._row(found)

    def put(self, key: KeyLike, start: int, value: Value | None, timestamp: int | None = None) -> None:
        """Set or delete it."""
        self._store.put(layout.window_key(self._keys.needed(key), start), self._stored(value, timestamp))

    def fetch(self, key: KeyLike, first: int, last: int) -> Iterator[tuple[int, Value]]:
        """Windows of a key by start."""
        return ((start, self._row(value)) for start, value in list(self._store.fetch(self._keys.needed(key), first, last)))

    def all(self) -> Iterator[tuple[Key, int, Value]]:
        """Every window."""
        for data, value in list(self._store.range(b"", b"")):
            key, start = layout.split_window_key(data)
            yield self._keys.to_dict(key), start, self._row(value)


class SessionRows(_Rows):
    """A SessionStore."""

    def __init__(self, node: str, declared: ProcessorStore, time: Callable[[], int], store: SessionStore) -> None:
        super().__init__(node, declared, time)
        self._store = store

    def find(self, key: KeyLike, earliest_end: int, latest_start: int) -> Iterator[tuple[int, int, Value]]:
        """Sessions of a key by end and start."""
        found = list(self._store.sessions(self._keys.needed(key), earliest_end, latest_start))
        return ((start, end, self._row(value)) for start, end, value in found)

    def put(self, key: KeyLike, start: int, end: int, value: Value | None, timestamp: int | None = None) -> None:
        """Set or delete one."""
        self._store.put(layout.session_key(self._keys.needed(key), start, end), self._stored(value, timestamp))

    def remove(self, key: KeyLike, start: int, end: int) -> None:
        """Delete one."""
        self.put(key, start, end, None)
