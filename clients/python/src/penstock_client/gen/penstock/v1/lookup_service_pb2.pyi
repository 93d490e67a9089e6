import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from penstock_client.gen.penstock.v1 import position_pb2 as _position_pb2
from penstock_client.gen.penstock.v1 import row_pb2 as _row_pb2
from penstock_client.gen.penstock.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetRequest(_message.Message):
    __slots__ = ("relation", "key", "windows", "columns", "consistency", "as_of", "known_schema_id")
    RELATION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    KNOWN_SCHEMA_ID_FIELD_NUMBER: _ClassVar[int]
    relation: str
    key: _containers.RepeatedCompositeFieldContainer[_types_pb2.Value]
    windows: WindowRange
    columns: _containers.RepeatedScalarFieldContainer[str]
    consistency: _position_pb2.Consistency
    as_of: _timestamp_pb2.Timestamp
    known_schema_id: int
    def __init__(self, relation: _Optional[str] = ..., key: _Optional[_Iterable[_Union[_types_pb2.Value, _Mapping]]] = ..., windows: _Optional[_Union[WindowRange, _Mapping]] = ..., columns: _Optional[_Iterable[str]] = ..., consistency: _Optional[_Union[_position_pb2.Consistency, _Mapping]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., known_schema_id: _Optional[int] = ...) -> None: ...

class WindowRange(_message.Message):
    __slots__ = ("start_from", "start_to")
    START_FROM_FIELD_NUMBER: _ClassVar[int]
    START_TO_FIELD_NUMBER: _ClassVar[int]
    start_from: _timestamp_pb2.Timestamp
    start_to: _timestamp_pb2.Timestamp
    def __init__(self, start_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetResponse(_message.Message):
    __slots__ = ("schema", "rows", "position", "owner")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    schema: _row_pb2.RowSchema
    rows: _row_pb2.RowBatch
    position: _position_pb2.PositionToken
    owner: str
    def __init__(self, schema: _Optional[_Union[_row_pb2.RowSchema, _Mapping]] = ..., rows: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., owner: _Optional[str] = ...) -> None: ...

class BatchGetRequest(_message.Message):
    __slots__ = ("relation", "keys", "columns", "consistency", "known_schema_id", "as_of")
    RELATION_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    KNOWN_SCHEMA_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    relation: str
    keys: _row_pb2.RowBatch
    columns: _containers.RepeatedScalarFieldContainer[str]
    consistency: _position_pb2.Consistency
    known_schema_id: int
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, relation: _Optional[str] = ..., keys: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ..., columns: _Optional[_Iterable[str]] = ..., consistency: _Optional[_Union[_position_pb2.Consistency, _Mapping]] = ..., known_schema_id: _Optional[int] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchGetResponse(_message.Message):
    __slots__ = ("schema", "rows", "key_indexes", "position")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    KEY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    schema: _row_pb2.RowSchema
    rows: _row_pb2.RowBatch
    key_indexes: _containers.RepeatedScalarFieldContainer[int]
    position: _position_pb2.PositionToken
    def __init__(self, schema: _Optional[_Union[_row_pb2.RowSchema, _Mapping]] = ..., rows: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ..., key_indexes: _Optional[_Iterable[int]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class ScanRequest(_message.Message):
    __slots__ = ("relation", "range", "windows", "where", "parameters", "columns", "limit", "consistency", "cursor")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _types_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_types_pb2.Value, _Mapping]] = ...) -> None: ...
    RELATION_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    relation: str
    range: KeyRange
    windows: WindowRange
    where: str
    parameters: _containers.MessageMap[str, _types_pb2.Value]
    columns: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    consistency: _position_pb2.Consistency
    cursor: str
    def __init__(self, relation: _Optional[str] = ..., range: _Optional[_Union[KeyRange, _Mapping]] = ..., windows: _Optional[_Union[WindowRange, _Mapping]] = ..., where: _Optional[str] = ..., parameters: _Optional[_Mapping[str, _types_pb2.Value]] = ..., columns: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., consistency: _Optional[_Union[_position_pb2.Consistency, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class KeyRange(_message.Message):
    __slots__ = ("from_key", "to_key", "prefix")
    FROM_KEY_FIELD_NUMBER: _ClassVar[int]
    TO_KEY_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    from_key: _containers.RepeatedCompositeFieldContainer[_types_pb2.Value]
    to_key: _containers.RepeatedCompositeFieldContainer[_types_pb2.Value]
    prefix: _containers.RepeatedCompositeFieldContainer[_types_pb2.Value]
    def __init__(self, from_key: _Optional[_Iterable[_Union[_types_pb2.Value, _Mapping]]] = ..., to_key: _Optional[_Iterable[_Union[_types_pb2.Value, _Mapping]]] = ..., prefix: _Optional[_Iterable[_Union[_types_pb2.Value, _Mapping]]] = ...) -> None: ...

class ScanResponse(_message.Message):
    __slots__ = ("schema", "rows", "cursor", "position")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    schema: _row_pb2.RowSchema
    rows: _row_pb2.RowBatch
    cursor: str
    position: _position_pb2.PositionToken
    def __init__(self, schema: _Optional[_Union[_row_pb2.RowSchema, _Mapping]] = ..., rows: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ..., cursor: _Optional[str] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...
