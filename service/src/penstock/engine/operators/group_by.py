"""GroupBy: the group's key, for an Aggregate. Rows whose key is null or has a null in it belong to no group.

On a table each change becomes: one record (old, new) when the group stays, else a subtract record (old, nothing) for the old group
and then an add record (nothing, new) for the new one (KIP-904).
"""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines, comment
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.operators import partition_by
from penstock.engine.rows import ALWAYS, NEVER, PSEUDO, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n
from penstock.types.schema import Role


def demand(graph: Graph, node: n.GroupBy, index: int) -> set[str]:
    """As PartitionBy's; a key that stays is needed under its name in the input."""
    if node.rekey:
        return partition_by.demand(graph, node, index)
    wanted = graph.needed(node)
    keys = same_place(node, graph.input(node, index))
    return {theirs for mine, theirs in keys.items() if mine in wanted} | (wanted & ({c.name for c in node.schema if c.role is not Role.KEY} | PSEUDO))


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Drops rows without a group. A record with a null value belongs to one only if its key stays."""
    node: n.GroupBy = edge.node
    if not node.rekey:
        return gen.rows(node.name, _kept(gen, node, row))
    if row.present == NEVER:
        return []
    lines, moved = partition_by.rekeyed(gen, node, row)
    inner = gen.rows(node.name, moved)
    return [comment(node, "group by", *(k.expr for k in node.keys)), *lines, f"if {_whole(node, moved)}:", *indent(inner)] if inner else []


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Subtract and add."""
    node: n.GroupBy = edge.node
    assert change.old is not None
    if not node.rekey:
        return gen.changes(node.name, Change(_kept(gen, node, change.new), _kept(gen, node, change.old)))
    if NEVER in (change.new.present, change.old.present):
        return _one_sided(gen, node, change.new, change.old)
    new_lines, new, adds = _side(gen, node, change.new, "adds")
    old_lines, old, takes = _side(gen, node, change.old, "takes")
    same = " and ".join(f"{new.columns[k.name]} == {old.columns[k.name]}" for k in node.keys)
    both = gen.changes(node.name, Change(new.only_if(ALWAYS), old.only_if(ALWAYS)))
    subtract = gen.changes(node.name, Change(_without(old), old.only_if(ALWAYS)))
    add = gen.changes(node.name, Change(new.only_if(ALWAYS), _without(new)))
    return [comment(node, "group by", *(k.expr for k in node.keys)), *new_lines, *old_lines, f"if {adds} and {takes} and {same}:", *indent(both), "else:",
            f"    if {takes}:", *indent(subtract, 2), f"    if {adds}:", *indent(add, 2)]


def _one_sided(gen: Generator, node: n.GroupBy, new: Row, old: Row) -> Lines:
    """A row that is known to come, or to go."""
    comes = new.present != NEVER
    lines, row, flag = _side(gen, node, new if comes else old, "adds" if comes else "takes")
    here = row.only_if(ALWAYS)
    inner = gen.changes(node.name, Change(here, _without(row)) if comes else Change(_without(row), here))
    return [comment(node, "group by", *(k.expr for k in node.keys)), *lines, f"if {flag}:", *indent(inner)] if inner else []


def _kept(gen: Generator, node: n.GroupBy, row: Row) -> Row:
    return row.moved({**same_place(node, gen.graph.input(node)), **{c.name: c.name for c in node.schema if c.role is not Role.KEY}})


def _without(row: Row) -> Row:
    """The absent other side of a record: it has the same key."""
    return row.only_if(NEVER)


def _whole(node: n.GroupBy, row: Row) -> str:
    return " and ".join(f"{row.columns[k.name]} is not None" for k in node.keys) or "True"


def _side(gen: Generator, node: n.GroupBy, row: Row, hint: str) -> tuple[Lines, Row, str]:
    """Lines, the row under its group's key, and the variable that says whether it has a group."""
    flag = gen.name(f"{hint}_{node.name}")
    lines, moved = partition_by.rekeyed(gen, node, row)
    keys = {k.name: gen.name(k.name) for k in node.keys}
    lines += [f"{keys[k.name]} = {moved.columns[k.name]}" for k in node.keys]
    moved = replace(moved, columns={**moved.columns, **keys})
    judged = [*lines, f"{flag} = {_whole(node, moved)}"]
    nothing = " = ".join([*keys.values(), "None"])
    if row.present == ALWAYS:
        return judged, moved, flag
    return [f"{flag} = False", nothing, f"if {row.present}:", *indent(judged)], moved, flag
