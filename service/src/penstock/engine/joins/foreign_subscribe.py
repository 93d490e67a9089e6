"""ForeignKeySubscribe: keeps who refers to which right row, and answers with that row: at once, and whenever it changes.

Answers to a subscription have the later time of both rows, those to a change of the right row its time.
"""

from __future__ import annotations

from collections.abc import Mapping

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph
from penstock.engine.joins.foreign_keys import LEAVE, SUBSCRIBE, prefix
from penstock.engine.joins.lookup import lookup, named_as
from penstock.engine.rows import ALWAYS, NEVER, Change, Row, key_form
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.ForeignKeySubscribe, index: int) -> set[str]:
    """The subscription; of the right table what is answered. Its key may be read between store and join too."""
    source = graph.input(node, index)
    keys = {c.name for c in source.schema.key}
    return keys | ({n.SUBSCRIBER, n.INSTRUCTION, n.ROW_HASH} if index == 0 else set(node.answers))


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A subscription. Without a foreign key there is nobody to keep it under, and no right row."""
    node: n.ForeignKeySubscribe = edge.node
    if row.present == NEVER:
        return []
    source, table = gen.graph.input(node, 0), gen.graph.input(node, 1)
    pk, what, digest = (row.columns[name] for name in (n.SUBSCRIBER, n.INSTRUCTION, n.ROW_HASH))
    entry, at = gen.name("subscription"), gen.name("answered")
    found_lines, right = lookup(gen, table, named_as(row, source, table), row.key, frozenset(node.answers))
    put = gen.bind(gen.bindings.stores[node.store.name].put, f"{node.name}_put")
    kept = [f"{entry} = {gen.bind(prefix, 'prefix_of')}({row.key}) + {pk}",
            f"{put}({entry}, ({row.ts}, {digest}) if {what} < {LEAVE} else None)", *found_lines]
    there = gen.name("answers")
    respond = _answer(gen, node, right, pk, digest, at, there, row)
    return [f"# {node.name}: subscription", f"if {row.key} is None:", f"    {right.present} = False", "else:", *indent(kept),
            f"{there} = {right.present} and {what} < {LEAVE}",
            f"if {there} or {what} != {SUBSCRIBE} and {what} != {LEAVE}:",
            *indent([f"{at} = {right.ts} if {there} and {right.ts} > {row.ts} else {row.ts}", *respond])]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """A change of the right row goes to everybody who refers to it."""
    node: n.ForeignKeySubscribe = edge.node
    if edge.index == 0:
        raise NotImplementedError("subscriptions are records")
    new = change.new
    table = gen.graph.input(node, 1)
    form = key_form(gen.graph.key_format(table), table.schema.key, 0, own=True)
    key_lines, key = gen.key_bytes(new, table, form)
    scan = gen.bind(gen.bindings.stores[node.store.name].prefix, f"{node.name}_of")
    start, entry, kept, pk, digest = (gen.name(h) for h in ("prefix", "entry", "kept", "pk", "row_hash"))
    respond = _answer(gen, node, new, pk, digest, new.ts, new.present, new)
    return [f"# {node.name}: answer", *key_lines, f"{start} = {gen.bind(prefix, 'prefix_of')}({key})",
            f"for {entry}, {kept} in list({scan}({start})):", *indent([f"{pk} = {entry}[len({start}):]", f"{digest} = {kept}[1]", *respond])]


def _answer(gen: Generator, node: n.ForeignKeySubscribe, right: Row, pk: str, digest: str, at: str, there: str, cause: Row) -> Lines:
    known: Mapping[str, str] = {**right.columns, "ROWTIME": right.ts}
    columns = {n.answer_column(name): known.get(name, "None") for name in node.answers}
    if there not in (ALWAYS, NEVER):
        columns = {name: f"({value} if {there} else None)" for name, value in columns.items()}
    form = key_form(node.key_format, node.schema.key, 0, own=True)
    row = Row({n.ROW_HASH: digest, n.PRESENT: there, **columns}, pk, form, at, cause.headers, cause.record)
    return gen.rows(node.name, row) or ["pass"]


