"""Sessions: [start, end], both inclusive, grown by every record that falls within a gap of them. Pure functions, and the generated form.

A record merges all sessions that it touches: begin with the initial state, merge theirs in order, then add the record. It is late iff the
merged session's end < stream time - grace - gap, so an old record may be rescued by a session that it touches. Unless the merged session
is but the record's own moment, the old ones are removed, which is sent on in order of end; then the merged one is. Rows have the time of
their session's end. Sessions that ended a retention or more before the record came are no longer seen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge
from penstock.engine.operators.folding import Group, arguments, fields_of, folded, group, initial, merged, packed, unpacked
from penstock.engine.operators.updates import removed, sent, tracked
from penstock.engine.rows import Row
from penstock.engine.windows import closing
from penstock.engine.windows.stream_time import advanced, input_time, stream_time
from penstock.expr.code import indent
from penstock.plan import nodes as n
from penstock.state.port import SessionStore


def touched(windows: Sequence[bytes], timestamp: int, gap: int, oldest: int) -> tuple[list[bytes], int, int]:
    """(the sessions that a record touches, start and end of their union with it). windows: sessions of its key as [end][start], in
    order; they are more than a gap apart, so they are in order of start too. oldest: the first end that is still seen."""
    start = end = timestamp
    found: list[bytes] = []
    for place in range(bisect_left(windows, max(0, oldest, timestamp - gap).to_bytes(8, "big")), len(windows)):
        window = windows[place]
        first = int.from_bytes(window[8:], "big")
        if first > timestamp + gap:
            break
        found.append(window)
        start, end = min(start, first), max(end, int.from_bytes(window[:8], "big"))
    return found, start, end


def fold(gen: Generator, edge: Edge, row: Row, key: str) -> Lines:
    """Lines that fold a record into the session that it makes or grows."""
    node: n.Aggregate = edge.node
    assert node.window is not None
    gap, grace, time, seen = node.window.size_ms, node.window.grace_ms, input_time(gen, edge), stream_time(gen, node)
    store: SessionStore = gen.bindings.stores[node.store.name]  # type: ignore[assignment]
    sessions = gen.bind(store.windows_of, f"{node.store.name}_windows_of")
    find, late = gen.bind(touched, "touched"), gen.bind(gen.bindings.late, "late")
    one = group(gen, node, gen.name("window_key"), gen.name("window_start"), gen.name("window_end"))
    found = gen.name("found")
    return [
        f"{found}, {one.start}, {one.end} = {find}({sessions}({key}, {seen}), {row.ts}, {gap}, {seen} - {node.store.retention_ms - 1})",
        *advanced(gen, edge, row.ts),
        f"if {one.end} < {time} - {grace + gap}:", f"    {late}({node.name!r})",
        "else:", *indent(_grown(gen, edge, row, key, one, found, store)),
    ]


def _grown(gen: Generator, edge: Edge, row: Row, key: str, one: Group, found: str, store: SessionStore) -> Lines:
    """The state is whole before anything is stored, and stored before anything is sent on: a failure leaves all or nothing of it."""
    node: n.Aggregate = edge.node
    before, window, state = gen.name("before"), gen.name("window"), gen.name("other_state")
    get = gen.bind(store.get, f"{node.store.name}_read")
    put, remove = gen.bind(store.put_window, f"{node.store.name}_put"), gen.bind(store.remove_window, f"{node.store.name}_remove")
    others = fields_of(gen, node, "other_")
    lines, given = arguments(gen, edge, row)
    moment = f"{one.start} == {one.end}"
    was = fields_of(gen, node, "old_") if tracked(gen, node) else ()
    waits = closing.waiting(gen, node) if node.emit is n.Emit.FINAL else ""
    gone = Group(gen.name("old_key"), state, gen.name("old_at"), others, gen.name("old_start"), gen.name("old_end"))
    sending = removed(gen, node, gone, row)
    return [
        *lines, *initial(gen, node, one, one.end),
        f"{before} = [({window}, {get}({key} + {window})) for {window} in {found}]",
        f"for {window}, {state} in {before}:", *indent([*unpacked(gone), *merged(gen, node, one, others)]),
        f"{one.state} = {before}[0][1] if {before} and {moment} else None",
        *(f"{w} = {f}" for w, f in zip(was, one.fields, strict=False)),
        *folded(gen, node, one, given),
        f"if not {moment}:", f"    for {window} in {found}:", f"        {remove}({key}, {window})",
        *([f"        {waits}.remove({key} + {window})"] if waits else []),
        f"{window} = {one.end}.to_bytes(8, 'big') + {one.start}.to_bytes(8, 'big')",
        f"{one.key} = {key} + {window}", f"{put}({key}, {window}, {packed(one)})", *([f"{waits}.add({one.key})"] if waits else []),
        *([f"if not {moment}:", f"    for {window}, {state} in {before}:",
           *indent([f"{gone.key} = {key} + {window}", *unpacked(gone), f"{gone.end} = int.from_bytes({window}[:8], 'big')",
                    f"{gone.start} = int.from_bytes({window}[8:], 'big')", *sending], 2)] if sending else []),
        *sent(gen, node, one, was, row),
    ]
