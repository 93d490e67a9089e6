"""Reading tasks that other nodes have: what is wanted is named first, fetched in one call a node, then read as if it were here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from penstock_client.gen.penstock.internal.v1 import node_service_pb2 as pb

from penstock.catalog.port import TopologyEntry
from penstock.plan.nodes import StoreSpec
from penstock.plan.resolved import SubTopology
from penstock.serving.cluster.peers import Unreachable
from penstock.serving.committed import Unreadable
from penstock.serving.gateway import Gateway
from penstock.state.codec import unpacker
from penstock.state.port import Stamp, Value

PATIENCE = 2.0
"""Seconds that a read looks for a task that moves."""
AGAIN = 0.05


class Span(NamedTuple):
    """low <= key < high of a store; an empty high is no bound, a limit of 0 none."""

    store: str
    low: bytes
    high: bytes
    limit: int = 0


class Snapshot(Protocol):
    """A committed view of a task: here (state/reader.py) or fetched."""

    @property
    def stamp(self) -> Stamp | None: ...
    def get(self, store: str, key: bytes) -> Value | None: ...
    def range(self, store: str, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]: ...
    def close(self) -> None: ...


@dataclass
class Wanted:
    """A snapshot in which nothing is found, and which notes what was looked for."""

    spans: dict[Span, None] = field(default_factory=dict)
    stamp: Stamp | None = None

    def get(self, store: str, key: bytes) -> Value | None:
        self.spans[Span(store, key, key + b"\0")] = None
        return None

    def range(self, store: str, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]:
        self.spans[Span(store, low, high)] = None
        return iter(())

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Fetched:
    """What another node answered for one partition."""

    stamp: Stamp | None
    spans: Mapping[tuple[str, bytes, bytes], Sequence[tuple[bytes, Value]]]

    def get(self, store: str, key: bytes) -> Value | None:
        found = self.spans[store, key, key + b"\0"]
        return found[0][1] if found else None

    def range(self, store: str, low: bytes, high: bytes) -> Iterator[tuple[bytes, Value]]:
        return iter(self.spans[store, low, high])

    def close(self) -> None:
        """Nothing is open."""


def stage_ref(entry: TopologyEntry, sub: SubTopology) -> pb.StageRef:
    """A sub-topology as nodes name it to each other."""
    return pb.StageRef(topology=entry.name, incarnation=entry.incarnation, edition=entry.plan.edition, sub_topology=sub.name)


async def fetch(gateway: Gateway, entry: TopologyEntry, sub: SubTopology, wanted: Mapping[int, tuple[str, Sequence[Span]]],
                stale: int | None, until: float | None) -> Mapping[int, Fetched]:
    """What is wanted of partitions: (node that has it, spans). Follows tasks that move, until a monotonic time; those that turn out to be here
    are left out of the answer. Raises Unreadable."""
    most = time.monotonic() + PATIENCE
    until = most if until is None else min(most, until)
    found: dict[int, Fetched] = {}
    todo = dict(wanted)
    while True:
        by_node: dict[str, list[int]] = {}
        for partition, (node, _) in todo.items():
            by_node.setdefault(node, []).append(partition)
        answers = await asyncio.gather(*(_ask(gateway, entry, sub, node, {p: todo[p][1] for p in partitions}, stale, until)
                                         for node, partitions in by_node.items()))
        failed: dict[int, Unreadable] = {}
        for answered, refused in answers:
            found |= answered
            failed |= refused
        todo = {p: todo[p] for p in failed}
        if not todo:
            return found
        if time.monotonic() + AGAIN >= until:
            raise next(iter(failed.values()))
        await asyncio.sleep(AGAIN)
        for partition, why in failed.items():
            key = entry.name, entry.incarnation, sub.name, partition
            where = gateway.cluster.place(key, gateway.tasks.get(*key))
            if where is None:
                del todo[partition]
            elif where.node:
                todo[partition] = where.node, todo[partition][1]
            elif stale is not None and (copies := gateway.cluster.copies(key)):
                todo[partition] = copies[0], todo[partition][1]
            elif why.state in ("RESTORING", "FAILED"):
                raise why
        if not todo:
            return found


async def _ask(gateway: Gateway, entry: TopologyEntry, sub: SubTopology, node: str, wanted: Mapping[int, Sequence[Span]], stale: int | None,
               until: float) -> tuple[dict[int, Fetched], dict[int, Unreadable]]:
    request = pb.ReadRequest(
        stage=stage_ref(entry, sub), max_staleness_ms=stale,
        partitions=[pb.PartitionRead(partition=p, spans=[pb.Span(store=s.store, low=s.low, high=s.high, limit=s.limit) for s in spans])
                    for p, spans in wanted.items()])
    try:
        response = await gateway.peers.call(node, "Read", request, until - time.monotonic())
    except Unreachable as e:
        return {}, {p: Unreadable("UNKNOWN", str(e)) for p in wanted}
    found: dict[int, Fetched] = {}
    failed: dict[int, Unreadable] = {}
    specs = {spec.name: spec for spec in sub.stores}
    for (partition, spans), answer in zip(wanted.items(), response.partitions, strict=True):
        if answer.HasField("elsewhere"):
            failed[partition] = Unreadable("UNKNOWN", f"node {node} does not have it any more")
        elif answer.HasField("refused"):
            refused = answer.refused
            failed[partition] = Unreadable(refused.state, f"on node {node}: {refused.detail}",
                                           refused.staleness_ms if refused.HasField("staleness_ms") else None)
        else:
            found[partition] = Fetched(_stamp(entry, answer), {
                (span.store, span.low, span.high): _entries(specs[span.store], entries)
                for span, entries in zip(spans, answer.spans, strict=True)})
    return found, failed


def _stamp(entry: TopologyEntry, answer: pb.PartitionEntries) -> Stamp | None:
    if not answer.HasField("stamp"):
        return None
    return Stamp(entry.incarnation, 0, "", dict(answer.stamp.inputs), dict(answer.stamp.changelogs), "", answer.stamp.committed_ms)


def _entries(spec: StoreSpec, entries: pb.SpanEntries) -> list[tuple[bytes, Value]]:
    unpack = unpacker(spec)
    return [(key, unpack(value)) for key, value in zip(entries.keys, entries.values, strict=True)]
