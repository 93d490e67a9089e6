"""How the updates of an aggregate leave it: every one at once, or with LATEST_PER_COMMIT the newest of each group when the flush, which
goes through the aggregates in topological order, calls a function of their own. What leads to a Suppress goes at once in any case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from time import monotonic

from penstock.engine.failure import FlushedRecord
from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge
from penstock.engine.operators.folding import Group, fields_of, forwarded, initial, row_of, unpacked
from penstock.engine.rows import ALWAYS, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n

SLICE = 200
"""Groups sent on between two looks at the clock."""


def tracked(gen: Generator, node: n.Aggregate) -> bool:
    """Whether code that changes a group has to keep its state as it was, to send it on at once."""
    at_once = any(_goes(gen, node, now=True)(edge) for edge in gen.graph.edges(node))
    return at_once and gen.graph.tracks_old(node) and node.emit is n.Emit.CHANGES


def _goes(gen: Generator, node: n.Aggregate, now: bool) -> Callable[[Edge], bool]:
    """Which consumers get a change at once, or with the flush."""
    return lambda edge: (gen.every or gen.graph.urgent(edge)) is now


def sent(gen: Generator, node: n.Aggregate, one: Group, was: Sequence[str], row: Row) -> Lines:
    """Lines for a group that changed: sent on, or noted. was: the fields before, where they are tracked."""
    if node.emit is n.Emit.FINAL or not gen.graph.edges(node):
        return []
    old = (was, f"{one.state} is not None") if was else None
    return _left(gen, node, one, lambda only: forwarded(gen, node, row_of(gen, node, one, row), (one.fields, ALWAYS), old, only))


def removed(gen: Generator, node: n.Aggregate, one: Group, row: Row) -> Lines:
    """Lines for a group that is gone: its state before is unpacked in `one`."""
    if node.emit is n.Emit.FINAL or not gen.graph.edges(node):
        return []
    old = (one.fields, ALWAYS) if gen.graph.tracks_old(node) else None
    return _left(gen, node, one, lambda only: forwarded(gen, node, row_of(gen, node, one, row), None, old, only))


def _left(gen: Generator, node: n.Aggregate, one: Group, forward: Callable[[Callable[[Edge], bool]], Lines]) -> Lines:
    edges = gen.graph.edges(node)
    now, later = _goes(gen, node, now=True), _goes(gen, node, now=False)
    return [*(forward(now) if any(map(now, edges)) else []), *(noted(gen, node, one.key, one.state) if any(map(later, edges)) else [])]


def vanishes(node: n.Aggregate) -> bool:
    """Whether groups are removed while they are worked on: sessions that are merged."""
    return node.window is not None and node.window.kind is n.WindowKind.SESSION


def noted(gen: Generator, node: n.Aggregate, key: str, state: str) -> Lines:
    """With LATEST_PER_COMMIT: note the group; its first change since it was sent on also notes the state as it was sent."""
    first = node.name not in gen.pending
    if first:
        gen.pending[node.name] = gen.bind({}, f"{node.name}_pending")
    pending = gen.pending[node.name]
    if gen.graph.tracks_old(node) or vanishes(node):
        lines = [f"if {key} not in {pending}:", f"    {pending}[{key}] = {state}"]
    else:
        lines = [f"{pending}[{key}] = None"]
    if first:
        gen.functions.append(_flush_function(gen, node, pending))
    return lines


def _flush_function(gen: Generator, node: n.Aggregate, pending: str) -> Lines:
    function = gen.name(f"flush_{node.name}")
    gen.flushes.append((node.name, function))
    record = gen.bind(FlushedRecord, "FlushedRecord")
    failed = gen.bind(gen.failed, "failed")
    return [
        f"def {function}(deadline):",
        f'    """Send on the groups of {node.name} that changed."""',
        *indent([
            *gen.global_line(),
            f"while {pending}:",
            f"    for key in list({gen.bind(islice, 'islice')}({pending}, {SLICE})):",
            f"        old = {pending}.pop(key)", "        at = -1", "        try:", *indent(_flush_one(gen, node, record), 3),
            "        except Exception as error:", f"            {failed}(error, {record}(key, at))",
            f"    if {gen.bind(monotonic, 'monotonic')}() > deadline:", f"        return not {pending}",
            "return True"])]


def _flush_one(gen: Generator, node: n.Aggregate, record: str) -> Lines:
    """Send on the group of `key`, whose state was `old` when it was last sent."""
    names = gen.store(node.store.name)
    start = gen.name("window_start") if node.window is not None else ""
    end = gen.name("window_end") if vanishes(node) else ""
    one = Group("key", "new", "at", fields_of(gen, node, "new_"), start, end)
    olds = fields_of(gen, node, "old_") if gen.graph.tracks_old(node) else ()
    base = Row({}, "key", gen.graph.store_form(node), "at", "()", f"{record}(key, at)", window_start=start, window_end=end)
    lines = [f"new = {names.get}(key, {gen.missing()})", f"if new is {gen.missing()}:", f"    new = {names.load}(key)"]
    if start:
        lines.append(f"{start} = int.from_bytes(key[-8:], 'big')")
    if end:
        lines += [f"{end} = int.from_bytes(key[-16:-8], 'big')", "if new is None and old is None:", "    continue  # came and went",
                  "if new is None:", *indent(initial(gen, node, one, end)), "else:", *indent(unpacked(one))]
        present = "new is not None"
    else:
        lines += ["if new is None:", "    continue  # the window expired meanwhile", *unpacked(one)]
        present = ALWAYS
    if olds:
        lines.append(f"{', '.join(['_', *olds])} = old or new")
    return [*lines, *forwarded(gen, node, base, (one.fields, present), (olds, "old is not None") if olds else None, _goes(gen, node, now=False))]
