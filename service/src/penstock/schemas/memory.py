"""A registry in memory, for tests and the test driver (a port.Registry)."""

from __future__ import annotations

from penstock.errors import RequestError
from penstock.formats.errors import FormatError
from penstock.formats.schemas import WrittenSchema
from penstock.schemas.compatibility import Level
from penstock.schemas.subjects import Configured, Reference, Refused, Subjects


class MemoryRegistry:
    """Keeps its state for itself."""

    def __init__(self, level: Level = "BACKWARD") -> None:
        self.state = Subjects()
        self.state.apply(Configured("", level))

    def by_id(self, schema_id: int) -> WrittenSchema:
        """A port.Registry's."""
        try:
            return self.state.written(self.state.by_id(schema_id))
        except Refused as e:
            raise FormatError(e.message) from e

    def latest(self, subject: str) -> tuple[int, WrittenSchema] | None:
        """A port.Registry's."""
        try:
            found = self.state.version(subject, "latest")
        except Refused:
            return None
        return found.id, self.state.written(found)

    def id_of(self, subject: str, schema: WrittenSchema) -> int | None:
        """A port.Registry's."""
        try:
            return self.state.find(subject, schema).id
        except Refused:
            return None

    def has(self, subject: str, schema_id: int) -> bool:
        """A port.Registry's."""
        return self.state.has(subject, schema_id)

    def register(self, subject: str, schema: WrittenSchema) -> int:
        """A port.Registry's; what the schema refers to becomes subjects under the references' names."""
        references: list[Reference] = []
        for n, (name, text) in enumerate(schema.references):
            behind = WrittenSchema(schema.type, text, schema.references[:n])
            if self.id_of(name, behind) is None:
                self._register(name, behind, references)
            references.append(Reference(name, name, self.state.find(name, behind).version))
        return self._register(subject, schema, references)

    def reference(self, name: str) -> Reference:
        """The newest version under a name that a schema refers to."""
        return Reference(name, name, self.state.version(name, "latest").version)

    def _register(self, subject: str, schema: WrittenSchema, references: list[Reference]) -> int:
        try:
            schema_id, events = self.state.register(subject, schema.type, schema.text, references)
        except Refused as e:
            raise refusal(subject, e) from e
        for event in events:
            self.state.apply(event)
        return schema_id


def refusal(subject: str, error: Refused) -> RequestError:
    """A refused registration as the service's error."""
    reason = "INCOMPATIBLE_SCHEMA" if error.code == 409 else "INVALID_SCHEMA"
    return RequestError(reason, f"the schema registry refuses a schema for {subject}: {error.message}", {"subject": subject})
