"""Equal new keys of one input share one repartition topic."""

from __future__ import annotations

from penstock.expr.tree import is_deterministic
from penstock.plan.nodes import GroupBy, PartitionBy
from penstock.planner.logical.flow import Logical
from penstock.planner.rules.rewire import without


def share_groups(logical: Logical) -> Logical:
    """Of equal group_bys (and partition_bys) of one input the first stays. Those that give another key each time are left alone."""
    first: dict[object, str] = {}
    stand_ins: dict[str, str] = {}
    for node in logical.nodes:
        if not isinstance(node, GroupBy | PartitionBy) or not all(is_deterministic(k.expr) for k in node.keys):
            continue
        kept = first.setdefault((type(node), node.inputs, node.keys, node.key_format), node.name)
        if kept != node.name:
            stand_ins[node.name] = kept
    return without(logical, stand_ins)
