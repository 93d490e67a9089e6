"""Suppress: of each key the newest change leaves, some time behind its first one, or when its window is closed.

The node has a stream time of its own: the newest time of the rows that reached it. A key waits from its first change, and later changes
do not prolong it; what leaves is the newest row, with its time and the headers of the record that gave it. Keys leave in order of
(waiting since, key), as in Kafka Streams; over a bound, the longest waiting early. What left is kept in a store, so that the old row of a
change is what was seen downstream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush

from penstock.engine.failure import FlushedRecord
from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph
from penstock.engine.operators.folding import with_key
from penstock.engine.operators.materialize import unpacked
from penstock.engine.operators.to_table import key_demand
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.engine.windows.stream_time import stream_time
from penstock.errors import TaskFailed
from penstock.expr.code import indent
from penstock.plan import nodes as n
from penstock.state.codec import packer
from penstock.state.port import Store, Value

NEVER_DUE = 1 << 63


class Buffer:
    """The order of what waits in a store of (row's time, waiting since, ...), rebuilt from it at first use. first: time of the longest
    waiting; over: whether a bound is exceeded. stops: nothing leaves for that."""

    __slots__ = ("first", "over", "_store", "_heap", "_sizes", "_bytes", "_max_records", "_max_bytes", "_size", "_stops")

    def __init__(self, store: Store, max_records: int, max_bytes: int, stops: bool) -> None:
        self.first, self.over = NEVER_DUE, False
        self._stops = stops
        self._store = store
        self._heap: list[tuple[int, bytes]] | None = None
        self._sizes: dict[bytes, int] = {}
        self._bytes, self._max_records, self._max_bytes = 0, max_records, max_bytes
        pack = packer(store.spec)
        self._size: Callable[[bytes, Value], int] = (lambda key, value: len(key) + len(pack(value))) if max_bytes else (lambda key, value: 0)

    def put(self, key: bytes, value: Value) -> None:
        """A key that was stored with this value."""
        if self._heap is None:
            self._load()
        else:
            self._note(key, value)
        self._look()

    def due(self, until: int) -> Iterator[bytes]:
        """Keys that wait since `until` or longer, and those over a bound, in order; they wait no longer."""
        assert self._heap is not None
        while self._heap and (self.first <= until or self.over and not self._stops):
            _, key = heappop(self._heap)
            self._bytes -= self._sizes.pop(key)
            self._look()
            yield key

    def _note(self, key: bytes, value: Value) -> None:
        assert self._heap is not None
        if key not in self._sizes:
            since: int = value[1]  # type: ignore[assignment]
            heappush(self._heap, (since, key))
        size = self._size(key, value)
        self._bytes += size - self._sizes.get(key, 0)
        self._sizes[key] = size

    def _load(self) -> None:
        entries = list(self._store.range(b"", b""))
        self._heap = [(value[1], key) for key, value in entries]  # type: ignore[misc]
        heapify(self._heap)
        self._sizes = {key: self._size(key, value) for key, value in entries}
        self._bytes = sum(self._sizes.values())

    def _look(self) -> None:
        self.first = self._heap[0][0] if self._heap else NEVER_DUE
        self.over = bool(self._max_records and len(self._sizes) > self._max_records or self._max_bytes and self._bytes > self._max_bytes)


def demand(graph: Graph, node: n.Suppress, index: int) -> set[str]:
    """All value columns, since they are stored; the key's where its bytes will not do."""
    return {c.name for c in node.schema.value} | key_demand(graph, node, index)


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """The planner refuses streams here."""
    raise NotImplementedError("suppress takes a table")


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Puts the new row into the buffer, then releases what is due."""
    node: n.Suppress = edge.node
    row, time = change.new, stream_time(gen, node)
    names, waiting, was = gen.store(node.buffer.name), gen.name("waiting"), gen.name("was")
    buffer, release = _made(gen, node)
    lines, key = gen.key_bytes(row, gen.graph.input(node), gen.graph.store_form(node))
    since = (row.window_end or f"{row.window_start} + {node.window.size_ms}") if node.window_closes and node.window is not None else row.ts
    values = [_or_none(row, row.columns.get(c.name, "None")) for c in node.schema.value]
    headers = [f"{row.headers} or None"] if _headers_kept(node) else []
    bounded = bool(node.max_records or node.max_bytes)
    over = f" or {buffer}.over" if bounded and not node.stops else ""
    full = [f"if {buffer}.over:", f"    {gen.bind(_full(node), 'full')}()"] if bounded and node.stops else []
    return [
        f"# {node.name}: suppress", *lines, f"if {row.ts} > {time}:", f"    {time} = {row.ts}",
        f"{was} = {names.get}({key}, {gen.missing()})", f"if {was} is {gen.missing()}:", f"    {was} = {names.load}({key})",
        f"{waiting} = ({', '.join([row.ts, f'{since} if {was} is None else {was}[1]', row.present, *headers, *values])},)",
        f"{names.cache}[{key}] = {waiting}", f"{names.dirty}[{key}] = None", f"{buffer}.put({key}, {waiting})",
        f"if {buffer}.first <= {time} - {node.wait_ms}{over}:", f"    {release}({time} - {node.wait_ms})", *full]


def _made(gen: Generator, node: n.Suppress) -> tuple[str, str]:
    """Globals: the buffer and the function that releases. A change may come by several ways."""
    if node.name not in gen.waiting:
        made = Buffer(gen.bindings.stores[node.buffer.name], node.max_records, node.max_bytes, node.stops)
        gen.waiting[node.name] = buffer = gen.bind(made, f"{node.name}_buffer")
        gen.closes[node.name] = release = gen.name(f"release_{node.name}")
        gen.functions.append(_release(gen, node, buffer, release))
    return gen.waiting[node.name], gen.closes[node.name]


def _full(node: n.Suppress) -> Callable[[], None]:
    bounds = " and ".join(f"{bound} {what}" for bound, what in ((node.max_records, "keys"), (node.max_bytes, "bytes")) if bound)

    def full() -> None:
        raise TaskFailed(f"{node.name}: more waits than its bound of {bounds}, and it stops when it is full; give it larger bounds")

    return full


def _headers_kept(node: n.Suppress) -> bool:
    """Plans that were stored by earlier versions keep none."""
    return "-headers" in node.buffer.fields


def _or_none(row: Row, value: str) -> str:
    return value if row.present == ALWAYS else "None" if row.present == NEVER else f"({value} if {row.present} else None)"


def _release(gen: Generator, node: n.Suppress, buffer: str, function: str) -> Lines:
    names = gen.store(node.buffer.name)
    record, failed = gen.bind(FlushedRecord, "FlushedRecord"), gen.bind(gen.failed, "failed")
    return [
        f"def {function}(until):",
        f'    """Send on the rows of {node.name} that have waited long enough."""',
        *indent([
            *gen.global_line(),
            f"for key in {buffer}.due(until):",
            f"    new = {names.get}(key, {gen.missing()})", f"    if new is {gen.missing()}:", f"        new = {names.load}(key)",
            f"    {names.cache}[key] = {names.dirty}[key] = None", "    at = new[0]",
            *(["    if not new[2]:", "        continue  # the deletion of a window that nobody has seen"] if node.window_closes else []),
            "    try:", *indent(_release_one(gen, node, record), 2),
            "    except Exception as error:", f"        {failed}(error, {record}(key, at))"])]


def _release_one(gen: Generator, node: n.Suppress, record: str) -> Lines:
    """Keep the row of `key` as the one that left, and send the change on."""
    kept, values = gen.store(node.store.name), [c.name for c in node.schema.value]
    columns = {name: gen.name(name) for name in values}
    there = ALWAYS if node.window_closes else gen.name("there")
    session = node.window is not None and node.window.kind is n.WindowKind.SESSION
    start, end = gen.name("window_start") if node.window is not None else "", gen.name("window_end") if session else ""
    headers = [gen.name("headers")] if _headers_kept(node) else []
    base = Row(dict(columns), "key", gen.graph.store_form(node), "at", f"({headers[0]} or ())" if headers else "()", f"{record}(key, at)", window_start=start, window_end=end)
    needed = gen.graph.needed(node)
    key_lines, base = with_key(gen, node, base, needed | set(values))
    lines = [
        *([f"{start} = int.from_bytes(key[-8:], 'big')"] if start else []),
        *([f"{end} = int.from_bytes(key[-16:-8], 'big')"] if end else []),
        f"{', '.join(['_', '_', '_' if there == ALWAYS else there, *headers, *columns.values()])} = new", *key_lines]
    new, old = base.only_if(there), None
    if gen.graph.tracks_old(node):
        was = gen.name("was")
        lines += [f"{was} = {kept.get}(key, {gen.missing()})", f"if {was} is {gen.missing()}:", f"    {was} = {kept.load}(key)"]
        old_lines, old = unpacked(gen, node, base, was, "old")
        lines += old_lines
    row = f"({', '.join(['at', *columns.values()])},)"
    stored = row if there == ALWAYS else f"{row} if {there} else None"
    return [*lines, f"{kept.cache}[key] = {stored}", f"{kept.dirty}[key] = None", *gen.changes(node.name, Change(new, old))]
