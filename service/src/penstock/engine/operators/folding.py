"""What all aggregates do with the state of a group, as lines of generated code: load it, fold a row in, store it, make the public row out
of it and send that on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, same_place
from penstock.engine.operators import accumulating
from penstock.engine.rows import ALWAYS, NEVER, Change, KeyForm, Row
from penstock.expr.aggregate import Aggregate, Emitter
from penstock.expr.aggregates import by_id
from penstock.expr.code import indent
from penstock.plan import nodes as n


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

    def own(self, fields: Sequence[str]) -> list[str]:
        """Those of all fields of a group that are this column's."""
        return list(fields[self.first:self.first + len(self.function.state)])


@dataclass(frozen=True, slots=True)
class Group:
    """Variables of a group that is being folded. key: its key in the store. state: what is stored, None for nothing. at, fields: the
    state unpacked. start, end: of its window, empty without one; the end is a variable for sessions only. fresh: whether there was no
    row so far, empty where nothing begins with its first row."""

    key: str
    state: str
    at: str
    fields: tuple[str, ...]
    start: str = ""
    end: str = ""
    fresh: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """A row as the folds of a node read it: the variables of the arguments of each column, the row, and the input it came by."""

    arguments: list[list[str]]
    row: Row
    index: int


def parts_of(node: n.Aggregate) -> list[Part]:
    """The columns with their functions."""
    parts: list[Part] = []
    first = 0
    for column in node.columns:
        function = by_id(column.function, column.literals)
        parts.append(Part(column, function, first))
        first += len(function.state)
    return parts


def fields_of(gen: Generator, node: n.Aggregate, hint: str = "") -> tuple[str, ...]:
    """Fresh variables for all fields of a state."""
    names = [*(f for part in parts_of(node) for f in part.fields), *(a.name for a in node.accumulators)]
    return tuple(gen.name(f"{hint}{name}") for name in names)


def group(gen: Generator, node: n.Aggregate, key: str, start: str = "", end: str = "") -> Group:
    """Variables of a group under a store key."""
    fresh = gen.name("fresh") if accumulating.begins_with_row(node) else ""
    return Group(key, gen.name(f"{node.name}_state"), gen.name("at"), fields_of(gen, node), start, end, fresh)


def loaded(gen: Generator, node: n.Aggregate, one: Group) -> Lines:
    """Lines that read the state."""
    names = gen.store(node.store.name)
    return [f"{one.state} = {names.get}({one.key}, {gen.missing()})", f"if {one.state} is {gen.missing()}:",
            f"    {one.state} = {names.load}({one.key})"]


def unpacked(one: Group, state: str = "") -> Lines:
    """Lines that take a state apart."""
    known = [f"{one.fresh} = False"] if one.fresh else []
    return [f"{', '.join([one.at, *one.fields])}{'' if one.fields else ','} = {state or one.state}", *known]


def initial(gen: Generator, node: n.Aggregate, one: Group, at: str) -> Lines:
    """Lines that begin a group."""
    values = [i for part in parts_of(node) for i in part.function.init]
    own = zip(one.fields, values, strict=False)  # accumulators come behind
    return [f"{one.at} = {at}", *(f"{f} = {i}" for f, i in own), *accumulating.initial(gen, node, one.fields),
            *([f"{one.fresh} = True"] if one.fresh else [])]


def raised(one: Group, ts: str) -> Lines:
    """The time of a row is that of its newest record."""
    return [f"if {ts} > {one.at}:", f"    {one.at} = {ts}"]


def arguments(gen: Generator, edge: Edge, row: Row) -> tuple[Lines, Given]:
    """Lines that compute the arguments of all functions out of a row."""
    lines: Lines = []
    found: list[list[str]] = []
    for part in parts_of(edge.node):
        variables = []
        for number, expr in enumerate(part.column.arguments):
            more, variable = gen.value(edge.node, expr, f"{part.column.name}_{number}", row)
            lines += more
            variables.append(variable)
        found.append(variables)
    return lines, Given(found, row, edge.index)


def folded(gen: Generator, node: n.Aggregate, one: Group, given: Given, undoing: bool = False) -> Lines:
    """Lines that add a row to the state, or take it away. Accumulators come first: where one of them fails, nothing is changed."""
    lines = accumulating.folded(gen, node, one.fields, one.fresh, given.row, given.index, undoing)
    for part, variables in zip(parts_of(node), given.arguments, strict=True):
        emit: Emitter | None = part.function.undo if undoing else part.function.add
        assert emit is not None
        lines += emit(gen.module, part.own(one.fields), variables)
    return lines


def merged(gen: Generator, node: n.Aggregate, one: Group, others: Sequence[str]) -> Lines:
    """Lines that merge another state into this one."""
    lines = accumulating.merged(gen, node, one.fields, one.fresh, others)
    for part in parts_of(node):
        assert part.function.merge is not None
        lines += part.function.merge(gen.module, part.own(one.fields), part.own(others))
    return lines


def packed(one: Group) -> str:
    """Expression of the tuple that is stored."""
    return f"({', '.join([one.at, *one.fields])},)"


def stored(gen: Generator, node: n.Aggregate, one: Group) -> Lines:
    """Lines that store the state."""
    names = gen.store(node.store.name)
    return [f"{names.cache}[{one.key}] = {packed(one)}", f"{names.dirty}[{one.key}] = None"]


def row_of(gen: Generator, node: n.Aggregate, one: Group, row: Row) -> Row:
    """The bare row of a group, with the key columns that are known from the row that was folded in."""
    alone = len(node.inputs) == 1  # else the key columns are read out of the key, whatever they are called in the row's input
    known = {mine: row.columns[theirs] for mine, theirs in same_place(node, gen.graph.input(node)).items() if theirs in row.columns} if alone else {}
    return Row(known, one.key, gen.graph.store_form(node), one.at, row.headers, row.record, window_start=one.start, window_end=one.end)


def forwarded(gen: Generator, node: n.Aggregate, base: Row, new: tuple[Sequence[str], str] | None, old: tuple[Sequence[str], str] | None,
              only: Callable[[Edge], bool]) -> Lines:
    """Lines that send a change on to some consumers. new, old: (state variables, condition under which the row exists); new None: the row
    is gone, old None: old rows are not tracked."""
    lines, base = with_key(gen, node, base, gen.graph.needed(node))
    sides = [_side(gen, node, base, given, hint) for given, hint in ((new, ""), (old, "old_"))]
    lines += [line for side in sides if side is not None for line in side[0]]
    (_, new_row), old_side = sides[0] or ([], base.only_if(NEVER)), sides[1]
    return [*lines, *gen.changes(node.name, Change(new_row, None if old_side is None else old_side[1]), only)]


def with_key(gen: Generator, node: n.Node, base: Row, needed: frozenset[str]) -> tuple[Lines, Row]:
    """Lines that read needed key columns which are not known out of the store's key, and the row with them and its pseudo columns."""
    columns = {name: var for name, var in base.columns.items() if name in needed}
    lines: Lines = []
    missing = frozenset(c.name for c in node.schema.key if c.name in needed and c.name not in columns)
    if missing:
        form: KeyForm | None = base.form
        assert form is not None
        lines, found = gen.key_columns(form.format, node.schema.key, base.key, form.window_bytes, missing)
        columns.update(found)
    columns.update({"ROWTIME": base.ts, "ROWPARTITION": "None", "ROWOFFSET": "None"})
    if node.window is not None:
        columns.update({"WINDOWSTART": base.window_start, "WINDOWEND": base.window_end or f"({base.window_start} + {node.window.size_ms})"})
    return lines, base.with_columns(columns)


def _side(gen: Generator, node: n.Aggregate, base: Row, given: tuple[Sequence[str], str] | None, hint: str) -> tuple[Lines, Row] | None:
    return None if given is None else public(gen, node, base, given[0], given[1], hint, gen.graph.needed(node))


def public(gen: Generator, node: n.Aggregate, base: Row, fields: Sequence[str], present: str, hint: str, needed: frozenset[str]
           ) -> tuple[Lines, Row]:
    """Lines that compute the needed results of one side, and the row. State is whole even where the row is absent: initial values."""
    lines: Lines = []
    columns = dict(base.columns)
    if present not in (ALWAYS, NEVER):
        flag = gen.name(f"had_{node.name}")
        lines.append(f"{flag} = {present}")
        present = flag
    for part in parts_of(node):
        if part.column.name in needed:
            value = part.function.value(gen.module, part.own(fields))
            if not value.isidentifier():
                variable = gen.name(f"{hint}{part.column.name}")
                lines.append(f"{variable} = {value}")
                value = variable
            columns[part.column.name] = value
    columns.update({name: var for name, var in accumulating.named(node, fields).items() if name in needed})
    return lines, base.with_columns(columns).only_if(present)


def guarded(condition: str, lines: Lines) -> Lines:
    """Lines under a condition."""
    if condition == ALWAYS or not lines:
        return lines
    return [] if condition == NEVER else [f"if {condition}:", *indent(lines)]
