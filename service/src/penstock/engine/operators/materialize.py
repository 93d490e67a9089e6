"""What SourceTable and ToTable share: a record is a change of the row of its key, kept in a store. The later record wins, whatever its
timestamp (offset order, as Kafka Streams does for tables that are not versioned); a record without a key is dropped.

In a versioned table time wins: a record that is older than the present row goes into the history, one that is older than the history is late.
Either way the old row of the change is the present one before it, as in Kafka Streams."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.engine.versions import Versions
from penstock.engine.windows.stream_time import stream_time
from penstock.expr.code import indent
from penstock.plan import nodes as n

Kept = n.SourceTable | n.ToTable | n.TableTableJoin | n.ForeignKeyJoin
"""Tables whose store holds their value columns."""


def stored_columns(node: Kept | n.Suppress) -> tuple[str, ...]:
    """Fields of the store after the timestamp: the value columns; of a source table its header columns too, and where records came from
    where that is read."""
    return node.store.fields if isinstance(node, n.SourceTable) else tuple(c.name for c in node.schema.value)


def kept(gen: Generator, node: n.SourceTable | n.ToTable, row: Row, key: str) -> Lines:
    """Lines that store the row under key bytes that are not None, and send the change on."""
    if node.history is None:
        lines, change = put(gen, node, row, key)
        return lines + gen.changes(node.name, change)
    time, put_version, late = stream_time(gen, node), gen.bind(versions(gen, node).put, f"{node.name}_put"), gen.bind(gen.bindings.late, "late")
    newest = gen.name("newest")
    lines, old = _old(gen, node, row, key) if gen.graph.tracks_old(node) else ([], None)
    body = [f"if {row.ts} > {time}:", f"    {time} = {row.ts}", *lines,
            f"{newest} = {put_version}({key}, {row.ts}, {_stored(node, row)}, {time})", *gen.changes(node.name, Change(row, old, newest))]
    return [f"if {row.ts} < {time} - {node.history.retention_ms}:", f"    {late}({node.name!r})", "else:", *indent(body)]


def versions(gen: Generator, node: n.SourceTable | n.ToTable) -> Versions:
    """A versioned table's rows."""
    assert node.history is not None
    made = gen.made.get(node.name)
    if made is None:
        stores = gen.bindings.stores
        made = gen.made[node.name] = Versions(stores[node.store.name], stores[node.history.name], node.history.retention_ms)  # type: ignore[arg-type]
    assert isinstance(made, Versions)
    return made


def put(gen: Generator, node: Kept, row: Row, key: str) -> tuple[Lines, Change]:
    """Lines that store the row (delete it when it is absent) under key bytes that are not None, and the change."""
    names = gen.store(node.store.name)
    lines, old = _old(gen, node, row, key) if gen.graph.tracks_old(node) else ([], None)
    lines += [f"{names.cache}[{key}] = {_stored(node, row)}", f"{names.dirty}[{key}] = None"]
    return lines, Change(row, old)


def _old(gen: Generator, node: Kept, row: Row, key: str) -> tuple[Lines, Row]:
    """Lines that read the present row, and that row."""
    names, was = gen.store(node.store.name), gen.name("was")
    old_lines, old = unpacked(gen, node, row, was, "old")
    return [f"{was} = {names.get}({key}, {gen.missing()})", f"if {was} is {gen.missing()}:", f"    {was} = {names.load}({key})", *old_lines], old


def _stored(node: Kept, row: Row) -> str:
    """What is stored of a row: None where it is absent."""
    if row.present == NEVER:
        return "None"
    stored = f"({', '.join([row.ts, *(row.columns[f] for f in stored_columns(node))])},)"
    return stored if row.present == ALWAYS else f"{stored} if {row.present} else None"


def unpacked(gen: Generator, node: Kept | n.Suppress, row: Row, packed: str, hint: str) -> tuple[Lines, Row]:
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
