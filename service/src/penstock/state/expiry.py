"""When the windows of a store leave the disk: keys in order of the time by which they expire, noted in chunks.

A chunk is one entry: `[latest time of its keys, 8 bytes][number, 8 bytes] -> msgpack list of physical keys`. A commit adds a few of them,
whatever the number of windows that it begins, and a chunk is taken out when all of its keys are over; the times of its keys lie within a
part of the retention, so none of them is kept much longer than that. A key may stand in several chunks: it is removed with the first, and
its time is part of it, so that whatever is removed is over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec

from penstock.state.keys import LONG, physical

CHUNK = 1_000
"""Keys of a chunk, so that taking one out is a brief step."""
PARTS = 16
"""Of the retention: what the times of a chunk may span."""
LEAST_SPAN = 1_000
"""Milliseconds that they may span in any case."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode
_SIZE = 8


class ExpiryIndex:
    """The chunks of one store. cursors: opens a cursor of its database in a transaction (state/lmdb.py). time_of: the bytes of a key that
    hold its time, which are in the order of times."""

    def __init__(self, cursors: Callable[[Any], Any], time_of: Callable[[bytes], bytes], retention_ms: int) -> None:
        self._cursors = cursors
        self._time_of = time_of
        self._span = max(LEAST_SPAN, retention_ms // PARTS)

    def add(self, txn: Any, keys: Collection[bytes]) -> None:
        """Note keys of the store."""
        if keys:
            with self._cursors(txn) as cursor:
                for latest, chunk in self._chunks(sorted(keys, key=self._time_of)):
                    cursor.put(latest + _next_number(cursor, latest), _encode(chunk))

    def remove(self, txn: Any, before: int, limit: int, delete: Callable[[bytes], object]) -> list[bytes]:
        """Take out chunks of times before this one, ms, until `limit` keys or more are gone, and delete their keys; the keys as they are held."""
        bound, gone = before.to_bytes(_SIZE, "big"), list[bytes]()
        with self._cursors(txn) as cursor:
            while len(gone) < limit and cursor.first() and cursor.key()[:_SIZE] < bound:
                keys = _decode(cursor.value())
                for key in keys:
                    delete(key)
                cursor.delete()
                gone += keys
        return gone

    def latest(self, txn: Any) -> int:
        """The latest time of any key; -1 when there is none."""
        with self._cursors(txn) as cursor:
            return _number(cursor.key()[:_SIZE]) if cursor.last() else -1

    def _chunks(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Sequence[bytes]]]:
        """(latest time, physical keys) of each chunk, of keys in order of time."""
        time_of, first = self._time_of, 0
        while first < len(keys):
            end = (_number(time_of(keys[first])) + self._span).to_bytes(_SIZE, "big")
            last = min(first + CHUNK, len(keys))
            if time_of(keys[last - 1]) > end:
                last = bisect_right(keys, end, first, last, key=time_of)
            yield time_of(keys[last - 1]), _physical(keys[first:last])
            first = last


def _physical(keys: Sequence[bytes]) -> Sequence[bytes]:
    return keys if max(map(len, keys)) <= LONG else [physical(key) for key in keys]


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _next_number(cursor: Any, latest: bytes) -> bytes:
    """One more than the number of the last chunk with this latest time."""
    found = cursor.prev() if cursor.set_range((_number(latest) + 1).to_bytes(_SIZE, "big")) else cursor.last()
    same = found and cursor.key()[:_SIZE] == latest
    return ((_number(cursor.key()[_SIZE:]) + 1) if same else 0).to_bytes(_SIZE, "big")
