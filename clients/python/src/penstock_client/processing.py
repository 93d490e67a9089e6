"""Processing rows of a topology in your own program (RemoteProcessor): what is done with a bundle, without a connection.

    def points(row, context):
        total = (context.state("totals") or {"total": 0})["total"] + int(row["price"])
        context.put("totals", {"total": total})
        context.send("rewards", {"total": total})

    Worker("127.0.0.1:7550", {"points": points}).run()

A handler is such a function, called with each row, or an object with `process_bundle(bundle)`, which is faster for simple work on columns:

    class Cents:
        def process_bundle(self, bundle):
            bundle.send_columns("priced", {"cents": [round(100 * price) for price in bundle.rows.column("price")]})

One that sets timers is an object that is called with rows and has a method for timers, which are fired with the state of their key, exactly once:

    class Silence:
        def __call__(self, row, context):
            context.set_timer(row["ROWTIME"] + 60_000, "silent")  # for the row's key; the one of this name before is gone

        def on_timer(self, timer, context):
            context.send("alerts", {"since": timer.at - 60_000})

`run` tries a handler without a service. Whatever a handler did for a bundle is committed together with the bundle's rows, or not at all, so a
bundle may be seen more than once: keep nothing that counts outside of `context`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, Protocol

from penstock_client.declare import Columns
from penstock_client.declare import schema as declared
from penstock_client.gen.penstock.v1 import processor_service_pb2, row_pb2, types_pb2
from penstock_client.row import Batch, Row, RowSchema, batch_of, schema_of
from penstock_client.rows import column_encoder
from penstock_client.sent import Sent, known
from penstock_client.types import Column, Kind, SqlType

Key = tuple[Any, ...]
REASON = 6000
"""Characters of a traceback that are sent."""


class RetryBundle(Exception):
    """Raise it in a handler when the rows are not to blame: the whole bundle comes again after a while."""


class Clock(Enum):
    """What a timer's time is compared with: the newest ROWTIME of the rows that were processed, or the machine's clock."""

    STREAM_TIME = processor_service_pb2.TIMER_CLOCK_STREAM_TIME
    WALL_CLOCK = processor_service_pb2.TIMER_CLOCK_WALL_CLOCK


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer of a key. at: ms since 1970. One with a name is known by it, and one without by its time."""

    key: Key
    at: int
    name: str = ""
    clock: Clock = Clock.STREAM_TIME


@dataclass(frozen=True, slots=True)
class Node:
    """What the service tells of a RemoteProcessor. outputs and stores by name; rows of both are key columns first. timer_keys: key columns, when it
    has timers. function: (name, version) of what is called, when these are calls of a function: the rows are its arguments."""

    topology: str
    node: str
    processor: str
    config: Mapping[str, str]
    input: RowSchema
    outputs: Mapping[str, RowSchema]
    stores: Mapping[str, RowSchema]
    timer_keys: RowSchema | None = None
    function: tuple[str, int] | None = None
    keys: tuple[str, ...] = field(init=False)
    """Key columns of the rows, and so of the stores."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", tuple(c.name for c in self.input.columns if c.role == "KEY"))


def node_of(message: processor_service_pb2.ProcessorNode) -> Node:
    """The node of a response."""
    return Node(
        message.topology, message.node, message.processor, dict(message.config), schema_of(message.input),
        {o.name: schema_of(o.schema) for o in message.outputs}, {s.name: schema_of(s.schema) for s in message.stores},
        schema_of(message.timer_keys) if message.HasField("timer_keys") else None,
        (message.function.name, message.function.version) if message.HasField("function") else None,
    )  # fmt: skip


class Bundle:
    """Timers that are due and rows of one partition in order, the state of their keys, and what comes of them. attempt is 1, and more when it was given
    out before."""

    def __init__(self, node: Node, rows: Batch, state: Mapping[str, Iterable[Row]] = {}, partition: int = 0, attempt: int = 1,
                 timers: Sequence[Timer] = ()) -> None:  # noqa: B006 - not changed  # fmt: skip
        self.node, self.rows, self.partition, self.attempt = node, rows, partition, attempt
        self.timers = timers
        """In order of time; they are fired before the rows, and gone then."""
        self.changed_timers: list[tuple[Timer, bool]] = []
        """Timers that were set (True) and cancelled, in order."""
        self._stores = {name: {_hashable(tuple(row[k] for k in node.keys)): dict(row) for row in found} for name, found in state.items()}
        self._changed: dict[str, dict[Key, dict[str, Any] | None]] = {}
        self._put: dict[Key, Key] = {}  # keys as they were given, by those of _changed
        self._sent: dict[str, Sent] = {}

    def keys(self) -> list[Key]:
        """The key of each row."""
        if not self.node.keys:
            return [()] * len(self.rows)
        return list(zip(*(self.rows.column(name) for name in self.node.keys), strict=True))

    def state(self, store: str, key: Key) -> dict[str, Any] | None:
        """The row of a key in a store, as this bundle has left it so far; None when there is none. KeyError for an unknown store."""
        self._schema(self.node.stores, "store", store)
        changed, at = self._changed.get(store, {}), _hashable(key)
        return changed[at] if at in changed else self._stores.get(store, {}).get(at)

    def put(self, store: str, key: Key, row: Mapping[str, Any] | None) -> None:
        """Set the row of a key, or delete it with None. The key must be one of the bundle's rows."""
        schema = self._schema(self.node.stores, "store", store)
        named = None if row is None else {**dict(zip(self.node.keys, key, strict=True)), **row}
        known(schema, f"store {store}", named or {})
        at = _hashable(key)
        self._put[at] = key
        self._changed.setdefault(store, {})[at] = named

    def set_timer(self, timer: Timer) -> None:
        """Set a timer for a key of the bundle's rows or timers. With a name, the one of that name, key and clock before is gone. A time that is past is
        due in the next bundle."""
        self._check_timer(timer)
        self.changed_timers.append((timer, True))

    def cancel_timer(self, timer: Timer) -> None:
        """Cancel the timer of this key, clock and name, or without a name of this time; one that is not there is no error. A timer of this very bundle
        is not fired any more."""
        self._check_timer(timer)
        self.changed_timers.append((timer, False))

    def cancelled(self, timer: Timer) -> bool:
        """Whether a timer of this bundle was cancelled or set anew before it was its turn."""
        if not self.changed_timers:
            return False
        if timer.name:
            return any((t.name, t.key, t.clock) == (timer.name, timer.key, timer.clock) for t, _ in self.changed_timers)
        return any(t == timer and not kept for t, kept in self.changed_timers)

    def _check_timer(self, timer: Timer) -> None:
        if self.node.timer_keys is None:
            raise ValueError(f"{self.node.node} has no timers; declare them where it is defined (timers=True)")
        if timer.at < 0:
            raise ValueError(f"a timer's time is {timer.at} ms since 1970; 0 or more")

    def send(self, output: str, row: Mapping[str, Any] | None, cause: int, *, key: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """A row for an output. cause: index of the bundle's row that caused it, or less than 0 for the timer `timers[cause]`; columns of its key that are
        not given are that one's. None sends a null value under `key`, or the cause's key. timestamp: ms; None is the cause's."""
        sent = self._sent.get(output) or self._output(output)
        if not -len(self.timers) <= cause < self.rows.row_count:
            raise IndexError(f"cause {cause} is no row or timer of the bundle, which has {len(self.rows)} and {len(self.timers)}")
        sent.add(row, cause, key, timestamp)

    def send_columns(self, output: str, columns: Mapping[str, Sequence[Any]], causes: Sequence[int] | None = None) -> None:
        """Rows for an output by column, which is much faster than `send` for each. causes: as `send`'s, of each row; None: a row for each of the bundle's
        rows, in order. Key columns that are not given are those of the causes."""
        sent = self._sent.get(output) or self._output(output)
        given: Sequence[int] = range(len(self.rows)) if causes is None else causes
        low, high = min(given, default=0), max(given, default=-1)
        if low < -len(self.timers) or high >= len(self.rows):
            wrong = low if low < -len(self.timers) else high
            raise IndexError(f"cause {wrong} is no row or timer of the bundle, which has {len(self.rows)} and {len(self.timers)}")
        sent.add_columns(columns, given)

    def _output(self, output: str) -> Sent:
        made = self._sent[output] = Sent(output, self._schema(self.node.outputs, "output", output), self.node.keys)
        return made

    def _schema(self, known: Mapping[str, RowSchema], what: str, name: str) -> RowSchema:
        if name not in known:
            raise KeyError(f"{self.node.node} has no {what} {name}; it has {', '.join(known) or 'none'}")
        return known[name]

    def changed(self) -> dict[str, dict[Key, dict[str, Any] | None]]:
        """State that was put, by store and key (of ARRAYs, MAPs and STRUCTs in it what can be hashed); None: deleted."""
        return self._changed

    def sent(self) -> dict[str, list[dict[str, Any] | None]]:
        """Rows by output, in the order of their causes; None for a null value. For tests."""
        found = {}
        for name, sent in self._sent.items():
            columns, _, gone = sent.complete(self._key_columns())
            rows = zip(*columns, strict=True)
            found[name] = [None if at in gone else dict(zip(sent.schema.names, row, strict=True)) for at, row in enumerate(rows)]
        return found

    def _key_columns(self) -> dict[str, Sequence[Any]]:
        """Key columns of the rows, and behind them of the timers, as causes count them."""
        columns = {name: self.rows.column(name) for name in self.node.keys}
        if not self.timers:
            return columns
        return {name: [*columns[name], *(timer.key[place] for timer in self.timers)] for place, name in enumerate(self.node.keys)}

    def result(self, lease: int, number: int) -> processor_service_pb2.BundleResult:
        """The answer. TypeError or ValueError for values that are not of their column's type."""
        message = processor_service_pb2.BundleResult(lease=lease, bundle=number)
        for name, sent in self._sent.items():
            columns, causes, gone = sent.complete(self._key_columns())
            first = len(self.timers)
            out = message.outputs.add(output=name, causes=[cause + first for cause in causes] if first else causes)
            filled_columns(out.rows, sent.schema, f"output {name}", columns, len(causes))
            if gone:
                out.rows.kinds.extend(row_pb2.ROW_KIND_DELETE if at in gone else row_pb2.ROW_KIND_UPSERT for at in range(len(causes)))
        for name, rows in self._changed.items():
            keyed = [row if row is not None else dict(zip(self.node.keys, self._put[at], strict=True)) for at, row in rows.items()]
            filled(message.state.add(name=name).rows, self.node.stores[name], f"store {name}", keyed, [row is None for row in rows.values()])
        if self.changed_timers:
            self._fill_timers(message.timers)
        return message

    def _fill_timers(self, message: processor_service_pb2.Timers) -> None:
        assert self.node.timer_keys is not None, "checked"
        timers = [timer for timer, _ in self.changed_timers]
        keys = [dict(zip(self.node.keys, timer.key, strict=True)) for timer in timers]
        filled(message.keys, self.node.timer_keys, "timers", keys, [not kept for _, kept in self.changed_timers])
        message.names.extend(timer.name for timer in timers)
        message.times.extend(timer.at for timer in timers)
        message.clocks.extend(timer.clock.value for timer in timers)


def _hashable(value: Any) -> Any:
    """An equal one of its kind that can be in a dict: key columns may be ARRAYs, MAPs and STRUCTs."""
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return frozenset((k, _hashable(v)) for k, v in value.items()) if isinstance(value, dict) else value


def filled(batch: row_pb2.RowBatch, schema: RowSchema, what: str, rows: Sequence[Mapping[str, Any]], gone: Sequence[bool] = ()) -> None:
    """Fill a batch of rows by column. TypeError or ValueError for values that are not of their column's type."""
    filled_columns(batch, schema, what, [[row.get(name) for row in rows] for name in schema.names], len(rows))
    if any(gone):
        batch.kinds.extend(row_pb2.ROW_KIND_DELETE if g else row_pb2.ROW_KIND_UPSERT for g in gone)


def filled_columns(batch: row_pb2.RowBatch, schema: RowSchema, what: str, columns: Sequence[Sequence[Any]], count: int) -> None:
    """As filled, of `count` values for each column of the schema."""
    batch.schema_id, batch.row_count = schema.id, count
    for column, values in zip(schema.columns, columns, strict=True):
        try:
            column_encoder(column.type)(values, batch.columns.add())
        except (TypeError, ValueError) as e:
            raise type(e)(f"{what}, column {column.name} ({column.type}): {e}") from e


class Context:
    """What a function sees besides its row or timer. index: the cause of what it sends, as for Bundle.send."""

    def __init__(self, bundle: Bundle, index: int, key: Key) -> None:
        self.bundle = bundle
        self.index = index
        self.key = key
        """Values of the key columns of the row or timer."""

    @property
    def node(self) -> Node:
        """Topology, node, config and columns."""
        return self.bundle.node

    def state(self, store: str) -> dict[str, Any] | None:
        """The row of this key in a store; None when there is none."""
        return self.bundle.state(store, self.key)

    def put(self, store: str, row: Mapping[str, Any] | None) -> None:
        """Set the row of this key, or delete it with None."""
        self.bundle.put(store, self.key, row)

    def send(self, output: str, row: Mapping[str, Any] | None, *, key: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """A row for an output, as Bundle.send."""
        self.bundle.send(output, row, self.index, key=key, timestamp=timestamp)

    def set_timer(self, at: int, name: str = "", clock: Clock = Clock.STREAM_TIME) -> None:
        """Set a timer for this key, as Bundle.set_timer. at: ms since 1970."""
        self.bundle.set_timer(Timer(self.key, at, name, clock))

    def cancel_timer(self, name: str = "", clock: Clock = Clock.STREAM_TIME, *, at: int = 0) -> None:
        """Cancel the timer of this key by its name, or the one without a name by its time."""
        self.bundle.cancel_timer(Timer(self.key, at, name, clock))


class BundleHandler(Protocol):
    """A handler of whole bundles."""

    def process_bundle(self, bundle: Bundle) -> None:
        """Call put and send. What it raises fails the whole bundle, which is tried again."""


class TimerHandler(Protocol):
    """A handler that sets timers. What either method raises makes a bad record of the row or timer."""

    def __call__(self, row: Row, context: Context) -> None:
        """Called with each row."""

    def on_timer(self, timer: Timer, context: Context) -> None:
        """Called with each timer that is due."""


Handler = Callable[[Row, Context], None] | TimerHandler | BundleHandler
"""A function of (row, context), an object that is called so and fires timers, or one with process_bundle."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What could not be processed. rows, timers: indices of bad ones; both empty when the whole bundle is to be tried again."""

    rows: tuple[int, ...]
    reason: str
    timers: tuple[int, ...] = ()


def process(handler: Handler, bundle: Bundle) -> Failed | None:
    """Call a handler with a bundle. A function that raises has a bad row: the others are sent again without it."""
    whole = getattr(handler, "process_bundle", None)
    if whole is not None:
        try:
            whole(bundle)
        except Exception as e:
            return Failed((), told(e))
        return None
    function: Callable[[Row, Context], None] = handler  # type: ignore[assignment]
    fire: Callable[[Timer, Context], None] = getattr(handler, "on_timer", _no_timers)
    bad: tuple[list[int], list[int]] = [], []
    reason = ""
    for index, key, call in _calls(bundle, function, fire):
        try:
            call(Context(bundle, index, key))
        except RetryBundle as e:
            return Failed((), str(e) or "the handler asked for another try")
        except Exception as e:
            bad[index < 0].append(index if index >= 0 else len(bundle.timers) + index)
            reason = reason or told(e)
    rows, timers = bad
    return Failed(tuple(rows), reason, tuple(timers)) if rows or timers else None


def _calls(bundle: Bundle, function: Callable[[Row, Context], None], fire: Callable[[Timer, Context], None]
           ) -> Iterator[tuple[int, Key, Callable[[Context], None]]]:  # fmt: skip
    """(cause, key, what is to be called) of each timer and row, in order."""
    for index, timer in enumerate(bundle.timers):
        if not bundle.cancelled(timer):
            yield index - len(bundle.timers), timer.key, partial(fire, timer)
    for index, (row, key) in enumerate(zip(bundle.rows, bundle.keys(), strict=True)):
        yield index, key, partial(function, row)


def _no_timers(timer: Timer, context: Context) -> None:
    raise TypeError("the handler has no on_timer")


def told(error: Exception) -> str:
    """The error with its traceback, as a reason."""
    text = "".join(traceback.format_exception(error))
    return f"{type(error).__name__}: {error}\n{text[-REASON:]}"


def bundle_of(node: Node, message: processor_service_pb2.Bundle) -> Bundle:
    """The bundle of a response."""
    state = {s.name: batch_of(node.stores[s.name], s.rows) for s in message.state}
    return Bundle(node, batch_of(node.input, message.rows), state, message.partition, message.attempt, _timers_of(node, message.timers))


def _timers_of(node: Node, message: processor_service_pb2.Timers) -> list[Timer]:
    if node.timer_keys is None or not message.names:
        return []
    keys = batch_of(node.timer_keys, message.keys)
    of = zip(*(keys.column(name) for name in node.keys), strict=True)
    return [Timer(key, at, name, Clock(clock)) for key, at, name, clock in zip(of, message.times, message.names, message.clocks, strict=True)]


def run(handler: Handler, rows: Sequence[Mapping[str, Any]], columns: Columns, outputs: Mapping[str, Columns], stores: Mapping[str, Columns] | None = None,
        state: Mapping[str, Sequence[Mapping[str, Any]]] | None = None, config: Mapping[str, str] | None = None,
        timers: Sequence[Timer] = ()) -> Bundle:  # fmt: skip
    """Try a handler without a service: a bundle of these rows with what came of it (`sent()`, `changed()`, `changed_timers`, `state(store, key)`).
    columns, outputs, stores: as in the topology. state: rows by store that there are before. timers: those that are due. Types are not checked.
    AssertionError when the handler fails."""
    schema = _named(columns, meta=True)
    keys = tuple(c for c in schema.columns if c.role == "KEY")
    node = Node("test", "test", "test", dict(config or {}), schema, {name: _named(given, meta=True) for name, given in outputs.items()},
                {name: _named(given, keys=keys) for name, given in (stores or {}).items()}, RowSchema(0, keys, False))  # fmt: skip
    bundle = Bundle(node, _batch(schema, rows), {name: _batch(node.stores[name], given) for name, given in (state or {}).items()}, timers=timers)
    failed = process(handler, bundle)
    assert failed is None, failed.reason
    return bundle


_ANY = SqlType(Kind.STRING)


def _named(columns: Columns, keys: tuple[Column, ...] = (), meta: bool = False) -> RowSchema:
    """Columns by name and role; their types are the service's to know."""
    own = [Column(c.name, _ANY, "KEY" if c.role == types_pb2.COLUMN_ROLE_KEY else "VALUE") for c in declared(columns).columns]
    return RowSchema(0, (*keys, *sorted(own, key=lambda c: c.role != "KEY"), *((Column("ROWTIME", _ANY, "META"),) if meta else ())), False)


def _batch(schema: RowSchema, rows: Sequence[Mapping[str, Any]]) -> Batch:
    for row in rows:
        known(schema, "the input", row)
    placed = [{schema.names[schema.place(k)]: v for k, v in row.items()} for row in rows]
    return Batch(schema, [[row.get(name) for row in placed] for name in schema.names], len(rows))
