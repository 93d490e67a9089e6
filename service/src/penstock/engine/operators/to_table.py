"""ToTable: a stream read as changes of a table."""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.operators.materialize import kept, stored_columns
from penstock.engine.rows import Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.ToTable, index: int) -> set[str]:
    """All value columns, since they are stored; the key's columns where its bytes will not do."""
    keys = same_place(node, graph.input(node))
    wanted = {theirs for mine, theirs in keys.items() if mine in graph.needed(node)}
    return wanted | set(stored_columns(node)) | key_demand(graph, node, index)


def key_demand(graph: Graph, node: n.Node, index: int) -> set[str]:
    """Key columns of an input, if the store's key has to be serialised anew from them."""
    source = graph.input(node, index)
    form = graph.form(source)
    wanted = graph.store_form(node)
    if isinstance(node, n.Aggregate) and node.window is not None:
        wanted = replace(wanted, window_bytes=0)  # the window is put behind the group's key
    if form is not None and form.canonical and form.same_bytes(wanted):
        return set()
    return {c.name for c in source.schema.key}


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A null value deletes; a null key is dropped."""
    node: n.ToTable = edge.node
    source = gen.graph.input(node)
    form = gen.graph.store_form(node)
    lines, key = gen.key_bytes(row, source, form)
    moved = row.moved({**same_place(node, source), **{c: c for c in stored_columns(node)}})
    inner = kept(gen, node, replace(moved, key=key, form=form), key)
    return [f"# {node.name}: to table", *lines, f"if {key} is not None:", *indent(inner)]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("a table is one already")
