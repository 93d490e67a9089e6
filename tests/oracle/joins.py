"""Joins of random topologies. Each adds a node (and what it needs) and gives its flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from basic import filter_, versioned, versioned_source
from builder import Builder, Cannot, Flow, meet


def stream_table_join(kind: str) -> Callable[[Builder], Flow]:
    return _join(kind, f"stream-table {kind}", lambda b: b.plain_stream(), "join", False, True)


def graced(kind: str) -> Callable[[Builder], Flow]:
    """A join of a stream with a versioned table, whose rows wait."""

    def add(b: Builder) -> Flow:
        fits = [f for f in b.flows if f.history and f.key[1] == "STRING"]
        table = b.random.choice(fits) if fits else b.random.choice((versioned, versioned_source))(b)
        one = b.plain_stream()
        if one.key[1] != table.key[1] or not meet(one, table) or _alias(one) == _alias(table) or kind == "left" and one.moved:
            raise Cannot  # a null key ends Kafka Streams where a left join waits: a repartition may bring one
        b.null_keys = b.null_keys and kind != "left"
        columns = _joined(b, one, table)
        body = {"kind": kind, "columns": {n: text for n, (text, _) in columns.items()}, "grace": f"{b.random.randint(0, min(table.history, 30))}ms"}
        made = Flow(b.name(), False, one.key, tuple((n, t) for n, (_, t) in columns.items()), frozenset())
        return b.add(f"stream-table {kind} grace", "join", body, made, one, table)

    return add


def global_join(kind: str) -> Callable[[Builder], Flow]:
    """A join of a stream with a global table, by any column."""

    def add(b: Builder) -> Flow:
        table = b.global_table()
        one = b.stream()
        columns = _joined(b, one, table)
        names = one.of("STRING")
        if not names:
            raise Cannot
        key = b.random.choice(names)
        body: dict[str, Any] = {"kind": kind, "columns": {n: text for n, (text, _) in columns.items()}}
        if key != one.key[0] or one.windowed or b.random.random() < 0.5:
            body["keys"] = [key]
        made = Flow(b.name(), False, one.key, tuple((n, t) for n, (_, t) in columns.items()), frozenset(), windowed=one.windowed)
        return b.add(f"stream-global {kind}", "stream_global_join", body, made, one, table)

    return add


def table_table_join(kind: str) -> Callable[[Builder], Flow]:
    return _join(kind, f"table-table {kind}", lambda b: b.plain_table(), "table_table_join", True, True)


def stream_stream_join(kind: str) -> Callable[[Builder], Flow]:
    return _join(kind, f"stream-stream {kind}", lambda b: b.plain_stream(), "stream_stream_join", False, False)


def _join(kind: str, operator: str, left: Callable[[Builder], Flow], node: str, made_table: bool, right_table: bool,
          right: Flow | None = None) -> Callable[[Builder], Flow]:
    """right: the right side; None for any that fits."""

    def add(b: Builder) -> Flow:
        one = left(b)
        other = right or b.beside(one, right_table)
        if _alias(one) == _alias(other) or (made_table and one.sources & other.sources):
            raise Cannot  # old rows of two tables made of one are those of different moments
        columns = _joined(b, one, other)
        body: dict[str, Any] = {"kind": kind, "columns": {n: text for n, (text, _) in columns.items()}}
        if node == "stream_stream_join":
            body |= {k: f"{b.random.choice((0, 2, 5))}ms" for k in ("before", "after")} | {"grace": f"{b.random.choice((0, 0, 0, 3, 20))}ms"}
        made = Flow(b.name(), made_table, one.key, tuple((n, t) for n, (_, t) in columns.items()), frozenset())
        return b.add(operator, node, body, made, one, other)

    return add


def _alias(flow: Flow) -> str:
    return flow.name.rpartition(".")[2]


def _joined(b: Builder, one: Flow, other: Flow) -> dict[str, tuple[str, str]]:
    """Some value columns of both."""
    found = {}
    for side, flow in (("L", one), ("R", other)):
        for name, kind in b.random.sample(flow.columns, min(len(flow.columns), b.random.randint(1, 2))):
            found[f"{side}{name}"] = (f"{_alias(flow)}.{name}", kind)
    found = {n: v for n, v in found.items() if n != one.key[0]}
    if not found:
        raise Cannot
    return found


def several(label: str, *ways: tuple[str, str, bool]) -> Callable[[Builder], Flow]:
    """A join of three: ways are (operator, node, whether the right side is a table) of two joins, the first one's left side a source.
    label: of the second join."""

    def add(b: Builder) -> Flow:
        tables = ways[0][0].startswith("table")
        flow = b.source(tables, "T1" if tables else "S1")
        for number, (operator, node, right_table) in enumerate(ways):
            other = b.source(right_table, f"{'T' if right_table else 'S'}{number + 2}")
            kind = b.random.choice(("inner", "left", *(() if operator == "stream-table" else ("right", "full"))))
            left = flow
            named = label if number else f"{operator} {kind}"
            flow = _join(kind, named, lambda b, left=left: left, node, operator == "table-table", right_table, other)(b)
        return flow

    return add


def foreign_key_join(kind: str) -> Callable[[Builder], Flow]:
    def add(b: Builder) -> Flow:
        one = b.plain_table()
        other = b.plain_table() if b.random.random() < 0.5 else b.source(True)
        keys = [n for n, t in one.columns if t == other.key[1]]
        if one.name == other.name or not keys or not meet(one, other):
            raise Cannot
        columns = _joined(b, one, other)
        body = {"kind": kind, "foreign_key": f"{_alias(one)}.{b.random.choice(keys)}", "columns": {n: text for n, (text, _) in columns.items()}}
        made = Flow(b.name(), True, one.key, tuple((n, t) for n, (_, t) in columns.items()), frozenset(), moved=True, ordered=False)
        return b.add(f"foreign-key {kind}", "table_table_join", body, made, one, other)

    return add


def self_join(b: Builder) -> Flow:
    """A stream with some rows of its own."""
    one = b.plain_stream()
    if one.moved:
        raise Cannot
    other = filter_(b, one)
    kind = b.random.choice(("inner", "left", "right", "full"))
    return _join(kind, "self-join", lambda b: one, "stream_stream_join", False, False, other)(b)
