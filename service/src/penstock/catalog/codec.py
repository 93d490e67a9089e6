"""How registry entries are written: msgpack with a version, the key says which entry a record is about.

Record keys are `relation:<lower-case name>`, `topology:<lower-case name>` and `type:<lower-case name>`,
likewise of functions; a null value deletes the entry. Fields are only ever added,
with defaults, so that an older entry stays readable.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from penstock.catalog.port import Change, Desired, Entry, FunctionEntry, RelationEntry, TopologyEntry, TypeEntry
from penstock.errors import PenstockError
from penstock.plan import stored

VERSION = 1


class _StoredTopology(msgspec.Struct, array_like=False):
    """TopologyEntry with its plan in the plan's own stored form."""

    name: str
    incarnation: int
    version: int
    definition: bytes
    plan: bytes
    desired: Desired
    registered_ms: int
    resets: int = 0
    resumes: int = 0
    epochs: tuple[tuple[str, int], ...] = ()
    replays: tuple[str, ...] = ()
    sql: str = ""
    transient: str = ""


KINDS = ("relation", "topology", "type", "function")
_AS_THEY_ARE: dict[type[Entry], str] = {RelationEntry: "relation", TypeEntry: "type", FunctionEntry: "function"}
"""Kinds that are written by their fields; a topology's plan has a form of its own."""
_encode = msgspec.msgpack.Encoder().encode
_relation = msgspec.msgpack.Decoder(RelationEntry).decode
_type = msgspec.msgpack.Decoder(TypeEntry).decode
_function = msgspec.msgpack.Decoder(FunctionEntry).decode
_topology = msgspec.msgpack.Decoder(_StoredTopology).decode


class UnreadableEntry(PenstockError):
    """An entry of the registry that this program cannot read: it was written by a newer one, or the topic is not a registry."""


def key_of(kind: str, name: str) -> bytes:
    """Record key of an entry."""
    return f"{kind}:{name.lower()}".encode()


def encode(change: Change) -> tuple[bytes, bytes | None]:
    """(record key, record value) of one change."""
    if isinstance(change, TopologyEntry):
        entry = _StoredTopology(change.name, change.incarnation, change.version, change.definition, stored.dumps(change.plan),
                                change.desired, change.registered_ms, change.resets, change.resumes, change.epochs,
                                change.replays, change.sql, change.transient)
        return key_of("topology", change.name), bytes((VERSION,)) + _encode(entry)
    if not isinstance(change, tuple):
        return key_of(_AS_THEY_ARE[type(change)], change.name), bytes((VERSION,)) + _encode(change)
    kind, name = change
    return key_of(kind, name), None


def decode(key: bytes, value: bytes | None) -> tuple[str, str, Entry | None]:
    """(kind, lower-case name, entry or None for a deletion). Raises UnreadableEntry."""
    kind, _, name = key.decode("utf-8", "replace").partition(":")
    if kind not in KINDS or not name:
        raise UnreadableEntry(f"the registry holds a record with the unknown key {key!r}")
    if value is None:
        return kind, name, None
    if value[:1] != bytes((VERSION,)):
        raise UnreadableEntry(f"the registry entry {kind} {name} has version {value[:1].hex()}, this program reads {VERSION}")
    try:
        return kind, name, _DECODERS[kind](value[1:])
    except (msgspec.MsgspecError, stored.UnreadablePlan) as e:
        raise UnreadableEntry(f"the registry entry {kind} {name} cannot be read: {e}") from e


def _load_topology(data: bytes) -> TopologyEntry:
    s = _topology(data)
    return TopologyEntry(s.name, s.incarnation, s.version, s.definition, stored.loads(s.plan), s.desired, s.registered_ms, s.resets,
                         s.resumes, s.epochs, s.replays, s.sql, s.transient)


_DECODERS: dict[str, Callable[[bytes], Entry]] = {"relation": _relation, "topology": _load_topology, "type": _type, "function": _function}
