import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.rpc import status_pb2 as _status_pb2
from penstock_client.gen.penstock.v1 import catalog_service_pb2 as _catalog_service_pb2
from penstock_client.gen.penstock.v1 import position_pb2 as _position_pb2
from penstock_client.gen.penstock.v1 import relation_pb2 as _relation_pb2
from penstock_client.gen.penstock.v1 import row_pb2 as _row_pb2
from penstock_client.gen.penstock.v1 import subscription_service_pb2 as _subscription_service_pb2
from penstock_client.gen.penstock.v1 import topology_service_pb2 as _topology_service_pb2
from penstock_client.gen.penstock.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExecuteRequest(_message.Message):
    __slots__ = ("sql", "session", "validate_only", "apply", "positions", "parameters")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _types_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_types_pb2.Value, _Mapping]] = ...) -> None: ...
    SQL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    APPLY_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    sql: str
    session: SqlSession
    validate_only: bool
    apply: bool
    positions: _containers.RepeatedCompositeFieldContainer[_position_pb2.PositionToken]
    parameters: _containers.MessageMap[str, _types_pb2.Value]
    def __init__(self, sql: _Optional[str] = ..., session: _Optional[_Union[SqlSession, _Mapping]] = ..., validate_only: _Optional[bool] = ..., apply: _Optional[bool] = ..., positions: _Optional[_Iterable[_Union[_position_pb2.PositionToken, _Mapping]]] = ..., parameters: _Optional[_Mapping[str, _types_pb2.Value]] = ...) -> None: ...

class SqlSession(_message.Message):
    __slots__ = ("properties", "variables")
    class PropertiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class VariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    properties: _containers.ScalarMap[str, str]
    variables: _containers.ScalarMap[str, str]
    def __init__(self, properties: _Optional[_Mapping[str, str]] = ..., variables: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ExecuteResponse(_message.Message):
    __slots__ = ("index", "statement", "message", "error", "relation", "topology", "function", "rows", "text", "session", "unchanged", "details", "position")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    index: int
    statement: str
    message: str
    error: _status_pb2.Status
    relation: _relation_pb2.Relation
    topology: _topology_service_pb2.RegisteredTopology
    function: _catalog_service_pb2.FunctionInfo
    rows: ResultSet
    text: str
    session: SqlSession
    unchanged: bool
    details: ResultSet
    position: _position_pb2.PositionToken
    def __init__(self, index: _Optional[int] = ..., statement: _Optional[str] = ..., message: _Optional[str] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., relation: _Optional[_Union[_relation_pb2.Relation, _Mapping]] = ..., topology: _Optional[_Union[_topology_service_pb2.RegisteredTopology, _Mapping]] = ..., function: _Optional[_Union[_catalog_service_pb2.FunctionInfo, _Mapping]] = ..., rows: _Optional[_Union[ResultSet, _Mapping]] = ..., text: _Optional[str] = ..., session: _Optional[_Union[SqlSession, _Mapping]] = ..., unchanged: _Optional[bool] = ..., details: _Optional[_Union[ResultSet, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class ResultSet(_message.Message):
    __slots__ = ("schema", "rows")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    schema: _row_pb2.RowSchema
    rows: _row_pb2.RowBatch
    def __init__(self, schema: _Optional[_Union[_row_pb2.RowSchema, _Mapping]] = ..., rows: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ...) -> None: ...

class QueryRequest(_message.Message):
    __slots__ = ("sql", "parameters", "session", "consistency", "resume", "limit", "progress_interval", "positions")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _types_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_types_pb2.Value, _Mapping]] = ...) -> None: ...
    SQL_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    sql: str
    parameters: _containers.MessageMap[str, _types_pb2.Value]
    session: SqlSession
    consistency: _position_pb2.Consistency
    resume: _position_pb2.PositionToken
    limit: int
    progress_interval: _duration_pb2.Duration
    positions: _containers.RepeatedCompositeFieldContainer[_position_pb2.PositionToken]
    def __init__(self, sql: _Optional[str] = ..., parameters: _Optional[_Mapping[str, _types_pb2.Value]] = ..., session: _Optional[_Union[SqlSession, _Mapping]] = ..., consistency: _Optional[_Union[_position_pb2.Consistency, _Mapping]] = ..., resume: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., limit: _Optional[int] = ..., progress_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., positions: _Optional[_Iterable[_Union[_position_pb2.PositionToken, _Mapping]]] = ...) -> None: ...

class QueryResponse(_message.Message):
    __slots__ = ("event", "query_id")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    QUERY_ID_FIELD_NUMBER: _ClassVar[int]
    event: _subscription_service_pb2.Event
    query_id: str
    def __init__(self, event: _Optional[_Union[_subscription_service_pb2.Event, _Mapping]] = ..., query_id: _Optional[str] = ...) -> None: ...
