"""Aggregate: folds each group, in each window; the store holds the state of all its columns in one tuple.

Of a stream: a null key or a null value belongs to no group (in windows: only the null key; in sliding ones, both). Of a table: the old
row is undone, then the new one added; undo needs a state. The row's time is max(record, stored), that of a session its end.
"""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines, comment, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.operators import accumulating
from penstock.engine.operators.folding import (
    Given,
    Group,
    arguments,
    fields_of,
    folded,
    group,
    guarded,
    initial,
    loaded,
    raised,
    stored,
    unpacked,
)
from penstock.engine.operators.to_table import key_demand
from penstock.engine.operators.updates import sent, tracked
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.engine.windows import closing, hopping, session, sliding, tumbling
from penstock.engine.windows.stream_time import newest_start
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.Aggregate, index: int) -> set[str]:
    """The arguments; key columns that are read downstream at once, or that the store's key is made of."""
    called = reads([a for c in node.columns for a in c.arguments]) | accumulating.demand(node, index)
    return called | key_demand(graph, node, index)


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Of a stream."""
    node: n.Aggregate = edge.node
    if row.present == NEVER:
        if node.window is None or node.window.kind is n.WindowKind.SLIDING:
            return []
        row = row.with_columns({**{name: gen.nothing() for name in demand(gen.graph, node, edge.index)}, **row.columns})
    return _with_key(gen, edge, row.only_if(ALWAYS), None)


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Of a table."""
    return _with_key(gen, edge, change.new, change.old)


def _with_key(gen: Generator, edge: Edge, add: Row, undo: Row | None) -> Lines:
    """Lines that fold the row(s) into the group(s) of their key, where they have one."""
    node: n.Aggregate = edge.node
    form = gen.graph.store_form(node)
    lines, key = gen.key_bytes(add, gen.graph.input(node, edge.index), replace(form, window_bytes=0))
    called = ", ".join([*(f"{c.name} = {c.function.partition('/')[0]}" for c in node.columns), *(a.name for a in node.accumulators)])
    body = _of_table(gen, edge, add, undo, key) if undo is not None else _of_stream(gen, edge, add, key)
    return [comment(node, f"aggregate {called}"), *lines, f"if {key} is not None:", *indent(body)]


def _of_stream(gen: Generator, edge: Edge, row: Row, key: str) -> Lines:
    node: n.Aggregate = edge.node
    if node.window is None:
        lines, given = arguments(gen, edge, row)
        return [*lines, *_folded(gen, node, row, given, group(gen, node, key))]
    match node.window.kind:
        case n.WindowKind.TUMBLING | n.WindowKind.HOPPING:
            lines = _time_windows(gen, edge, row, key)
        case n.WindowKind.SLIDING:
            lines = sliding.fold(gen, edge, row, key)
        case n.WindowKind.SESSION:
            lines = session.fold(gen, edge, row, key)
    return [*lines, *closing.check(gen, node, row)] if node.emit is n.Emit.FINAL else lines


def _time_windows(gen: Generator, edge: Edge, row: Row, key: str) -> Lines:
    node: n.Aggregate = edge.node
    assert node.window is not None
    one = group(gen, node, gen.name("window_key"), gen.name("window_start"))
    lines, given = arguments(gen, edge, row)
    body = _folded(gen, node, row, given, one)
    kind = tumbling if node.window.kind is n.WindowKind.TUMBLING else hopping
    return kind.windowed(gen, edge, row.ts, key, lines, body, one.key, one.start)


def _folded(gen: Generator, node: n.Aggregate, row: Row, given: Given, one: Group) -> Lines:
    """One row of a stream into one group."""
    begins = [*initial(gen, node, one, row.ts), *(closing.opened(gen, node, one.key) if node.emit is n.Emit.FINAL else [])]
    was = fields_of(gen, node, "old_") if tracked(gen, node) else ()
    forgotten, noted = _newest(gen, node, one) if len(node.inputs) > 1 and node.window is not None else ([], [])
    return [*loaded(gen, node, one), *forgotten, f"if {one.state} is None:", *indent(begins), "else:", *indent([*unpacked(one), *raised(one, row.ts)]),
            *(f"{w} = {f}" for w, f in zip(was, one.fields, strict=False)), *folded(gen, node, one, given), *stored(gen, node, one),
            *noted, *sent(gen, node, one, was, row)]


def _newest(gen: Generator, node: n.Aggregate, one: Group) -> tuple[Lines, Lines]:
    """Lines behind reading a window's state, and behind storing it. An input of a cogroup is late by its own time, while another one may
    have brought windows so new that the store that they share has forgotten this one: it begins anew, as in Kafka Streams
    (AbstractRocksDBSegmentedBytesStore.get)."""
    newest = newest_start(gen, node)
    return ([f"if {one.start} < {newest} - {node.store.retention_ms - 1}:", f"    {one.state} = None"],
            [f"if {one.start} > {newest}:", f"    {newest} = {one.start}"])


def _of_table(gen: Generator, edge: Edge, add: Row, undo: Row, key: str) -> Lines:
    """A change of a table into a group: first the old row is taken out, then the new one put in."""
    node: n.Aggregate = edge.node
    one = group(gen, node, key)
    was = fields_of(gen, node, "old_") if tracked(gen, node) else ()
    taking = _with_arguments(gen, edge, undo, one, undoing=True) if undo.present != NEVER else []
    adding = _with_arguments(gen, edge, add, one) if add.present != NEVER else []
    lines = [
        f"if {one.state} is None:", *indent(initial(gen, node, one, add.ts)), "else:", *indent([*unpacked(one), *raised(one, add.ts)]),
        *(f"{w} = {f}" for w, f in zip(was, one.fields, strict=False)),
        *guarded(_and(undo.present, f"{one.state} is not None"), taking), *guarded(add.present, adding),
        *stored(gen, node, one), *sent(gen, node, one, was, add)]
    if add.present == ALWAYS:
        return [*loaded(gen, node, one), *lines]
    # a row that is only taken away changes a group that exists, one that never was there changes nothing
    return [*loaded(gen, node, one), f"if {_or(add.present, _and(undo.present, f'{one.state} is not None'))}:", *indent(lines)]


def _with_arguments(gen: Generator, edge: Edge, row: Row, one: Group, undoing: bool = False) -> Lines:
    lines, given = arguments(gen, edge, row)
    return [*lines, *folded(gen, edge.node, one, given, undoing)]


def _and(a: str, b: str) -> str:
    return NEVER if a == NEVER else b if a == ALWAYS else f"{a} and {b}"


def _or(a: str, b: str) -> str:
    return b if a == NEVER else f"{a} or {b}"
