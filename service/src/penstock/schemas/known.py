"""What every registry that holds the subjects itself answers from them, whether it keeps them in memory or in a topic."""

from __future__ import annotations

from penstock.errors import RequestError
from penstock.formats.errors import FormatError
from penstock.formats.schemas import WrittenSchema
from penstock.schemas.subjects import Reference, Refused, Subjects


class Known:
    """What a registry answers from the subjects that it knows (of a port.Registry)."""

    @property
    def subjects(self) -> Subjects:
        """What is registered, as far as it is known here."""
        raise NotImplementedError

    def latest(self, subject: str) -> tuple[int, WrittenSchema] | None:
        """The newest schema of a subject."""
        try:
            found = self.subjects.version(subject, "latest")
        except Refused:
            return None
        return found.id, self.subjects.written(found)

    def id_of(self, subject: str, schema: WrittenSchema) -> int | None:
        """The id of an equal schema."""
        try:
            return self.subjects.find(subject, schema).id
        except Refused:
            return None

    def has(self, subject: str, schema_id: int) -> bool:
        """Whether there is such a schema."""
        return self.subjects.has(subject, schema_id)


def of_id(state: Subjects, schema_id: int) -> WrittenSchema:
    """The schema of an id. FormatError when there is none."""
    try:
        return state.written(state.by_id(schema_id))
    except Refused as e:
        raise FormatError(e.message) from e


def references_of(state: Subjects, schema: WrittenSchema) -> list[Reference]:
    """The references of a schema whose texts are given, as versions of the registry that have those texts. Refused when one has none."""
    found = []
    for name, text in schema.references:
        version = next((v for of in state.versions.values() for v in of.values() if v.type == schema.type and v.text == text), None)
        if version is None:
            raise Refused(42201, f"what the schema refers to as {name} is not registered")
        found.append(Reference(name, version.subject, version.version))
    return found


def refusal(subject: str, error: Refused) -> RequestError:
    """A refused registration as the service's error."""
    reason = "INCOMPATIBLE_SCHEMA" if error.code == 409 else "INVALID_SCHEMA"
    return RequestError(reason, f"the schema registry refuses a schema for {subject}: {error.message}", {"subject": subject})
