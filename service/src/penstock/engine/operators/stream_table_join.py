"""StreamTableJoin: each record of the stream looks the table's row of its key up; changes of the table trigger nothing.

A record with a null value is dropped; one with a null key too, unless the join is a left join, which gives it an absent right side.
"""

from __future__ import annotations

from typing import Any

from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.operators.aggregate import parts_of
from penstock.engine.operators.materialize import stored_columns
from penstock.engine.rows import NEVER, PSEUDO, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.StreamTableJoin, index: int) -> set[str]:
    """Of the stream: columns behind the projections, and the key where its bytes differ from the table's. Of the table: nothing, its
    columns are read from the store."""
    if index == 1:
        return set()
    wanted = graph.needed(node)
    source, table = graph.input(node), graph.input(node, 1)
    keys = {theirs for mine, theirs in same_place(node, source).items() if mine in wanted}
    form = graph.form(source)
    if form is None or not form.canonical or not form.same_bytes(graph.store_form(table)) or _reads_table_key(graph, node):
        keys |= {c.name for c in source.schema.key}
    return keys | reads([c.expr for c in node.columns if c.name in wanted]) | (wanted & PSEUDO)


def _right(graph: Graph, node: n.StreamTableJoin) -> set[str]:
    wanted = graph.needed(node)
    return reads([c.expr for c in node.columns if c.name in wanted], source=1)


def _reads_table_key(graph: Graph, node: n.StreamTableJoin) -> bool:
    return bool(_right(graph, node) & {c.name for c in graph.input(node, 1).schema.key})


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Looks up, then projects over both rows."""
    node: n.StreamTableJoin = edge.node
    if edge.index == 1 or row.present == NEVER:
        return []
    table: Any = gen.graph.input(node, 1)
    lines, key = gen.key_bytes(row, gen.graph.input(node), gen.graph.store_form(table))
    names = gen.store(table.store.name)
    found = gen.name(f"{table.name}_row")
    lookup = [f"{found} = {names.get}({key}, {gen.missing()})", f"if {found} is {gen.missing()}:", f"    {found} = {names.load}({key})"]
    left = node.join is n.JoinKind.LEFT
    right_lines, right = _table_row(gen, node, table, row, found)
    projected, columns = gen.projections(node, node.columns, gen.graph.needed(node), row, right)
    moved = row.moved(same_place(node, gen.graph.input(node)))
    inner = gen.rows(node.name, moved.with_columns({**moved.columns, **columns}))
    if not inner:
        return []
    head = [f"# {node.name}: stream table join", *lines]
    if not left:
        matched = [*right_lines, *projected, *inner]
        return [*head, f"if {key} is not None:", *indent([*lookup, f"if {found} is not None:", *indent(matched)])]
    absent = " = ".join([*dict.fromkeys(v for v in right.columns.values() if v.isidentifier()), "None"])
    either = [f"if {found} is None:", f"    {absent}", "else:", *indent(right_lines)] if right_lines else []
    return [*head, f"{found} = None", f"if {key} is not None:", *indent(lookup), *either, *projected, *inner]


def _table_row(gen: Generator, node: n.StreamTableJoin, table: Any, row: Row, found: str) -> tuple[Lines, Row]:
    """Lines that take the needed columns out of the stored tuple that was found, and the right row."""
    needed = _right(gen.graph, node)
    columns: dict[str, str] = {}
    lines: Lines = []
    if isinstance(table, n.Aggregate):
        for part in parts_of(table):
            if part.column.name in needed:
                places = [f"{found}[{part.first + i + 1}]" for i in range(len(part.function.state))]
                fields = [gen.name(f) for f in part.fields]
                lines += [f"{f} = {p}" for f, p in zip(fields, places, strict=True)]
                columns[part.column.name] = gen.name(f"{table.name}_{part.column.name}")
                lines.append(f"{columns[part.column.name]} = {part.function.value(gen.module, fields)}")
    else:
        for place, name in enumerate(stored_columns(table)):
            if name in needed:
                columns[name] = gen.name(f"{table.name}_{name}")
                lines.append(f"{columns[name]} = {found}[{place + 1}]")
    if "ROWTIME" in needed:
        columns["ROWTIME"] = gen.name(f"{table.name}_ROWTIME")
        lines.append(f"{columns['ROWTIME']} = {found}[0]")
    source = gen.graph.input(node)
    for mine, theirs in zip(table.schema.key, source.schema.key, strict=False):
        if mine.name in needed:
            columns[mine.name] = gen.name(f"{table.name}_{mine.name}")
            lines.append(f"{columns[mine.name]} = {row.columns[theirs.name]}")
    return lines, row.with_columns(columns)


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Changes of the table trigger nothing."""
    return []
