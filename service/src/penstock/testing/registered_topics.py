"""Schemas that a SQL case's topics have before its first statement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.errors import RequestError
from penstock.formats.schemas import SchemaType, WrittenSchema, subject_of
from penstock.schemas.memory import MemoryRegistry
from penstock.schemas.pinning import pin_format
from penstock.schemas.subjects import Reference, Version
from penstock.sql import tree
from penstock.sql.declare import declare
from penstock.testing.sql_engine import MemoryCatalog

BEHIND = 1_000_000
"""Ids of schemas that others refer to."""

_TYPES: dict[str, SchemaType] = {"AVRO": "AVRO", "JSON": "JSON", "JSON_SR": "JSON", "PROTOBUF": "PROTOBUF"}


def register(catalog: MemoryCatalog, topics: Sequence[Mapping[str, Any]], statements: Sequence[tree.Statement]) -> None:
    """Those of declarations with columns, where the case gives none, then the given ones."""
    registry = catalog.schemas
    assert isinstance(registry, MemoryRegistry), registry
    given = {(t["name"], part): t for t in topics for part in ("key", "value") if t.get(f"{part}_schema") is not None}
    for s in statements:
        if isinstance(s, tree.Create) and s.query is None and s.elements:
            _declared(s, catalog, registry, given)
    for (name, part), topic in given.items():
        _given(registry, topic, name, part)


def _declared(statement: tree.Create, catalog: MemoryCatalog, registry: MemoryRegistry, given: Mapping[tuple[str, str], Any]) -> None:
    try:
        info = declare(statement, catalog).info
        if (info.topic.topic, "key") not in given:
            pin_format(info.topic.key_format, info.schema.key, "key", info.topic.topic, info.name, registry, False)
        if (info.topic.topic, "value") not in given:
            pin_format(info.topic.value_format, info.schema.value, "value", info.topic.topic, info.name, registry, False)
    except RequestError:
        return  # the statement will be refused when its turn comes, or finds its columns by then


def _given(registry: MemoryRegistry, topic: Mapping[str, Any], name: str, part: str) -> None:
    of = _TYPES.get(str(topic.get(f"{part}_format") or "AVRO").upper(), "AVRO")
    text = topic[f"{part}_schema"]
    references = tuple((r["name"], r["schema"] if isinstance(r["schema"], str) else json.dumps(r["schema"])) for r in topic.get(f"{part}_schema_references") or ())
    schema = WrittenSchema(of, text if isinstance(text, str) else json.dumps(text), references)
    subject = subject_of(name, part)
    wanted = topic.get(f"{part}_schema_id")
    behind = tuple(_behind(registry, of, name, references[:n], text) for n, (name, text) in enumerate(references))
    if wanted is None:
        _, events = registry.state.register(subject, of, schema.text, behind)
        for event in events:
            registry.state.apply(event)
        return
    version = registry.state.newest_version(subject) + 1
    registry.state.apply(Version(subject, version, int(wanted), of, schema.text, behind))


def _behind(registry: MemoryRegistry, of: SchemaType, name: str, before: tuple[tuple[str, str], ...], text: str) -> Reference:
    """What a schema refers to, under an id far from those that cases name."""
    if name not in registry.state.versions:
        references = tuple(Reference(n, n, 1) for n, _ in before)
        registry.state.apply(Version(name, 1, BEHIND + len(registry.state.versions), of, text, references))
        registry.state.newest_id = max((i for i in registry.state.ids if i < BEHIND), default=0)
    return Reference(name, name, 1)
