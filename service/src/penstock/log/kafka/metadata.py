"""Reading a Metadata answer at a stroke. Each process asks for all of its topics from time to time, and through schemas hundreds of them take
so long that the event loop stands still.
"""

from __future__ import annotations

import struct
from io import BytesIO

_INT, _ERROR, _PARTITION = struct.Struct(">i"), struct.Struct(">h"), struct.Struct(">hiii")
_UUID = 16

Partition = tuple[int, int, int]
"""Error, partition, leader."""
Topic = tuple[int, str, bytes, bool, list[Partition]]
"""Error, name, id, whether it is Kafka's own, partitions."""
Broker = tuple[int, str, int]
"""Node, host, port."""
Metadata = tuple[int, list[Broker], str, int, list[Topic], int, dict[int, bytes]]
"""Throttle, brokers, cluster id, controller, topics, ACL, tags: the fields of the answer's schema; in its lists only what is of use here."""


class _Cursor:
    """A place in compact encodings (KIP-482)."""

    __slots__ = ("data", "at")

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def int32(self) -> int:
        self.at += 4
        return int(_INT.unpack_from(self.data, self.at - 4)[0])

    def text(self) -> str:
        """Null is as empty."""
        size = max(0, self.varint() - 1)
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def count(self) -> int:
        """Elements of an array."""
        return max(0, self.varint() - 1)

    def skip_tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            size = self.varint()
            self.at += size


def decode(data: BytesIO) -> Metadata:
    """The answer of version 10."""
    c = _Cursor(data.read())
    throttle = c.int32()
    brokers = [_broker(c) for _ in range(c.count())]
    cluster_id, controller = c.text(), c.int32()
    topics = [_topic(c) for _ in range(c.count())]
    acl = c.int32()
    c.skip_tags()
    return throttle, brokers, cluster_id, controller, topics, acl, {}


def _broker(c: _Cursor) -> Broker:
    node, host, port = c.int32(), c.text(), c.int32()
    c.text()  # rack
    c.skip_tags()
    return node, host, port


def _topic(c: _Cursor) -> Topic:
    (error,) = _ERROR.unpack_from(c.data, c.at)
    c.at += _ERROR.size
    name = c.text()
    topic_id, internal = c.data[c.at:c.at + _UUID], c.data[c.at + _UUID] != 0
    c.at += _UUID + 1
    partitions = _partitions(c)
    c.at += 4  # ACL
    c.skip_tags()
    return error, name, topic_id, internal, partitions


def _partitions(c: _Cursor) -> list[Partition]:
    """Most of an answer; replicas are fewer than 127, and tags none, unless something unusual is there."""
    found, data, unpack = [], c.data, _PARTITION.unpack_from
    for _ in range(c.count()):
        error, partition, leader, _epoch = unpack(data, c.at)
        found.append((error, partition, leader))
        c.at += _PARTITION.size
        for _list in range(3):  # replicas, those in sync, those offline
            if 0 < (count := data[c.at]) < 128:
                c.at += 4 * count - 3
            else:
                size = 4 * c.count()
                c.at += size
        if data[c.at]:
            c.skip_tags()
        else:
            c.at += 1
    return found
