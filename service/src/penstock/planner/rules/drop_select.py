"""A select that gives its input's value columns under their names and in their order does nothing."""

from __future__ import annotations

from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import Select
from penstock.planner.logical.flow import Logical
from penstock.planner.rules.rewire import without


def drop_select(logical: Logical) -> Logical:
    """Leaves such nodes out."""
    stand_ins: dict[str, str] = {}
    for node in logical.nodes:
        if not isinstance(node, Select):
            continue
        before = logical.flows[node.inputs[0].partition(".")[0]].schema
        plain = all(isinstance(p.expr, ColumnRef) and p.expr.name == p.name for p in node.columns)
        if plain and before.columns == node.schema.columns:
            stand_ins[node.name] = node.inputs[0]
    return without(logical, stand_ins)
