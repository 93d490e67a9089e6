"""How fresh a lookup must be, as the API says it."""

from __future__ import annotations

import time

import grpc
from penstock_client.gen.penstock.v1 import position_pb2

from penstock.api.convert import millis, seconds
from penstock.errors import RequestError
from penstock.serving.lookup import DEFAULT_WAIT, Freshness
from penstock.serving.tables import ANY_AGE

MARGIN = 0.05
"""Seconds of the deadline that are left for the answer."""


def staleness(consistency: position_pb2.Consistency) -> int | None:
    """Milliseconds that an answer may be old; None: it must be the newest commit. Raises INVALID_ARGUMENT."""
    if not consistency.HasField("stale"):
        return None
    if not consistency.stale.HasField("max_staleness"):
        return ANY_AGE
    bound = millis(consistency.stale.max_staleness)
    if bound < 0:
        raise RequestError("INVALID_ARGUMENT", f"max_staleness is {bound} ms; it is 0 or more", {"field": "consistency.stale.max_staleness"})
    return bound


def freshness(consistency: position_pb2.Consistency, context: grpc.aio.ServicerContext) -> Freshness:
    """The requirement; committed when none is set."""
    left = context.time_remaining()
    until = None if left is None else time.monotonic() + max(0.0, left - MARGIN)
    match consistency.WhichOneof("level"):
        case "stale":
            return Freshness(stale=staleness(consistency), until=until)
        case "at_least":
            wanted = consistency.at_least
            wait = seconds(wanted.max_wait) if wanted.HasField("max_wait") else DEFAULT_WAIT if left is None else max(0.0, left - MARGIN)
            offsets = tuple((o.topic, o.partition, o.offset) for o in wanted.offsets)
            return Freshness(tuple(p.value for p in wanted.positions), offsets, wait, until=until)
        case _:
            return Freshness(until=until)
