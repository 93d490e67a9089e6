"""The stream time of a node: the newest time of its records so far, in this task. It is kept with each commit."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge
from penstock.plan import nodes as n


def stream_time(gen: Generator, node: n.Node) -> str:
    """The global that holds a node's stream time; -1 before the first record."""
    return _cell(gen, node.name)


def input_time(gen: Generator, edge: Edge) -> str:
    """The global that holds the stream time of one input, by which its records are late: the inputs of a cogroup are processors of their
    own in Kafka Streams, which share a store."""
    node: n.Node = edge.node
    return stream_time(gen, node) if len(node.inputs) == 1 else _cell(gen, f"{node.name}.{edge.index}")


def advanced(gen: Generator, edge: Edge, ts: str) -> Lines:
    """Lines that raise stream time, the input's too, to that of a record."""
    times = dict.fromkeys((input_time(gen, edge), stream_time(gen, edge.node)))
    return [line for time in times for line in (f"if {ts} > {time}:", f"    {time} = {ts}")]


def _cell(gen: Generator, name: str) -> str:
    if name not in gen.times:
        gen.times[name] = gen.cell(f"{name.replace('.', '_')}_stream_time", "-1")
    return gen.times[name]


def newest_start(gen: Generator, node: n.Node) -> str:
    """The global that holds the newest start of a node's windows, where that is not a function of stream time. It is kept likewise."""
    name = newest_name(node)
    if name not in gen.times:
        gen.times[name] = gen.cell(f"{node.name}_newest_start", "-1")
    return gen.times[name]


def newest_name(node: n.Node) -> str:
    """The name under which it is kept; no node has one with a point."""
    return f"{node.name}.newest"


def expired_before(stream_time: int, retention: int) -> int:
    """Windows of earlier times are forgotten."""
    return max(0, stream_time - retention)
