"""A repartition drops records without a key, which have no partition, but for those that a join behind it keeps without a match: a left
join of a stream and a table, be it global, a left, right or full one of two streams (KIP-962)."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.nodes import JoinKind, Node, Repartition, StreamGlobalJoin, StreamStreamJoin, StreamTableJoin
from penstock.planner.logical.flow import Logical


def keep_null_keys(logical: Logical) -> Logical:
    """Marks the repartitions that lead to such a join."""
    leads: set[str] = set()
    for node in reversed(logical.nodes):
        if node.name in leads or _keeps(node):
            leads.update(i.partition(".")[0] for i in node.inputs)
    nodes = tuple(replace(n, drops_null_keys=False) if isinstance(n, Repartition) and n.name in leads else n for n in logical.nodes)
    return replace(logical, nodes=nodes)


def _keeps(node: Node) -> bool:
    return isinstance(node, StreamStreamJoin | StreamTableJoin | StreamGlobalJoin) and node.join is not JoinKind.INNER
