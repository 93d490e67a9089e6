"""Columns of an aggregate that expressions fold, as lines of generated code.

All expressions of a row see the accumulators as they were before it. One that fails raises before any accumulator is assigned, so that the
record is blamed and the group stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.rows import Row
from penstock.expr.code import indent
from penstock.expr.typed import Expr
from penstock.plan import nodes as n


def begins_with_row(node: n.Aggregate) -> bool:
    """Whether a column takes its value from the group's first row."""
    return any(a.init is None for a in node.accumulators)


def demand(node: n.Aggregate, index: int) -> set[str]:
    """Columns of an input's rows that are read."""
    found = reads([e for a in node.accumulators for e in (a.add[index], a.undo) if e is not None], source=1)
    return found | {a.name for a in node.accumulators if a.init is None}


def named(node: n.Aggregate, fields: Sequence[str]) -> dict[str, str]:
    """The accumulators' variables by name: the last of a state's fields."""
    own = fields[len(fields) - len(node.accumulators):]
    return {a.name: variable for a, variable in zip(node.accumulators, own, strict=True)}


def initial(gen: Generator, node: n.Aggregate, fields: Sequence[str]) -> Lines:
    """Lines that begin a group without rows."""
    lines: Lines = []
    for accumulator, variable in zip(node.accumulators, named(node, fields).values(), strict=True):
        code = gen.strict(node, accumulator.init) if accumulator.init is not None else None
        lines += [*code.lines, f"{variable} = {code.value}"] if code is not None else [f"{variable} = None"]
    return lines


def folded(gen: Generator, node: n.Aggregate, fields: Sequence[str], fresh: str, row: Row, index: int, undoing: bool) -> Lines:
    """Lines that add a row, or take it away."""
    mine = _row(named(node, fields))
    given = [a.undo if undoing else a.add[index] for a in node.accumulators]
    first = {a.name: row.columns[a.name] for a in node.accumulators if a.init is None}
    return _all(gen, node, mine, given, (mine, row), fresh, first)


def merged(gen: Generator, node: n.Aggregate, fields: Sequence[str], fresh: str, others: Sequence[str]) -> Lines:
    """Lines that merge the state of a later session into this one."""
    mine, theirs = _row(named(node, fields)), _row(named(node, others))
    first = {a.name: theirs.columns[a.name] for a in node.accumulators if a.init is None}
    return _all(gen, node, mine, [a.merge for a in node.accumulators], (mine, theirs), fresh, first)


def _all(gen: Generator, node: n.Aggregate, mine: Row, exprs: Sequence[Expr | None], rows: tuple[Row, Row], fresh: str, first: dict[str, str]) -> Lines:
    """Lines that assign every accumulator the value of its expression; those in `first` that value while the group is fresh."""
    steps = {a.name: e for a, e in zip(node.accumulators, exprs, strict=True) if e is not None}
    grown = _assigned(gen, node, mine, steps, rows)
    if not fresh:
        return grown
    values = {mine.columns[name]: value for name, value in first.items()}
    begun = _assigned(gen, node, mine, {name: e for name, e in steps.items() if name not in first}, rows)
    taken = [f"{', '.join(values)} = {', '.join(values.values())}", f"{fresh} = False"]
    return [f"if {fresh}:", *indent([*begun, *taken]), *(["else:", *indent(grown)] if grown else [])]


def _assigned(gen: Generator, node: n.Aggregate, mine: Row, steps: dict[str, Expr], rows: tuple[Row, Row]) -> Lines:
    """One assignment of all, so that each expression sees the others' old values."""
    codes = {mine.columns[name]: gen.strict(node, expr, *rows) for name, expr in steps.items()}
    if not codes:
        return []
    return [*(line for code in codes.values() for line in code.lines), f"{', '.join(codes)} = {', '.join(c.value for c in codes.values())}"]


def _row(columns: dict[str, str]) -> Row:
    """Accumulators as expressions see them."""
    return Row(columns, "", None, "", "()", "")
