"""Values of the catalog as messages of the API, and back."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf import duration_pb2, timestamp_pb2
from penstock_client.gen.penstock.v1 import position_pb2, relation_pb2, topology_pb2, topology_service_pb2, types_pb2

from penstock.catalog.changes import etag_of
from penstock.catalog.port import CatalogState, RelationEntry, TopologyEntry
from penstock.catalog.view import Served, readers
from penstock.errors import RequestError
from penstock.formats import registry as formats
from penstock.plan.nodes import Format, RelationKind, Sink, TopicRef
from penstock.planner.convert import to_format, to_schema
from penstock.planner.windows import window_message
from penstock.serving.rows import column_message
from penstock.types.schema import Schema
from penstock.types.sqltype import Kind

PAGE, MAX_PAGE = 100, 1000


def relation_message(state: CatalogState, served: Served) -> relation_pb2.Relation:
    """A relation as the catalog describes it."""
    owner = served.owner.name if served.owner is not None else ""
    return relation_pb2.Relation(
        name=served.name, kind=f"RELATION_KIND_{served.kind.value}",
        schema=types_pb2.Schema(columns=[column_message(c) for c in served.schema.columns]),
        topic=None if served.topic is None else binding_message(served.topic),
        window=None if served.window is None else window_message(served.window),
        owner_topology=owner, writer_topologies=writers(state, served), reader_topologies=readers(state, served.name),
        read_only=read_only(served), lookup=served.materialised, etag=str(served.epoch),
    )


def writers(state: CatalogState, served: Served) -> list[str]:
    """Topologies with a sink into the relation's topic."""
    if served.topic is None:
        return []
    return sorted(t.name for t in state.topologies.values()
                  if any(isinstance(n, Sink) and n.topic.topic == served.topic.topic for s in t.plan.subs for n in s.nodes))


def read_only(served: Served) -> bool:
    """Whether appends are refused: a sink writes it, or it has no catalog name or no topic. An inline source takes them."""
    if served.topic is None or not served.in_catalog or served.source:
        return True
    if served.owner is None or served.published is None:
        return False
    node = served.published.node
    return any(isinstance(n, Sink) and n.name == node for s in served.owner.plan.subs for n in s.nodes)


def binding_message(topic: TopicRef) -> relation_pb2.TopicBinding:
    """A topic binding."""
    return relation_pb2.TopicBinding(
        topic=topic.topic, key_format=_format_message(topic.key_format), value_format=_format_message(topic.value_format),
        timestamp_column=topic.timestamp_column, timestamp_format=topic.timestamp_format,
    )


def _format_message(fmt: Format) -> relation_pb2.Format:
    return relation_pb2.Format(name=fmt.name, properties=dict(fmt.properties))


def relation_entry(message: relation_pb2.Relation, name: str, partitions: int) -> RelationEntry:
    """A declaration; its columns are checked by check_columns, when the schema registry has given those that it leaves out. Raises
    RequestError INVALID_SCHEMA, INVALID_FORMAT, INVALID_ARGUMENT."""
    kind = {relation_pb2.RELATION_KIND_STREAM: RelationKind.STREAM, relation_pb2.RELATION_KIND_TABLE: RelationKind.TABLE}.get(message.kind)
    if kind is None:
        raise RequestError("INVALID_ARGUMENT", "relation.kind must be STREAM or TABLE", {"field": "relation.kind"})
    schema = to_schema(message.schema)
    binding = message.topic
    key = to_format(binding.key_format, _default_key(schema))
    value = to_format(binding.value_format, Format("JSON"))
    topic = TopicRef(binding.topic or name, partitions, key, value, binding.timestamp_column, binding.timestamp_format)
    return RelationEntry(name, kind, schema, topic, None, "", 0)


def _default_key(schema: Schema) -> Format:
    """KAFKA where it can hold the key, JSON for several columns or a type that KAFKA has not, NONE without a key."""
    if not schema.key:
        return Format("NONE")
    bare = (Kind.INT, Kind.BIGINT, Kind.DOUBLE, Kind.STRING, Kind.BYTES)
    return Format("KAFKA" if len(schema.key) == 1 and schema.key[0].type.kind in bare else "JSON")


def check_columns(topic: TopicRef, schema: Schema, name: str) -> None:
    """Whether the formats hold the columns, and the time's column is one. Raises RequestError INVALID_FORMAT, UNKNOWN_COLUMN, INVALID_SCHEMA."""
    formats.check(topic.key_format, schema.key, "key")
    formats.check(topic.value_format, schema.value, "value")
    _check_timestamp(topic, schema, name)


def _check_timestamp(binding: TopicRef, schema: Schema, name: str) -> None:
    if not binding.timestamp_column:
        return
    column = schema.get(binding.timestamp_column)
    if column is None:
        raise RequestError("UNKNOWN_COLUMN", f"{name} has no column {binding.timestamp_column} to take the time from",
                           {"column": binding.timestamp_column, "relation": name})
    if column.type.kind not in (Kind.BIGINT, Kind.TIMESTAMP, Kind.STRING):
        raise RequestError("INVALID_SCHEMA", f"{name}: the time cannot be taken from {column.name} of {column.type}",
                           {"column": column.name, "relation": name})


def topology_message(entry: TopologyEntry, state: int, reason: str) -> topology_service_pb2.RegisteredTopology:
    """A registered topology with its state."""
    return topology_service_pb2.RegisteredTopology(
        topology=topology_pb2.Topology.FromString(entry.definition), version=entry.version, etag=etag_of(entry), state=state,  # type: ignore[arg-type]
        state_reason=reason, register_time=timestamp(entry.registered_ms), relations=[p.name for p in entry.plan.published],
    )


def position(token: str) -> position_pb2.PositionToken:
    """A token as a message."""
    return position_pb2.PositionToken(value=token)


def timestamp(ms: int) -> timestamp_pb2.Timestamp:
    """Milliseconds since 1970 as a Timestamp."""
    return timestamp_pb2.Timestamp(seconds=ms // 1000, nanos=ms % 1000 * 1_000_000)


def duration(ms: int) -> duration_pb2.Duration:
    """Milliseconds as a Duration."""
    return duration_pb2.Duration(seconds=ms // 1000, nanos=ms % 1000 * 1_000_000)


def millis(message: timestamp_pb2.Timestamp | duration_pb2.Duration) -> int:
    """A Timestamp or Duration in milliseconds, truncated."""
    return message.seconds * 1000 + message.nanos // 1_000_000


def seconds(message: duration_pb2.Duration) -> float:
    """A Duration in seconds."""
    return message.seconds + message.nanos / 1e9


def page(names: Iterable[str], page_size: int, page_token: str) -> tuple[list[str], str]:
    """One page of sorted names, and the token of the next. Raises INVALID_ARGUMENT."""
    if page_size < 0:
        raise RequestError("INVALID_ARGUMENT", f"page_size is {page_size}", {"field": "page_size"})
    size = min(page_size or PAGE, MAX_PAGE)
    rest = [n for n in names if n.lower() > page_token]
    return rest[:size], rest[size - 1].lower() if len(rest) > size else ""


