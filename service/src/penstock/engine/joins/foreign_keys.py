"""What the three nodes of a foreign-key join say to each other, after Kafka Streams' protocol (KIP-213).

A change of the left table sends subscriptions to the partition of the right key that it names; there they are kept, and answered now and
with each change of the right row. An answer carries the hash of the left row that it is for: one that is no longer the present row's is
dropped, since the present row has asked anew.
"""

from __future__ import annotations

from hashlib import blake2b

from penstock.engine.internal import encode_row

SUBSCRIBE = 0
"""Keep; answer only if the right row is there."""
SUBSCRIBE_AND_CLEAR = 1
"""Keep; answer in any case: what an earlier key gave has to go."""
LEAVE = 2
"""Forget, without an answer."""
LEAVE_AND_CLEAR = 3
"""Forget; answer that there is nothing."""

Subscription = tuple[object, int]
"""(foreign key, one of the above)."""


def subscriptions(keeps_left: bool, old: object, new: object, had: bool, has: bool) -> list[Subscription]:
    """What a change of a left row sends. old, new: foreign keys before and after, None where there was or is no row, or its key is
    null; had, has: whether there was and is a row."""
    if keeps_left:
        if not had:
            return [(new, SUBSCRIBE_AND_CLEAR)] if has else []
        gone = [(old, LEAVE)] if old is not None and old != new else []
        return [*gone, (new, SUBSCRIBE_AND_CLEAR)]
    if old is None:
        return [] if new is None else [(new, SUBSCRIBE)]
    if new is None:
        return [(old, LEAVE_AND_CLEAR)]
    return [(new, SUBSCRIBE)] if old == new else [(old, LEAVE), (new, SUBSCRIBE_AND_CLEAR)]


def row_hash(values: tuple[object, ...]) -> bytes:
    """128 bits of a row's value columns."""
    return blake2b(encode_row(values), digest_size=16).digest()


def prefix(foreign_key: bytes) -> bytes:
    """What the store's keys of one right row begin with: `[length, 4 bytes][foreign key]`; the left row's key follows."""
    return len(foreign_key).to_bytes(4, "big") + foreign_key
