"""The state of a schema registry: subjects with their versions, ids, compatibility levels. Pure: a change is decided on the state, as
events, and applied; who keeps the events (a topic, a test) has the state.

An equal schema has one id over all subjects, and an id is never given twice. Versions of a subject count from 1; a deleted one is found by
its id until it is deleted for good.

What is decided by a schema's text is imported where that is done: workers follow the events, and have no room for the formats' libraries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from penstock.formats.errors import FormatError
from penstock.formats.schemas import SchemaType, WrittenSchema

if TYPE_CHECKING:
    from penstock.schemas.compatibility import Level

LEVELS: tuple[Level, ...] = ("NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE")
DEFAULT_LEVEL: Level = "BACKWARD"
Mode = Literal["READWRITE", "READONLY"]
MODES: tuple[Mode, ...] = ("READWRITE", "READONLY")
TYPES: tuple[SchemaType, ...] = ("AVRO", "JSON", "PROTOBUF")


class Refused(Exception):
    """A request that the registry refuses, by the error codes of its REST API: 404xx, 409, 422xx."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Reference:
    """A schema that another one refers to under `name`."""

    name: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class Version:
    """A schema under a subject."""

    subject: str
    version: int
    id: int
    type: SchemaType
    text: str
    references: tuple[Reference, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """A version was deleted for good. Versions that refer to it do not exist."""

    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class Issued:
    """The largest id that was ever given: records may name it when its schema is gone."""

    id: int


@dataclass(frozen=True, slots=True)
class Configured:
    """The compatibility level of a subject, or of all others (""); None: it has none of its own any more."""

    subject: str
    level: Level | None


@dataclass(frozen=True, slots=True)
class Guarded:
    """Whether a subject, or all others (""), may be written; None: it has no mode of its own any more."""

    subject: str
    mode: Mode | None


Event = Version | Gone | Issued | Configured | Guarded


@dataclass
class Subjects:
    """All of a registry."""

    versions: dict[str, dict[int, Version]] = field(default_factory=dict)
    levels: dict[str, Level] = field(default_factory=dict)
    modes: dict[str, Mode] = field(default_factory=dict)
    ids: dict[int, Version] = field(default_factory=dict)
    newest_id: int = 0

    def apply(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case Version():
                self.versions.setdefault(event.subject, {})[event.version] = event
                self.ids[event.id] = event
                self.newest_id = max(self.newest_id, event.id)
            case Gone():
                found = self.versions.get(event.subject, {}).pop(event.version, None)
                if not self.versions.get(event.subject):
                    self.versions.pop(event.subject, None)
                if found is not None:
                    self._forget(found.id)
            case Issued():
                self.newest_id = max(self.newest_id, event.id)
            case Configured():
                _put(self.levels, event.subject, event.level)
            case Guarded():
                _put(self.modes, event.subject, event.mode)

    def _forget(self, schema_id: int) -> None:
        """The id, unless another version has it."""
        left = next((v for of in list(self.versions.values()) for v in list(of.values()) if v.id == schema_id), None)
        if left is None:
            self.ids.pop(schema_id, None)
        else:
            self.ids[schema_id] = left

    def newest_version(self, subject: str) -> int:
        """The largest version of a subject, deleted ones included; 0 for none."""
        return max(self.versions.get(subject, {}), default=0)

    # ---- questions

    def subjects(self, deleted: bool = False) -> list[str]:
        """Names of subjects that have a version."""
        return sorted(s for s, of in list(self.versions.items()) if deleted or any(not v.deleted for v in of.values()))

    def of(self, subject: str, deleted: bool = False) -> list[Version]:
        """Versions in order. 40401 when there are none."""
        found = [v for _, v in sorted(self.versions.get(subject, {}).items()) if deleted or not v.deleted]
        if not found:
            raise Refused(40401, f"Subject '{subject}' not found.")
        return found

    def version(self, subject: str, wanted: str, deleted: bool = False) -> Version:
        """One version by number, -1 or `latest`. 40401, 40402, 42202."""
        if wanted in ("latest", "-1"):
            return self.of(subject, deleted)[-1]
        if not wanted.isdecimal() or int(wanted) < 1:
            raise Refused(42202, f"The specified version '{wanted}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"")
        found = next((v for v in self.of(subject, deleted) if v.version == int(wanted)), None)
        if found is None:
            raise Refused(40402, f"Version {wanted} not found.")
        return found

    def by_id(self, schema_id: int) -> Version:
        """A schema by its id. 40403."""
        if schema_id not in self.ids:
            raise Refused(40403, f"Schema {schema_id} not found")
        return self.ids[schema_id]

    def using(self, schema_id: int, deleted: bool = False) -> list[Version]:
        """The versions that have this id."""
        self.by_id(schema_id)
        return [v for s in sorted(self.versions) for v in list(self.versions[s].values()) if v.id == schema_id and (deleted or not v.deleted)]

    def has(self, subject: str, schema_id: int) -> bool:
        """Whether a subject ("": any) has a schema, the one of this id (0: any)."""
        return any(not v.deleted and schema_id in (0, v.id) for s, of in list(self.versions.items()) if subject in ("", s) for v in of.values())

    def referenced_by(self, subject: str, version: int) -> list[int]:
        """Ids of schemas that refer to a version."""
        return sorted({v.id for of in list(self.versions.values()) for v in list(of.values())
                       if any((r.subject, r.version) == (subject, version) for r in v.references)})

    def level(self, subject: str) -> Level:
        """The level that holds for a subject."""
        return self.levels.get(subject) or self.levels.get("") or DEFAULT_LEVEL

    def mode(self, subject: str) -> Mode:
        """The mode that holds for a subject."""
        return self.modes.get(subject) or self.modes.get("") or "READWRITE"

    def _writable(self, subject: str) -> None:
        if self.mode(subject) == "READONLY":
            raise Refused(42205, f"Subject {subject} is in read-only mode")

    def written(self, found: Version) -> WrittenSchema:
        """The schema with everything that it refers to. 42201 when a reference is gone."""
        return self.resolved(found.type, found.text, found.references)

    def resolved(self, of: SchemaType, text: str, references: Sequence[Reference]) -> WrittenSchema:
        """A schema with the texts behind its references."""
        found: dict[str, str] = {}
        for name, inner in self._behind(references, 0):
            found.setdefault(name, inner)
        return WrittenSchema(of, text, tuple(found.items()))

    def _behind(self, references: Sequence[Reference], depth: int) -> Iterator[tuple[str, str]]:
        if depth > 32:
            raise Refused(42201, "the references go in a circle")
        for r in references:
            found = self.versions.get(r.subject, {}).get(r.version if r.version > 0 else self.newest_version(r.subject))
            if found is None:
                raise Refused(42201, f"No schema reference found for subject \"{r.subject}\" and version {r.version}")
            yield from self._behind(found.references, depth + 1)
            yield r.name, found.text

    def find(self, subject: str, schema: WrittenSchema, deleted: bool = False) -> Version:
        """The version of a subject that has an equal schema. 40401, 40403."""
        wanted = canonical(schema)
        for v in reversed(self.of(subject, deleted)):
            if v.type == schema.type and canonical(self.written(v)) == wanted:
                return v
        raise Refused(40403, "Schema not found")

    # ---- decisions

    def register(self, subject: str, of: SchemaType, text: str, references: Sequence[Reference] = (), level: Level | None = None) -> tuple[int, list[Event]]:
        """(id, events) of a registration; no events for a schema that the subject has. 42201 for what is no schema, 409 for one that does not
        go with the earlier ones, 42205 for a subject that is read only."""
        self._writable(subject)
        schema = self.resolved(of, text, references)
        check(schema)
        present = self._present(subject, schema)
        if present is not None:
            return present.id, []
        found = self.incompatible(subject, schema, level)
        if found:
            raise Refused(409, f"Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{'; '.join(found)}]")
        wanted = canonical(schema)
        same = next((v.id for v in self.ids.values() if v.type == of and canonical(self._still(v)) == wanted), None)
        made = Version(subject, self.newest_version(subject) + 1, same or self.newest_id + 1, of, text, tuple(references))
        return made.id, [made, Issued(max(made.id, self.newest_id))]

    def _present(self, subject: str, schema: WrittenSchema) -> Version | None:
        try:
            return self.find(subject, schema)
        except Refused:
            return None

    def _still(self, found: Version) -> WrittenSchema:
        try:
            return self.written(found)
        except Refused:  # what it referred to was deleted for good
            return WrittenSchema(found.type, found.text)

    def incompatible(self, subject: str, schema: WrittenSchema, level: Level | None = None, against: Sequence[Version] | None = None) -> list[str]:
        """What speaks against a schema under a subject, by the subject's level; nothing: it may be registered."""
        from penstock.schemas.compatibility import problems

        level = level or self.level(subject)
        if against is None:
            against = [v for _, v in sorted(self.versions.get(subject, {}).items()) if not v.deleted]
            against = against if level.endswith("TRANSITIVE") else against[-1:]
        return [p for v in reversed(against) for p in problems(schema, self.written(v), level)]

    def delete(self, subject: str, wanted: str | None, permanent: bool) -> tuple[list[int], list[Event]]:
        """(versions, events) of deleting one version or all of a subject. 40401, 40402, 40404 and 40406 (deleted before), 40405 and 40407 (still
        there), 42205 (read only), 42206 (referred to)."""
        self._writable(subject)
        found = self.of(subject, True) if wanted is None else [self.version(subject, wanted, permanent or wanted.isdecimal())]
        if not permanent:
            found = self._not_deleted(found, wanted)
        for v in found:
            if permanent and not v.deleted:
                what = f"Subject '{subject}'" if wanted is None else f"Subject '{subject}' Version {v.version}"
                raise Refused(40405 if wanted is None else 40407, f"{what} was not deleted first before being permanently deleted")
            if self.referenced_by(subject, v.version):
                raise Refused(42206, f"One or more references exist to the schema {subject} version {v.version}")
        return [v.version for v in found], [Gone(subject, v.version) if permanent else replace(v, deleted=True) for v in found]

    @staticmethod
    def _not_deleted(found: list[Version], wanted: str | None) -> list[Version]:
        left = [v for v in found if not v.deleted]
        if not left:
            first = found[0]
            what = f"Subject '{first.subject}'" if wanted is None else f"Subject '{first.subject}' Version {first.version}"
            raise Refused(40404 if wanted is None else 40406, f"{what} was soft deleted. Set permanent=true to delete permanently")
        return left


T = TypeVar("T")


def _put(of: dict[str, T], name: str, value: T | None) -> None:
    if value is None:
        of.pop(name, None)
    else:
        of[name] = value


def canonical(schema: WrittenSchema) -> str:
    """A text that equal schemas have: without the white space and comments that say nothing."""
    references = "".join(f"\n{name}\n{text}" for name, text in schema.references)
    if schema.type == "PROTOBUF":
        from penstock.formats.protobuf_text import words

        return " ".join(words(schema.text)) + references
    try:
        return json.dumps(json.loads(schema.text), separators=(",", ":"), sort_keys=schema.type == "JSON") + references
    except ValueError:
        return schema.text.strip() + references


def check(schema: WrittenSchema) -> None:
    """42201 unless the text is a schema of its type."""
    try:
        if schema.type == "AVRO":
            from penstock.formats.avro import names_of

            names_of(schema)
        elif schema.type == "PROTOBUF":
            from penstock.formats.protobuf_text import parse_schema

            parse_schema(schema)
        else:
            found = json.loads(schema.text)
            if not isinstance(found, Mapping | bool):
                raise FormatError("a JSON Schema is an object, true or false")
    except (FormatError, ValueError) as e:
        raise Refused(42201, f"Invalid schema of type {schema.type}, details: {e}") from e
