"""The row that a table holds for a key, read from the store behind it: through filters and selects, which are computed on the way."""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines, columns_where, reads
from penstock.engine.graph import same_place
from penstock.engine.operators.filter import judge
from penstock.engine.operators.folding import parts_of
from penstock.engine.operators.materialize import versions
from penstock.engine.rows import ALWAYS, NEVER, PSEUDO, Row
from penstock.engine.windows.stream_time import stream_time
from penstock.expr.code import indent
from penstock.plan import nodes as n


def lookup(gen: Generator, table: n.Node, row: Row, key: str, wanted: frozenset[str], as_of: str = "") -> tuple[Lines, Row]:
    """Lines that find the table's row of key bytes that are not None, and that row: `present` is a variable, its wanted columns are None
    where it is absent, `ts` is its time (-1 where it is absent).

    row: whoever asks; its columns bear the table's key columns under the table's names. as_of: of a versioned table the row that was valid
    at the time in this variable; empty for the present one."""
    if isinstance(table, n.Filter):
        source = gen.graph.input(table)
        lines, found = lookup(gen, source, row, key, wanted | reads([table.where]), as_of)
        judged, kept = judge(gen, table, found, "has")
        return [*lines, *judged], kept
    if isinstance(table, n.Select):
        source = gen.graph.input(table)
        inner = frozenset(reads([c.expr for c in table.columns if c.name in wanted])) | (wanted & PSEUDO)
        keys = same_place(table, source)
        asked = replace(row, columns={**row.columns, **{theirs: row.columns[mine] for mine, theirs in keys.items() if mine in row.columns}})
        lines, found = lookup(gen, source, asked, key, inner, as_of)
        computed, columns = gen.projections(table, table.columns, wanted, found)
        moved = found.moved(keys)
        return [*lines, *columns_where(found.present, computed, columns)], moved.with_columns({**moved.columns, **columns})
    assert isinstance(table, n.Materialised)
    return _stored(gen, table, row, key, wanted, as_of)


def _stored(gen: Generator, table: n.Materialised, row: Row, key: str, wanted: frozenset[str], as_of: str) -> tuple[Lines, Row]:
    found, present, at = gen.name(f"{table.name}_found"), gen.name(f"has_{table.name}"), gen.name(f"{table.name}_time")
    unpack, columns = _unpacked(gen, table, found, wanted)
    if as_of and isinstance(table, n.SourceTable | n.ToTable) and table.history is not None:
        at_time = gen.bind(versions(gen, table).at, f"{table.name}_at")
        read = [f"{found} = {at_time}({key}, {as_of}, {stream_time(gen, table)})"]
    else:
        names = gen.store(table.store.name)
        read = [f"{found} = {names.get}({key}, {gen.missing()})", f"if {found} is {gen.missing()}:", f"    {found} = {names.load}({key})"]
    lines = [
        *read, f"{present} = {found} is not None", *([" = ".join([*columns.values(), "None"])] if columns else []),
        f"{at} = {found}[0] if {present} else -1", *([f"if {present}:", *indent(unpack)] if unpack else [])]
    keys = {c.name: row.columns[c.name] for c in table.schema.key if c.name in row.columns}
    return lines, replace(row, columns={**keys, **columns, "ROWTIME": at}, present=present, ts=at)


def _unpacked(gen: Generator, table: n.Materialised, found: str, wanted: frozenset[str]) -> tuple[Lines, dict[str, str]]:
    """Lines that take the wanted value columns out of a stored tuple."""
    values = list(table.store.fields) if isinstance(table, n.SourceTable) else [c.name for c in table.schema.value]
    columns = {name: gen.name(f"{table.name}_{name}") for name in values if name in wanted}
    if not isinstance(table, n.Aggregate):
        return [f"{columns[name]} = {found}[{place + 1}]" for place, name in enumerate(values) if name in columns], columns
    lines: Lines = []
    first = len(table.store.fields) - len(table.accumulators) + 1
    lines += [f"{columns[a.name]} = {found}[{first + i}]" for i, a in enumerate(table.accumulators) if a.name in columns]
    for part in parts_of(table):
        if part.column.name in columns:
            fields = [gen.name(f) for f in part.fields]
            lines += [f"{f} = {found}[{part.first + i + 1}]" for i, f in enumerate(fields)]
            lines.append(f"{columns[part.column.name]} = {part.function.value(gen.module, fields)}")
    return lines, columns


def named_as(row: Row, own: n.Node, other: n.Node) -> Row:
    """The row with its key columns under the names of another table's key too: keys correspond by place."""
    extra = {theirs: row.columns[mine] for mine, theirs in same_place(own, other).items() if mine in row.columns}
    return row.with_columns({**row.columns, **extra})


def side(gen: Generator, row: Row, wanted: frozenset[str]) -> tuple[Lines, Row]:
    """Lines and the row with its wanted columns None where it is absent, as an outer join shows it."""
    columns = {**row.columns, "ROWTIME": row.ts}
    kept = {name: columns[name] for name in wanted if name in columns}
    if row.present == ALWAYS:
        return [], row.with_columns(kept)  # the caller knows that it is there
    if row.present == NEVER:
        return [], row.with_columns(dict.fromkeys(wanted, "None"))
    fresh = {name: gen.name(f"{name}_or_none") for name in kept}
    lines = [f"{fresh[name]} = {var} if {row.present} else None" for name, var in kept.items()]
    return lines, row.with_columns(fresh)
