"""The service's own schema registry, where none is configured: its state in one compacted topic, `<service_id>-schemas`, held alike by every
process of every node, so that workers read schemas without a call.

| record key | value |
|---|---|
| ["schema", subject, version] | the version; null: gone for good |
| ["level", subject] | compatibility level; subject "" is the default |
| ["mode", subject] | whether it may be written; subject "" is the default |
| ["issued"] | the largest id ever given |
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock.clock import Clock, SystemClock
from penstock.errors import PenstockError, RegistryError
from penstock.formats.errors import FormatError
from penstock.formats.schemas import WrittenSchema
from penstock.log.port import Log, Record
from penstock.log.state_topic import StateTopic
from penstock.schemas.known import Known, of_id, references_of, refusal
from penstock.schemas.subjects import Configured, Event, Gone, Guarded, Issued, Refused, Subjects, Version

WRITE_SECONDS = 30.0
_encode = msgspec.json.Encoder().encode
_version = msgspec.json.Decoder(Version).decode


class UnreadableSchema(PenstockError):
    """A record of the topic that this program cannot read: a newer one wrote it, or the topic is another's."""


@dataclass(slots=True)
class SchemaState:
    """The subjects as of a position. One object that grows: it is only ever changed by the tail, between two awaits."""

    position: int
    subjects: Subjects = field(default_factory=Subjects)


SchemaTopic = StateTopic[SchemaState, Event]


def topic_name(service_id: str) -> str:
    """The topic."""
    return f"{service_id}-schemas"


async def open_schema_topic(log: Log, service_id: str, *, clock: Clock | None = None) -> SchemaTopic:
    """Open the registry and read it to its end. Raises LogUnavailable."""
    topic: SchemaTopic = StateTopic(log, topic_name(service_id), None, clock or SystemClock(), empty=SchemaState, apply=apply, encode=encode,
                                    notice="schemas")
    await topic.start()
    return topic


def encode(event: Event) -> tuple[bytes, bytes | None]:
    """(record key, record value) of an event."""
    match event:
        case Version():
            return _encode(("schema", event.subject, event.version)), _encode(event)
        case Gone():
            return _encode(("schema", event.subject, event.version)), None
        case Issued():
            return _encode(("issued",)), _encode(event.id)
        case Configured():
            return _encode(("level", event.subject)), None if event.level is None else _encode(event.level)
        case Guarded():
            return _encode(("mode", event.subject)), None if event.mode is None else _encode(event.mode)


def apply(state: SchemaState, records: Sequence[Record], position: int) -> SchemaState:
    """The state after these records."""
    for record in records:
        if record.key is not None:
            state.subjects.apply(decode(record.key, record.value))
    state.position = position
    return state


def decode(key: bytes, value: bytes | None) -> Event:
    """The event of a record. Raises UnreadableSchema."""
    try:
        what: list[Any] = msgspec.json.decode(key)
        match what:
            case ["schema", str(subject), int(version)]:
                return Gone(subject, version) if value is None else _version(value)
            case ["issued"]:
                return Issued(msgspec.json.decode(value or b"0", type=int))
            case ["level", str(subject)]:
                return Configured(subject, None if value is None else msgspec.json.decode(value))
            case ["mode", str(subject)]:
                return Guarded(subject, None if value is None else msgspec.json.decode(value))
    except msgspec.MsgspecError as e:
        raise UnreadableSchema(f"a record of the schemas' topic cannot be read: {e}") from e
    raise UnreadableSchema(f"the schemas' topic holds a record with the unknown key {key!r}")


class TopicSchemas(Known):
    """The registry as formats, plans and statements use it (a schemas.port.Registry). Reading takes what this process has read of the topic.
    `register` blocks until the topic has the schema: call it in a thread, never in the event loop that tails the topic."""

    def __init__(self, topic: SchemaTopic) -> None:
        self._topic = topic
        self._loop = asyncio.get_running_loop()
        self._looked: dict[int, asyncio.Task[SchemaState]] = {}

    @property
    def subjects(self) -> Subjects:
        """What is known now."""
        return self._topic.state.subjects

    def by_id(self, schema_id: int) -> WrittenSchema:
        """An id that is not known yet is looked for up to the topic's end before it counts as missing: its record may have been faster. In a
        thread without an event loop, as statements are decided in one, that is waited for."""
        if schema_id in self.subjects.ids:
            return of_id(self.subjects, schema_id)
        look = self._looked.get(schema_id)
        if look is None and not _in_event_loop():
            look = asyncio.run_coroutine_threadsafe(self._look_through(schema_id), self._loop).result(WRITE_SECONDS)
            if schema_id in self.subjects.ids:
                return of_id(self.subjects, schema_id)
        if look is None:
            self._loop.call_soon_threadsafe(self._look, schema_id)
        if look is None or not look.done() or look.cancelled() or look.exception() is not None:
            if look is not None and look.done():
                del self._looked[schema_id]
            raise RegistryError(f"schema {schema_id} is not known yet")
        raise FormatError(f"Schema {schema_id} not found")

    def _look(self, schema_id: int) -> None:
        if schema_id not in self._looked:
            self._looked[schema_id] = self._loop.create_task(self._topic.refresh())

    async def _look_through(self, schema_id: int) -> asyncio.Task[SchemaState]:
        """The look, when it has ended."""
        self._look(schema_id)
        look = self._looked[schema_id]
        await asyncio.wait([look])
        return look

    def register(self, subject: str, schema: WrittenSchema) -> int:
        """A port.Registry's. Raises LogError when the log does not answer."""
        return asyncio.run_coroutine_threadsafe(self.registering(subject, schema), self._loop).result(WRITE_SECONDS)

    async def registering(self, subject: str, schema: WrittenSchema) -> int:
        """As register, in the event loop."""
        found: list[int] = []

        def decide(state: SchemaState) -> list[Event]:
            schema_id, events = state.subjects.register(subject, schema.type, schema.text, references_of(state.subjects, schema))
            found[:] = [schema_id]
            return events

        await self.change(decide, subject)
        return found[0]

    async def change(self, decide: Callable[[SchemaState], Sequence[Event]], subject: str) -> None:
        """Any change. RequestError for what is refused."""
        try:
            await self._topic.change(decide)
        except Refused as e:
            raise refusal(subject, e) from e

    async def refresh(self) -> None:
        """Know what the topic holds up to its end. Raises LogError."""
        await self._topic.refresh()

    async def deciding(self, decide: Callable[[Subjects], Sequence[Event]]) -> None:
        """A change that is refused by Refused."""
        await self._topic.change(lambda state: decide(state.subjects))

    async def close(self) -> None:
        """Stop following the topic."""
        for look in self._looked.values():
            look.cancel()
        await self._topic.close()


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
