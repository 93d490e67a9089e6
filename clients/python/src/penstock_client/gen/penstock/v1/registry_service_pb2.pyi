import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from penstock_client.gen.penstock.v1 import position_pb2 as _position_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BackupRegistryRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BackupRegistryResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class RestoreRegistryRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: RestoreOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[RestoreOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class RestoreOptions(_message.Message):
    __slots__ = ("replace", "validate_only")
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    replace: bool
    validate_only: bool
    def __init__(self, replace: _Optional[bool] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RestoreRegistryResponse(_message.Message):
    __slots__ = ("backup_time", "topologies", "relations", "types", "schemas", "forgotten", "missing_topics", "position", "functions")
    BACKUP_TIME_FIELD_NUMBER: _ClassVar[int]
    TOPOLOGIES_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    MISSING_TOPICS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    backup_time: _timestamp_pb2.Timestamp
    topologies: _containers.RepeatedScalarFieldContainer[str]
    relations: _containers.RepeatedScalarFieldContainer[str]
    types: int
    schemas: int
    forgotten: _containers.RepeatedScalarFieldContainer[str]
    missing_topics: _containers.RepeatedScalarFieldContainer[str]
    position: _position_pb2.PositionToken
    functions: int
    def __init__(self, backup_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., topologies: _Optional[_Iterable[str]] = ..., relations: _Optional[_Iterable[str]] = ..., types: _Optional[int] = ..., schemas: _Optional[int] = ..., forgotten: _Optional[_Iterable[str]] = ..., missing_topics: _Optional[_Iterable[str]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., functions: _Optional[int] = ...) -> None: ...
