"""Sink: serialises the value columns (and the key, where its bytes will not do as they are) and hands the record to the output.

A row that cannot be serialised is blamed here; other consumers of the same row go on. A RoutedSink also names the topic, which the owner of
its output looks up.
"""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.rows import ALWAYS, NEVER, Change, KeyForm, Row, key_form, window_bytes
from penstock.engine.timestamps import time_of
from penstock.expr.code import indent
from penstock.expr.typed import Expr
from penstock.plan import nodes as n
from penstock.types.sqltype import Kind

Sink = n.Sink | n.RoutedSink


def sink_form(graph: Graph, node: Sink) -> KeyForm:
    """Form of the keys of the sink's topic."""
    return key_form(node.topic.key_format, graph.input(node).schema.key, window_bytes(node.topic.window), own=True)


def demand(graph: Graph, node: Sink, index: int) -> set[str]:
    """All value columns; what topic and headers are computed of; key columns where the key is serialised anew."""
    source = graph.input(node)
    wanted = {theirs.name for theirs in source.schema.value} | reads(_expressions(node))
    wanted |= {c.name for c in source.schema.key if c.name == node.topic.timestamp_column}
    form = graph.form(source)
    if form is not None and form.canonical and form.same_bytes(sink_form(graph, node)):
        return wanted
    return wanted | {c.name for c in source.schema.key}


def _expressions(node: Sink) -> list[Expr]:
    route = [node.route] if isinstance(node, n.RoutedSink) else []
    return [*route, *(h.expr for h in node.headers)]


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Writes a record; a null value is written as one."""
    return _write(gen, edge.node, row)


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Writes the new row, or a tombstone."""
    return _write(gen, edge.node, change.new)


def _time(gen: Generator, node: Sink, row: Row) -> tuple[Lines, str]:
    """Lines that find the record's time, and the time: a column's where the sink names one."""
    column = node.schema.get(node.topic.timestamp_column) if node.topic.timestamp_column else None
    if column is None:
        return [], row.ts
    at, read = gen.name("at"), gen.bind(time_of(column.type, node.topic.timestamp_format, column.name), "time_of")
    return [f"{at} = {read}({row.columns[column.name]})"], at


def _write(gen: Generator, node: Sink, row: Row) -> Lines:
    source = gen.graph.input(node)
    lines, key = gen.key_bytes(row, source, sink_form(gen.graph, node))
    gone = _append(gen, node, _without_values(gen, source, row), key, "None", row.ts)
    body = [*lines, *gone]
    if row.present != NEVER:
        code = gen.encode(node.topic.value_format, source.schema.value, "value", [row.columns[c.name] for c in source.schema.value])
        time_lines, ts = _time(gen, node, row)
        there = [*code.lines, *time_lines, *_append(gen, node, row, key, code.value, ts)]
        body = [*lines, *there] if row.present == ALWAYS else [*lines, f"if {row.present}:", *indent(there), "else:", *indent(gone)]
    failed = gen.bind(gen.failed, "failed")
    return [f"# {node.name}: sink", "try:", *indent(body), "except Exception as error:", f"    {failed}(error, {row.record})"]


def _without_values(gen: Generator, source: n.Node, row: Row) -> Row:
    """A row without a value, as expressions see it: its value columns are null."""
    values = {c.name for c in source.schema.value}
    kept = {name: var for name, var in row.columns.items() if name not in values}
    return row.with_columns({**{name: gen.nothing() for name in values}, **kept})


def _append(gen: Generator, node: Sink, row: Row, key: str, value: str, ts: str) -> Lines:
    """Lines that hand the record over."""
    lines, headers = _headers(gen, node, row)
    if isinstance(node, n.RoutedSink):
        append = gen.bind(gen.bindings.routed[node.name].rows.append, f"write_{node.name}")
        route_lines, topic = gen.value(node, node.route, "topic", row)
        return [*lines, *route_lines, f"{append}(({topic}, {key}, {value}, {ts}, {headers}, {row.record}))"]
    append = gen.bind(gen.bindings.outputs[node.topic.topic].rows.append, f"write_{node.name}")
    return [*lines, f"{append}(({key}, {value}, {ts}, {headers}))"]


def _headers(gen: Generator, node: Sink, row: Row) -> tuple[Lines, str]:
    """Lines, and the expression of the record's headers."""
    lines: Lines = []
    added: list[str] = []
    for header in node.headers:
        more, found = gen.value(node, header.expr, "header", row)
        lines += more
        text = header.expr.type is not None and header.expr.type.kind is Kind.STRING
        added.append(f"({header.name!r}, {f'None if {found} is None else {found}.encode()' if text else found})")
    if node.drop_headers:
        return lines, f"({', '.join(added)},)" if added else "()"
    return lines, f"(*{row.headers}, {', '.join(added)})" if added else row.headers
