"""A group_by whose keys are exactly the present key columns needs no repartition."""

from __future__ import annotations

from dataclasses import replace

from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import GroupBy, Node
from penstock.planner.logical.flow import Flow, Logical


def keep_key(logical: Logical) -> Logical:
    """Sets rekey to False there, and takes the present key's format. Windowed keys do not stay: the window is part of the bytes."""
    flows = dict(logical.flows)
    nodes: list[Node] = []
    for node in logical.nodes:
        if isinstance(node, GroupBy):
            before = flows[node.inputs[0].partition(".")[0]]
            if _same(node, before):
                node = replace(node, rekey=False, key_format=before.key_format)
                flows[node.name] = replace(flows[node.name], key_format=before.key_format)
        nodes.append(node)
    return replace(logical, nodes=tuple(nodes), flows=flows)


def _same(node: GroupBy, before: Flow) -> bool:
    read = [p.expr.name if isinstance(p.expr, ColumnRef) else None for p in node.keys]
    return before.window is None and bool(read) and read == [c.name for c in before.schema.key]
