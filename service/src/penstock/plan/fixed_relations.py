"""A catalog that does not change: for tests and for planning without a service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from penstock.plan.relations import RelationInfo


class FixedRelations:
    """Relations over given ones. topics: partitions of existing topics; those of the relations are known by themselves."""

    def __init__(self, relations: Iterable[RelationInfo] = (), topics: Mapping[str, int] | None = None) -> None:
        self._relations = {r.name: r for r in relations}
        self._topics = {r.topic.topic: r.topic.partitions for r in self._relations.values() if r.topic.partitions} | dict(topics or {})

    def find(self, name: str) -> RelationInfo | None:
        """By exact name, else without regard to case."""
        exact = self._relations.get(name)
        return exact or next((r for n, r in self._relations.items() if n.lower() == name.lower()), None)

    def names(self) -> list[str]:
        """All names in order."""
        return sorted(self._relations)

    def topic_partitions(self, topic: str) -> int | None:
        """None when the topic does not exist."""
        return self._topics.get(topic)
