"""Keys of stores.

Window key: `[key][start ms, 8 bytes big endian]`, Kafka Streams' layout of a time-windowed key, so that one key's windows stand side by
side in order of start.

Session key: `[key][end ms, 8 bytes][start ms, 8 bytes]`, Kafka Streams' layout again: one key's sessions in order of end.

Physical key: what LMDB holds. LMDB takes 1 to 511 bytes. A longer key becomes its first 495 bytes and a hash of all of it, 511 bytes
together, and the whole key stands before the value; the empty key becomes 511 zero bytes. Hashes are out of order among keys that share
495 bytes, so a scan sorts each such group (ordered_scan).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from hashlib import blake2b
from operator import itemgetter

from penstock.plan.nodes import StoreKind

MAX_PHYSICAL = 511
PREFIX = 495
LONG = MAX_PHYSICAL - 1
"""Keys of at most this length are their own physical keys."""
EMPTY = bytes(MAX_PHYSICAL)

_start = struct.Struct(">Q")
_session = struct.Struct(">QQ")
_length = struct.Struct(">I")
START_SIZE = 8
SESSION_SIZE = 16
MAX_START = (1 << 64) - 1


def window_key(key: bytes, start_ms: int) -> bytes:
    """`[key][start]`."""
    return key + _start.pack(start_ms)


def split_window_key(data: bytes) -> tuple[bytes, int]:
    """(key, start ms)."""
    return data[:-START_SIZE], _start.unpack_from(data, len(data) - START_SIZE)[0]


def window_start(data: bytes) -> int:
    """Start ms of a window key."""
    start: int = _start.unpack_from(data, len(data) - START_SIZE)[0]
    return start


def session_key(key: bytes, start_ms: int, end_ms: int) -> bytes:
    """`[key][end][start]`."""
    return key + _session.pack(end_ms, start_ms)


def session_bounds(data: bytes) -> tuple[int, int]:
    """(start ms, end ms) of a session key."""
    end, start = _session.unpack_from(data, len(data) - SESSION_SIZE)
    return start, end


def session_end(data: bytes) -> int:
    """End ms of a session key."""
    end: int = _start.unpack_from(data, len(data) - SESSION_SIZE)[0]
    return end


def expiry_time(kind: StoreKind) -> Callable[[bytes], int] | None:
    """By which time entries of a store of this kind expire: a window by its start, a join's row by its time, a session by its end; None: never."""
    return {StoreKind.WINDOW: window_start, StoreKind.JOIN: window_start, StoreKind.SESSION: session_end}.get(kind)


def expiry_bytes(kind: StoreKind) -> Callable[[bytes], bytes]:
    """The part of a key that holds that time, 8 bytes big endian, of a store whose entries expire."""
    return itemgetter(slice(-SESSION_SIZE, -START_SIZE) if kind is StoreKind.SESSION else slice(-START_SIZE, None))


def after_prefix(prefix: bytes) -> bytes:
    """The first key behind all keys with this prefix; empty when there is none."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes((trimmed[-1] + 1,)) if trimmed else b""


def is_plain(key: bytes) -> bool:
    """Whether the key is its own physical key."""
    return 0 < len(key) <= LONG


def physical(key: bytes) -> bytes:
    """The key as LMDB holds it."""
    if 0 < len(key) <= LONG:
        return key
    return key[:PREFIX] + blake2b(key, digest_size=MAX_PHYSICAL - PREFIX).digest() if key else EMPTY


def with_key(key: bytes, value: bytes) -> bytes:
    """The value as it is held under a physical key that is not the key."""
    return _length.pack(len(key)) + key + value


def split_value(data: bytes) -> tuple[bytes, bytes]:
    """(key, value) of what with_key made."""
    end = _length.size + _length.unpack_from(data)[0]
    return data[_length.size:end], data[end:]


def ordered_scan(entries: Iterator[tuple[bytes, bytes]], low: bytes, high: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) with low <= key < high in order of keys, from physical entries that begin at or before low[:PREFIX].

    The empty key is left out: its physical key is not where it belongs (the caller asks for it alone)."""
    group: list[tuple[bytes, bytes]] = []
    for key, value in entries:
        if len(key) <= PREFIX:
            if group:
                yield from sorted(group)
                group.clear()
            if high and key >= high:
                return
            if key >= low:
                yield key, value
            continue
        if key == EMPTY:
            continue
        if group and group[0][0][:PREFIX] != key[:PREFIX]:
            yield from sorted(group)
            group.clear()
        if high and key[:PREFIX] >= high:
            return
        if len(key) == MAX_PHYSICAL:
            key, value = split_value(value)
        if key >= low and (not high or key < high):
            group.append((key, value))
    yield from sorted(group)
