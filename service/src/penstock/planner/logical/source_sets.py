"""Sources of several topics that are one stream: by names, by a pattern, or by relations of the catalog."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.log.port import valid_topic
from penstock.plan.nodes import RelationKind, SourceTopic
from penstock.plan.relations import RelationInfo
from penstock.planner.logical.flow import Context
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed
from penstock.types.schema import Schema

PATTERN = 1024
"""Characters of a pattern at most."""


def check_set(node: Placed, topics: topology_pb2.TopicSet, kind: RelationKind) -> None:
    """Exactly one way of saying which topics, and the declaration where it is needed. Raises RequestError."""
    field = node.path("origin", "topics")
    if kind is not RelationKind.STREAM:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a table is read from one topic; merge streams of the topics and put to_table behind",
                     node=node.name, field=field)
    ways = [way for way in ("names", "pattern", "relations") if getattr(topics, way)]
    if len(ways) != 1:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: topics are given by names, by a pattern or by relations, by one of them", node=node.name,
                     field=field)
    if ("relations" in ways) == topics.HasField("relation"):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: " + ("relations have columns of their own: leave relation out" if "relations" in ways else
                     "topics by names or by a pattern need their columns"), node=node.name, field=f"{field}.relation")


def topics_of(node: Placed, topics: topology_pb2.TopicSet, context: Context) -> tuple[SourceTopic, ...]:
    """Names or what the pattern finds now, in order of name. Raises RequestError(MISSING_TOPIC, INVALID_TOPOLOGY)."""
    field = node.path("origin", "topics")
    if topics.pattern:
        return _matching(node, topics.pattern, f"{field}.pattern", context)
    names = list(topics.names)
    for name in names:
        if not valid_topic(name):
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: {name!r} is no name of a topic", node=node.name, field=f"{field}.names")
        if names.count(name) > 1:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: topic {name} is named twice", node=node.name, field=f"{field}.names", topic=name)
        if not context.relations.topic_partitions(name):
            raise refuse("MISSING_TOPIC", f"{node.name}: topic {name} does not exist", node=node.name, field=f"{field}.names", topic=name)
    return tuple(map(SourceTopic, names))


def _matching(node: Placed, pattern: str, field: str, context: Context) -> tuple[SourceTopic, ...]:
    if len(pattern) > PATTERN:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a pattern has at most {PATTERN} characters", node=node.name, field=field)
    try:
        compiled = re.compile(pattern)
    except re.error as e:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {pattern!r} is no regular expression: {e}", node=node.name, field=field,
                     position=str(e.pos or 0)) from e
    found = sorted(name for name in context.relations.topic_names() if compiled.fullmatch(name) and not context.own(name))
    if not found:
        raise refuse("MISSING_TOPIC", f"{node.name}: no topic matches {pattern}; there must be one, for the tasks are as many as it has "
                     "partitions", node=node.name, field=field, pattern=pattern)
    return tuple(map(SourceTopic, found))


def alike(node: Placed, found: Sequence[RelationInfo]) -> RelationInfo:
    """The first of several relations, when all are read in one way. Raises RequestError(TYPE_MISMATCH)."""
    first = found[0]
    for i, other in enumerate(found):
        same = replace(other.topic, topic=first.topic.topic, partitions=first.topic.partitions) == first.topic
        if other.schema != first.schema or other.window != first.window or not same:
            shown = f"({_shown(other.schema)}), {first.name} ({_shown(first.schema)})" if other.schema != first.schema else "other formats or windows"
            raise refuse("TYPE_MISMATCH", f"{node.name}: {other.name} has {shown}; relations that are read together have equal columns and "
                         "formats", node=node.name, field=node.path("origin", f"topics.relations[{i}]"), relation=other.name)
        if any(other.topic.topic == before.topic.topic for before in found[:i]):
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: topic {other.topic.topic} is named twice", node=node.name,
                         field=node.path("origin", f"topics.relations[{i}]"), topic=other.topic.topic)
    return first


def _shown(schema: Schema) -> str:
    return ", ".join(f"{c.name} {c.type}{' KEY' if c in schema.key else ''}" for c in schema)
