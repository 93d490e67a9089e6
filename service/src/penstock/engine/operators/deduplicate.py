"""Deduplicate: the first record of an id passes; one that is near in time to a record of its id that passed is dropped.

Near means no further than `within`, on either side, both ends included: an out-of-order record that is older than the one that passed is
a duplicate too. Only what passed is remembered, so a chain of duplicates does not prolong itself. A record that is later than grace
against the node's stream time is dropped and counted: ids near it may have been forgotten. A record without a key, or with a null in its
ids, has no id and passes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from penstock.engine.generator import Generator, Lines, comment, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.internal import encode_row
from penstock.engine.operators.to_table import key_demand
from penstock.engine.rows import NEVER, Change, Row
from penstock.engine.windows.stream_time import stream_time
from penstock.expr.code import indent
from penstock.plan import nodes as n
from penstock.state.port import WindowStore


def near(passed: Sequence[bytes], timestamp: int, within: int) -> bool:
    """Whether one of the times is within reach. passed: times of an id's records, 8 bytes big endian, in order."""
    at = bisect_left(passed, max(0, timestamp - within).to_bytes(8, "big"))
    return at < len(passed) and int.from_bytes(passed[at], "big") <= timestamp + within


def demand(graph: Graph, node: n.Deduplicate, index: int) -> set[str]:
    """The ids' columns and what is read downstream; the key's where its bytes will not do."""
    return set(graph.needed(node)) | reads(node.ids) | key_demand(graph, node, index)


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A record with a null value reads null in its ids."""
    node: n.Deduplicate = edge.node
    inner = gen.rows(node.name, row)
    store: WindowStore = gen.bindings.stores[node.store.name]  # type: ignore[assignment]
    times, put = gen.bind(store.windows_of, f"{node.name}_times_of"), gen.bind(store.put_window, f"{node.name}_put")
    time, late, passes = stream_time(gen, node), gen.bind(gen.bindings.late, "late"), gen.name("passes")
    lines, key = gen.key_bytes(row, gen.graph.input(node), gen.graph.store_form(node))
    id_lines, one, whole = _id(gen, node, row, key)
    judged = [
        f"if {row.ts} > {time}:", f"    {time} = {row.ts}",
        f"if {row.ts} < {time} - {node.grace_ms}:", f"    {passes} = False", f"    {late}({node.name!r})",
        f"elif {gen.bind(near, 'near')}({times}({one}, {time}), {row.ts}, {node.within_ms}):", f"    {passes} = False",
        "else:", f"    {put}({one}, {row.ts}.to_bytes(8, 'big'), ({row.ts},))"]
    return [comment(node, f"deduplicate within {node.within_ms} ms", *node.ids), *lines, *id_lines, f"{passes} = True",
            f"if {whole}:", *indent(judged), f"if {passes}:", *indent(inner or ["pass"])]


def _id(gen: Generator, node: n.Deduplicate, row: Row, key: str) -> tuple[Lines, str, str]:
    """Lines, the id's bytes, and the condition under which the record has one."""
    if not node.ids:
        return [], key, f"{key} is not None"
    if row.present == NEVER:
        row = row.with_columns({**{name: gen.nothing() for name in reads(node.ids)}, **row.columns})
    lines: Lines = []
    parts = []
    for number, expr in enumerate(node.ids):
        more, part = gen.value(node, expr, f"id_{number}", row)
        lines += more
        parts.append(part)
    one = gen.name("id_bytes")
    whole = " and ".join(f"{part} is not None" for part in (key, *parts))
    return [*lines, f"{one} = {gen.bind(encode_row, 'encode_row')}(({', '.join([key, *parts])}))"], one, whole


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("deduplicate takes a stream")
