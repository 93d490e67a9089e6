"""PartitionBy: new key columns from expressions. The key's bytes are made by the Repartition that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penstock.engine.generator import Generator, Lines, comment, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.rows import NEVER, PSEUDO, Change, Row
from penstock.plan import nodes as n
from penstock.types.schema import Role


def demand(graph: Graph, node: n.PartitionBy | n.GroupBy, index: int) -> set[str]:
    """Columns of the key's expressions and the value columns read downstream."""
    wanted = graph.needed(node)
    values = {c.name for c in node.schema if c.role is not Role.KEY} | PSEUDO
    return reads([k.expr for k in node.keys]) | (wanted & values)


def rekeyed(gen: Generator, node: n.PartitionBy | n.GroupBy, row: Row, known: Mapping[str, str] | None = None) -> tuple[Lines, Row]:
    """Lines that compute the new key columns of a row that is there, and the row with them and without key bytes. known: key columns that
    need no computing."""
    columns = dict(row.columns)
    lines: Lines = []
    found: dict[str, str] = dict(known or {})
    for column in node.keys:
        if column.name in found:
            continue
        more, found[column.name] = gen.value(node, column.expr, column.name, row)
        lines += more
    kept = {c.name for c in node.schema if c.role is not Role.KEY} | PSEUDO
    columns = {name: var for name, var in columns.items() if name in kept} | found
    return lines, replace(row, columns=columns, key="", form=None)


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A null key is a key like any other; of a record with a null value, a key that reads value columns is null."""
    node: n.PartitionBy = edge.node
    gone: dict[str, str] = {}
    if row.present == NEVER:
        gone = {k.name: gen.nothing() for k in node.keys if not reads([k.expr]) <= row.columns.keys()}
    lines, moved = rekeyed(gen, node, row, gone)
    if row.present == NEVER:  # the old key's columns are values now, of which there are none
        moved = moved.with_columns({**moved.pseudo(), **{k.name: moved.columns[k.name] for k in node.keys}})
    inner = gen.rows(node.name, moved)
    return [comment(node, "partition by", *(k.expr for k in node.keys)), *lines, *inner] if inner else []


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("PARTITION BY of a table")
