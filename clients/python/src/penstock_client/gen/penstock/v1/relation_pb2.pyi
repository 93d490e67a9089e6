import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from penstock_client.gen.penstock.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RelationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELATION_KIND_UNSPECIFIED: _ClassVar[RelationKind]
    RELATION_KIND_STREAM: _ClassVar[RelationKind]
    RELATION_KIND_TABLE: _ClassVar[RelationKind]

class WindowKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WINDOW_KIND_UNSPECIFIED: _ClassVar[WindowKind]
    WINDOW_KIND_TUMBLING: _ClassVar[WindowKind]
    WINDOW_KIND_HOPPING: _ClassVar[WindowKind]
    WINDOW_KIND_SLIDING: _ClassVar[WindowKind]
    WINDOW_KIND_SESSION: _ClassVar[WindowKind]
RELATION_KIND_UNSPECIFIED: RelationKind
RELATION_KIND_STREAM: RelationKind
RELATION_KIND_TABLE: RelationKind
WINDOW_KIND_UNSPECIFIED: WindowKind
WINDOW_KIND_TUMBLING: WindowKind
WINDOW_KIND_HOPPING: WindowKind
WINDOW_KIND_SLIDING: WindowKind
WINDOW_KIND_SESSION: WindowKind

class Relation(_message.Message):
    __slots__ = ("name", "kind", "schema", "topic", "window", "owner_topology", "writer_topologies", "reader_topologies", "read_only", "lookup", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    OWNER_TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    WRITER_TOPOLOGIES_FIELD_NUMBER: _ClassVar[int]
    READER_TOPOLOGIES_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: RelationKind
    schema: _types_pb2.Schema
    topic: TopicBinding
    window: WindowInfo
    owner_topology: str
    writer_topologies: _containers.RepeatedScalarFieldContainer[str]
    reader_topologies: _containers.RepeatedScalarFieldContainer[str]
    read_only: bool
    lookup: bool
    etag: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[RelationKind, str]] = ..., schema: _Optional[_Union[_types_pb2.Schema, _Mapping]] = ..., topic: _Optional[_Union[TopicBinding, _Mapping]] = ..., window: _Optional[_Union[WindowInfo, _Mapping]] = ..., owner_topology: _Optional[str] = ..., writer_topologies: _Optional[_Iterable[str]] = ..., reader_topologies: _Optional[_Iterable[str]] = ..., read_only: _Optional[bool] = ..., lookup: _Optional[bool] = ..., etag: _Optional[str] = ...) -> None: ...

class TopicBinding(_message.Message):
    __slots__ = ("topic", "key_format", "value_format", "timestamp_column", "timestamp_format", "create")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    KEY_FORMAT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_COLUMN_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    topic: str
    key_format: Format
    value_format: Format
    timestamp_column: str
    timestamp_format: str
    create: TopicSpec
    def __init__(self, topic: _Optional[str] = ..., key_format: _Optional[_Union[Format, _Mapping]] = ..., value_format: _Optional[_Union[Format, _Mapping]] = ..., timestamp_column: _Optional[str] = ..., timestamp_format: _Optional[str] = ..., create: _Optional[_Union[TopicSpec, _Mapping]] = ...) -> None: ...

class TopicSpec(_message.Message):
    __slots__ = ("partitions", "replicas", "retention")
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    partitions: int
    replicas: int
    retention: _duration_pb2.Duration
    def __init__(self, partitions: _Optional[int] = ..., replicas: _Optional[int] = ..., retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Format(_message.Message):
    __slots__ = ("name", "properties")
    class PropertiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    name: str
    properties: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., properties: _Optional[_Mapping[str, str]] = ...) -> None: ...

class WindowInfo(_message.Message):
    __slots__ = ("kind", "size", "advance")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ADVANCE_FIELD_NUMBER: _ClassVar[int]
    kind: WindowKind
    size: _duration_pb2.Duration
    advance: _duration_pb2.Duration
    def __init__(self, kind: _Optional[_Union[WindowKind, str]] = ..., size: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., advance: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
