"""source_stream and source_table: a relation of the catalog, or a declaration of the topology's own."""

from __future__ import annotations

from dataclasses import replace

from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2

from penstock.errors import RequestError
from penstock.log.port import valid_topic
from penstock.plan.nodes import Node, OnBadTime, RelationKind, SourceStream, SourceTable, SourceTopic, StoreKind, TopicRef
from penstock.plan.relations import RelationInfo
from penstock.planner.convert import millis, to_format, to_schema, to_start
from penstock.planner.logical import formats, source_sets
from penstock.planner.logical.flow import Built, Context, Flow, Wish
from penstock.planner.logical.history import history
from penstock.planner.refuse import candidates, did_you_mean, refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.planner.windows import declared_window
from penstock.types.schema import Role, Schema


def source_stream(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Reads a stream."""
    return source(node, node.proto.source_stream.origin, RelationKind.STREAM, context)


def source_table(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Reads a table and materialises it."""
    return source(node, node.proto.source_table.origin, RelationKind.TABLE, context)


def source(node: Placed, origin: topology_pb2.Origin, kind: RelationKind, context: Context) -> Built:
    wish, inline = Wish(create=False), False
    topics: tuple[SourceTopic, ...] = ()
    match origin.WhichOneof("origin"):
        case "relation":
            info = _found(node, origin.relation, kind, context)
        case "inline":
            info, wish = _declared(node, origin.inline, kind, context)
            inline = True
        case "topics":
            info, topics = _several(node, origin.topics, kind, context)
        case None:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: a source needs a relation or an inline declaration", node=node.name,
                         field=node.path("origin"))
        case other:
            raise refuse("UNSUPPORTED", f"{node.name}: reading {other} is not built", node=node.name, field=node.path("origin", other))
    info = _timed(node, info)
    start = to_start(origin.start, node.name, node.path("origin", "start"))
    made: Node
    history_ms = 0
    if kind is RelationKind.STREAM:
        made = SourceStream(node.name, (), info.schema, kind, info.window, info.name, info.topic, start, topics,
                            origin.topics.pattern, tuple(origin.topics.relations))
    else:
        if not info.schema.key:
            raise refuse("INVALID_SCHEMA", f"{node.name}: table {info.name} needs a key column", node=node.name, field=node.path("origin"))
        spec = store(node.name, StoreKind.KEY_VALUE if info.window is None else info.window.store_kind,
                     tuple((c.name, str(c.type)) for c in info.schema if c.role is not Role.KEY), info.window)
        kept = history(node, node.proto.source_table, spec, info.schema, info.window is not None)
        made = SourceTable(node.name, (), info.schema, kind, info.window, info.name, info.topic, start, spec, kept)
        history_ms = 0 if kept is None else kept.retention_ms
    flow = Flow(info.schema, kind, info.window, info.topic.key_format, info.topic.value_format, offsets=True, history_ms=history_ms)
    return Built((made,), flow, wish, inline)


def _several(node: Placed, given: topology_pb2.TopicSet, kind: RelationKind, context: Context) -> tuple[RelationInfo, tuple[SourceTopic, ...]]:
    """What several topics have in common, and the topics; the relation has no name."""
    source_sets.check_set(node, given, kind)
    if given.relations:
        found = [_found(node, name, kind, context, f"topics.relations[{i}]") for i, name in enumerate(given.relations)]
        return replace(source_sets.alike(node, found), name=""), tuple(SourceTopic(r.topic.topic) for r in found)
    topics = source_sets.topics_of(node, given, context)
    schema, topic = _schema_and_topic(node, given.relation, topics[0].topic, node.path("origin", "topics.relation"))
    return RelationInfo("", kind, schema, replace(topic, topic=topics[0].topic)), topics


def _timed(node: Placed, info: RelationInfo) -> RelationInfo:
    """With the time column of the node, where it names one."""
    message = getattr(node.proto, node.operator)
    if not message.HasField("time"):
        return info
    time, field = message.time, node.path("time", "column")
    if not time.column:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: time needs its column", node=node.name, field=field)
    policy = topology_pb2.OnBadTime.Name(time.on_bad_time).removeprefix("ON_BAD_TIME_")
    topic = replace(info.topic, timestamp_column=time.column, timestamp_format=time.format,
                    on_bad_time=OnBadTime.BAD_RECORD if policy == "UNSPECIFIED" else OnBadTime(policy))
    formats.check_timestamp(info.schema, topic, node.name, field, node.name)
    return replace(info, topic=topic)


def _found(node: Placed, name: str, kind: RelationKind, context: Context, at: str = "relation") -> RelationInfo:
    field = node.path("origin", at)
    try:
        info = context.relations.find(name)
    except RequestError as e:
        raise refuse(e.reason, f"{node.name}: {e.message}", node=node.name, field=field, **e.metadata) from e
    if info is None:
        known = context.relations.names()
        raise refuse("UNKNOWN_RELATION", f"{node.name}: there is no relation {name}{did_you_mean(name, known)}", node=node.name, field=field,
                     relation=name, candidates=candidates(name, known))
    if info.kind is not kind:
        other = "source_table" if info.kind is RelationKind.TABLE else "source_stream"
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {info.name} is a {info.kind.value.lower()}; read it with {other}", node=node.name,
                     field=field, relation=info.name)
    return info


def _declared(node: Placed, inline: topology_pb2.InlineRelation, kind: RelationKind, context: Context) -> tuple[RelationInfo, Wish]:
    field = node.path("origin", "inline")
    taken = context.relations.find(node.name)
    if taken is not None and taken.owner_topology.lower() != context.topology.lower():
        raise refuse("NAME_TAKEN", f"{node.name}: a {taken.kind.value.lower()} {taken.name} exists", node=node.name, field=field,
                     relation=taken.name)
    schema, topic = _schema_and_topic(node, inline, node.name, field)
    wish = to_wish(inline.topic) if inline.HasField("topic") else Wish(create=True)
    if not inline.HasField("window"):
        return RelationInfo(node.name, kind, schema, topic), wish
    window = declared_window(inline.window, node.name, f"{field}.window")
    return RelationInfo(node.name, kind, schema, replace(topic, window=window), window), wish


def _schema_and_topic(node: Placed, inline: topology_pb2.InlineRelation, default_topic: str, field: str) -> tuple[Schema, TopicRef]:
    try:
        schema = to_schema(inline.schema)
    except RequestError as e:
        raise refuse(e.reason, f"{node.name}: {e.message}", **{**e.metadata, "node": node.name, "field": f"{field}.schema"}) from e
    if not schema.columns:
        raise refuse("INVALID_SCHEMA", f"{node.name}: a declaration needs columns", node=node.name, field=f"{field}.schema")
    return schema, binding(node, inline.topic, default_topic, schema, f"{field}.topic")


def to_wish(message: relation_pb2.TopicBinding) -> Wish:
    """What a binding says of creating its topic."""
    spec = message.create
    retention = millis(spec.retention) if spec.HasField("retention") else None
    return Wish(message.HasField("create"), spec.partitions, spec.replicas, retention)


def binding(node: Placed, message: relation_pb2.TopicBinding, default_topic: str, schema: Schema, field: str) -> TopicRef:
    """A declaration's topic with its formats, KAFKA and JSON by default, checked against the columns."""
    topic = message.topic or default_topic
    if not valid_topic(topic):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {topic!r} is no name of a topic", node=node.name, field=f"{field}.topic")
    key = formats.check(to_format(message.key_format, formats.declared_key(schema.key)), schema.key, "key", node.name,
                        f"{field}.key_format")
    value = formats.check(to_format(message.value_format, formats.JSON), schema.value, "value", node.name,
                          f"{field}.value_format")
    ref = TopicRef(topic, 0, key, value, message.timestamp_column, message.timestamp_format)
    formats.check_timestamp(schema, ref, node.name, f"{field}.timestamp_column", node.name)
    return ref
