"""Source nodes of one stream and one start are one source: its topic is read once."""

from __future__ import annotations

from penstock.plan.nodes import SourceStream
from penstock.planner.logical.flow import Logical
from penstock.planner.rules.rewire import without


def share_sources(logical: Logical) -> Logical:
    """Keeps the first of each topic. Declarations stay: they are published under their node's name (and read a topic of their own)."""
    first: dict[str, str] = {}
    stand_ins: dict[str, str] = {}
    for node in logical.nodes:
        if isinstance(node, SourceStream) and node.name not in logical.inline:
            kept = first.setdefault(node.topic.topic, node.name)
            if kept != node.name:
                stand_ins[node.name] = kept
    return without(logical, stand_ins)
