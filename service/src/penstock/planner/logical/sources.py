"""source_stream and source_table: a relation of the catalog, or a declaration of the topology's own."""

from __future__ import annotations

from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2

from penstock.errors import RequestError
from penstock.plan.nodes import Node, RelationKind, SourceStream, SourceTable, StoreKind, TopicRef
from penstock.plan.relations import RelationInfo
from penstock.planner.convert import millis, to_format, to_schema, to_start
from penstock.planner.logical import formats
from penstock.planner.logical.flow import Built, Context, Flow, Wish
from penstock.planner.logical.history import history
from penstock.planner.names import valid_topic
from penstock.planner.refuse import candidates, did_you_mean, refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.types.schema import Schema


def source_stream(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Reads a stream."""
    return _source(node, node.proto.source_stream.origin, RelationKind.STREAM, context)


def source_table(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Reads a table and materialises it."""
    return _source(node, node.proto.source_table.origin, RelationKind.TABLE, context)


def _source(node: Placed, origin: topology_pb2.Origin, kind: RelationKind, context: Context) -> Built:
    wish, inline = Wish(create=False), False
    match origin.WhichOneof("origin"):
        case "relation":
            info = _found(node, origin.relation, kind, context)
        case "inline":
            info, wish = _declared(node, origin.inline, kind, context)
            inline = True
        case None:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: a source needs a relation or an inline declaration", node=node.name,
                         field=node.path("origin"))
        case other:
            raise refuse("UNSUPPORTED", f"{node.name}: reading {other} is not built", node=node.name, field=node.path("origin", other))
    start = to_start(origin.start, node.name, node.path("origin", "start"))
    made: Node
    history_ms = 0
    if kind is RelationKind.STREAM:
        made = SourceStream(node.name, (), info.schema, kind, info.window, info.name, info.topic, start)
    else:
        if not info.schema.key:
            raise refuse("INVALID_SCHEMA", f"{node.name}: table {info.name} needs a key column", node=node.name, field=node.path("origin"))
        spec = store(node.name, StoreKind.KEY_VALUE if info.window is None else info.window.store_kind,
                     tuple((c.name, str(c.type)) for c in info.schema.value), info.window)
        kept = history(node, node.proto.source_table, spec, info.schema, info.window is not None)
        made = SourceTable(node.name, (), info.schema, kind, info.window, info.name, info.topic, start, spec, kept)
        history_ms = 0 if kept is None else kept.retention_ms
    flow = Flow(info.schema, kind, info.window, info.topic.key_format, info.topic.value_format, offsets=kind is RelationKind.STREAM,
                history_ms=history_ms)
    return Built((made,), flow, wish, inline)


def _found(node: Placed, name: str, kind: RelationKind, context: Context) -> RelationInfo:
    field = node.path("origin", "relation")
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
    try:
        schema = to_schema(inline.schema)
    except RequestError as e:
        raise refuse(e.reason, f"{node.name}: {e.message}", **{**e.metadata, "node": node.name, "field": f"{field}.schema"}) from e
    if not schema.columns:
        raise refuse("INVALID_SCHEMA", f"{node.name}: a declaration needs columns", node=node.name, field=f"{field}.schema")
    topic = binding(node, inline.topic, node.name, schema, f"{field}.topic")
    wish = to_wish(inline.topic) if inline.HasField("topic") else Wish(create=True)
    return RelationInfo(node.name, kind, schema, topic), wish


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
