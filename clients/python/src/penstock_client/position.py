"""Positions and freshness in requests. A position token is plain text; store it, compare it, pass it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf import duration_pb2

from penstock_client.gen.penstock.v1 import position_pb2


@dataclass(frozen=True, slots=True)
class TopicOffset:
    """One record that was written straight to Kafka, as its producer returned it."""

    topic: str
    partition: int
    offset: int


AtLeast = str | TopicOffset | Iterable["str | TopicOffset"]
"""What an answer must include: a token, a record, or several of them."""


def duration(value: float | timedelta) -> duration_pb2.Duration:
    """Seconds, or a timedelta, as a message."""
    out = duration_pb2.Duration()
    out.FromTimedelta(value if isinstance(value, timedelta) else timedelta(seconds=value))
    return out


def consistency(at_least: AtLeast | None, max_wait: float | None, stale: float | None) -> position_pb2.Consistency | None:
    """The freshness that a lookup asks for; None means committed. stale: seconds that the answer may be old."""
    if stale is not None:
        if at_least is not None:
            raise ValueError("give at_least or stale, not both")
        return position_pb2.Consistency(stale=position_pb2.Stale(max_staleness=duration(stale)))
    if at_least is None:
        return None
    parts = [at_least] if isinstance(at_least, str | TopicOffset) else list(at_least)
    wanted = position_pb2.AtLeast(
        positions=[position_pb2.PositionToken(value=p) for p in parts if isinstance(p, str) and p],
        offsets=[
            position_pb2.TopicOffset(topic=p.topic, partition=p.partition, offset=p.offset) for p in parts if isinstance(p, TopicOffset)
        ],
        max_wait=None if max_wait is None else duration(max_wait),
    )
    return position_pb2.Consistency(at_least=wanted)
