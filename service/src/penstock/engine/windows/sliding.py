"""Sliding windows: [start, start + size], both inclusive, one for each set of records of a key that are no further than size apart.

A record at t belongs to its left window [t - size, t], and opens the right windows [t + 1, t + 1 + size] of itself and of the record
before it, as soon as they hold a record. Records earlier than size share [0, size]. A record is late iff t + size < stream time - grace;
each window accepts it iff its end >= stream time - grace. Order of updates as in Kafka Streams: backward in time, then new windows.
Windows that start a retention or more before the newest one are no longer seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge
from penstock.engine.operators.folding import arguments, fields_of, folded, group, initial, loaded, packed, raised, unpacked
from penstock.engine.operators.updates import sent, tracked
from penstock.engine.rows import Row
from penstock.engine.windows import closing
from penstock.engine.windows.stream_time import advanced, input_time, newest_start, stream_time
from penstock.expr.code import indent
from penstock.plan import nodes as n
from penstock.state.port import Value, WindowStore


class Step(NamedTuple):
    """A window to write: its start, the state to go on from (None: the initial one), whether the record is added. Two steps may write
    one window: the right one of the record before is then its own left one too."""

    start: int
    base: Value | None
    adds: bool


def touched(windows: Sequence[bytes], value_of: Callable[[bytes], Value], timestamp: int, size: int, oldest: int) -> list[Step]:
    """What a record does to the windows of its key, in order. windows: their starts, 8 bytes big endian, in order; value_of reads what
    is stored under one: a state whose first element is the time of its newest record. oldest: the first start that is still seen."""
    low = max(0, oldest, 0 if timestamp < size else timestamp - 2 * size)
    near = windows[bisect_left(windows, low.to_bytes(8, "big")):bisect_right(windows, (timestamp + 1).to_bytes(8, "big"))]
    known = [(int.from_bytes(w, "big"), w) for w in near]
    return _early(known, value_of, timestamp) if timestamp < size else _later(known, value_of, timestamp, size)


def _later(known: Sequence[tuple[int, bytes]], value_of: Callable[[bytes], Value], timestamp: int, size: int) -> list[Step]:
    steps: list[Step] = []
    left = right = None
    left_there = False
    previous: int | None = None  # time of the record before
    for start, window in reversed(known):
        if start > timestamp:
            continue  # the record's right window
        value = value_of(window)
        newest: int = value[0]  # type: ignore[assignment]
        if start + size < timestamp:
            left, previous = value, newest
            break
        steps.append(Step(start, value, True))
        if start + size > timestamp:
            right = right or value
            continue
        left_there = True
        if newest >= timestamp:
            return steps  # not the first record of this time
        previous = newest
    starts = {start for start, _ in known}
    if previous is not None and previous + 1 not in starts and previous + 1 + size >= timestamp:
        steps.append(Step(previous + 1, None, True))
    if not left_there:
        steps.append(Step(timestamp - size, left if previous is not None and timestamp - size <= previous else None, True))
    return [*steps, *_own_right(right, starts, timestamp)]


def _early(known: Sequence[tuple[int, bytes]], value_of: Callable[[bytes], Value], timestamp: int) -> list[Step]:
    """Left windows do not begin before 0."""
    steps: list[Step] = []
    shared = right = None
    previous: int | None = None
    for start, window in known:
        if start == 0:
            shared = value_of(window)
            newest: int = shared[0]  # type: ignore[assignment]
            previous = newest if newest < timestamp else None
        elif start <= timestamp:
            right = value_of(window)
            steps.append(Step(start, right, True))
    starts = {start for start, _ in known}
    steps += _own_right(right or shared, starts, timestamp)
    if previous is not None and previous + 1 not in starts:
        steps.append(Step(previous + 1, None, True))
    return [*steps, Step(0, shared, True)]


def _own_right(right: Value | None, starts: set[int], timestamp: int) -> list[Step]:
    """The record's right window goes on from the newest window that the record lies in, if that holds later records: nothing that is
    not later is in it."""
    newer = right is not None and right[0] > timestamp  # type: ignore[operator]
    return [Step(timestamp + 1, right, False)] if newer and timestamp + 1 not in starts else []


def fold(gen: Generator, edge: Edge, row: Row, key: str) -> Lines:
    """Lines that fold a record into its windows."""
    node: n.Aggregate = edge.node
    assert node.window is not None
    size, grace, time = node.window.size_ms, node.window.grace_ms, input_time(gen, edge)
    store: WindowStore = gen.bindings.stores[node.store.name]  # type: ignore[assignment]
    windows, get = gen.bind(store.windows_of, f"{node.store.name}_windows_of"), gen.bind(store.get, f"{node.store.name}_read")
    put, find, late = gen.bind(store.put_window, f"{node.store.name}_put"), gen.bind(touched, "touched"), gen.bind(gen.bindings.late, "late")
    one = group(gen, node, gen.name("window_key"), gen.name("window_start"))
    seen, shortest = newest_start(gen, node), node.store.retention_ms - (node.emit is n.Emit.CHANGES)
    base, adds, window, steps = gen.name("base"), gen.name("adds"), gen.name("window"), gen.name("steps")
    lines, given = arguments(gen, edge, row)
    was = fields_of(gen, node, "old_") if tracked(gen, node) else ()
    body = [
        f"{window} = {one.start}.to_bytes(8, 'big')", f"{one.key} = {key} + {window}", *loaded(gen, node, one),
        f"if {base} is None:", *indent(initial(gen, node, one, row.ts)), "else:", *indent(unpacked(one, base)),
        *(f"{w} = {f}" for w, f in zip(was, one.fields, strict=False)),
        f"if {adds}:", *indent([*raised(one, row.ts), *folded(gen, node, one, given)]),
        f"{put}({key}, {window}, {packed(one)})", f"if {one.start} > {seen}:", f"    {seen} = {one.start}", *(closing.opened(gen, node, one.key) if node.emit is n.Emit.FINAL else []),
        *sent(gen, node, one, was, row)]
    return [
        *advanced(gen, edge, row.ts),
        f"if {row.ts} + {size} < {time} - {grace}:", f"    {late}({node.name!r})",
        "else:", *indent([
            *lines, f"{steps} = {find}({windows}({key}, {stream_time(gen, node)} + 1), lambda start: {get}({key} + start), {row.ts}, {size}, {seen} - {shortest})",
            f"for {one.start}, {base}, {adds} in {steps}:",
            *indent([f"if not {adds} or {one.start} + {size} >= {time} - {grace}:", *indent(body)])]),
    ]
