"""Aggregate: folds each group, in each window; the store holds the state of all its columns in one tuple.

Of a stream: a null key or a null value belongs to no group (windowed: only the null key). Of a table: the old row is undone, then the
new one added; undo needs a state. The row's time is max(record, stored). With updates EVERY a change goes on at once; with
LATEST_PER_COMMIT the groups that changed are remembered with the state that was last sent on, and a function of its own, which the
flush calls in topological order, sends (new, old).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from time import monotonic

from penstock.engine.failure import FlushedRecord
from penstock.engine.generator import Generator, Lines, comment, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.operators.to_table import key_demand
from penstock.engine.rows import ALWAYS, NEVER, Change, KeyForm, Row
from penstock.engine.windows import tumbling
from penstock.expr.aggregate import Aggregate
from penstock.expr.aggregates import by_id
from penstock.expr.code import indent
from penstock.plan import nodes as n

SLICE = 200
"""Groups sent on between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Part:
    """One column: its function and the places of its state in the stored tuple."""

    column: n.AggregateColumn
    function: Aggregate
    first: int

    @property
    def fields(self) -> list[str]:
        """Readable names of the state's fields."""
        plain = len(self.function.state) == 1
        return [self.column.name if plain else f"{self.column.name}_{f}" for f in self.function.state]


def parts_of(node: n.Aggregate) -> list[Part]:
    """The columns with their functions."""
    parts: list[Part] = []
    first = 0
    for column in node.columns:
        function = by_id(column.function, column.literals)
        parts.append(Part(column, function, first))
        first += len(function.state)
    return parts


def demand(graph: Graph, node: n.Aggregate, index: int) -> set[str]:
    """The arguments; key columns that are read downstream at once, or that the store's key is made of."""
    arguments = reads([a for c in node.columns for a in c.arguments])
    return arguments | key_demand(graph, node, index)


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Of a stream."""
    node: n.Aggregate = edge.node
    if row.present == NEVER:
        if node.window is None:
            return []
        row = row.with_columns({**{name: gen.nothing() for name in demand(gen.graph, node, 0)}, **row.columns})
    return _update(gen, node, row.only_if(ALWAYS), None)


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Of a table."""
    return _update(gen, edge.node, change.new, change.old)


def _update(gen: Generator, node: n.Aggregate, add: Row, undo: Row | None) -> Lines:
    """Lines that fold the row(s) into the group."""
    source = gen.graph.input(node)
    form = gen.graph.store_form(node)
    inner_form = replace(form, windowed=False) if node.window is not None else form
    lines, key = gen.key_bytes(add, source, inner_form)
    called = ", ".join(f"{c.name} = {c.function.partition('/')[0]}" for c in node.columns)
    head = [comment(node, f"aggregate {called}"), *lines]
    if node.window is None:
        body = _fold(gen, node, add, undo, key, form, "")
        return [*head, f"if {key} is not None:", *indent(body)]
    start, window_key = gen.name("window_start"), gen.name("window_key")
    body = _fold(gen, node, add, undo, window_key, form, start)
    return [*head, f"if {key} is not None:", *indent(tumbling.windowed(gen, node, add.ts, key, body, window_key, start))]


def _fold(gen: Generator, node: n.Aggregate, add: Row, undo: Row | None, key: str, form: KeyForm, start: str) -> Lines:
    names, parts = gen.store(node.store.name), parts_of(node)
    state, at = gen.name(f"{node.name}_state"), gen.name("at")
    fields = [gen.name(f) for part in parts for f in part.fields]
    initial = [i for part in parts for i in part.function.init]
    lines = [
        f"{state} = {names.get}({key}, {gen.missing()})",
        f"if {state} is {gen.missing()}:", f"    {state} = {names.load}({key})",
        f"if {state} is None:", f"    {at} = {add.ts}", *(f"    {f} = {i}" for f, i in zip(fields, initial, strict=True)),
        "else:", f"    {', '.join([at, *fields])}{'' if fields else ','} = {state}",
        f"    if {add.ts} > {at}:", f"        {at} = {add.ts}",
    ]
    tracks = gen.graph.tracks_old(node) and gen.every
    was = [gen.name(f"old_{f}") for f in fields] if tracks else []
    lines += [f"{w} = {f}" for w, f in zip(was, fields, strict=False)]
    if undo is not None:
        lines += _guarded(_and(undo.present, f"{state} is not None"), _applied(gen, node, parts, fields, undo, undoing=True))
    lines += _guarded(add.present, _applied(gen, node, parts, fields, add, undoing=False))
    lines += [f"{names.cache}[{key}] = ({', '.join([at, *fields])},)", f"{names.dirty}[{key}] = None"]
    lines += _send(gen, node, parts, fields, was, state, key, at, form, add, start)
    if undo is None or add.present == ALWAYS:
        return lines
    # a row is only taken away: from a group that does not exist that changes nothing
    head = lines[:3]
    return [*head, f"if {_or(add.present, f'{state} is not None')}:", *indent(lines[3:])]


def _applied(gen: Generator, node: n.Aggregate, parts: Sequence[Part], fields: Sequence[str], row: Row, undoing: bool) -> Lines:
    lines: Lines = []
    for part in parts:
        arguments = []
        for number, expr in enumerate(part.column.arguments):
            more, variable = gen.value(node, expr, f"{part.column.name}_{number}", row)
            lines += more
            arguments.append(variable)
        emit = part.function.undo if undoing else part.function.add
        assert emit is not None
        lines += emit(gen.module, list(fields[part.first:part.first + len(part.function.state)]), arguments)
    return lines


def _send(gen: Generator, node: n.Aggregate, parts: Sequence[Part], fields: Sequence[str], was: Sequence[str], state: str, key: str,
          at: str, form: KeyForm, row: Row, start: str) -> Lines:
    if not gen.graph.edges(node):
        return []
    if not gen.every:
        return _remember(gen, node, state, key)
    known = {mine: row.columns[theirs] for mine, theirs in same_place(node, gen.graph.input(node)).items() if theirs in row.columns}
    base = Row({}, key, form, at, row.headers, row.record, window_start=start)
    return _forward(gen, node, parts, base, known, (list(fields), ALWAYS), (list(was), f"{state} is not None") if was else None)


def _remember(gen: Generator, node: n.Aggregate, state: str, key: str) -> Lines:
    """With LATEST_PER_COMMIT: note the group; its first change since it was sent on also notes the state as it was sent."""
    first = node.name not in gen.pending
    if first:
        gen.pending[node.name] = gen.bind({}, f"{node.name}_pending")
    pending = gen.pending[node.name]
    if not gen.graph.tracks_old(node):
        lines = [f"{pending}[{key}] = None"]
    else:
        lines = [f"if {key} not in {pending}:", f"    {pending}[{key}] = {state}"]
    if first:
        gen.functions.append(_flush_function(gen, node, pending))
    return lines


def _flush_function(gen: Generator, node: n.Aggregate, pending: str) -> Lines:
    names, parts, form = gen.store(node.store.name), parts_of(node), gen.graph.store_form(node)
    function = gen.name(f"flush_{node.name}")
    gen.flushes.append((node.name, function))
    record = gen.bind(FlushedRecord, "FlushedRecord")
    fields = [gen.name(f"new_{f}") for part in parts for f in part.fields]
    olds = [gen.name(f"old_{f}") for part in parts for f in part.fields] if gen.graph.tracks_old(node) else []
    start = gen.name("window_start") if form.windowed else ""
    base = Row({}, "key", form, "at", "()", f"{record}(key, at)", window_start=start)
    forward = _forward(gen, node, parts, base, {}, (fields, ALWAYS), (olds, "old is not None") if olds else None)
    body = [f"new = {names.get}(key, {gen.missing()})", f"if new is {gen.missing()}:", f"    new = {names.load}(key)",
            "if new is None:", "    continue  # the window expired meanwhile", f"{', '.join(['at', *fields])}{'' if fields else ','} = new"]
    if start:
        body.append(f"{start} = int.from_bytes(key[-8:], 'big')")
    if olds:
        body += [f"{', '.join(['_', *olds])} = old or new", *forward]
    else:
        body += forward
    failed = gen.bind(gen.failed, "failed")
    return [
        f"def {function}(deadline):",
        f'    """Send on the groups of {node.name} that changed."""',
        *indent([
            *gen.global_line(),
            f"while {pending}:",
            f"    for key in list({gen.bind(islice, 'islice')}({pending}, {SLICE})):",
            f"        old = {pending}.pop(key)", "        at = -1", "        try:", *indent(body, 3),
            "        except Exception as error:", f"            {failed}(error, {record}(key, at))",
            f"    if {gen.bind(monotonic, 'monotonic')}() > deadline:", f"        return not {pending}",
            "return True"])]


def _forward(gen: Generator, node: n.Aggregate, parts: Sequence[Part], base: Row, known: dict[str, str],
             new: tuple[list[str], str], old: tuple[list[str], str] | None) -> Lines:
    """Lines that make the public row(s) out of state variables and send the change on."""
    needed = gen.graph.needed(node)
    columns = {name: var for name, var in known.items() if name in needed}
    lines: Lines = []
    missing = frozenset(c.name for c in node.schema.key if c.name in needed and c.name not in columns)
    if missing:
        assert base.form is not None
        lines, found = gen.key_columns(base.form.format, node.schema.key, base.key, base.form.windowed, missing)
        columns.update(found)
    columns.update({"ROWTIME": base.ts, "ROWPARTITION": "None", "ROWOFFSET": "None"})
    if base.window_start and node.window is not None:
        columns.update({"WINDOWSTART": base.window_start, "WINDOWEND": f"({base.window_start} + {node.window.size_ms})"})
    make: Callable[[list[str], str, str], tuple[Lines, Row]] = lambda fields, present, hint: _public(  # noqa: E731
        gen, node, parts, base.with_columns(columns), fields, present, hint)
    new_lines, new_row = make(*new, "")
    if old is None:
        return [*lines, *new_lines, *gen.changes(node.name, Change(new_row, None))]
    old_lines, old_row = make(*old, "old_")
    return [*lines, *new_lines, *old_lines, *gen.changes(node.name, Change(new_row, old_row))]


def _public(gen: Generator, node: n.Aggregate, parts: Sequence[Part], row: Row, fields: list[str], present: str, hint: str
            ) -> tuple[Lines, Row]:
    """Lines that compute the needed results of one side, and the row. Old state is whole even where the row is absent: initial values."""
    needed = gen.graph.needed(node)
    lines: Lines = []
    columns = dict(row.columns)
    if present != ALWAYS:
        flag = gen.name(f"had_{node.name}")
        lines.append(f"{flag} = {present}")
        present = flag
    for part in parts:
        if part.column.name in needed:
            value = part.function.value(gen.module, fields[part.first:part.first + len(part.function.state)])
            if not value.isidentifier():
                variable = gen.name(f"{hint}{part.column.name}")
                lines.append(f"{variable} = {value}")
                value = variable
            columns[part.column.name] = value
    return lines, row.with_columns(columns).only_if(present)


def _guarded(condition: str, lines: Lines) -> Lines:
    if condition == ALWAYS or not lines:
        return lines
    return [] if condition == NEVER else [f"if {condition}:", *indent(lines)]


def _and(a: str, b: str) -> str:
    return NEVER if a == NEVER else b if a == ALWAYS else f"{a} and {b}"


def _or(a: str, b: str) -> str:
    return b if a == NEVER else f"{a} or {b}"
