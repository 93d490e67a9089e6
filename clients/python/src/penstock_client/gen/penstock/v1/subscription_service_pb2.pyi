import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from penstock_client.gen.penstock.v1 import position_pb2 as _position_pb2
from penstock_client.gen.penstock.v1 import row_pb2 as _row_pb2
from penstock_client.gen.penstock.v1 import topology_pb2 as _topology_pb2
from penstock_client.gen.penstock.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_COMPLETED: _ClassVar[EndReason]
    END_REASON_NODE_DRAINING: _ClassVar[EndReason]
    END_REASON_RELATION_DELETED: _ClassVar[EndReason]
    END_REASON_RELATION_REPLACED: _ClassVar[EndReason]
    END_REASON_CREDENTIALS_EXPIRED: _ClassVar[EndReason]
END_REASON_UNSPECIFIED: EndReason
END_REASON_COMPLETED: EndReason
END_REASON_NODE_DRAINING: EndReason
END_REASON_RELATION_DELETED: EndReason
END_REASON_RELATION_REPLACED: EndReason
END_REASON_CREDENTIALS_EXPIRED: EndReason

class SubscribeRequest(_message.Message):
    __slots__ = ("relation", "columns", "where", "parameters", "start", "until", "limit", "partitions", "max_batch_rows", "max_linger", "progress_interval")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _types_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_types_pb2.Value, _Mapping]] = ...) -> None: ...
    RELATION_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_ROWS_FIELD_NUMBER: _ClassVar[int]
    MAX_LINGER_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    relation: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    where: str
    parameters: _containers.MessageMap[str, _types_pb2.Value]
    start: _topology_pb2.StartPosition
    until: Until
    limit: int
    partitions: _containers.RepeatedScalarFieldContainer[int]
    max_batch_rows: int
    max_linger: _duration_pb2.Duration
    progress_interval: _duration_pb2.Duration
    def __init__(self, relation: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., where: _Optional[str] = ..., parameters: _Optional[_Mapping[str, _types_pb2.Value]] = ..., start: _Optional[_Union[_topology_pb2.StartPosition, _Mapping]] = ..., until: _Optional[_Union[Until, _Mapping]] = ..., limit: _Optional[int] = ..., partitions: _Optional[_Iterable[int]] = ..., max_batch_rows: _Optional[int] = ..., max_linger: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., progress_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Until(_message.Message):
    __slots__ = ("current_end", "position")
    CURRENT_END_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    current_end: bool
    position: _position_pb2.PositionToken
    def __init__(self, current_end: _Optional[bool] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class SubscribeResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: Event
    def __init__(self, event: _Optional[_Union[Event, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("schema", "rows", "progress", "caught_up", "fell_behind", "end")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    FELL_BEHIND_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    schema: _row_pb2.RowSchema
    rows: Rows
    progress: Progress
    caught_up: CaughtUp
    fell_behind: FellBehind
    end: End
    def __init__(self, schema: _Optional[_Union[_row_pb2.RowSchema, _Mapping]] = ..., rows: _Optional[_Union[Rows, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., caught_up: _Optional[_Union[CaughtUp, _Mapping]] = ..., fell_behind: _Optional[_Union[FellBehind, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ...) -> None: ...

class Rows(_message.Message):
    __slots__ = ("batch", "position", "snapshot")
    BATCH_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    batch: _row_pb2.RowBatch
    position: _position_pb2.PositionToken
    snapshot: bool
    def __init__(self, batch: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., snapshot: _Optional[bool] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: _position_pb2.PositionToken
    def __init__(self, position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class CaughtUp(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: _position_pb2.PositionToken
    def __init__(self, position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class FellBehind(_message.Message):
    __slots__ = ("position", "rows_behind")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ROWS_BEHIND_FIELD_NUMBER: _ClassVar[int]
    position: _position_pb2.PositionToken
    rows_behind: int
    def __init__(self, position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., rows_behind: _Optional[int] = ...) -> None: ...

class End(_message.Message):
    __slots__ = ("reason", "position", "address", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: EndReason
    position: _position_pb2.PositionToken
    address: str
    message: str
    def __init__(self, reason: _Optional[_Union[EndReason, str]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., address: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
