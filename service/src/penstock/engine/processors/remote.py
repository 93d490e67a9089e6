"""A RemoteProcessor in a task: rows are gathered instead of processed, handed out as bundles, and what a bundle gave is applied.

Between the two nothing has happened in the task: a bundle that is lost is gathered again from the same records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.engine.failure import Failures, FlushedRecord, PluginError
from penstock.engine.port import Bindings
from penstock.engine.processors.columns import Keys
from penstock.engine.processors.host import Output
from penstock.engine.processors.schedules import NEVER
from penstock.engine.processors.timers import MOST_NAME, Timer, TimerChange, Timers
from penstock.log.port import Record
from penstock.plan import nodes as n
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import BIGINT

Values = tuple[Any, ...]
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


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in the order of columns. gone: indices of those without a value."""

    rows: Sequence[Values]
    gone: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Timers that are due and rows, in order, and the rows of their keys by store."""

    input: Rows
    state: Mapping[str, Sequence[Values]]
    timers: Sequence[Timer] = ()

    def keys(self, count: int) -> list[Values]:
        """The key of each timer, then of each row, which has it in its first columns."""
        return [*(timer.key for timer in self.timers), *(row[:count] for row in self.input.rows)]


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
    count = len(bundle.input.rows) - len(result.poison)
    found = len(result.outputs[0].rows.rows) if [o.output for o in result.outputs] == [RESULT] else -1
    if found != count:
        raise InvalidResult(f"a function answers with one output, {RESULT}, of a row for each call: {'none' if found < 0 else found} for {count} calls")
    if result.state or result.timers or result.outputs[0].rows.gone:
        raise InvalidResult("a function has no state and no timers, and its results are no deletions")


def _check_causes(shape: Shape, bundle: Bundle, out: OutputRows) -> None:
    if len(out.causes) != len(out.rows.rows):
        raise InvalidResult(f"output {out.output} has {len(out.rows.rows)} rows and {len(out.causes)} causes")
    last, most = 0, len(bundle.timers) + len(bundle.input.rows)
    keys = bundle.keys(shape.keys) if out.output in shape.keeps_key else []
    for at, (row, cause) in enumerate(zip(out.rows.rows, out.causes, strict=True)):
        if not last <= cause < most:
            raise InvalidResult(f"row {at} for output {out.output}: its cause {cause} is {'less than the one before' if cause < last else 'no row of the bundle'}")
        last = cause
        if keys and row[:shape.keys] != keys[cause]:
            raise InvalidResult(f"row {at} for output {out.output}: its key is {row[:shape.keys]!r}, and not that of its cause, which the output keeps")


Gathered = tuple[Values, bool, Sequence[tuple[str, bytes | None]], Record, bytes | None]
"""(values, whether there is a value, headers, record, key bytes)"""
Cause = tuple[Values, int, Sequence[tuple[str, bytes | None]], Record, bytes | None]
"""A timer or row of a bundle: (key columns, time ms, headers, record, key bytes)."""


class RemoteHost:
    """Gathers rows and applies results. Generated code appends to `gathered`."""

    def __init__(self, node: n.RemoteProcessor, source: n.Repartition, outputs: Sequence[n.ProcessorOutput], bindings: Bindings, failures: Failures) -> None:
        self.node, self.topic = node, source.topic.topic
        self.gathered: list[Gathered] = []
        self.timers = _timers(node, source, bindings)
        self._firing: Sequence[Timer] = ()
        self.outputs = {o.output: Output(o) for o in outputs}
        self._stores = {s.name: (Keys(f"store {s.name} of {node.name}", s.schema, s.key_format), bindings.stores[s.spec.name]) for s in node.stores}
        self._failures = failures
        self.shape = Shape(bindings.topology, node.name, node.processor, node.config, (*_columns(source.schema), ROWTIME),
                           tuple((o.output, (*_columns(o.schema), ROWTIME)) for o in outputs),
                           tuple((s.name, _columns(s.schema)) for s in node.stores), len(source.schema.key), frozenset(o.output for o in outputs if o.keeps_key),
                           self.timers is not None)

    def open(self) -> None:
        """Nothing of the user's runs here."""

    def close(self) -> None:
        """What was gathered is gathered again."""
        self.gathered.clear()

    @property
    def due(self) -> int:
        """The time of the clock, ms, from which a timer is due; NEVER without one."""
        return NEVER if self.timers is None else self.timers.due_by_clock

    def any_due(self, now_ms: int) -> bool:
        """Whether there is a bundle to be made without any rows."""
        return self.timers is not None and self.timers.any_due(now_ms)

    def bundle(self, now_ms: int) -> Bundle | None:
        """Timers that are due and what was gathered since the last one was applied; None when that is nothing."""
        self._firing = self.timers.due(now_ms, self.node.bundle_rows) if self.timers is not None else ()
        if not self.gathered and not self._firing:
            return None
        rows = Rows([g[0] for g in self.gathered], frozenset(i for i, g in enumerate(self.gathered) if not g[1]))
        keys = {key: columns for columns, _, _, _, key in self._causes() if key is not None} if self._stores else {}
        state = {name: [(*columns, *found[1:]) for key, columns in keys.items() if (found := store.get(key)) is not None]
                 for name, (_, store) in self._stores.items()}
        return Bundle(rows, state, self._firing)

    def _causes(self) -> list[Cause]:
        """Timers, then rows."""
        count = self.shape.keys
        rows: Iterable[Cause] = ((values[:count], values[-1], headers, record, key) for values, _, headers, record, key in self.gathered)
        if self.timers is None or not self._firing:
            return list(rows)
        keys = map(self.timers.written, self._firing)
        return [*((t.key, t.at, (), FlushedRecord(key, t.at), key) for t, key in zip(self._firing, keys, strict=True)), *rows]

    def apply(self, result: Result) -> None:
        """State, timers, outputs and dead letters of what was handed out, which is done with then."""
        causes, firing = self._causes(), self._firing
        self.gathered.clear()
        self._firing = ()
        self._failures.topic = self.topic
        newest = {key: time for _, time, _, _, key in causes} if result.state else {}
        for name, changed in result.state.items():
            keys, store = self._stores[name]
            for at, row in enumerate(changed.rows):
                key = keys.written(row[:self.shape.keys])
                assert key in newest and key is not None, "checked"
                store.put(key, None if at in changed.gone else (newest[key], *row[self.shape.keys:]))
        if self.timers is not None:
            self.timers.fired(firing)
            self.timers.change(result.timers)
            self.timers.advance(max((time for _, time, _, _, _ in causes[len(firing):]), default=-1))
        for at, reason in result.bad_timers.items():
            self._failures.blame(self.node.name, PluginError(reason), causes[at][3])
        for at, reason in result.poison.items():
            self._failures.blame(self.node.name, PluginError(reason), causes[len(firing) + at][3])
        self._send(result.outputs, causes)

    def _send(self, outputs: Sequence[OutputRows], causes: Sequence[Cause]) -> None:
        """In the order of causes; of one cause in the order of outputs."""
        ways = [(self.outputs[o.output], o.output in self.shape.keeps_key, len(self.outputs[o.output].node.schema.key)) for o in outputs]
        order: Iterable[tuple[int, int, int]] = ((cause, 0, at) for at, cause in enumerate(outputs[0].causes)) if len(outputs) == 1 else sorted(
            (cause, number, at) for number, out in enumerate(outputs) for at, cause in enumerate(out.causes))
        for cause, number, at in order:
            _, time, headers, record, key = causes[cause]
            way, keeps, keys = ways[number]
            rows = outputs[number].rows
            row = rows.rows[at]
            try:
                way.send(record, time if row[-1] is None else row[-1], headers, key if keeps else way.keys.written(row[:keys]), at not in rows.gone,
                         *row[:-1])
            except Exception as error:
                self._failures.failed(error, record)


def _timers(node: n.RemoteProcessor, source: n.Repartition, bindings: Bindings) -> Timers | None:
    """Where the node's timers are, when it has any."""
    if node.timers is None:
        return None
    return Timers(bindings.stores[node.timers.name], Keys(f"timers of {node.name}", source.schema, source.topic.key_format))


def _columns(schema: Schema) -> tuple[Column, ...]:
    return (*schema.key, *schema.value)
