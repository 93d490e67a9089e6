"""Relations and short ways to a plan, for the planner's tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from penstock.expr.remote import RemoteFunction
from penstock.plan.relations import RelationInfo
from penstock.plan.resolved import ResolvedPlan
from penstock.planner import plan_topology
from penstock.planner.definition import load_relation, load_topology
from penstock.testing.relations import relation_info
from penstock.types.sqltype import BIGINT, DOUBLE, STRING

PURCHASES = "stream: purchases\ncolumns: [CUSTOMER STRING KEY, ITEM STRING, PRICE DOUBLE, COUNT INT, TAGS ARRAY<STRING>]"
CUSTOMERS = "table: customers\ncolumns: [ID STRING KEY, NAME STRING, CITY STRING]"
THREE = "table: three\ncolumns: [ID STRING KEY, NAME STRING]"
NUMBERED = "table: numbered\ncolumns: [ID BIGINT KEY, NAME STRING]"
JSON_KEYED = "table: json_keyed\ncolumns: [ID STRING KEY, NAME STRING]\nkey_format: JSON"
KEYLESS = "stream: keyless\ncolumns: [LINE STRING]"
GONE = "stream: gone\ncolumns: [LINE STRING]"


class KnownRelations:
    """A catalog that does not change, and topics that exist."""

    def __init__(self, relations: Sequence[RelationInfo], topics: Mapping[str, int]) -> None:
        self._relations = {r.name.lower(): r for r in relations}
        self._topics = topics

    def find(self, name: str) -> RelationInfo | None:
        return self._relations.get(name.lower())

    def names(self) -> list[str]:
        return [r.name for r in self._relations.values()]

    def topic_partitions(self, topic: str) -> int | None:
        return self._topics.get(topic)

    def topic_names(self) -> Iterable[str]:
        return self._topics

    @property
    def functions(self) -> Mapping[str, RemoteFunction]:
        return {f.name: f for f in (RemoteFunction("GEOCODE", (STRING, BIGINT), STRING, version=2, deterministic=True, cache_rows=10),
                                    RemoteFunction("GUESS", (DOUBLE,), DOUBLE, nulls=True))}


def relations() -> KnownRelations:
    """Some relations of 4 partitions, `three` of 3, and `gone`, whose topic does not exist; a topic `other` of 6."""
    found = [relation_info(load_relation(text)) for text in (PURCHASES, CUSTOMERS, THREE, NUMBERED, JSON_KEYED, KEYLESS, GONE)]
    topics = {r.topic.topic: 3 if r.name == "three" else 4 for r in found if r.name != "gone"}
    known = [replace(r, topic=replace(r.topic, partitions=topics.get(r.topic.topic, 0))) for r in found]
    return KnownRelations(known, topics | {"other": 6})


def plan(nodes: str, head: str = "topology: t") -> ResolvedPlan:
    """The plan of a topology whose nodes are given as YAML."""
    indented = "".join(f"  {line}\n" for line in nodes.strip("\n").splitlines())
    return plan_topology(load_topology(f"{head}\nnodes:\n{indented}"), relations(), service_id="penstock", incarnation=7)
