"""Windows that are emitted once, when they are closed.

A window is closed when its end and grace are past in the node's stream time. Closed windows leave behind the update of the record that
closed them, in order of (start, key), sessions in order of (end, start, key), as in Kafka Streams; unlike there, at once and not at most
once a second. What left is written to the results store, in the same commit, so that after a restart it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from penstock.engine.failure import FlushedRecord
from penstock.engine.generator import Generator, Lines
from penstock.engine.operators.folding import Group, fields_of, loaded, public, unpacked, with_key
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.engine.windows.stream_time import stream_time
from penstock.expr.code import indent
from penstock.plan import nodes as n
from penstock.state.port import Store

NEVER_DUE = 1 << 63
"""Later than any time."""


class Waiting:
    """Open windows by the time that closes them, rebuilt from the stores at first use. They are told by their store keys, which end in
    `adds` bytes that begin with that time."""

    __slots__ = ("first", "_heap", "_known", "_open", "_results", "_adds")

    def __init__(self, open_windows: Store, results: Store, adds: int) -> None:
        self.first = -1  # time of the earliest window: one comparison tells whether any is due; -1 until the stores are read
        self._heap: list[bytes] = []
        self._known: set[bytes] = set()
        self._open, self._results, self._adds = open_windows, results, adds

    def add(self, key: bytes) -> None:
        """A window that has just been opened, or is already known."""
        if self.first < 0:
            self._load()
        if key not in self._known:
            self._known.add(key)
            heappush(self._heap, key[-self._adds:] + key[:-self._adds])
            self._look()

    def remove(self, key: bytes) -> None:
        """A session that was merged into another."""
        if self.first < 0:
            self._load()
        self._known.discard(key)

    def due(self, before: int) -> Iterator[bytes]:
        """Windows of an earlier time, in order; they wait no longer."""
        if self.first < 0:
            self._load()
        while self.first < before:
            entry = heappop(self._heap)
            self._look()
            key = entry[self._adds:] + entry[:self._adds]
            if key in self._known:
                self._known.remove(key)
                yield key

    def _load(self) -> None:
        self._known = {key for key, _ in self._open.range(b"", b"") if self._results.get(key) is None}
        self._heap = [key[-self._adds:] + key[:-self._adds] for key in self._known]
        heapify(self._heap)
        self._look()

    def _look(self) -> None:
        self.first = int.from_bytes(self._heap[0][:8], "big") if self._heap else NEVER_DUE


def waiting(gen: Generator, node: n.Aggregate) -> str:
    """The global that holds a node's open windows."""
    assert node.window is not None and node.results is not None
    if node.name not in gen.waiting:
        stores = gen.bindings.stores
        made = Waiting(stores[node.store.name], stores[node.results.name], node.window.key_bytes)
        gen.waiting[node.name] = gen.bind(made, f"{node.name}_waiting")
    return gen.waiting[node.name]


def opened(gen: Generator, node: n.Aggregate, key: str) -> Lines:
    """Lines for a window that may be new."""
    return [f"{waiting(gen, node)}.add({key})"]


def check(gen: Generator, node: n.Aggregate, row: Row) -> Lines:
    """Lines that send on what a record has closed."""
    assert node.window is not None
    time, behind = stream_time(gen, node), node.window.grace_ms + node.window.size_ms
    if node.window.kind in (n.WindowKind.TUMBLING, n.WindowKind.HOPPING):
        behind -= 1  # their end is not part of them
    if node.name not in gen.closes:
        gen.closes[node.name] = gen.name(f"close_{node.name}")
        gen.functions.append(_close_function(gen, node, gen.closes[node.name]))
    function = gen.closes[node.name]
    return [f"if {waiting(gen, node)}.first < {time} - {behind}:", f"    {function}({time} - {behind}, {row.headers})"]


def _close_function(gen: Generator, node: n.Aggregate, function: str) -> Lines:
    record, failed = gen.bind(FlushedRecord, "FlushedRecord"), gen.bind(gen.failed, "failed")
    return [
        f"def {function}(before, headers):",
        f'    """Send on the windows of {node.name} that are closed."""',
        *indent([
            *gen.global_line(),
            f"for key in {waiting(gen, node)}.due(before):",
            "    at = -1", "    try:", *indent(_close_one(gen, node, record), 2),
            "    except Exception as error:", f"        {failed}(error, {record}(key, at))"])]


def _close_one(gen: Generator, node: n.Aggregate, record: str) -> Lines:
    assert node.results is not None
    session = node.window is not None and node.window.kind is n.WindowKind.SESSION
    start, end = gen.name("window_start"), gen.name("window_end") if session else ""
    one = Group("key", "new", "at", fields_of(gen, node, "new_"), start, end)
    base = Row({}, "key", gen.graph.store_form(node), "at", "headers", f"{record}(key, at)", window_start=start, window_end=end)
    values = [c.name for c in node.schema.value]
    bounds = [f"{start} = int.from_bytes(key[-8:], 'big')", *([f"{end} = int.from_bytes(key[-16:-8], 'big')"] if session else [])]
    key_lines, base = with_key(gen, node, base, gen.graph.needed(node))
    lines, row = public(gen, node, base, one.fields, ALWAYS, "", gen.graph.needed(node) | set(values))
    names = gen.store(node.results.name)
    put = [f"{names.cache}[key] = ({', '.join(['at', *(row.columns[v] for v in values)])},)", f"{names.dirty}[key] = None"]
    old = row.only_if(NEVER) if gen.graph.tracks_old(node) else None
    return [*loaded(gen, node, one), *unpacked(one), *bounds, *key_lines, *lines, *put, *gen.changes(node.name, Change(row, old))]
