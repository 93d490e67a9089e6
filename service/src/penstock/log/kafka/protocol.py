"""Kafka's requests, in the one version of each that this package speaks (brokers 3.0 and later, 4.x included).

aiokafka offers its own classes for some of them, mostly in older versions: without stable offsets (OffsetFetch v7, KIP-447), without
generation and member in TxnOffsetCommit (v3, KIP-447), without compare-and-set in InitProducerId (v3, KIP-360), without the instance id in
Heartbeat and LeaveGroup (v3, KIP-345), without topic ids in Metadata (v10, KIP-516). Its wire types are used.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka.errors import IncompatibleBrokerVersion  # type: ignore[import-untyped]
from aiokafka.protocol.api import RequestStruct, Response  # type: ignore[import-untyped]
from aiokafka.protocol.types import (  # type: ignore[import-untyped]
    AbstractType,
    Array,
    Boolean,
    Bytes,
    CompactArray,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

from penstock.log.kafka import metadata

_TEXT = String("utf-8")
_COMPACT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)
_LENGTH = struct.Struct(">i")


class _Uuid(AbstractType[bytes]):  # type: ignore[misc]
    """16 bytes as they are."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: Any) -> bytes:
        return bytes(data.read(16))


class Call:
    """A request with its values, as aiokafka's connection takes it. Never falls back to another version."""

    __slots__ = ("struct",)

    def __init__(self, values: RequestStruct) -> None:
        self.struct = values

    def prepare(self, versions: dict[int, tuple[int, int]]) -> RequestStruct:
        """The struct, if the broker speaks its version."""
        wanted = self.struct
        low, high = versions.get(wanted.API_KEY, (0, -1))
        if not low <= wanted.API_VERSION <= high:
            raise IncompatibleBrokerVersion(f"{type(wanted).__name__}: the broker has versions {low} to {high}")
        return wanted


class _Header:
    """A request's header, packed at once: aiokafka's goes through a schema, which costs as much as a heartbeat."""

    __slots__ = ("_text",)
    _FIXED = struct.Struct(">hhih")

    def __init__(self, request: RequestStruct, correlation_id: int, client_id: str) -> None:
        name = client_id.encode()
        tags = b"\0" if request.FLEXIBLE_VERSION else b""
        self._text = self._FIXED.pack(request.API_KEY, request.API_VERSION, correlation_id, len(name)) + name + tags

    def encode(self) -> bytes:
        """The bytes."""
        return self._text


def _header(request: RequestStruct, correlation_id: int, client_id: str) -> _Header:
    return _Header(request, correlation_id, client_id)


class _AnswerHeader(NamedTuple):
    correlation_id: int


def _answer_header(request: RequestStruct, data: BytesIO) -> _AnswerHeader:
    return _AnswerHeader(*_LENGTH.unpack(data.read(4)))


class Api:
    """One version of one request; calling it with the values of its fields makes a Call."""

    def __init__(self, name: str, key: int, version: int, request: Schema, response: Schema, flexible: bool = False,
                 encode: Callable[[Any], bytes] | None = None, decode: Callable[[BytesIO], Sequence[Any]] | None = None) -> None:
        """encode, decode: used in place of the schemas', which copy the text once for each level of nesting and take each field for itself.
        decode: the response's values."""
        common: dict[str, Any] = {"API_KEY": key, "API_VERSION": version}
        reply: dict[str, Any] = {"SCHEMA": response}
        if decode is not None:
            reply["decode"] = classmethod(lambda cls, data: cls(*decode(data)))
        answer = type(f"{name}Response_v{version}", (Response,), common | reply)
        extra: dict[str, Any] = {"SCHEMA": request, "RESPONSE_TYPE": answer, "FLEXIBLE_VERSION": flexible, "build_request_header": _header}
        if encode is not None:
            extra["encode"] = encode
        if not flexible:
            extra["parse_response_header"] = _answer_header
        self._struct: Any = type(f"{name}Request_v{version}", (RequestStruct,), common | extra)
        self._tagged = flexible

    def __call__(self, *values: object) -> Call:
        return Call(self._struct(*values, {}) if self._tagged else self._struct(*values))


METADATA = Api(
    "Metadata", 3, 10,
    Schema(("topics", CompactArray(("topic_id", _Uuid), ("name", _COMPACT), _TAGS)), ("create", Boolean), ("cluster_acl", Boolean),
           ("topic_acl", Boolean), _TAGS),
    Schema(("throttle", Int32), ("brokers", CompactArray(("node", Int32), ("host", _COMPACT), ("port", Int32), ("rack", _COMPACT), _TAGS)),
           ("cluster_id", _COMPACT), ("controller", Int32),
           ("topics", CompactArray(
               ("error", Int16), ("name", _COMPACT), ("topic_id", _Uuid), ("internal", Boolean),
               ("partitions", CompactArray(
                   ("error", Int16), ("partition", Int32), ("leader", Int32), ("epoch", Int32), ("replicas", CompactArray(Int32)),
                   ("isr", CompactArray(Int32)), ("offline", CompactArray(Int32)), _TAGS)),
               ("acl", Int32), _TAGS)),
           ("acl", Int32), _TAGS), flexible=True, decode=metadata.decode)

FIND_COORDINATOR = Api(
    "FindCoordinator", 10, 2, Schema(("key", _TEXT), ("type", Int8)),
    Schema(("throttle", Int32), ("error", Int16), ("message", _TEXT), ("node", Int32), ("host", _TEXT), ("port", Int32)))

FETCH = Api(
    "Fetch", 1, 11,
    Schema(("replica", Int32), ("max_wait", Int32), ("min_bytes", Int32), ("max_bytes", Int32), ("isolation", Int8), ("session", Int32),
           ("session_epoch", Int32),
           ("topics", Array(("topic", _TEXT), ("partitions", Array(
               ("partition", Int32), ("leader_epoch", Int32), ("offset", Int64), ("log_start", Int64), ("max_bytes", Int32))))),
           ("forgotten", Array(("topic", _TEXT), ("partitions", Array(Int32)))), ("rack", _TEXT)),
    Schema(("throttle", Int32), ("error", Int16), ("session", Int32),
           ("topics", Array(("topic", _TEXT), ("partitions", Array(
               ("partition", Int32), ("error", Int16), ("high_watermark", Int64), ("stable", Int64), ("log_start", Int64),
               ("aborted", Array(("producer_id", Int64), ("first_offset", Int64))), ("preferred", Int32), ("records", Bytes)))))))

_PRODUCE_BEGIN, _PARTITION = struct.Struct(">hi"), struct.Struct(">ii")


def _encode_produce(request: Any) -> bytes:
    """The schema's bytes in one join: batches are large."""
    parts = [_TEXT.encode(request.transactional_id), _PRODUCE_BEGIN.pack(request.acks, request.timeout), _LENGTH.pack(len(request.topics))]
    for topic, partitions in request.topics:
        parts += (_TEXT.encode(topic), _LENGTH.pack(len(partitions)))
        for partition, records in partitions:
            parts += (_PARTITION.pack(partition, len(records)), records)
    return b"".join(parts)


PRODUCE = Api(
    "Produce", 0, 7,
    Schema(("transactional_id", _TEXT), ("acks", Int16), ("timeout", Int32),
           ("topics", Array(("topic", _TEXT), ("partitions", Array(("partition", Int32), ("records", Bytes)))))),
    Schema(("topics", Array(("topic", _TEXT), ("partitions", Array(
        ("partition", Int32), ("error", Int16), ("offset", Int64), ("append_time", Int64), ("log_start", Int64))))), ("throttle", Int32)),
    encode=_encode_produce)

LIST_OFFSETS = Api(
    "ListOffsets", 2, 3,
    Schema(("replica", Int32), ("isolation", Int8), ("topics", Array(("topic", _TEXT), ("partitions", Array(
        ("partition", Int32), ("timestamp", Int64)))))),
    Schema(("throttle", Int32), ("topics", Array(("topic", _TEXT), ("partitions", Array(
        ("partition", Int32), ("error", Int16), ("timestamp", Int64), ("offset", Int64)))))))

OFFSET_FETCH = Api(
    "OffsetFetch", 9, 7,
    Schema(("group", _COMPACT), ("topics", CompactArray(("topic", _COMPACT), ("partitions", CompactArray(Int32)), _TAGS)),
           ("stable", Boolean), _TAGS),
    Schema(("throttle", Int32),
           ("topics", CompactArray(("topic", _COMPACT), ("partitions", CompactArray(
               ("partition", Int32), ("offset", Int64), ("epoch", Int32), ("metadata", _COMPACT), ("error", Int16), _TAGS)), _TAGS)),
           ("error", Int16), _TAGS), flexible=True)

OFFSET_COMMIT = Api(
    "OffsetCommit", 8, 7,
    Schema(("group", _TEXT), ("generation", Int32), ("member", _TEXT), ("instance", _TEXT), ("topics", Array(
        ("topic", _TEXT), ("partitions", Array(("partition", Int32), ("offset", Int64), ("epoch", Int32), ("metadata", _TEXT)))))),
    Schema(("throttle", Int32), ("topics", Array(("topic", _TEXT), ("partitions", Array(("partition", Int32), ("error", Int16)))))))

INIT_PRODUCER_ID = Api(
    "InitProducerId", 22, 3,
    Schema(("transactional_id", _COMPACT), ("timeout", Int32), ("producer_id", Int64), ("producer_epoch", Int16), _TAGS),
    Schema(("throttle", Int32), ("error", Int16), ("producer_id", Int64), ("producer_epoch", Int16), _TAGS), flexible=True)

ADD_PARTITIONS = Api(
    "AddPartitionsToTxn", 24, 1,
    Schema(("transactional_id", _TEXT), ("producer_id", Int64), ("producer_epoch", Int16), ("topics", Array(
        ("topic", _TEXT), ("partitions", Array(Int32))))),
    Schema(("throttle", Int32), ("topics", Array(("topic", _TEXT), ("partitions", Array(("partition", Int32), ("error", Int16)))))))

ADD_OFFSETS = Api(
    "AddOffsetsToTxn", 25, 1,
    Schema(("transactional_id", _TEXT), ("producer_id", Int64), ("producer_epoch", Int16), ("group", _TEXT)),
    Schema(("throttle", Int32), ("error", Int16)))

TXN_OFFSET_COMMIT = Api(
    "TxnOffsetCommit", 28, 3,
    Schema(("transactional_id", _COMPACT), ("group", _COMPACT), ("producer_id", Int64), ("producer_epoch", Int16), ("generation", Int32),
           ("member", _COMPACT), ("instance", _COMPACT), ("topics", CompactArray(("topic", _COMPACT), ("partitions", CompactArray(
               ("partition", Int32), ("offset", Int64), ("epoch", Int32), ("metadata", _COMPACT), _TAGS)), _TAGS)), _TAGS),
    Schema(("throttle", Int32), ("topics", CompactArray(("topic", _COMPACT), ("partitions", CompactArray(
        ("partition", Int32), ("error", Int16), _TAGS)), _TAGS)), _TAGS), flexible=True)

END_TXN = Api(
    "EndTxn", 26, 1,
    Schema(("transactional_id", _TEXT), ("producer_id", Int64), ("producer_epoch", Int16), ("commit", Boolean)),
    Schema(("throttle", Int32), ("error", Int16)))

DESCRIBE_TRANSACTIONS = Api(
    "DescribeTransactions", 65, 0, Schema(("ids", CompactArray(_COMPACT)), _TAGS),
    Schema(("throttle", Int32), ("transactions", CompactArray(
        ("error", Int16), ("id", _COMPACT), ("state", _COMPACT), ("timeout", Int32), ("start", Int64), ("producer_id", Int64),
        ("producer_epoch", Int16), ("topics", CompactArray(("topic", _COMPACT), ("partitions", CompactArray(Int32)), _TAGS)), _TAGS)), _TAGS),
    flexible=True)

JOIN_GROUP = Api(
    "JoinGroup", 11, 5,
    Schema(("group", _TEXT), ("session_timeout", Int32), ("rebalance_timeout", Int32), ("member", _TEXT), ("instance", _TEXT),
           ("type", _TEXT), ("protocols", Array(("name", _TEXT), ("metadata", Bytes)))),
    Schema(("throttle", Int32), ("error", Int16), ("generation", Int32), ("protocol", _TEXT), ("leader", _TEXT), ("member", _TEXT),
           ("members", Array(("member", _TEXT), ("instance", _TEXT), ("metadata", Bytes)))))

SYNC_GROUP = Api(
    "SyncGroup", 14, 3,
    Schema(("group", _TEXT), ("generation", Int32), ("member", _TEXT), ("instance", _TEXT), ("assignments", Array(
        ("member", _TEXT), ("assignment", Bytes)))),
    Schema(("throttle", Int32), ("error", Int16), ("assignment", Bytes)))

_HEARTBEAT_ANSWER = struct.Struct(">ih")


def _encode_heartbeat(r: Any) -> bytes:
    return b"".join((_TEXT.encode(r.group), _LENGTH.pack(r.generation), _TEXT.encode(r.member), _TEXT.encode(r.instance)))


HEARTBEAT = Api(
    "Heartbeat", 12, 3, Schema(("group", _TEXT), ("generation", Int32), ("member", _TEXT), ("instance", _TEXT)),
    Schema(("throttle", Int32), ("error", Int16)), encode=_encode_heartbeat,
    decode=lambda data: _HEARTBEAT_ANSWER.unpack(data.read(_HEARTBEAT_ANSWER.size)))
"""The one request that hundreds of idle groups send all the time, hence without schemas."""

LEAVE_GROUP = Api(
    "LeaveGroup", 13, 3, Schema(("group", _TEXT), ("members", Array(("member", _TEXT), ("instance", _TEXT)))),
    Schema(("throttle", Int32), ("error", Int16), ("members", Array(("member", _TEXT), ("instance", _TEXT), ("error", Int16)))))

DELETE_GROUPS = Api(
    "DeleteGroups", 42, 1, Schema(("groups", Array(_TEXT))),
    Schema(("throttle", Int32), ("groups", Array(("group", _TEXT), ("error", Int16)))))

CREATE_TOPICS = Api(
    "CreateTopics", 19, 4,
    Schema(("topics", Array(
        ("name", _TEXT), ("partitions", Int32), ("replicas", Int16),
        ("assignments", Array(("partition", Int32), ("brokers", Array(Int32)))),
        ("configs", Array(("name", _TEXT), ("value", _TEXT))))), ("timeout", Int32), ("validate_only", Boolean)),
    Schema(("throttle", Int32), ("topics", Array(("name", _TEXT), ("error", Int16), ("message", _TEXT)))))

DELETE_TOPICS = Api(
    "DeleteTopics", 20, 3, Schema(("names", Array(_TEXT)), ("timeout", Int32)),
    Schema(("throttle", Int32), ("topics", Array(("name", _TEXT), ("error", Int16)))))

DELETE_RECORDS = Api(
    "DeleteRecords", 21, 1,
    Schema(("topics", Array(("topic", _TEXT), ("partitions", Array(("partition", Int32), ("offset", Int64))))), ("timeout", Int32)),
    Schema(("throttle", Int32), ("topics", Array(("topic", _TEXT), ("partitions", Array(
        ("partition", Int32), ("log_start", Int64), ("error", Int16)))))))

DESCRIBE_CONFIGS = Api(
    "DescribeConfigs", 32, 2,
    Schema(("resources", Array(("type", Int8), ("name", _TEXT), ("keys", Array(_TEXT)))), ("synonyms", Boolean)),
    Schema(("throttle", Int32), ("resources", Array(
        ("error", Int16), ("message", _TEXT), ("type", Int8), ("name", _TEXT),
        ("entries", Array(("name", _TEXT), ("value", _TEXT), ("read_only", Boolean), ("source", Int8), ("sensitive", Boolean),
                          ("synonyms", Array(("name", _TEXT), ("value", _TEXT), ("source", Int8)))))))))

SUBSCRIPTION = Schema(("version", Int16), ("topics", Array(_TEXT)), ("data", Bytes))
"""What a member of a consumer group publishes when it joins (ConsumerProtocolSubscription v0)."""

ASSIGNMENT = Schema(("version", Int16), ("topics", Array(("topic", _TEXT), ("partitions", Array(Int32)))), ("data", Bytes))
"""What the leader answers to a member (ConsumerProtocolAssignment v0)."""
