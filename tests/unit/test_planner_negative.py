"""Lengths that are negative are refused, each with its field: YAML cannot even say them, a client can."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from penstock.errors import RequestError
from penstock.planner import plan_topology
from penstock.planner.definition import load_topology

sys.path.insert(0, str(Path(__file__).parent))

from planning import relations

NODES = """
topology: t
nodes:
  p: {stream: purchases}
  c: {table: customers}
  by: {from: p, group_by: []}
"""
TIMED = "a: {from: by, aggregate: {N: COUNT(*)}, window: {hopping: 1m, advance: 10s, grace: 1s, retention: 1h}}"
PAIR = "a: {from: [p, p], stream_join: {before: 1s, after: 1s, grace: 1s, columns: [left.PRICE AS A]}}"


@pytest.mark.parametrize(("node", "field"), [
    (TIMED, "aggregate.window.size"), (TIMED, "aggregate.window.advance"), (TIMED, "aggregate.window.grace"), (TIMED, "aggregate.window.retention"),
    ("a: {from: by, aggregate: {N: COUNT(*)}, window: {session: 1m}}", "aggregate.window.gap"),
    (PAIR, "stream_stream_join.before"), (PAIR, "stream_stream_join.after"), (PAIR, "stream_stream_join.grace"),
    ("a: {from: p, deduplicate: {within: 1m, grace: 1s}}", "deduplicate.within"), ("a: {from: p, deduplicate: {within: 1m, grace: 1s}}", "deduplicate.grace"),
    ("a: {from: c, suppress: {until: 1s}}", "suppress.time_limit"), ("a: {from: p, to_table: {history: 1s}}", "to_table.history"),
])
def test_a_negative_length_is_refused(node: str, field: str) -> None:
    topology = load_topology(f"{NODES}  {node}\n")
    *path, last = field.split(".")
    holder = next(n for n in topology.nodes if n.name == "a")
    for name in path:
        holder = getattr(holder, name)
    getattr(holder, last).FromMilliseconds(-1)
    with pytest.raises(RequestError) as refused:
        plan_topology(topology, relations(), service_id="test", incarnation=1)
    assert refused.value.reason == "INVALID_TOPOLOGY" and refused.value.metadata["node"] == "a"
    assert refused.value.metadata["field"].endswith(field.partition(".")[2])
