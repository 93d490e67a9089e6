"""RemoteCall: gathers its rows with the arguments of the call; what becomes of them is engine/processors/calls.py."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines, comment, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.processors.calls import CallHost
from penstock.engine.rows import ALWAYS, NEVER, Change, Row
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.RemoteCall, index: int) -> set[str]:
    """What the arguments read, and what is read further on."""
    return reads(node.arguments) | (graph.needed(node) & {c.name for c in graph.input(node).schema.columns})


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """One append; a row without a value is not asked about."""
    node: n.RemoteCall = edge.node
    host = _host(gen, node)
    gather = gen.bind(host.gathered.append, f"gather_{node.name}")
    columns = [row.columns.get(c, "None") for c in _passed(gen, node)]
    going_on = ", ".join([row.ts, row.headers, row.key or "None", "True" if row.present == ALWAYS else "False", *columns])
    if row.present == NEVER:
        return [f"# {node.name}: no call", f"{gather}((None, {row.record}, ({going_on},)))"]
    lines: Lines = [comment(node, f"call {node.function}", *node.arguments)]
    values = []
    for number, argument in enumerate(node.arguments, 1):
        more, value = gen.value(node, argument, f"argument_{number}", row)
        lines += more
        values.append(value)
    return [*lines, f"{gather}((({', '.join(values)},), {row.record}, ({going_on},)))"]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Its input is a stream."""
    raise AssertionError("a remote call for a table")


def _passed(gen: Generator, node: n.RemoteCall) -> list[str]:
    """Columns that are read further on, the result left out."""
    needed = gen.graph.needed(node)
    return [c.name for c in gen.graph.input(node).schema.columns if c.name in needed]


def _host(gen: Generator, node: n.RemoteCall) -> CallHost:
    """The host, with the function behind it; made once."""
    if node.name not in gen.hosts:
        source = gen.graph.input(node)
        assert isinstance(source, n.Repartition)
        gen.hosts[node.name] = CallHost(node, source, gen.bindings, gen.failures)
        name = gen.sends[node.name] = gen.name(f"send_{node.name}")
        columns = {c: gen.name(c) for c in [*_passed(gen, node), node.column]}
        row = Row({"ROWTIME": "ts", **columns}, "key", gen.graph.form(node), "ts", "headers", "r", "present")
        body = gen.outlined_split(node.name, row)
        gen.functions.append([f"def {name}({', '.join(['r', 'ts', 'headers', 'key', 'present', *columns.values()])}):",
                              f'    """Rows of {node.name} with what {node.function} gave."""',
                              *indent([*gen.global_line(), f"# {node.name}: result", *(body or ["pass"])])])
    found = gen.hosts[node.name]
    assert isinstance(found, CallHost)
    return found
