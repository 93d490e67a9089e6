"""What is handed to programs and what they answer: rows by column, state, timers; and what an answer must be to be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock.engine.processors.schedules import NEVER
from penstock.engine.processors.timers import MOST_NAME, Timer, TimerChange
from penstock.types.schema import Column, Role
from penstock.types.sqltype import BIGINT, Kind

Values = tuple[Any, ...]
PLAIN = frozenset((Kind.BOOLEAN, Kind.INT, Kind.BIGINT, Kind.DOUBLE, Kind.STRING, Kind.BYTES, Kind.DATE, Kind.TIME, Kind.TIMESTAMP))
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
ROWTIME = Column("ROWTIME", BIGINT, Role.META)
RESULT = "result"
"""The only output of a function's calls."""


def served_function(name: str, version: int) -> str:
    """What programs register for a function; no processor is named so."""
    return f"{name.upper()}/{version}"


@dataclass(frozen=True, slots=True)
class Shape:
    """What programs are told of a node. input, outputs: key columns, value columns, ROWTIME; stores: key columns, value columns. Of calls of a
    function, a `served_function`, input has the arguments, and the only output the result."""

    topology: str
    node: str
    processor: str
    config: tuple[tuple[str, str], ...]
    input: tuple[Column, ...]
    outputs: tuple[tuple[str, tuple[Column, ...]], ...]
    stores: tuple[tuple[str, tuple[Column, ...]], ...]
    keys: int
    """Number of key columns of the input, and so of the stores."""
    keeps_key: frozenset[str] = frozenset()
    """Outputs whose rows have the key of their cause."""
    timers: bool = False
    """Whether programs may set timers for the keys."""

    @property
    def function(self) -> bool:
        """Whether these are calls of a function."""
        return "/" in self.processor

    @property
    def key(self) -> tuple[Column, ...]:
        """Key columns of the input."""
        return self.input[:self.keys]


class Rows:
    """Rows in the order of columns, made of rows or of columns; the other form is made when it is asked for. gone: indices of those without a
    value."""

    __slots__ = ("gone", "_rows", "_columns", "_count", "_plain")

    def __init__(self, rows: Sequence[Values], gone: frozenset[int] = frozenset()) -> None:
        self.gone = gone
        self._rows: Sequence[Values] | None = rows
        self._columns: Sequence[Sequence[Any]] | None = None
        self._count = len(rows)
        self._plain = False

    @classmethod
    def by_column(cls, columns: Sequence[Sequence[Any]], count: int, gone: frozenset[int] = frozenset(), plain: bool = False) -> Rows:
        """count: values of each column. plain: what `plain` says of the columns."""
        made = cls((), gone)
        made._rows, made._columns, made._count, made._plain = None, columns, count, plain
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Between our processes plain values go as msgpack: a quarter of the time that pickle takes for them."""
        if self._plain:
            try:
                return _unpacked, (_encode(self.columns), self._count, self.gone)
            except (UnicodeEncodeError, OverflowError):
                pass  # half a surrogate pair in a text, which pickle can say
        return Rows.by_column, (self.columns, self._count, self.gone)

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> Sequence[Values]:
        """Its rows."""
        if self._rows is None:
            self._rows = list(zip(*self.columns, strict=True)) if self.columns else [()] * self._count
        return self._rows

    @property
    def columns(self) -> Sequence[Sequence[Any]]:
        """Its columns; none at all when it was made of no rows."""
        if self._columns is None:
            self._columns = list(zip(*self.rows, strict=True))
        return self._columns

    def key(self, count: int) -> list[Values]:
        """The first columns of each row."""
        return list(zip(*self.columns[:count], strict=True)) if count else [()] * self._count

    def without(self, left: Sequence[int]) -> Rows:
        """The rows at these indices, which rise."""
        gone = frozenset(new for new, old in enumerate(left) if old in self.gone)
        return Rows.by_column([[column[i] for i in left] for column in self.columns], len(left), gone, self._plain)


def _unpacked(data: bytes, count: int, gone: frozenset[int]) -> Rows:
    return Rows.by_column(_decode(data), count, gone, True)


def plain(columns: Sequence[Column]) -> bool:
    """Whether msgpack gives values of these columns back as they were."""
    return all(c.type.kind in PLAIN for c in columns)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Timers that are due and rows, in order, and the rows of their keys by store."""

    input: Rows
    state: Mapping[str, Sequence[Values]]
    timers: Sequence[Timer] = ()

    def keys(self, count: int) -> list[Values]:
        """The key of each timer, then of each row, which has it in its first columns."""
        rows = self.input.key(count)
        return [*(timer.key for timer in self.timers), *rows] if self.timers else rows


@dataclass(frozen=True, slots=True)
class OutputRows:
    """Rows for one output. causes: for each the index of what caused it, of the bundle's timers and then its rows, never falling."""

    output: str
    rows: Rows
    causes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Result:
    """What a bundle gave. state: changed rows by store. poison: rows of the bundle that could not be processed, with the reason; bad_timers: timers
    likewise. timers: what is set and cancelled, in order, when those of the bundle are gone."""

    outputs: Sequence[OutputRows] = ()
    state: Mapping[str, Rows] = field(default_factory=dict)
    poison: Mapping[int, str] = field(default_factory=dict)
    timers: Sequence[TimerChange] = ()
    bad_timers: Mapping[int, str] = field(default_factory=dict)


class InvalidResult(Exception):
    """A result that the node does not take; the message says which row of what is wrong."""


def check(shape: Shape, bundle: Bundle, result: Result) -> None:
    """Raise InvalidResult for an output or store that is not there or comes twice, causes that are not in the bundle, keys of others, and timers
    that cannot be set. The rows have the columns of the shape already."""
    if shape.function:
        _check_results(bundle, result)
        return
    ways = dict(shape.outputs)
    names = [o.output for o in result.outputs]
    for out in result.outputs:
        if out.output not in ways or names.count(out.output) > 1:
            raise InvalidResult(f"{shape.node} has no output {out.output}; it has {', '.join(ways)}" if out.output not in ways
                                else f"output {out.output} comes twice")
        _check_causes(shape, bundle, out)
    known = set(map(hashable, bundle.keys(shape.keys))) if result.state or result.timers else set()
    for store, changed in result.state.items():
        if store not in dict(shape.stores):
            raise InvalidResult(f"{shape.node} has no store {store}; it has {', '.join(dict(shape.stores)) or 'none'}")
        for at, row in enumerate(changed.rows):
            if None in row[:shape.keys] or hashable(row[:shape.keys]) not in known:
                raise InvalidResult(f"row {at} for store {store}: its key {row[:shape.keys]!r} is none of the bundle's")
    if result.timers and not shape.timers:
        raise InvalidResult(f"{shape.node} has no timers; declare them in its definition")
    for at, timer in enumerate(change.timer for change in result.timers):
        if None in timer.key or hashable(timer.key) not in known:
            raise InvalidResult(f"timer {at}: its key {timer.key!r} is none of the bundle's")
        if not 0 <= timer.at < NEVER:
            raise InvalidResult(f"timer {at}: its time is {timer.at} ms since 1970; 0 or more")
        if len(timer.name.encode()) > MOST_NAME:
            raise InvalidResult(f"timer {at}: its name has {len(timer.name.encode())} bytes; at most {MOST_NAME}")


def hashable(value: Any) -> Any:
    """An equal one of its kind that can be in a set: key columns may be ARRAYs, MAPs and STRUCTs."""
    if isinstance(value, list | tuple):
        return tuple(map(hashable, value))
    return frozenset((k, hashable(v)) for k, v in value.items()) if isinstance(value, dict) else value


def _check_results(bundle: Bundle, result: Result) -> None:
    """A result for each call that is not said to be bad."""
    count = len(bundle.input) - len(result.poison)
    found = len(result.outputs[0].rows) if [o.output for o in result.outputs] == [RESULT] else -1
    if found != count:
        raise InvalidResult(f"a function answers with one output, {RESULT}, of a row for each call: {'none' if found < 0 else found} for {count} calls")
    if result.state or result.timers or result.outputs[0].rows.gone:
        raise InvalidResult("a function has no state and no timers, and its results are no deletions")


def _check_causes(shape: Shape, bundle: Bundle, out: OutputRows) -> None:
    count = len(out.rows)
    if len(out.causes) != count:
        raise InvalidResult(f"output {out.output} has {count} rows and {len(out.causes)} causes")
    most = len(bundle.timers) + len(bundle.input)
    each = each_once(out.causes, most)
    if not each:
        last = 0
        for at, cause in enumerate(out.causes):
            if not last <= cause < most:
                raise InvalidResult(f"row {at} for output {out.output}: its cause {cause} is {'less than the one before' if cause < last else 'no row of the bundle'}")
            last = cause
    if out.output in shape.keeps_key and count:
        wanted = bundle.keys(shape.keys)
        if not each:
            wanted = [wanted[cause] for cause in out.causes]
        found = out.rows.key(shape.keys)
        if found != wanted:
            at = next(at for at, (own, other) in enumerate(zip(found, wanted, strict=True)) if own != other)
            raise InvalidResult(f"row {at} for output {out.output}: its key is {found[at]!r}, and not that of its cause, which the output keeps")


def each_once(causes: Sequence[int], count: int) -> bool:
    """Whether each of `count` causes has one row, in order: so it is where a program adds columns."""
    return len(causes) == count and list(causes) == list(range(count))
