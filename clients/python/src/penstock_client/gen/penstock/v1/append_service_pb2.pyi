import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from penstock_client.gen.penstock.v1 import position_pb2 as _position_pb2
from penstock_client.gen.penstock.v1 import row_pb2 as _row_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OnInvalid(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_INVALID_UNSPECIFIED: _ClassVar[OnInvalid]
    ON_INVALID_REJECT_BATCH: _ClassVar[OnInvalid]
    ON_INVALID_SKIP_ROWS: _ClassVar[OnInvalid]
ON_INVALID_UNSPECIFIED: OnInvalid
ON_INVALID_REJECT_BATCH: OnInvalid
ON_INVALID_SKIP_ROWS: OnInvalid

class AppendBatch(_message.Message):
    __slots__ = ("relation", "rows", "json", "records", "sequence", "on_invalid")
    RELATION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ON_INVALID_FIELD_NUMBER: _ClassVar[int]
    relation: str
    rows: TypedRows
    json: JsonRows
    records: RawRecords
    sequence: int
    on_invalid: OnInvalid
    def __init__(self, relation: _Optional[str] = ..., rows: _Optional[_Union[TypedRows, _Mapping]] = ..., json: _Optional[_Union[JsonRows, _Mapping]] = ..., records: _Optional[_Union[RawRecords, _Mapping]] = ..., sequence: _Optional[int] = ..., on_invalid: _Optional[_Union[OnInvalid, str]] = ...) -> None: ...

class TypedRows(_message.Message):
    __slots__ = ("columns", "batch")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    batch: _row_pb2.RowBatch
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., batch: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ...) -> None: ...

class JsonRows(_message.Message):
    __slots__ = ("rows",)
    ROWS_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, rows: _Optional[_Iterable[str]] = ...) -> None: ...

class RawRecords(_message.Message):
    __slots__ = ("records",)
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[RawRecord]
    def __init__(self, records: _Optional[_Iterable[_Union[RawRecord, _Mapping]]] = ...) -> None: ...

class RawRecord(_message.Message):
    __slots__ = ("key", "value", "timestamp", "partition", "headers")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    value: bytes
    timestamp: _timestamp_pb2.Timestamp
    partition: int
    headers: _containers.RepeatedCompositeFieldContainer[RecordHeader]
    def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., partition: _Optional[int] = ..., headers: _Optional[_Iterable[_Union[RecordHeader, _Mapping]]] = ...) -> None: ...

class RecordHeader(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: bytes
    def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...

class AppendRequest(_message.Message):
    __slots__ = ("producer_id", "batch")
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    producer_id: str
    batch: AppendBatch
    def __init__(self, producer_id: _Optional[str] = ..., batch: _Optional[_Union[AppendBatch, _Mapping]] = ...) -> None: ...

class AppendAck(_message.Message):
    __slots__ = ("sequence", "position", "appended", "duplicate", "row_errors")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    APPENDED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    ROW_ERRORS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    position: _position_pb2.PositionToken
    appended: int
    duplicate: bool
    row_errors: _containers.RepeatedCompositeFieldContainer[RowError]
    def __init__(self, sequence: _Optional[int] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., appended: _Optional[int] = ..., duplicate: _Optional[bool] = ..., row_errors: _Optional[_Iterable[_Union[RowError, _Mapping]]] = ...) -> None: ...

class RowError(_message.Message):
    __slots__ = ("row", "error")
    ROW_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    row: int
    error: _status_pb2.Status
    def __init__(self, row: _Optional[int] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class AppendResponse(_message.Message):
    __slots__ = ("ack",)
    ACK_FIELD_NUMBER: _ClassVar[int]
    ack: AppendAck
    def __init__(self, ack: _Optional[_Union[AppendAck, _Mapping]] = ...) -> None: ...

class AppendStreamRequest(_message.Message):
    __slots__ = ("open", "batch")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    open: AppendOpen
    batch: AppendBatch
    def __init__(self, open: _Optional[_Union[AppendOpen, _Mapping]] = ..., batch: _Optional[_Union[AppendBatch, _Mapping]] = ...) -> None: ...

class AppendOpen(_message.Message):
    __slots__ = ("producer_id", "epoch", "position")
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    producer_id: str
    epoch: int
    position: _position_pb2.PositionToken
    def __init__(self, producer_id: _Optional[str] = ..., epoch: _Optional[int] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class AppendStreamResponse(_message.Message):
    __slots__ = ("opened", "ack")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    opened: AppendOpened
    ack: AppendAck
    def __init__(self, opened: _Optional[_Union[AppendOpened, _Mapping]] = ..., ack: _Optional[_Union[AppendAck, _Mapping]] = ...) -> None: ...

class AppendOpened(_message.Message):
    __slots__ = ("last_sequence", "max_in_flight", "epoch")
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    MAX_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    last_sequence: int
    max_in_flight: int
    epoch: int
    def __init__(self, last_sequence: _Optional[int] = ..., max_in_flight: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...
