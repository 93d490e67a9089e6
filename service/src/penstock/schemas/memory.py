"""A registry in memory, for tests and the test driver (a port.Registry)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.formats.schemas import WrittenSchema
from penstock.schemas.compatibility import Level
from penstock.schemas.known import Known, of_id, references_of, refusal
from penstock.schemas.subjects import Configured, Event, Refused, Subjects


class MemoryRegistry(Known):
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

    def register(self, subject: str, schema: WrittenSchema) -> int:
        """A port.Registry's."""
        try:
            schema_id, events = self.state.register(subject, schema.type, schema.text, references_of(self.state, schema))
        except Refused as e:
            raise refusal(subject, e) from e
        for event in events:
            self.state.apply(event)
        return schema_id
