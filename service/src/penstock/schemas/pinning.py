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
from penstock.plan.nodes import Format, Node, Sink, SourceStream, SourceTable, TopicRef
from penstock.plan.resolved import ResolvedPlan
from penstock.schemas.port import Registry
from penstock.types.schema import Column, Schema


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


# ---- plans

def plan_needs(plan: ResolvedPlan) -> bool:
    """Whether a plan writes or declares a topic whose formats are not tied yet."""
    return any(needs(node.topic, node.schema) for sub in plan.subs for node in sub.nodes if isinstance(node, Sink | SourceStream | SourceTable))


def pin_plan(plan: ResolvedPlan, registry: Registry) -> ResolvedPlan:
    """The plan with the formats of its sinks and own declarations tied. RequestError."""
    tied: dict[str, TopicRef] = {}
    for sub in plan.subs:
        for node in sub.nodes:
            if isinstance(node, Sink | SourceStream | SourceTable) and needs(node.topic, node.schema):
                sink = isinstance(node, Sink) and not node.insert
                tied[node.name] = pin_topic(node.topic, node.schema, node.relation, registry, sink)
    if not tied:
        return plan
    subs = tuple(replace(sub, nodes=tuple(_tied(node, tied) for node in sub.nodes)) for sub in plan.subs)
    published = tuple(replace(p, topic=tied[p.node]) if p.node in tied and p.topic is not None else p for p in plan.published)
    return replace(plan, subs=subs, published=published)


def _tied(node: Node, tied: Mapping[str, TopicRef]) -> Node:
    return replace(node, topic=tied[node.name]) if node.name in tied else node  # type: ignore[call-arg]
