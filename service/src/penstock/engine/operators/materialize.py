"""What SourceTable and ToTable share: a record is a change of the row of its key, kept in a store. The later record wins, whatever its
timestamp (offset order, as Kafka Streams does for tables that are not versioned); a record without a key is dropped."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def stored_columns(node: n.SourceTable | n.ToTable | n.TableTableJoin | n.ForeignKeyJoin | n.Suppress) -> tuple[str, ...]:
    """Fields of the store after the timestamp: the value columns."""
    return tuple(c.name for c in node.schema.value)


def put(gen: Generator, node: n.SourceTable | n.ToTable | n.TableTableJoin | n.ForeignKeyJoin, row: Row, key: str) -> tuple[Lines, Change]:
    """Lines that store the row (delete it when it is absent) under key bytes that are not None, and the change."""
    names = gen.store(node.store.name)
    fields = stored_columns(node)
    lines: Lines = []
    old: Row | None = None
    if gen.graph.tracks_old(node):
        was = gen.name("was")
        lines = [f"{was} = {names.get}({key}, {gen.missing()})", f"if {was} is {gen.missing()}:", f"    {was} = {names.load}({key})"]
        old_lines, old = unpacked(gen, node, row, was, "old")
        lines += old_lines
    stored = "None"
    if row.present != NEVER:
        stored = f"({', '.join([row.ts, *(row.columns[f] for f in fields)])},)"
        stored = stored if row.present == ALWAYS else f"{stored} if {row.present} else None"
    lines += [f"{names.cache}[{key}] = {stored}", f"{names.dirty}[{key}] = None"]
    return lines, Change(row, old)


def unpacked(gen: Generator, node: n.SourceTable | n.ToTable | n.TableTableJoin | n.ForeignKeyJoin | n.Suppress, row: Row, packed: str, hint: str) -> tuple[Lines, Row]:
    """Lines that take the needed columns out of a stored tuple (None: absent), and the row with them."""
    needed = gen.graph.needed(node)
    fields = stored_columns(node)
    found = {f: gen.name(f"{hint}_{f}") for f in fields if f in needed}
    present = gen.name(f"{hint}_row")
    lines = [f"{present} = {packed} is not None"]
    if found:
        lines.append(" = ".join([*found.values(), "None"]))
        lines += [f"if {present}:", *indent([f"{found[f]} = {packed}[{i + 1}]" for i, f in enumerate(fields) if f in found])]
    kept = {name: var for name, var in row.columns.items() if name not in fields}
    return lines, row.with_columns({**kept, **found}).only_if(present)
