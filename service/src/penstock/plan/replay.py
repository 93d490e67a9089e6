"""Records that are processed again: the replay topics of a topology, one for each sub-topology that has some, and what stands in them.

A dead letter is replayed to the task that failed on it, and by it alone: the record goes, wrapped, to the sub-topology's replay topic, into the
partition of the task, which takes it as if it came from its own topic, with its own time, key, value, headers, partition and offset. The
position in the replay topic is committed with everything else, so that it is processed exactly once. Which letters were replayed is what
the replay topics hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from penstock.plan.resolved import ResolvedPlan, SubTopology


def replay_topic(plan: ResolvedPlan, sub: SubTopology) -> str:
    """The replay topic of a sub-topology."""
    return f"{plan.group}-{sub.name}-replay"


class Original(NamedTuple):
    """The record as it was (a log.port.Record)."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Replayed(NamedTuple):
    """A record of a replay topic at its offset. timestamp: that of the original, by which tasks choose. letter: offset of the dead letter."""

    offset: int
    timestamp: int
    topic: str
    letter: int
    record: Original


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    topic: str
    letter: int
    record: Original


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


def encode(topic: str, letter: int, record: Original) -> bytes:
    """The value in a replay topic."""
    return _encode(_Stored(topic, letter, record))


def decode(offset: int, value: bytes) -> Replayed:
    """A record of a replay topic."""
    stored = _decode(value)
    return Replayed(offset, stored.record.timestamp, stored.topic, stored.letter, stored.record)
