"""A registry in memory, for tests and the test driver (a port.Registry)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.errors import RequestError
from penstock.formats.errors import FormatError
from penstock.formats.schemas import WrittenSchema
from penstock.schemas.compatibility import Level
from penstock.schemas.subjects import Configured, Event, Reference, Refused, Subjects


class MemoryRegistry:
    """Keeps its state for itself."""

    def __init__(self, level: Level = "BACKWARD") -> None:
        self.state = Subjects()
        self.state.apply(Configured("", level))

    @property
    def subjects(self) -> Subjects:
        """What is registered."""
        return self.state

    async def deciding(self, decide: Callable[[Subjects], Sequence[Event]]) -> None:
        """A change; raises what decide raises."""
        for event in decide(self.state):
            self.state.apply(event)

    def by_id(self, schema_id: int) -> WrittenSchema:
        """A port.Registry's."""
        return of_id(self.state, schema_id)

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
        """A port.Registry's."""
        try:
            schema_id, events = self.state.register(subject, schema.type, schema.text, references_of(self.state, schema))
        except Refused as e:
            raise refusal(subject, e) from e
        for event in events:
            self.state.apply(event)
        return schema_id


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
