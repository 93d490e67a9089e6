"""Processing rows of a topology in your own program (RemoteProcessor): what is done with a bundle, without a connection.

    def points(row, context):
        total = (context.state("totals") or {"total": 0})["total"] + int(row["price"])
        context.put("totals", {"total": total})
        context.send("rewards", {"total": total})

    Worker("127.0.0.1:7550", {"points": points}).run()

A handler is such a function, called with each row, or an object with `process_bundle(bundle)`, which is faster for simple work on columns.
`run` tries a handler without a service. Whatever a handler did for a bundle is committed together with the bundle's rows, or not at all, so a
bundle may be seen more than once: keep nothing that counts outside of `context`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from penstock_client.declare import Columns
from penstock_client.declare import schema as declared
from penstock_client.gen.penstock.v1 import processor_service_pb2, row_pb2, types_pb2
from penstock_client.row import Batch, Row, RowSchema, batch_of, schema_of
from penstock_client.rows import column_encoder
from penstock_client.types import Column, Kind, SqlType

Key = tuple[Any, ...]
REASON = 6000
"""Characters of a traceback that are sent."""


class RetryBundle(Exception):
    """Raise it in a handler when the rows are not to blame: the whole bundle comes again after a while."""


@dataclass(frozen=True, slots=True)
class Node:
    """What the service tells of a RemoteProcessor. outputs and stores by name; rows of both are key columns first."""

    topology: str
    node: str
    processor: str
    config: Mapping[str, str]
    input: RowSchema
    outputs: Mapping[str, RowSchema]
    stores: Mapping[str, RowSchema]
    keys: tuple[str, ...] = field(init=False)
    """Key columns of the rows, and so of the stores."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", tuple(c.name for c in self.input.columns if c.role == "KEY"))


def node_of(message: processor_service_pb2.ProcessorNode) -> Node:
    """The node of a response."""
    return Node(
        message.topology, message.node, message.processor, dict(message.config), schema_of(message.input),
        {o.name: schema_of(o.schema) for o in message.outputs}, {s.name: schema_of(s.schema) for s in message.stores},
    )  # fmt: skip


class Bundle:
    """Rows of one partition in order, the state of their keys, and what comes of them. attempt is 1, and more when it was given out before."""

    def __init__(self, node: Node, rows: Batch, state: Mapping[str, Iterable[Row]] = {}, partition: int = 0, attempt: int = 1) -> None:  # noqa: B006 - not changed
        self.node, self.rows, self.partition, self.attempt = node, rows, partition, attempt
        self._stores = {name: {_hashable(tuple(row[k] for k in node.keys)): dict(row) for row in found} for name, found in state.items()}
        self._changed: dict[str, dict[Key, dict[str, Any] | None]] = {}
        self._put: dict[Key, Key] = {}  # keys as they were given, by those of _changed
        self._sent: dict[str, list[tuple[int, Mapping[str, Any] | None, Mapping[str, Any], int | None]]] = {}

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
        _known(schema, f"store {store}", named or {})
        at = _hashable(key)
        self._put[at] = key
        self._changed.setdefault(store, {})[at] = named

    def send(self, output: str, row: Mapping[str, Any] | None, cause: int, *, key: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """A row for an output. cause: index of the bundle's row that caused it; columns of its key that are not given are that row's. None sends
        a null value under `key`, or the cause's key. timestamp: ms; None is the cause's."""
        schema = self._schema(self.node.outputs, "output", output)
        _known(schema, f"output {output}", row or {})
        if not 0 <= cause < len(self.rows):
            raise IndexError(f"cause {cause} is no row of the bundle, which has {len(self.rows)}")
        self._sent.setdefault(output, []).append((cause, row, key or {}, timestamp))

    def _schema(self, known: Mapping[str, RowSchema], what: str, name: str) -> RowSchema:
        if name not in known:
            raise KeyError(f"{self.node.node} has no {what} {name}; it has {', '.join(known) or 'none'}")
        return known[name]

    def changed(self) -> dict[str, dict[Key, dict[str, Any] | None]]:
        """State that was put, by store and key (of ARRAYs, MAPs and STRUCTs in it what can be hashed); None: deleted."""
        return self._changed

    def sent(self) -> dict[str, list[dict[str, Any] | None]]:
        """Rows by output, in the order of their causes; None for a null value. For tests."""
        return {name: [None if row is None else values for row, values in self._complete(name)] for name in self._sent}

    def _complete(self, output: str) -> list[tuple[Mapping[str, Any] | None, dict[str, Any]]]:
        """(the row as given, all its columns), by cause."""
        schema = self.node.outputs[output]
        own = [c.name for c in schema.columns if c.role == "KEY"]
        causes = self.keys()
        found = []
        for cause, row, key, timestamp in sorted(self._sent[output], key=lambda s: s[0]):
            inherited = dict(zip(self.node.keys, causes[cause], strict=True))
            values = {name: inherited.get(name) for name in own} | {schema.names[schema.place(k)]: v for k, v in {**key, **(row or {})}.items()}
            found.append((row, {name: values.get(name) for name in schema.names} | {"ROWTIME": timestamp}))
        return found

    def result(self, lease: int, number: int) -> processor_service_pb2.BundleResult:
        """The answer. TypeError or ValueError for values that are not of their column's type."""
        message = processor_service_pb2.BundleResult(lease=lease, bundle=number)
        for name in self._sent:
            complete = self._complete(name)
            out = message.outputs.add(output=name, causes=sorted(s[0] for s in self._sent[name]))
            _fill(out.rows, self.node.outputs[name], f"output {name}", [values for _, values in complete], [row is None for row, _ in complete])
        for name, rows in self._changed.items():
            keyed = [row if row is not None else dict(zip(self.node.keys, self._put[at], strict=True)) for at, row in rows.items()]
            _fill(message.state.add(name=name).rows, self.node.stores[name], f"store {name}", keyed, [row is None for row in rows.values()])
        return message


def _hashable(value: Any) -> Any:
    """An equal one of its kind that can be in a dict: key columns may be ARRAYs, MAPs and STRUCTs."""
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return frozenset((k, _hashable(v)) for k, v in value.items()) if isinstance(value, dict) else value


def _known(schema: RowSchema, what: str, row: Mapping[str, Any]) -> None:
    for name in row:
        try:
            schema.place(name)
        except KeyError:
            raise KeyError(f"{what} has no column {name}; it has {', '.join(schema.names)}") from None


def _fill(batch: row_pb2.RowBatch, schema: RowSchema, what: str, rows: Sequence[Mapping[str, Any]], gone: Sequence[bool]) -> None:
    batch.schema_id, batch.row_count = schema.id, len(rows)
    for column in schema.columns:
        try:
            column_encoder(column.type)([row.get(column.name) for row in rows], batch.columns.add())
        except (TypeError, ValueError) as e:
            raise type(e)(f"{what}, column {column.name} ({column.type}): {e}") from e
    if any(gone):
        batch.kinds.extend(row_pb2.ROW_KIND_DELETE if g else row_pb2.ROW_KIND_UPSERT for g in gone)


class Context:
    """What a function sees besides its row."""

    def __init__(self, bundle: Bundle, index: int, key: Key) -> None:
        self.bundle = bundle
        self.index = index
        self.key = key
        """Values of the row's key columns."""

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


class BundleHandler(Protocol):
    """A handler of whole bundles."""

    def process_bundle(self, bundle: Bundle) -> None:
        """Call put and send. What it raises fails the whole bundle, which is tried again."""


Handler = Callable[[Row, Context], None] | BundleHandler
"""A function of (row, context), or an object with process_bundle."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What could not be processed. rows: indices of bad rows; empty when the whole bundle is to be tried again."""

    rows: tuple[int, ...]
    reason: str


def process(handler: Handler, bundle: Bundle) -> Failed | None:
    """Call a handler with a bundle. A function that raises has a bad row: the others are sent again without it."""
    whole = getattr(handler, "process_bundle", None)
    if whole is not None:
        try:
            whole(bundle)
        except Exception as e:
            return Failed((), _told(e))
        return None
    function: Callable[[Row, Context], None] = handler  # type: ignore[assignment]
    bad: list[int] = []
    reason = ""
    for index, (row, key) in enumerate(zip(bundle.rows, bundle.keys(), strict=True)):
        try:
            function(row, Context(bundle, index, key))
        except RetryBundle as e:
            return Failed((), str(e) or "the handler asked for another try")
        except Exception as e:
            bad.append(index)
            reason = reason or _told(e)
    return Failed(tuple(bad), reason) if bad else None


def _told(error: Exception) -> str:
    text = "".join(traceback.format_exception(error))
    return f"{type(error).__name__}: {error}\n{text[-REASON:]}"


def bundle_of(node: Node, message: processor_service_pb2.Bundle) -> Bundle:
    """The bundle of a response."""
    state = {s.name: batch_of(node.stores[s.name], s.rows) for s in message.state}
    return Bundle(node, batch_of(node.input, message.rows), state, message.partition, message.attempt)


def run(handler: Handler, rows: Sequence[Mapping[str, Any]], columns: Columns, outputs: Mapping[str, Columns], stores: Mapping[str, Columns] | None = None,
        state: Mapping[str, Sequence[Mapping[str, Any]]] | None = None, config: Mapping[str, str] | None = None) -> Bundle:  # fmt: skip
    """Try a handler without a service: a bundle of these rows with what came of it (`sent()`, `changed()`, `state(store, key)`). columns, outputs,
    stores: as in the topology. state: rows by store that there are before. Types are not checked. AssertionError when the handler fails."""
    schema = _named(columns, meta=True)
    keys = tuple(c for c in schema.columns if c.role == "KEY")
    node = Node("test", "test", "test", dict(config or {}), schema, {name: _named(given, meta=True) for name, given in outputs.items()},
                {name: _named(given, keys=keys) for name, given in (stores or {}).items()})  # fmt: skip
    bundle = Bundle(node, _batch(schema, rows), {name: _batch(node.stores[name], given) for name, given in (state or {}).items()})
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
        _known(schema, "the input", row)
    placed = [{schema.names[schema.place(k)]: v for k, v in row.items()} for row in rows]
    return Batch(schema, [[row.get(name) for row in placed] for name in schema.names], len(rows))
