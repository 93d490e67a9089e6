"""sink: a topic of the catalog."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from penstock.log.port import valid_topic
from penstock.plan.nodes import Format, Projection, RelationKind, RoutedSink, Sink, TopicRef
from penstock.planner.convert import to_format
from penstock.planner.logical import formats
from penstock.planner.logical.expressions import of_kind
from penstock.planner.logical.flow import Built, Context, Flow, Wish, scope
from penstock.planner.logical.sources import to_wish
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed
from penstock.types.schema import Role, Schema
from penstock.types.sqltype import Kind

RELATION = re.compile(r"[^.\x00-\x1f\x7f]{1,128}")
"""Names of relations; a dot stands between a topology and its node."""

UNSAID = Format("")
"""Stands where the request names no format."""


def sink(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Writes its input under a name of the catalog. Formats are those of the first source upstream unless given."""
    flow, proto = inputs[0], node.proto.sink
    relation = proto.relation or node.name
    if proto.topic_expression:
        return _routed(node, flow)
    if proto.insert:
        return _insert(node, flow, relation, context)
    _check_name(node, relation, context)
    topic = proto.topic.topic or relation
    if not valid_topic(topic):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {topic!r} is no name of a topic", node=node.name, field=node.path("topic", "topic"))
    # A sink's topic is made when it is missing, whatever `create` says of numbers.
    wish = replace(to_wish(proto.topic), create=True)
    made = Sink(node.name, node.inputs, flow.schema, flow.kind, flow.window, relation, _bound(node, flow, topic),
                headers=_headers(node, flow), drop_headers=proto.drop_headers)
    return Built((made,), flow, wish)


def sink_topics(placed: Sequence[Placed]) -> frozenset[str]:
    """Topics that sinks name, and so make."""
    sinks = [p for p in placed if p.operator == "sink" and not p.proto.sink.insert and not p.proto.sink.topic_expression]
    return frozenset(p.proto.sink.topic.topic or p.proto.sink.relation or p.name for p in sinks)


def _routed(node: Placed, flow: Flow) -> Built:
    """Each row to the topic that an expression names."""
    proto = node.proto.sink
    for name, given in (("relation", proto.relation), ("insert", proto.insert), ("topic.topic", proto.topic.topic)):
        if given:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: a sink with a topic expression publishes nothing and has no one topic: leave "
                         f"{name} out", node=node.name, field=node.path(name))
    here = scope((node.inputs[0], flow))
    route = of_kind(node, proto.topic_expression, here, (Kind.STRING,), "topic_expression")
    wish = to_wish(proto.topic)
    made = RoutedSink(node.name, node.inputs, flow.schema, flow.kind, flow.window, _bound(node, flow, ""), route, wish.create, wish.partitions,
                      wish.replicas, wish.retention_ms, _headers(node, flow), proto.drop_headers)
    return Built((made,), flow)


def _headers(node: Placed, flow: Flow) -> tuple[Projection, ...]:
    """The headers that are added; a name may occur twice, as in Kafka."""
    here = scope((node.inputs[0], flow))
    found = []
    for i, projection in enumerate(node.proto.sink.headers):
        if not projection.alias:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: a header needs a name: give the expression an alias", node=node.name,
                         field=node.path(f"headers[{i}]", "alias"))
        expr = of_kind(node, projection.expression, here, (Kind.STRING, Kind.BYTES), f"headers[{i}]", "expression")
        found.append(Projection(projection.alias, expr))
    return tuple(found)


def _bound(node: Placed, flow: Flow, topic: str) -> TopicRef:
    """The topic with its formats, those of the first source upstream unless given."""
    message, field = node.proto.sink.topic, node.path("topic")
    keys, values = flow.schema.key, flow.schema.value
    key = _format(to_format(message.key_format, UNSAID), formats.inherited_key(flow.key_format, keys))
    value = _format(to_format(message.value_format, UNSAID), formats.inherited_value(flow.value_format, values))
    formats.check(key, keys, "key", node.name, f"{field}.key_format")
    formats.check(value, values, "value", node.name, f"{field}.value_format")
    ref = TopicRef(topic, 0, key, value, message.timestamp_column, message.timestamp_format, flow.window)
    formats.check_timestamp(flow.schema, ref, node.name, f"{field}.timestamp_column", node.name)
    return ref


def _insert(node: Placed, flow: Flow, relation: str, context: Context) -> Built:
    """Writes into a stream of the catalog; its columns by name and type, in the relation's formats."""
    field = node.path("relation")
    target = context.relations.find(relation)
    if target is None:
        raise refuse("UNKNOWN_RELATION", f"{node.name}: there is no relation {relation}", node=node.name, field=field, relation=relation)
    if target.kind is not RelationKind.STREAM or flow.kind is not RelationKind.STREAM:
        table = target.name if target.kind is not RelationKind.STREAM else node.inputs[0]
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: INSERT INTO can only be used to insert into a stream. {table} is a table.",
                     node=node.name, field=field)
    result, wanted = [[(c.name, c.type, c.role) for c in s.columns if c.role is not Role.HEADER] for s in (flow.schema, target.schema)]
    if result != wanted or flow.window != target.window:
        raise refuse("TYPE_MISMATCH", f"{node.name}: Incompatible schema between results and sink. Result schema is {_listed(flow.schema)}, "
                     f"Sink schema is {_listed(target.schema)}", node=node.name, field=field)
    made = Sink(node.name, node.inputs, flow.schema, flow.kind, flow.window, target.name, target.topic, insert=True,
                headers=_headers(node, flow), drop_headers=node.proto.sink.drop_headers)
    return Built((made,), flow, Wish(create=False))


def _listed(schema: Schema) -> str:
    return ", ".join(f"`{c.name}` {c.type}{' KEY' if c.role is Role.KEY else ''}" for c in schema)


def _check_name(node: Placed, relation: str, context: Context) -> None:
    field = node.path("relation")
    if not RELATION.fullmatch(relation):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: relation name {relation!r} has a dot, a control character or more than 128 characters", node=node.name,
                     field=field)
    taken = context.relations.find(relation)
    if taken is not None and (not taken.owner_topology or taken.owner_topology.lower() != context.topology.lower()):
        raise refuse("NAME_TAKEN", f"{node.name}: a {taken.kind.value.lower()} {taken.name} exists", node=node.name, field=field,
                     relation=taken.name)


def _format(given: Format, inherited: Format) -> Format:
    """The given format, or the inherited one with the given properties."""
    if given.name:
        return given
    return Format(inherited.name, given.properties) if given.properties else inherited
