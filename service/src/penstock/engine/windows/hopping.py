"""Hopping windows: [start, start + size) for every start that is a multiple of the advance and not negative. Pure functions, and the
generated form of the same rules.

A record advances the node's stream time first; each of its windows accepts it iff window end > stream time - grace, so an old record may
still reach its later windows. It is late when none accepts it.
"""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge
from penstock.engine.windows.stream_time import advanced, input_time
from penstock.expr.code import indent


def starts_of(timestamp: int, size: int, advance: int, open_since: int = 0) -> range:
    """Starts of the windows that hold a timestamp, in order. open_since: stream time less grace; windows that end by then are left
    out."""
    return range(max(0, (max(timestamp, open_since) - size) // advance * advance + advance), timestamp + 1, advance)


def windowed(gen: Generator, edge: Edge, ts: str, key: str, once: Lines, inner: Lines, window_key: str, start: str) -> Lines:
    """`once`, then `inner` for each window of a record that accepts it, under the store key in `window_key`."""
    node = edge.node
    assert node.window is not None
    size, advance, grace = node.window.size_ms, node.window.advance_ms, node.window.grace_ms
    time = input_time(gen, edge)
    late = gen.bind(gen.bindings.late, "late")
    first = f"max(0, (max({ts}, {time} - {grace}) - {size}) // {advance} * {advance} + {advance})"
    return [
        *advanced(gen, edge, ts),
        f"if {ts} - {ts} % {advance} + {size} > {time} - {grace}:",
        *indent([*once, f"for {start} in range({first}, {ts} + 1, {advance}):",
                 *indent([f"{window_key} = {key} + {start}.to_bytes(8, 'big')", *inner])]),
        "else:", f"    {late}({node.name!r})",
    ]
