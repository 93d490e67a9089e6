"""Formats of topics tied to registered schemas: what a declaration or a sink writes with, decided once, when it is made.

A sink registers the schema of its columns under `<topic>-key` and `<topic>-value`, and is refused when that does not go with earlier ones. A
declaration registers only where the subject is empty; otherwise it writes by the subject's equal, else by its newest schema. A schema given by
its id is taken as it is; a sink's columns must be its first ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from penstock.errors import RegistryError, RequestError
from penstock.formats import avro_schema, json_schema, protobuf_schema
from penstock.formats.errors import FormatError
from penstock.formats.inferred import fields_of
from penstock.formats.port import Part
from penstock.formats.registry import REGISTRY, holds, is_bare
from penstock.formats.schemas import TYPE_OF, WrittenSchema, pin, subject_of
from penstock.plan.nodes import Format, Node, RoutedSink, Sink, SourceStream, SourceTable, TopicRef
from penstock.plan.resolved import ResolvedPlan
from penstock.schemas.port import Registry
from penstock.types.schema import Column, Role, Schema

BARE_NAMES: dict[Part, str] = {"key": "ROWKEY", "value": "ROWVAL"}
"""Of the column that a schema is as a whole."""


def derived(fmt: Format, columns: Sequence[Column], part: Part, relation: str) -> WrittenSchema:
    """The schema that follows from columns. RequestError INVALID_FORMAT."""
    bare, name = is_bare(fmt, tuple(columns), part), fmt.property("SCHEMA_FULL_NAME")
    match TYPE_OF[fmt.name]:
        case "AVRO":
            text = avro_schema.text_of(columns, bare, name or (avro_schema.key_name(relation) if part == "key" else ""))
        case "PROTOBUF":
            text = protobuf_schema.text_of(columns, fmt.property("NULLABLE_REPRESENTATION").upper(), name)
        case _:
            text = json_schema.text_of(columns, bare)
    return WrittenSchema(TYPE_OF[fmt.name], text)


def needs(topic: TopicRef, schema: Schema) -> bool:
    """Whether a topic has a part that is not tied to its schema yet."""
    return any(f.name in REGISTRY and c and not f.property("SCHEMA") for f, c in ((topic.key_format, schema.key), (topic.value_format, schema.value)))


def pin_topic(topic: TopicRef, schema: Schema, relation: str, registry: Registry, sink: bool) -> TopicRef:
    """The topic with both formats tied. RequestError, RegistryError."""
    key = pin_format(topic.key_format, schema.key, "key", topic.topic, relation, registry, sink)
    return replace(topic, key_format=key, value_format=pin_format(topic.value_format, schema.value, "value", topic.topic, relation, registry, sink))


def pin_format(fmt: Format, columns: tuple[Column, ...], part: Part, topic: str, relation: str, registry: Registry, sink: bool) -> Format:
    """One format, tied. RequestError, RegistryError."""
    if fmt.name not in REGISTRY or not columns or fmt.property("SCHEMA"):
        return fmt
    try:
        if given := fmt.property("SCHEMA_ID"):
            schema = registry.by_id(int(given))
            if sink:
                _check_columns(fmt, columns, part, schema)
            return _writable(pin(fmt, int(given), schema), columns, part, sink)
        subject = subject_of(topic, part)
        own = derived(fmt, columns, part, relation)
        if sink:
            return pin(fmt, registry.register(subject, own), own)
        found = registry.id_of(subject, own)
        if found is not None:
            return pin(fmt, found, own)
        latest = registry.latest(subject)
        return pin(fmt, registry.register(subject, own), own) if latest is None else pin(fmt, *latest)
    except FormatError as e:
        raise RequestError("UNKNOWN_SCHEMA", f"{part} format {fmt.name} of topic {topic}: {e.reason}", {"subject": subject_of(topic, part)}) from e
    except RegistryError as e:
        raise RequestError("SCHEMA_REGISTRY_UNAVAILABLE", f"{part} format {fmt.name} of topic {topic} needs a schema registry: {e}", retry_after=1.0) from e


def _check_columns(fmt: Format, columns: tuple[Column, ...], part: Part, schema: WrittenSchema) -> None:
    if schema.type != TYPE_OF[fmt.name]:
        raise RequestError("INVALID_SCHEMA", f"schema {fmt.property('SCHEMA_ID')} is {schema.type}, which {part} format {fmt.name} cannot write")
    bare = is_bare(fmt, columns, part)
    fields = fields_of(schema, bare, fmt.property("SCHEMA_FULL_NAME"), False, columns[0].name)
    wrong = [c for c, f in zip(columns, (*fields, *[("", None)] * len(columns)), strict=False) if (c.name, c.type) != f]
    if wrong:
        raise RequestError("INVALID_SCHEMA", f"The following {part} columns are changed, missing or reordered: [{', '.join(f'`{c.name}` {c.type}' for c in wrong)}]. "
                           f"Schema from schema registry is [{', '.join(f'`{n}` {t}' for n, t in fields)}]")


def _writable(fmt: Format, columns: tuple[Column, ...], part: Part, sink: bool) -> Format:
    if sink and (why := holds(fmt, columns, part)):
        raise RequestError("INVALID_SCHEMA", f"{part} schema {fmt.property('SCHEMA_ID')} cannot be written: {why}")
    return fmt


# ---- declarations without columns

def infers(topic: TopicRef, schema: Schema) -> tuple[Part, ...]:
    """The parts of a declaration that have no columns and a format with schemas in a registry."""
    parts: list[Part] = []
    if not schema.key and topic.key_format.name in REGISTRY:
        parts.append("key")
    if not schema.value and topic.value_format.name in REGISTRY:
        parts.append("value")
    return tuple(parts)


def infer(topic: TopicRef, schema: Schema, registry: Registry) -> tuple[TopicRef, Schema]:
    """The declaration with the columns of the registered schemas: names in upper case unless the schema is given by its id. RequestError."""
    columns = list(schema.columns)
    for part in infers(topic, schema):
        fmt = topic.key_format if part == "key" else topic.value_format
        subject, given = subject_of(topic.topic, part), fmt.property("SCHEMA_ID")
        try:
            found = (int(given), registry.by_id(int(given))) if given else registry.latest(subject)
            if found is None:
                raise FormatError(f"there is no schema under {subject}")
            bare = fmt.name != "PROTOBUF" and (part == "key" or fmt.property("WRAP_SINGLE_VALUE").lower() == "false")
            fields = fields_of(found[1], bare, fmt.property("SCHEMA_FULL_NAME"), not given, BARE_NAMES[part])
        except FormatError as e:
            raise RequestError("UNKNOWN_SCHEMA", f"{part} format {fmt.name} of topic {topic.topic}: {e.reason}", {"subject": subject}) from e
        except RegistryError as e:
            raise RequestError("SCHEMA_REGISTRY_UNAVAILABLE", str(e), retry_after=1.0) from e
        columns += [Column(name, of, Role.KEY if part == "key" else Role.VALUE) for name, of in fields]
        tied = pin(fmt, *found)
        topic = replace(topic, key_format=tied) if part == "key" else replace(topic, value_format=tied)
    order = (Role.KEY, Role.VALUE, Role.HEADER)
    return topic, Schema(tuple(sorted(columns, key=lambda c: order.index(c.role))))


# ---- plans

Bound = Sink | SourceStream | SourceTable
"""Nodes with a topic of the catalog, whose format may have a registered schema."""


def plan_needs(plan: ResolvedPlan) -> bool:
    """Whether a plan writes or declares a topic whose formats are not tied yet."""
    return any(needs(node.topic, node.schema) for sub in plan.subs for node in sub.nodes if isinstance(node, Bound | RoutedSink))


def pin_plan(plan: ResolvedPlan, registry: Registry) -> ResolvedPlan:
    """The plan with the formats of its sinks and own declarations tied. RequestError with the node."""
    tied: dict[str, TopicRef] = {}
    for sub in plan.subs:
        for node in sub.nodes:
            if isinstance(node, Bound | RoutedSink) and needs(node.topic, node.schema):
                tied[node.name] = _tied(node, registry)
    if not tied:
        return plan
    subs = tuple(replace(sub, nodes=tuple(_with_topic(node, tied) for node in sub.nodes)) for sub in plan.subs)
    published = tuple(replace(p, topic=tied[p.node]) if p.node in tied and p.topic is not None else p for p in plan.published)
    return replace(plan, subs=subs, published=published)


def _tied(node: Bound | RoutedSink, registry: Registry) -> TopicRef:
    sink = isinstance(node, RoutedSink) or isinstance(node, Sink) and not node.insert
    if isinstance(node, RoutedSink):
        for part, fmt in (("key", node.topic.key_format), ("value", node.topic.value_format)):
            if fmt.name in REGISTRY and not fmt.property("SCHEMA_ID"):
                raise RequestError("INVALID_FORMAT", f"{node.name}: {part} format {fmt.name} needs a SCHEMA_ID here: the topic of a row is not known before it "
                                   "comes, so no schema can be registered for it", {"node": node.name, "format": fmt.name, "part": part})
    relation = "" if isinstance(node, RoutedSink) else node.relation
    try:
        return pin_topic(node.topic, node.schema, relation or node.name, registry, sink)
    except RequestError as e:
        raise RequestError(e.reason, f"{node.name}: {e.message}", {**e.metadata, "node": node.name}, e.retry_after) from e


def _with_topic(node: Node, tied: Mapping[str, TopicRef]) -> Node:
    return replace(node, topic=tied[node.name]) if node.name in tied else node  # type: ignore[call-arg]
