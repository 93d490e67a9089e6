"""The stream time of a node: the newest time of its records so far, in this task. It is kept with each commit."""

from __future__ import annotations

from penstock.engine.generator import Generator
from penstock.plan import nodes as n


def stream_time(gen: Generator, node: n.Node) -> str:
    """The global that holds a node's stream time; -1 before the first record."""
    if node.name not in gen.times:
        gen.times[node.name] = gen.cell(f"{node.name}_stream_time", "-1")
    return gen.times[node.name]


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
