"""The one change that rules have in common: leave a node out and feed its consumers from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penstock.plan.nodes import Node
from penstock.planner.logical.flow import Logical


def without(logical: Logical, stand_ins: Mapping[str, str]) -> Logical:
    """The topology without the nodes that are keys; their consumers read the stand-in, which may be `node.output` or left out too."""
    if not stand_ins:
        return logical

    def final(name: str) -> str:
        while name in stand_ins:
            name = stand_ins[name]
        return name

    def fed(node: Node) -> Node:
        inputs = tuple(map(final, node.inputs))
        return node if inputs == node.inputs else replace(node, inputs=inputs)

    nodes = tuple(fed(n) for n in logical.nodes if n.name not in stand_ins)
    return replace(logical, nodes=nodes, wishes={k: v for k, v in logical.wishes.items() if k not in stand_ins})
