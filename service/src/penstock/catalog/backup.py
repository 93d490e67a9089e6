"""The backup of a registry as a file: text, so that it can be looked at and kept under version control.

    {"format": "penstock-registry", "version": 1, "service_id": ..., "position": ..., "created": ..., "records": 7, "sha256": ...}
    {"topic": "registry", "key": "relation:orders", "value": "<base64>"}
    {"topic": "schemas", ...}

The first line has the SHA-256 of all that follows. The records are those of the registry's topics, newest of each key, deletions and push queries'
topologies left out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.catalog import codec, schema_topic
from penstock.catalog.port import CatalogState, Change
from penstock.errors import PenstockError, RequestError
from penstock.schemas.subjects import Configured, Event, Issued, Subjects

FORMAT, VERSION = "penstock-registry", 1
REGISTRY, SCHEMAS = "registry", "schemas"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a file holds. position: of the registry when it was made. created_ms: when. schemas: of the service's own schema registry."""

    service_id: str
    position: int
    created_ms: int
    entries: tuple[Change, ...]
    schemas: tuple[Event, ...]


def backup_of(service_id: str, state: CatalogState, subjects: Subjects | None, now_ms: int) -> Backup:
    """What is registered now. subjects: None where the schema registry is another's. Raises UNSUPPORTED for what only a newer release reads."""
    refuse_unreadable(state, "saved")
    transient = {t.name for t in state.topologies.values() if t.transient}
    relations = [r for r in state.relations.values() if r.owner_topology not in transient]
    topologies = [t for t in state.topologies.values() if not t.transient]
    events = () if subjects is None else tuple(events_of(subjects))
    return Backup(service_id, state.position, now_ms, (*state.types.values(), *state.functions.values(), *relations, *topologies), events)


def refuse_unreadable(state: CatalogState, what: str) -> None:
    """Half of a registry is neither saved nor replaced. Raises UNSUPPORTED."""
    if state.unreadable:
        entry, why = next(iter(state.unreadable.items()))
        raise RequestError("UNSUPPORTED", f"the registry is not {what}, since this release cannot read all of it; ask a node of the newer one: {entry}: {why}",
                           {"feature": "registry"})


def events_of(subjects: Subjects) -> Iterator[Event]:
    """What brings a schema registry where it is."""
    if subjects.newest_id:
        yield Issued(subjects.newest_id)
    yield from (Configured(subject, level) for subject, level in subjects.levels.items())
    yield from (version for of in subjects.versions.values() for version in of.values())


def write(backup: Backup) -> bytes:
    """The file."""
    records = [*((REGISTRY, *codec.encode(entry)) for entry in backup.entries), *((SCHEMAS, *schema_topic.encode(event)) for event in backup.schemas)]
    body = "".join(_line({"topic": topic, "key": key.decode(), "value": base64.b64encode(value or b"").decode()}) for topic, key, value in records).encode()
    head = {"format": FORMAT, "version": VERSION, "service_id": backup.service_id, "position": backup.position, "created": backup.created_ms,
            "records": len(records), "sha256": hashlib.sha256(body).hexdigest()}
    return _line(head).encode() + body


def read(data: bytes) -> Backup:
    """What a file holds. Raises INVALID_ARGUMENT."""
    first, _, body = data.partition(b"\n")
    head = _object(first, "its first line")
    if head.get("format") != FORMAT:
        raise _refused("it is no backup of a registry")
    if head.get("version") != VERSION:
        raise _refused(f"it is of version {head.get('version')}, this release reads {VERSION}")
    if hashlib.sha256(body).hexdigest() != head.get("sha256"):
        raise _refused("its check sum is not that of its content: it is damaged or was changed")
    entries: list[Change] = []
    events: list[Event] = []
    for number, line in enumerate(body.splitlines(), 2):
        record = _object(line, f"line {number}")
        try:
            key, value = str(record["key"]).encode(), base64.b64decode(record["value"], validate=True)
            if record["topic"] == REGISTRY:
                entry = codec.decode(key, value)[2]
                assert entry is not None
                entries.append(entry)
            else:
                events.append(schema_topic.decode(key, value))
        except (KeyError, binascii.Error, PenstockError) as error:
            raise _refused(f"line {number} cannot be read: {error}") from error
    return Backup(str(head["service_id"]), int(head["position"]), int(head["created"]), tuple(entries), tuple(events))


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _object(line: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _refused(f"{what} is no JSON object")
    return found


def _refused(why: str) -> RequestError:
    return RequestError("INVALID_ARGUMENT", f"the backup cannot be restored: {why}", {"field": "chunk"})


def in_parts(sized: Sequence[tuple[int, Any]], limit: int) -> Iterator[list[Any]]:
    """Values by their sizes, in order, in parts of at most `limit` bytes, or of one value that is larger."""
    part: list[Any] = []
    total = 0
    for size, value in sized:
        if part and total + size > limit:
            yield part
            part, total = [], 0
        part.append(value)
        total += size
    if part:
        yield part
