"""Columns that a CREATE leaves to the schema registry: of a part without columns whose format has schemas there."""

from __future__ import annotations

from penstock.errors import RegistryError
from penstock.formats import schemas
from penstock.formats.errors import FormatError
from penstock.formats.inferred import fields_of
from penstock.formats.port import Part
from penstock.formats.registry import REGISTRY
from penstock.formats.schemas import TYPE_OF, WrittenSchema, subject_of
from penstock.plan.nodes import Format, RelationKind
from penstock.schemas.pinning import BARE_NAMES
from penstock.sql.catalog import SqlCatalog
from penstock.sql.faults import refuse
from penstock.sql.properties import With
from penstock.sql.tree import Create
from penstock.types.schema import Column, Role


def infers(statement: Create, fmt: Format, part: Part) -> bool:
    """Whether the columns of this part come from the registry. Refused where both columns and the id of a schema are given."""
    key = part == "key"
    declared = any((e.constraint in ("KEY", "PRIMARY KEY")) is key for e in statement.elements or () if e.constraint not in ("HEADERS", "HEADER"))
    if declared and fmt.property("SCHEMA_ID"):
        raise refuse(f"Table elements and {part.upper()}_SCHEMA_ID cannot both exist for create statement.", statement)
    return not declared and fmt.name in REGISTRY


def inferred(statement: Create, given: With, fmt: Format, part: Part, catalog: SqlCatalog) -> tuple[tuple[Column, ...], Format]:
    """The columns, and the format with the schema that they are of."""
    topic = given.text("KAFKA_TOPIC")
    by_id = bool(fmt.property("SCHEMA_ID"))
    schema_id, schema = _found(statement, fmt, topic, part, catalog)
    if schema.type != TYPE_OF[fmt.name]:
        raise refuse(f"{part.capitalize()} schema {schema_id} of topic '{topic}' is {schema.type}, which the format {fmt.name} cannot read.", statement)
    bare = fmt.name != "PROTOBUF" and (part == "key" or given.truth("WRAP_SINGLE_VALUE") is False)
    try:
        fields = fields_of(schema, bare, fmt.property("SCHEMA_FULL_NAME"), not by_id, BARE_NAMES[part])
    except FormatError as error:
        full = fmt.property("SCHEMA_FULL_NAME")
        why = _missing(part, topic) if full and full in error.reason else f"Unable to verify if the {part} schema for topic '{topic}' is compatible with SQL"
        raise refuse(f"{why}: {error.reason}", statement) from None
    if part == "key" and not bare and not fields and RelationKind(statement.kind) is RelationKind.TABLE:
        raise refuse("Tables require a PRIMARY KEY. Please define the PRIMARY KEY.", statement)
    role = Role.KEY if part == "key" else Role.VALUE
    return tuple(Column(name, of, role) for name, of in fields), schemas.pin(fmt, schema_id, schema)


def _found(statement: Create, fmt: Format, topic: str, part: Part, catalog: SqlCatalog) -> tuple[int, WrittenSchema]:
    try:
        if given := fmt.property("SCHEMA_ID"):
            return int(given), catalog.schemas.by_id(int(given))
        latest = catalog.schemas.latest(subject_of(topic, part))
    except FormatError as error:
        raise refuse(f"{_missing(part, topic)}: {error.reason}", statement, "UNKNOWN_SCHEMA", subject=subject_of(topic, part)) from None
    except RegistryError as error:
        raise refuse(f"The statement leaves its {part} columns to the schema registry: {error}", statement, "SCHEMA_REGISTRY_UNAVAILABLE") from None
    if latest is None:
        raise refuse(f"{_missing(part, topic)}. Subject: {subject_of(topic, part)}", statement, "UNKNOWN_SCHEMA", subject=subject_of(topic, part))
    return latest


def _missing(part: Part, topic: str) -> str:
    return f"Schema for message {part}s on topic '{topic}' does not exist in the Schema Registry."


def with_roles(columns: tuple[Column, ...], more: tuple[Column, ...]) -> tuple[Column, ...]:
    """Declared and inferred columns, keys first and headers last; refused by the caller where names meet."""
    order = (Role.KEY, Role.VALUE, Role.HEADER)
    return tuple(sorted((*columns, *more), key=lambda c: order.index(c.role)))
