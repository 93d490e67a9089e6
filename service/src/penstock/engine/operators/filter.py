"""Filter: keeps rows for which a condition is true.

On a table both sides of a change are judged: a row that stops matching leaves as a tombstone, one that did not match before either leaves
nothing (KAFKA-10077; every table here has a store, so that its old rows are known) unless the table is versioned (KIP-914).
"""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines, comment, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.Filter, index: int) -> set[str]:
    """The condition's columns and what is read downstream."""
    return set(graph.needed(node)) | reads([node.where])


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A record with a null value matches nothing."""
    node: n.Filter = edge.node
    inner = gen.rows(node.name, row)
    if row.present == NEVER:
        return inner if node.negate else []
    if not inner:
        return []
    code = gen.condition(node, node.where, row)
    test = f"not ({code.value})" if node.negate else code.value
    return [_comment(node), *code.lines, f"if {test}:", *indent(inner)]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The same condition for the new row and the old one."""
    node: n.Filter = edge.node
    lines: Lines = [_comment(node)]
    new_lines, new = judge(gen, node, change.new, "keeps")
    lines += new_lines
    if change.old is None:
        return [*lines, *gen.changes(node.name, replace(change, new=new))]
    old_lines, old = judge(gen, node, change.old, "kept")
    inner = gen.changes(node.name, replace(change, new=new, old=old))
    if change.newest != ALWAYS:  # the old row of a versioned table need not be the one before: its deletions all go on
        return [*lines, *old_lines, *inner] if inner else []
    return [*lines, *old_lines, f"if {new.present} or {old.present}:", *indent(inner)] if inner else []


def _comment(node: n.Filter) -> str:
    return comment(node, "filter, unless" if node.negate else "filter", node.where)


def judge(gen: Generator, node: n.Filter, row: Row, hint: str) -> tuple[Lines, Row]:
    """Lines that judge a row of a table, and the row as it is behind the filter."""
    if row.present == NEVER:
        return [], row
    code = gen.condition(node, node.where, row)
    test = f"not ({code.value})" if node.negate else code.value
    kept = gen.name(f"{hint}_{node.name}")
    if row.present == ALWAYS:
        return [*code.lines, f"{kept} = {test}"], row.only_if(kept)
    return [f"{kept} = False", f"if {row.present}:", *indent([*code.lines, f"{kept} = {test}"])], row.only_if(kept)
