"""Processor: hands records to a plug-in; and its outputs, whose code is a function that the plug-in calls through `forward`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph
from penstock.engine.processors.host import ProcessorHost
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n

if TYPE_CHECKING:
    from penstock.types.schema import Column

BOUNDS = ("WINDOWSTART", "WINDOWEND")


def demand(graph: Graph, node: n.Processor | n.ProcessorOutput, index: int) -> set[str]:
    """A plug-in gets everything; an output reads nothing of the processor."""
    if isinstance(node, n.ProcessorOutput):
        return set()
    source = graph.input(node, index)
    return {c.name for c in source.schema.columns} | (set(BOUNDS) if source.window is not None else set())


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Calls the plug-in; a null value is None."""
    if isinstance(edge.node, n.ProcessorOutput):
        return []  # its rows come from the plug-in
    node: n.Processor = edge.node
    source = gen.graph.input(node, edge.index)
    host = _host(gen, node)
    receive = gen.bind(host.receiver(node.inputs[edge.index]), f"process_{node.name}")
    bounds = [f"'{name}': {row.columns[name]}" for name in BOUNDS if name in row.columns]
    keys = [*_entries(source.schema.key, row), *bounds]
    key = f"{{{', '.join(keys)}}}" if keys else "None"
    if keys and row.key:
        key = f"None if {row.key} is None else {key}"
    value = "None" if row.present == NEVER else f"{{{', '.join(_entries(source.schema.value, row))}}}"
    if row.present not in (ALWAYS, NEVER):
        value = f"{value} if {row.present} else None"
    return [f"# {node.name}: processor {node.processor}", f"{receive}({key}, {value}, {row.ts}, {row.headers}, {row.record})"]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The new row of a table; a deletion has no value."""
    return on_row(gen, edge, change.new)


def _entries(columns: tuple[Column, ...], row: Row) -> list[str]:
    return [f"{c.name!r}: {row.columns[c.name]}" for c in columns]


def _host(gen: Generator, node: n.Processor) -> ProcessorHost:
    """The plug-in's host, with the functions behind its outputs; made at the first input."""
    if node.name not in gen.hosts:
        outputs = [edge.node for edge in gen.graph.edges(node)]
        host = gen.hosts[node.name] = ProcessorHost(node, outputs, gen.bindings, gen.failures, gen.wall, gen.stream, gen.held, gen.records_time)
        for output in host.outputs.values():
            send_function(gen, output.node)
    found = gen.hosts[node.name]
    assert isinstance(found, ProcessorHost)
    return found


def send_function(gen: Generator, node: n.ProcessorOutput) -> None:
    """The function that an output's rows are given to."""
    name = gen.sends[node.name] = gen.name(f"send_{node.name}")
    columns = {c.name: gen.name(c.name) for c in node.schema.columns}
    row = Row({"ROWTIME": "ts", **columns}, "key", gen.graph.form(node), "ts", "headers", "r", "present")
    body = gen.outlined_split(node.name, row)
    gen.functions.append([f"def {name}({', '.join(['r', 'ts', 'headers', 'key', 'present', *columns.values()])}):",
                          f'    """Rows that {node.inputs[0]} sends to {node.output}."""',
                          *indent([*gen.global_line(), f"# {node.name}: output", *(body or ["pass"])])])
