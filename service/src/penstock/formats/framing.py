"""The frame around a record that a registry's serializer wrote: 0, the schema's id in 4 bytes, big endian. PROTOBUF adds where its
message stands in the schema: how many indexes and the indexes, as zigzag varints, or one 0 for the first message.
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.formats.errors import FormatError

HEAD = 5
"""Bytes of the frame before message indexes."""


def frame(schema_id: int) -> bytes:
    """What stands before a record."""
    return b"\0" + schema_id.to_bytes(4, "big")


def id_of(data: bytes) -> int:
    """The schema's id. FormatError for bytes without a frame."""
    if len(data) < HEAD or data[0]:
        raise FormatError("the bytes do not begin with a schema id of a registry (0, then 4 bytes)")
    return int.from_bytes(data[1:HEAD], "big")


def write_indexes(indexes: Sequence[int]) -> bytes:
    """Message indexes behind the id."""
    if list(indexes) == [0]:
        return b"\0"
    return b"".join(_varint(i) for i in (len(indexes), *indexes))


def read_indexes(data: bytes) -> tuple[tuple[int, ...], int]:
    """(message indexes, place of the message). FormatError for bytes that hold none."""
    count, at = _read_varint(data, HEAD)
    if count == 0:
        return (0,), at
    if not 0 < count <= 64:
        raise FormatError(f"{count} message indexes")
    found = []
    for _ in range(count):
        index, at = _read_varint(data, at)
        found.append(index)
    return tuple(found), at


def _varint(value: int) -> bytes:
    rest, out = value << 1, bytearray()  # zigzag of what is never negative
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 35:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
    raise FormatError("the message indexes are cut off")
