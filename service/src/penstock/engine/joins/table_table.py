"""TableTableJoin: a change of either table joins the other one's present row of the same key; the result is kept in the join's store.

As Kafka Streams, record by record: where a side's unmatched rows do not stay, nothing leaves while the other side is absent; where they
stay, something leaves unless the other row, the new and the old one are all absent. A deletion that nobody has seen a row for may leave
as well. ROWTIME is the later of both rows'. The old row of a change is what the store held, so that what is subtracted downstream is
exactly what was added.
"""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines, columns_where, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.joins.lookup import lookup, named_as, side
from penstock.engine.operators.materialize import put
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.TableTableJoin, index: int) -> set[str]:
    """Columns behind all projections, since they are stored; the key, which the other table's row may be read by."""
    return reads([c.expr for c in node.columns], index) | {c.name for c in graph.input(node, index).schema.key}


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """The planner refuses streams here."""
    raise NotImplementedError("both inputs are tables")


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Joins the changed row with the other table's."""
    node: n.TableTableJoin = edge.node
    source, other_table = gen.graph.input(node, edge.index), gen.graph.input(node, 1 - edge.index)
    form = gen.graph.store_form(node)
    key_lines, key = gen.key_bytes(change.new, source, form)
    asked = named_as(change.new, source, other_table)
    found_lines, other = lookup(gen, other_table, asked, key, _read(node, 1 - edge.index))
    keeps_own, keeps_other = node.join.keeps(edge.index), node.join.keeps(1 - edge.index)
    present = _either(change.new.present, other.present) if keeps_own and keeps_other else ALWAYS if keeps_other else change.new.present
    lines, joined = _joined(gen, node, edge.index, change.new, other, key, present)
    leaves = other.present
    if keeps_own:
        leaves = _either(other.present, *(row.present for row in change.sides))
    guarded = lines + _stored(gen, node, joined, key)
    head = [f"# {node.name}: {node.join.value.lower()} table join, {('left', 'right')[edge.index]} changed", *key_lines, *found_lines]
    return [*head, *(guarded if leaves == ALWAYS else [f"if {leaves}:", *indent(guarded)])]


def _stored(gen: Generator, node: n.TableTableJoin, row: Row, key: str) -> Lines:
    lines, change = put(gen, node, row, key)
    return lines + gen.changes(node.name, change)


def _joined(gen: Generator, node: n.TableTableJoin, index: int, own: Row, other: Row, key: str, present: str) -> tuple[Lines, Row]:
    """Lines that compute the result of both rows, and the result."""
    own_lines, own_side = side(gen, own, _read(node, index))
    other_lines, other_side = side(gen, other, _read(node, 1 - index))
    at, there = gen.name("at"), present
    lines = [f"{at} = {other.ts} if {other.present} and {other.ts} > {own.ts} else {own.ts}"]
    if present not in (ALWAYS, NEVER) and not present.isidentifier():
        there = gen.name(f"{node.name}_row")
        lines.append(f"{there} = {present}")
    rows = (own_side, other_side) if index == 0 else (other_side, own_side)
    columns = {name: own.columns[theirs] for name, theirs in same_place(node, gen.graph.input(node, index)).items()}
    base = replace(own, key=key, form=gen.graph.store_form(node), ts=at, present=there, columns={**columns, "ROWTIME": at})
    if there == NEVER:
        return lines, base
    computed, values = gen.projections(node, node.columns, frozenset(c.name for c in node.columns), *rows)
    lines += [*own_lines, *other_lines, *columns_where(there, computed, values)]
    return lines, base.with_columns({**base.columns, **values})


def _read(node: n.TableTableJoin, index: int) -> frozenset[str]:
    return frozenset(reads([c.expr for c in node.columns], index))


def _either(*present: str) -> str:
    if ALWAYS in present:
        return ALWAYS
    return " or ".join(dict.fromkeys(p for p in present if p != NEVER)) or NEVER
