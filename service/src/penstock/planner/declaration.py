"""Declared relations: a Relation message checked and made what source nodes see."""

from __future__ import annotations

from penstock_client.gen.penstock.v1 import relation_pb2

from penstock.errors import RequestError
from penstock.plan.nodes import RelationKind, TopicRef
from penstock.plan.relations import RelationInfo
from penstock.planner.convert import to_format, to_schema
from penstock.planner.logical import formats
from penstock.planner.names import valid_name, valid_topic
from penstock.planner.refuse import refuse


def relation_info(message: relation_pb2.Relation, partitions: int) -> RelationInfo:
    """The declared relation on a topic of so many partitions. Raises RequestError: INVALID_SCHEMA, INVALID_FORMAT, INVALID_ARGUMENT."""
    kind = relation_pb2.RelationKind.Name(message.kind).removeprefix("RELATION_KIND_")
    if kind == "UNSPECIFIED":
        raise refuse("INVALID_ARGUMENT", f"relation {message.name} is a stream or a table: kind is missing", field="relation.kind")
    if not valid_name(message.name):
        raise refuse("INVALID_ARGUMENT", f"relation name {message.name!r} is not [A-Za-z][A-Za-z0-9_]{{0,63}}", field="relation.name")
    try:
        schema = to_schema(message.schema)
    except RequestError as e:
        raise refuse(e.reason, f"{message.name}: {e.message}", **{**e.metadata, "field": "relation.schema"}) from e
    if not schema.columns or (kind == "TABLE" and not schema.key):
        raise refuse("INVALID_SCHEMA", f"{message.name} needs {'a key column' if schema.columns else 'columns'}", field="relation.schema")
    binding = message.topic
    topic = binding.topic or message.name
    if not valid_topic(topic):
        raise refuse("INVALID_ARGUMENT", f"{topic!r} is no name of a topic", field="relation.topic.topic")
    key = formats.check(to_format(binding.key_format, formats.declared_key(schema.key)), schema.key, message.name, "relation.topic.key_format")
    value = formats.check(to_format(binding.value_format, formats.JSON), schema.value, message.name, "relation.topic.value_format")
    ref = TopicRef(topic, partitions, key, value, binding.timestamp_column, binding.timestamp_format)
    formats.check_timestamp(schema, ref, message.name, "relation.topic.timestamp_column", "")
    return RelationInfo(message.name, RelationKind(kind), schema, ref)
