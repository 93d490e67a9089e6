"""Row views: from what a store holds to the public row of a published table (an AVG's state is not its row).

A published table may be a few steps (Select, Filter, Sink) away from the store that holds it; the view runs those steps over each entry.
Used by gateways for lookups, snapshots and pushes over changelogs; the worker is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from penstock.engine.graph import Graph
from penstock.engine.operators.folding import parts_of
from penstock.engine.rows import KeyForm, key_form, window_bytes
from penstock.expr.code import Module
from penstock.expr.compile import compile_condition, compile_expression
from penstock.formats.registry import reader, writer
from penstock.plan import nodes as n
from penstock.plan.resolved import Published, ResolvedPlan
from penstock.types.schema import Schema

PSEUDO = ("ROWTIME", "WINDOWSTART", "WINDOWEND")


class Row(NamedTuple):
    """A public row. window_start and window_end are None for a table without windows; timestamp is ROWTIME in ms."""

    key: tuple[object, ...]
    window_start: int | None
    window_end: int | None
    values: tuple[object, ...]
    timestamp: int


class RowView(Protocol):
    """The map from stored entries to public rows of one published table."""

    schema: Schema

    def decode(self, store_key: bytes, value: Sequence[object]) -> Row | None:
        """The public row of an entry; None when a Filter between store and relation leaves it out."""

    def decode_key(self, store_key: bytes) -> tuple[tuple[object, ...], int | None, int | None]:
        """Key columns, window start and end of a store's key: all that is left of a deleted row."""

    def encode_key(self, values: Sequence[object]) -> bytes:
        """Key columns to key bytes (without a window's start); their murmur2 chooses the partition."""


Step = Callable[[list[Any]], list[Any] | None]
"""On (key columns, value columns, pseudo columns) of one node's output; None leaves the row out."""


class StoreRowView:
    """A RowView over the store of one node."""

    def __init__(self, schema: Schema, owner: n.Node, form: KeyForm, values: Callable[[Sequence[Any]], tuple[Any, ...]],
                 steps: Sequence[Step]) -> None:
        self.schema = schema
        self._window = owner.window
        self._adds = form.window_bytes
        self._read_key = reader(form.format, owner.schema.key, "key").read if owner.schema.key else lambda data: ()
        self._write_key = writer(form.format, owner.schema.key, "key").write if owner.schema.key else lambda values: b""
        self._values = values
        self._steps = steps
        self._keys = len(owner.schema.key)
        self._shown = len(schema.value)

    def decode(self, store_key: bytes, value: Sequence[object]) -> Row | None:
        """The public row of a store's entry."""
        start = end = None
        if self._window is not None:
            start, end = self._window.bounds(store_key)
            store_key = store_key[:-self._adds]
        key = self._read_key(store_key)
        timestamp: Any = value[0]
        columns = self._values(value)
        if self._steps:
            row: list[Any] | None = [*key, *columns, timestamp, start, end]
            for step in self._steps:
                row = step(row)  # type: ignore[arg-type]
                if row is None:
                    return None
            columns = tuple(row[self._keys:-len(PSEUDO)])  # type: ignore[index]
        columns = columns[:self._shown]  # what a source table keeps beyond its columns is for those steps
        return Row(tuple(key), start, end, columns, timestamp)

    def decode_key(self, store_key: bytes) -> tuple[tuple[object, ...], int | None, int | None]:
        """Key columns, window start and end of a store's key."""
        if self._window is None:
            return tuple(self._read_key(store_key)), None, None
        return tuple(self._read_key(store_key[:-self._adds])), *self._window.bounds(store_key)

    def encode_key(self, values: Sequence[object]) -> bytes:
        """Key bytes of key column values."""
        return self._write_key(tuple(values)) or b""


def row_view(plan: ResolvedPlan, published: Published) -> StoreRowView:
    """The view of a published table. KeyError when it is not kept in a store."""
    sub = plan.sub(published.sub)
    graph = Graph(sub)
    owner = next(node for node in sub.nodes if any(spec.name == published.store for spec in n.stores_of(node)))
    if isinstance(owner, n.Processor):
        return _kept_by_plugin(owner, published)
    path = _path(graph, owner, graph.by_name[published.node])
    steps = [step for node in path if (step := _step(graph, node)) is not None]
    return StoreRowView(published.schema, owner, graph.store_form(owner), _public_values(owner), steps)


def _kept_by_plugin(owner: n.Processor, published: Published) -> StoreRowView:
    """The rows of one of a plug-in's stores, as they are."""
    kept = next(s for s in owner.stores if s.spec.name == published.store)
    shown = n.ToTable(owner.name, (), kept.schema, n.RelationKind.TABLE, kept.window, kept.spec)
    form = key_form(kept.key_format, kept.schema.key, window_bytes(kept.window), own=True)
    return StoreRowView(published.schema, shown, form, lambda value: tuple(value[1:]), ())


def _path(graph: Graph, owner: n.Node, last: n.Node) -> list[n.Node]:
    """Nodes behind the store's owner up to and with the published node, first first."""
    path: list[n.Node] = []
    while last.name != owner.name:
        path.append(last)
        last = graph.input(last)
    return path[::-1]


def _names(node: n.Node) -> list[str]:
    values = node.store.fields if isinstance(node, n.SourceTable) else tuple(c.name for c in node.schema.value)
    return [*(c.name for c in node.schema.key), *values, *PSEUDO]


def _step(graph: Graph, node: n.Node) -> Step | None:
    """What a node between store and relation does to a row."""
    if isinstance(node, n.Filter):
        keeps = compile_condition(node.where, _names(graph.input(node)))
        negate = node.negate
        return lambda row: row if keeps(row) is not negate else None
    if isinstance(node, n.Select):
        before = _names(graph.input(node))
        computed = [compile_expression(c.expr, before) for c in node.columns]
        keys, pseudo = len(node.schema.key), len(PSEUDO)
        return lambda row: [*row[:keys], *(c(row) for c in computed), *row[-pseudo:]]
    return None


def _public_values(owner: n.Node) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Function from a stored tuple to the value columns of its node."""
    if not isinstance(owner, n.Aggregate) or owner.results is not None:
        return lambda value: tuple(value[1:])
    module = Module()
    state = module.fresh("state")
    parts = parts_of(owner)
    results = [part.function.value(module, [f"{state}[{part.first + i + 1}]" for i in range(len(part.function.state))]) for part in parts]
    behind = 1 + sum(len(part.function.state) for part in parts)
    results += [f"{state}[{behind + i}]" for i in range(len(owner.accumulators))]
    source = f"lambda {state}: ({', '.join(results)},)" if results else f"lambda {state}: ()"
    made: Callable[[Sequence[Any]], tuple[Any, ...]] = eval(source, module.globals)  # noqa: S307 - made of aggregate code only
    return made
