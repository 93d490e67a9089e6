"""RemoteProcessor: gathers its rows; what becomes of them is engine/processors/remote.py. Its outputs are operators/processor.py's."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph
from penstock.engine.operators.processor import send_function
from penstock.engine.processors.remote import RemoteHost
from penstock.engine.rows import NEVER, Change, Row
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.RemoteProcessor, index: int) -> set[str]:
    """Everything."""
    return {c.name for c in graph.input(node).schema.columns}


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """One append."""
    node: n.RemoteProcessor = edge.node
    source = gen.graph.input(node)
    host = _host(gen, node)
    gather = gen.bind(host.gather_gone, f"gather_gone_{node.name}") if row.present == NEVER else gen.bind(host.gathered.append, f"gather_{node.name}")
    keys = [row.columns[c.name] for c in source.schema.key]
    values = ["None" if row.present == NEVER else row.columns[c.name] for c in source.schema.value]
    return [f"# {node.name}: remote processor {node.processor}", f"{gather}(({', '.join([*keys, *values, row.ts, row.record])}))"]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Its input is a stream."""
    raise AssertionError("a remote processor of a table")


def _host(gen: Generator, node: n.RemoteProcessor) -> RemoteHost:
    if node.name not in gen.hosts:
        source = gen.graph.input(node)
        assert isinstance(source, n.Repartition)
        outputs = [edge.node for edge in gen.graph.edges(node)]
        host = gen.hosts[node.name] = RemoteHost(node, source, outputs, gen.bindings, gen.failures)
        if host.timers is not None:
            gen.held[f"{node.name}.timers"] = host.timers
        for output in host.outputs.values():
            send_function(gen, output.node)
    found = gen.hosts[node.name]
    assert isinstance(found, RemoteHost)
    return found
