"""Position tokens: where in the log a call was, as text that any node of the service understands.

A token is URL-safe base64 without padding of: version byte, CRC-32 of the rest, msgpack array [log id, catalog position,
[[topic, topic id, [partition, offset, ...]], ...], relation, epoch, time ms]. Offsets are the next ones to read: a token includes every
record before them. Topics are told apart from recreated ones by their id. A token is at most 8 KiB; a longer one is deflated first.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from penstock.errors import RequestError

PLAIN, DEFLATED = 1, 2
LIMIT = 8192
_COMPRESS_FROM = 1024


@dataclass(frozen=True, slots=True)
class TopicPosition:
    """Next offsets by partition of one topic."""

    topic_id: str
    offsets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Position:
    """What a token says.

    catalog: registry position that is included. relation, epoch, time_ms: set by a subscription; the epoch tells whether the
    relation's history is still the same, the time whether tombstones may be gone.
    """

    log_id: str
    catalog: int = 0
    topics: Mapping[str, TopicPosition] = field(default_factory=dict)
    relation: str = ""
    epoch: int = 0
    time_ms: int = 0


class _Wire(msgspec.Struct, array_like=True):
    log_id: str
    catalog: int
    topics: list[tuple[str, str, list[int]]]
    relation: str = ""
    epoch: int = 0
    time_ms: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Wire).decode


def encode(position: Position) -> str:
    """The token's text. Raises RequestError INVALID_ARGUMENT when it would be over 8 KiB (a few thousand partitions)."""
    topics = [(name, t.topic_id, [n for pair in sorted(t.offsets.items()) for n in pair]) for name, t in sorted(position.topics.items())]
    body = _encode(_Wire(position.log_id, position.catalog, topics, position.relation, position.epoch, position.time_ms))
    version = PLAIN
    if len(body) > _COMPRESS_FROM:
        version, body = DEFLATED, zlib.compress(body, 9)
    text = base64.urlsafe_b64encode(bytes((version,)) + zlib.crc32(body).to_bytes(4, "big") + body).rstrip(b"=").decode()
    if len(text) > LIMIT:
        raise RequestError("INVALID_ARGUMENT", f"the position needs {len(text)} bytes, a token has {LIMIT}: restrict the partitions")
    return text


def decode(text: str, log_id: str, name: str = "position") -> Position:
    """Read a token of this log. Raises MALFORMED_TOKEN, FOREIGN_TOKEN; name is the request's field, for the message."""
    wire = _read(text, name)
    if wire.log_id != log_id:
        raise RequestError("FOREIGN_TOKEN", f"{name} is a position of another log", {"field": name})
    topics = {t: TopicPosition(i, dict(zip(flat[::2], flat[1::2], strict=True))) for t, i, flat in wire.topics}
    return Position(wire.log_id, wire.catalog, topics, wire.relation, wire.epoch, wire.time_ms)


def _read(text: str, name: str) -> _Wire:
    try:
        if len(text) > LIMIT or not text.isascii():
            raise ValueError("longer than a token, or not ASCII")
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        version, check, body = data[0], data[1:5], data[5:]
        if zlib.crc32(body).to_bytes(4, "big") != check:
            raise ValueError("damaged")
        if version == DEFLATED:
            body = zlib.decompressobj().decompress(body, 1 << 20)
        elif version != PLAIN:
            raise ValueError(f"version {version}")
        wire = _decode(body)
        if any(len(flat) % 2 for _, _, flat in wire.topics):
            raise ValueError("offsets without partition")
        return wire
    except (ValueError, IndexError, binascii.Error, zlib.error, msgspec.MsgspecError) as e:
        raise RequestError("MALFORMED_TOKEN", f"{name} is not a position token: {e}", {"field": name}) from e


def merge(positions: Iterable[Position], log_id: str) -> Position:
    """One position that includes all, as old as the oldest; a topic that was recreated between them counts as its newer appearance in the list."""
    catalog = time_ms = 0
    topics: dict[str, TopicPosition] = {}
    for position in positions:
        catalog = max(catalog, position.catalog)
        time_ms = min(time_ms or position.time_ms, position.time_ms or time_ms)
        for name, t in position.topics.items():
            known = topics.get(name)
            if known is not None and known.topic_id == t.topic_id:
                offsets = dict(known.offsets)
                for partition, offset in t.offsets.items():
                    offsets[partition] = max(offset, offsets.get(partition, 0))
                topics[name] = TopicPosition(t.topic_id, offsets)
            else:
                topics[name] = t
    return Position(log_id, catalog, topics, time_ms=time_ms)


def joined(before: Position, later: Position) -> tuple[Position, str]:
    """Both in one, with its token; the later one alone where a token cannot name both."""
    both = merge([before, later], before.log_id)
    try:
        return both, encode(both)
    except RequestError:
        return later, encode(later)
