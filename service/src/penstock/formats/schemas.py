"""Schemas that writers registered: where readers of AVRO and PROTOBUF find the one that a record names.

A format's properties say which registered schema a part is written with, so that a stored plan needs no registry to go on:

| property | meaning |
|---|---|
| SCHEMA_ID | id in the registry; records are framed with it. Absent: the part is written bare, by a schema that follows from its columns |
| SCHEMA | the schema's text |
| SCHEMA_REFERENCES | JSON list of [name, text], what the text refers to, each after what it refers to itself |
| SCHEMA_FULL_NAME | the record or message in it, or the name to register |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol

from penstock.errors import RegistryError
from penstock.plan.nodes import Format

SchemaType = Literal["AVRO", "JSON", "PROTOBUF"]
TYPE_OF: dict[str, SchemaType] = {"AVRO": "AVRO", "JSON_SR": "JSON", "PROTOBUF": "PROTOBUF"}
"""The registry's word for the schemas of each format that needs one."""


@dataclass(frozen=True, slots=True)
class WrittenSchema:
    """A schema as the registry holds it. references are (name, text), each after what it refers to itself."""

    type: SchemaType
    text: str
    references: tuple[tuple[str, str], ...] = ()


class Schemas(Protocol):
    """A schema registry, read only, as statements and plans ask it. RegistryError when it does not answer."""

    def by_id(self, schema_id: int) -> WrittenSchema:
        """The schema of an id. FormatError when there is none."""

    def latest(self, subject: str) -> tuple[int, WrittenSchema] | None:
        """The newest schema of a subject with its id."""

    def id_of(self, subject: str, schema: WrittenSchema) -> int | None:
        """The id of an equal schema in a subject."""

    def has(self, subject: str, schema_id: int) -> bool:
        """Whether a subject ("": any) has a schema, the one of this id (0: any)."""


class NoSchemas:
    """No registry: every question is refused (a Schemas)."""

    def by_id(self, schema_id: int) -> WrittenSchema:
        return _nowhere(schema_id)

    def latest(self, subject: str) -> tuple[int, WrittenSchema] | None:
        raise RegistryError("no schema registry is configured")

    def id_of(self, subject: str, schema: WrittenSchema) -> int | None:
        raise RegistryError("no schema registry is configured")

    def has(self, subject: str, schema_id: int) -> bool:
        return False


def subject_of(topic: str, part: str) -> str:
    """The subject of a topic's keys or values (TopicNameStrategy)."""
    return f"{topic}-{part}"


Lookup = Callable[[int], WrittenSchema]
"""The schema of an id. FormatError when there is none, RegistryError when it cannot be asked. May block: it is called once an id."""


def _nowhere(schema_id: int) -> WrittenSchema:
    raise RegistryError(f"schema {schema_id} is unknown here and no schema registry is configured")


_installed: list[Lookup] = [_nowhere]
_using: ContextVar[Lookup | None] = ContextVar("schemas", default=None)


def install(lookup: Lookup) -> None:
    """The lookup of this process, for readers that are made from now on."""
    _installed[0] = lookup


@contextmanager
def using(lookup: Lookup) -> Iterator[None]:
    """Another lookup for readers that are made inside."""
    token = _using.set(lookup)
    try:
        yield
    finally:
        _using.reset(token)


def current() -> Lookup:
    """The lookup for a reader that is made now."""
    return _using.get() or _installed[0]


def pinned(fmt: Format) -> tuple[int, WrittenSchema] | None:
    """The registered schema that a format names with its text."""
    given, text = fmt.property("SCHEMA_ID"), fmt.property("SCHEMA")
    if not given or not text:
        return None
    references = tuple((name, of) for name, of in json.loads(fmt.property("SCHEMA_REFERENCES") or "[]"))
    return int(given), WrittenSchema(TYPE_OF[fmt.name], text, references)


def pin(fmt: Format, schema_id: int, schema: WrittenSchema) -> Format:
    """The format with this registered schema."""
    found = {**dict(fmt.properties), "SCHEMA_ID": str(schema_id), "SCHEMA": schema.text}
    if schema.references:
        found["SCHEMA_REFERENCES"] = json.dumps(schema.references)
    return Format(fmt.name, tuple(sorted(found.items())))


def unpinned(fmt: Format) -> Format:
    """The format without what belongs to one schema: how other columns are written in it."""
    return Format(fmt.name, tuple((k, v) for k, v in fmt.properties if not k.startswith("SCHEMA")))
