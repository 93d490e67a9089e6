"""What a node publishes of itself, and how that is written: two entries of the compacted topic `<service_id>-nodes`.

    node:<id>    a sign of life, every second: address, rack, version, state
    tasks:<id>   its tasks and standbys, whenever one comes, goes or changes its state

A null value says that the node has left. Fields are only ever added, behind, with defaults: nodes of several versions read each other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from penstock.log.port import TopicConfig
from penstock.runtime.board_port import TaskEntry, TaskState

SEGMENT_BYTES = 1 << 20
"""Signs of life are superseded every second: small segments let Kafka compact them soon."""
CONFIG = TopicConfig(1, compact=True, retention_ms=-1, segment_bytes=SEGMENT_BYTES)


class NodeEntry(msgspec.Struct, frozen=True, array_like=True):
    """One life of a node. started_ms tells it from an earlier life under the same id; address is for clients, peer_address for other nodes;
    state is SERVING or DRAINING."""

    id: str
    started_ms: int
    address: str
    rack: str = ""
    version: str = ""
    state: str = "SERVING"
    workers: tuple[str, ...] = ()
    peer_address: str = ""


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """A task as a node has it. claim: the generation of the group in which it got it; where two nodes name one task the newer is right.
    state: a TaskState by name, one that this program may not know."""

    topology: str
    incarnation: int
    edition: int
    sub: str
    partition: int
    state: str
    reason: str
    worker: str
    claim: int
    updated_ms: int

    @property
    def task(self) -> TaskKey:
        """What it is a claim of."""
        return self.topology, self.incarnation, self.sub, self.partition


class NodeTasks(msgspec.Struct, frozen=True, array_like=True):
    """Everything that one life of a node has."""

    id: str
    started_ms: int
    claims: tuple[Claim, ...]


TaskKey = tuple[str, int, str, int]
"""Topology, incarnation, sub-topology, partition."""


@dataclass(frozen=True, slots=True)
class Left:
    """A node is gone, in order or for good. kind: which of its entries says so."""

    id: str
    kind: str = "node"


Change = NodeEntry | NodeTasks | Left

_encode = msgspec.msgpack.Encoder().encode
_node = msgspec.msgpack.Decoder(NodeEntry).decode
_tasks = msgspec.msgpack.Decoder(NodeTasks).decode


def topic_name(service_id: str) -> str:
    """The topic."""
    return f"{service_id}-nodes"


def gone(node: str) -> tuple[Change, ...]:
    """The changes that forget a node."""
    return Left(node, "tasks"), Left(node)


def encode(change: Change) -> tuple[bytes, bytes | None]:
    """Key and value of the record that says it."""
    match change:
        case NodeEntry():
            return f"node:{change.id}".encode(), _encode(change)
        case NodeTasks():
            return f"tasks:{change.id}".encode(), zlib.compress(_encode(change), 1)
        case Left():
            return f"{change.kind}:{change.id}".encode(), None


def decode(key: bytes, value: bytes | None) -> Change | None:
    """What a record says; None for one that only a newer version understands."""
    kind, _, node = key.decode("utf-8", "replace").partition(":")
    try:
        if kind not in ("node", "tasks"):
            return None
        if value is None:
            return Left(node, kind)
        return _node(value) if kind == "node" else _tasks(zlib.decompress(value))
    except (msgspec.MsgspecError, zlib.error):
        return None


def claims(tasks: Iterable[TaskEntry]) -> tuple[Claim, ...]:
    """What the boards of a node say, as it is published: without what changes with each commit."""
    return tuple(sorted(
        (Claim(t.topology, t.incarnation, t.edition, t.sub, t.partition, t.state.value, t.state_reason, t.worker, t.claim, t.updated_ms)
         for t in tasks), key=lambda c: c.task))


def same(one: Iterable[Claim], other: Iterable[Claim]) -> bool:
    """Whether nothing has changed but the time of the report."""
    return [msgspec.structs.replace(c, updated_ms=0) for c in one] == [msgspec.structs.replace(c, updated_ms=0) for c in other]


def entry_of(claim: Claim) -> TaskEntry | None:
    """A claim as the boards say it; None for a state of a newer version."""
    if claim.state not in TaskState.__members__:
        return None
    return TaskEntry(claim.topology, claim.incarnation, claim.sub, claim.partition, TaskState[claim.state], claim.reason, claim.worker,
                     updated_ms=claim.updated_ms, edition=claim.edition, claim=claim.claim)
