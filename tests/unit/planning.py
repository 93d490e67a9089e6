"""Relations and short ways to a plan, for the planner's tests."""

from __future__ import annotations

from penstock.plan.fixed_relations import FixedRelations
from penstock.plan.resolved import ResolvedPlan
from penstock.planner import plan_topology
from penstock.planner.declaration import relation_info
from penstock.planner.definition import load_relation, load_topology

PURCHASES = "stream: purchases\ncolumns: [CUSTOMER STRING KEY, ITEM STRING, PRICE DOUBLE, COUNT INT, TAGS ARRAY<STRING>]"
CUSTOMERS = "table: customers\ncolumns: [ID STRING KEY, NAME STRING, CITY STRING]"
THREE = "table: three\ncolumns: [ID STRING KEY, NAME STRING]"
NUMBERED = "table: numbered\ncolumns: [ID BIGINT KEY, NAME STRING]"
JSON_KEYED = "table: json_keyed\ncolumns: [ID STRING KEY, NAME STRING]\nkey_format: JSON"
KEYLESS = "stream: keyless\ncolumns: [LINE STRING]"
GONE = "stream: gone\ncolumns: [LINE STRING]"


def relations() -> FixedRelations:
    """Some relations of 4 partitions, `three` of 3, and `gone`, whose topic does not exist."""
    partitions = {PURCHASES: 4, CUSTOMERS: 4, THREE: 3, NUMBERED: 4, JSON_KEYED: 4, KEYLESS: 4, GONE: 0}
    found = [relation_info(load_relation(text), number) for text, number in partitions.items()]
    return FixedRelations(found, {"other": 6})


def plan(nodes: str, head: str = "topology: t") -> ResolvedPlan:
    """The plan of a topology whose nodes are given as YAML."""
    indented = "".join(f"  {line}\n" for line in nodes.strip("\n").splitlines())
    return plan_topology(load_topology(f"{head}\nnodes:\n{indented}"), relations(), service_id="penstock", incarnation=7)
