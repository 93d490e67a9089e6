"""A catalog for tests: relations that are simply there, with a partition each unless they say otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from penstock_client.gen.penstock.v1 import relation_pb2

from penstock.expr.remote import RemoteFunction
from penstock.plan.nodes import Format, RelationKind, TopicRef
from penstock.plan.relations import RelationInfo
from penstock.planner.convert import to_format, to_schema


class FixedRelations:
    """A Relations over a fixed list. partitions: of topics whose number is not given. More topics can exist than relations read."""

    def __init__(self, relations: Iterable[RelationInfo] = (), partitions: int = 1, topics: Iterable[str] = (), functions: Iterable[RemoteFunction] = ()) -> None:
        self.functions: Mapping[str, RemoteFunction] = {function.name: function for function in functions}
        self._relations = [r if r.topic.partitions else replace(r, topic=replace(r.topic, partitions=partitions)) for r in relations]
        self._topics = dict.fromkeys(topics, partitions) | {r.topic.topic: r.topic.partitions for r in self._relations}

    def find(self, name: str) -> RelationInfo | None:
        """By name without regard to case; exact case wins."""
        exact = [r for r in self._relations if r.name == name]
        return next(iter(exact or [r for r in self._relations if r.name.lower() == name.lower()]), None)

    def names(self) -> list[str]:
        """All names."""
        return [r.name for r in self._relations]

    def topic_partitions(self, topic: str) -> int | None:
        """Partitions of an existing topic."""
        return self._topics.get(topic)

    def topic_names(self) -> Iterable[str]:
        """Names of all topics."""
        return self._topics


def relation_info(message: relation_pb2.Relation) -> RelationInfo:
    """A declaration (penstock.v1.Relation) as the catalog would hold it. Formats default to KAFKA for keys and JSON for values."""
    kind = RelationKind.TABLE if message.kind == relation_pb2.RELATION_KIND_TABLE else RelationKind.STREAM
    schema = to_schema(message.schema)
    bound = message.topic
    key = to_format(bound.key_format, Format("KAFKA") if schema.key else Format("NONE"))
    topic = TopicRef(bound.topic or message.name, bound.create.partitions, key, to_format(bound.value_format, Format("JSON")),
                     bound.timestamp_column, bound.timestamp_format)
    return RelationInfo(message.name, kind, schema, topic)
