"""Sink: serialises the value columns (and the key, where its bytes will not do as they are) and hands the record to the output.

A row that cannot be serialised is blamed here; other consumers of the same row go on.
"""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph
from penstock.engine.rows import ALWAYS, NEVER, Change, KeyForm, Row, key_form, window_bytes
from penstock.engine.timestamps import time_of
from penstock.expr.code import indent
from penstock.plan import nodes as n


def sink_form(graph: Graph, node: n.Sink) -> KeyForm:
    """Form of the keys of the sink's topic."""
    return key_form(node.topic.key_format, graph.input(node).schema.key, window_bytes(node.topic.window), own=True)


def demand(graph: Graph, node: n.Sink, index: int) -> set[str]:
    """All value columns; key columns where the key is serialised anew."""
    source = graph.input(node)
    values = {theirs.name for theirs in source.schema.value}
    values |= {c.name for c in source.schema.key if c.name == node.topic.timestamp_column}
    form = graph.form(source)
    if form is not None and form.canonical and form.same_bytes(sink_form(graph, node)):
        return values
    return values | {c.name for c in source.schema.key}


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Writes a record; a null value is written as one."""
    return _write(gen, edge.node, row)


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Writes the new row, or a tombstone."""
    return _write(gen, edge.node, change.new)


def _time(gen: Generator, node: n.Sink, row: Row) -> tuple[Lines, str]:
    """Lines that find the record's time, and the time: a column's where the sink names one."""
    column = node.schema.get(node.topic.timestamp_column) if node.topic.timestamp_column else None
    if column is None:
        return [], row.ts
    at, read = gen.name("at"), gen.bind(time_of(column.type, node.topic.timestamp_format, column.name), "time_of")
    return [f"{at} = {read}({row.columns[column.name]})"], at


def _write(gen: Generator, node: n.Sink, row: Row) -> Lines:
    source = gen.graph.input(node)
    lines, key = gen.key_bytes(row, source, sink_form(gen.graph, node))
    append = gen.bind(gen.bindings.outputs[node.topic.topic].rows.append, f"write_{node.name}")
    gone = [f"{append}(({key}, None, {row.ts}, {row.headers}))"]
    body = [*lines, *gone]
    if row.present != NEVER:
        code = gen.encode(node.topic.value_format, source.schema.value, "value", [row.columns[c.name] for c in source.schema.value])
        time_lines, ts = _time(gen, node, row)
        there = [*code.lines, *time_lines, f"{append}(({key}, {code.value}, {ts}, {row.headers}))"]
        body = [*lines, *there] if row.present == ALWAYS else [*lines, f"if {row.present}:", *indent(there), "else:", *indent(gone)]
    failed = gen.bind(gen.failed, "failed")
    return [f"# {node.name}: sink", "try:", *indent(body), "except Exception as error:", f"    {failed}(error, {row.record})"]
