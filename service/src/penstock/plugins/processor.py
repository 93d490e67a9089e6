"""What a processor is and what it gets: the Processor API of Kafka Streams (KIP-820) in Python.

One instance serves one task. Everything is called in the task's own thread, between records: nothing needs a lock, and what blocks here
blocks the worker (the task is shown as STUCK with its node; the watchdog ends the worker). What `process` raises is blamed on its record;
what it did before that to stores and outputs stays.

Rows are dicts by column name; a key is a dict of the key columns. Values have the types of the Python client: int, float, str, bytes, bool,
Decimal, list, dict, and int for DATE, TIME and TIMESTAMP (days, ms of the day, ms since 1970).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any, Protocol

Key = Mapping[str, Any]
KeyLike = Mapping[str, Any] | str | int | float | bytes
"""A key of one column may be given as its value."""
Value = dict[str, Any]
Headers = Sequence[tuple[str, bytes | None]]


class Punctuation(Enum):
    """What a schedule goes by."""

    STREAM_TIME = "STREAM_TIME"  # the newest time of the task's records: moves with records only, and is kept over restarts
    WALL_CLOCK = "WALL_CLOCK"  # the clock of the machine


STREAM_TIME, WALL_CLOCK = Punctuation.STREAM_TIME, Punctuation.WALL_CLOCK


@dataclass(frozen=True, slots=True)
class Record:
    """A record. key is None for a null key, value for a null value (of a table: the row is deleted). timestamp: ms since 1970. input: the node
    that it came from, empty for one that the processor made."""

    key: Key | None
    value: Value | None
    timestamp: int
    headers: Headers = ()
    input: str = ""

    def with_key(self, key: Key | None) -> Record:
        """The record under another key."""
        return replace(self, key=key)

    def with_value(self, value: Value | None) -> Record:
        """The record with another value."""
        return replace(self, value=value)

    def with_timestamp(self, timestamp: int) -> Record:
        """The record at another time."""
        return replace(self, timestamp=timestamp)

    def with_headers(self, headers: Headers) -> Record:
        """The record with other headers."""
        return replace(self, headers=headers)


class KeyValueStore(Protocol):
    """Rows by key. Order of keys is that of their bytes in the store's format (KAFKA for one column, else JSON), as in Kafka Streams."""

    def get(self, key: KeyLike) -> Value | None: ...
    def put(self, key: KeyLike, value: Value | None, timestamp: int | None = None) -> None:
        """Set the row; None deletes it. timestamp: what a lookup shows as ROWTIME; absent means that of the record, or of the punctuation."""

    def delete(self, key: KeyLike) -> Value | None:
        """Delete the row and give it, or None."""

    def range(self, low: KeyLike | None = None, high: KeyLike | None = None) -> Iterator[tuple[Key, Value]]:
        """Rows with low <= key <= high in order of keys; None is no bound. What is put meanwhile may be left out."""

    def all(self) -> Iterator[tuple[Key, Value]]: ...


class WindowStore(Protocol):
    """Rows by key and the start of a window. Windows that start before stream time less the retention are forgotten."""

    def get(self, key: KeyLike, start: int) -> Value | None: ...
    def put(self, key: KeyLike, start: int, value: Value | None, timestamp: int | None = None) -> None: ...
    def fetch(self, key: KeyLike, first: int, last: int) -> Iterator[tuple[int, Value]]:
        """(start, row) of one key with first <= start <= last, in order of start."""

    def all(self) -> Iterator[tuple[Key, int, Value]]:
        """(key, start, row) of every window that is kept."""


class SessionStore(Protocol):
    """Rows by key and session. Sessions that end before stream time less the retention are forgotten."""

    def find(self, key: KeyLike, earliest_end: int, latest_start: int) -> Iterator[tuple[int, int, Value]]:
        """(start, end, row) of one key's sessions that end at earliest_end or later and start at latest_start or earlier."""

    def put(self, key: KeyLike, start: int, end: int, value: Value | None, timestamp: int | None = None) -> None: ...
    def remove(self, key: KeyLike, start: int, end: int) -> None: ...


class Cancellable(Protocol):
    """A schedule."""

    def cancel(self) -> None: ...


Punctuator = Callable[[int, "Context"], None]
"""Called with the stream time, or the time of the clock, in ms."""


class Context(Protocol):
    """The task, as a processor sees it."""

    node: str
    topology: str
    partition: int
    config: Mapping[str, str]  # as the topology gives it

    @property
    def topic(self) -> str:
        """Topic of the record that is processed, directly or through nodes before; empty in a punctuation."""

    @property
    def offset(self) -> int:
        """Its offset; -1 in a punctuation, and for rows that a table sends on at a commit."""

    def stream_time(self) -> int:
        """The newest time of the task's records so far; -1 before the first."""

    def system_time(self) -> int:
        """The clock, in ms."""

    def forward(self, record: Record, output: str | None = None) -> None:
        """Send a record to the nodes behind an output at once, or to every output. What fails there is raised here, too."""

    def schedule(self, interval: int | timedelta, kind: Punctuation, punctuator: Punctuator) -> Cancellable:
        """Call it every so many ms. STREAM_TIME: first with the first record, then when a multiple of the interval is reached or passed, once
        for several; the next time is kept over restarts, by the order in which `init` makes its schedules. WALL_CLOCK: first after one
        interval, anew after a restart."""

    def key_value(self, name: str) -> KeyValueStore: ...
    def window(self, name: str) -> WindowStore: ...
    def session(self, name: str) -> SessionStore: ...


@dataclass(frozen=True, slots=True)
class StoreDeclaration:
    """A store: `NAME TYPE KEY` for key columns, then value columns. retention_ms: of windows and sessions. size_ms: length of its windows."""

    name: str
    columns: str
    kind: str = "KEY_VALUE"
    retention_ms: int = 0
    size_ms: int = 0


def key_value(name: str, columns: str) -> StoreDeclaration:
    """A key-value store."""
    return StoreDeclaration(name, columns)


def window(name: str, columns: str, *, size: int | timedelta, retention: int | timedelta) -> StoreDeclaration:
    """A window store; times in ms."""
    return StoreDeclaration(name, columns, "WINDOW", milliseconds(retention), milliseconds(size))


def session(name: str, columns: str, *, retention: int | timedelta) -> StoreDeclaration:
    """A session store; times in ms."""
    return StoreDeclaration(name, columns, "SESSION", milliseconds(retention))


def milliseconds(time: int | timedelta) -> int:
    """Of either."""
    return time if isinstance(time, int) else time // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class OutputDeclaration:
    """An output with more to say than its columns. keeps_key: rows keep the key of the record that caused them, so that they need no
    repartition before a join or an aggregate."""

    columns: str
    keeps_key: bool = False


class Processor:
    """Base of processors. The class says what it needs; an instance is made for each task.

    outputs: columns by name of the output, `{"alerts": "ID STRING KEY, N BIGINT"}`. A topology may give other columns. stores: what it keeps, with
    changelogs; looked up as `topology.node.store`. inputs: how many it takes, at least and at most.
    """

    outputs: Mapping[str, str | OutputDeclaration] = {}
    stores: Sequence[StoreDeclaration] = ()
    inputs: tuple[int, int] = (1, 1000)

    def init(self, context: Context) -> None:
        """Before the first record; stores are restored."""

    def process(self, record: Record, context: Context) -> None:
        """One record of one of the inputs."""
        raise NotImplementedError(f"{type(self).__name__} processes nothing")

    def close(self) -> None:
        """The task ends here; stores are not to be written any more."""
