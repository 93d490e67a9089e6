"""Tumbling windows: [start, start + size), aligned to the epoch. Pure functions, and the generated form of the same rules.

A record advances the node's stream time first; its window accepts it iff window end > stream time - grace.
"""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge
from penstock.engine.windows.stream_time import advanced, input_time
from penstock.expr.code import indent


def start_of(timestamp: int, size: int) -> int:
    """Start of the window that holds a timestamp."""
    return timestamp - timestamp % size


def accepts(start: int, size: int, grace: int, stream_time: int) -> bool:
    """Whether a window still takes records."""
    return start + size > stream_time - grace


def windowed(gen: Generator, edge: Edge, ts: str, key: str, once: Lines, inner: Lines, window_key: str, start: str) -> Lines:
    """`once`, then `inner` for the window of a record, under the store key in `window_key`; late records are counted."""
    node = edge.node
    assert node.window is not None
    size, grace = node.window.size_ms, node.window.grace_ms
    time = input_time(gen, edge)
    packed = gen.cell(f"{node.name}_start_bytes", "b''")
    last = gen.cell(f"{node.name}_start", "-1")
    late = gen.bind(gen.bindings.late, "late")
    return [
        *advanced(gen, edge, ts),
        f"{start} = {ts} - {ts} % {size}",
        f"if {start} + {size} > {time} - {grace}:",
        *indent([f"if {start} != {last}:", f"    {last} = {start}", f"    {packed} = {start}.to_bytes(8, 'big')",
                 f"{window_key} = {key} + {packed}", *once, *inner]),
        "else:", f"    {late}({node.name!r})",
    ]
