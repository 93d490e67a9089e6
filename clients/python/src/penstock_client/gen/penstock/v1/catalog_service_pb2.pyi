import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from penstock_client.gen.penstock.v1 import position_pb2 as _position_pb2
from penstock_client.gen.penstock.v1 import relation_pb2 as _relation_pb2
from penstock_client.gen.penstock.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FunctionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FUNCTION_KIND_UNSPECIFIED: _ClassVar[FunctionKind]
    FUNCTION_KIND_SCALAR: _ClassVar[FunctionKind]
    FUNCTION_KIND_AGGREGATE: _ClassVar[FunctionKind]
    FUNCTION_KIND_TABLE: _ClassVar[FunctionKind]
FUNCTION_KIND_UNSPECIFIED: FunctionKind
FUNCTION_KIND_SCALAR: FunctionKind
FUNCTION_KIND_AGGREGATE: FunctionKind
FUNCTION_KIND_TABLE: FunctionKind

class CreateRelationRequest(_message.Message):
    __slots__ = ("relation", "validate_only")
    RELATION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    relation: _relation_pb2.Relation
    validate_only: bool
    def __init__(self, relation: _Optional[_Union[_relation_pb2.Relation, _Mapping]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CreateRelationResponse(_message.Message):
    __slots__ = ("relation", "position")
    RELATION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    relation: _relation_pb2.Relation
    position: _position_pb2.PositionToken
    def __init__(self, relation: _Optional[_Union[_relation_pb2.Relation, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class GetRelationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetRelationResponse(_message.Message):
    __slots__ = ("relation",)
    RELATION_FIELD_NUMBER: _ClassVar[int]
    relation: _relation_pb2.Relation
    def __init__(self, relation: _Optional[_Union[_relation_pb2.Relation, _Mapping]] = ...) -> None: ...

class ListRelationsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "include_nodes")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_NODES_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    include_nodes: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_nodes: _Optional[bool] = ...) -> None: ...

class ListRelationsResponse(_message.Message):
    __slots__ = ("relations", "next_page_token")
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    relations: _containers.RepeatedCompositeFieldContainer[_relation_pb2.Relation]
    next_page_token: str
    def __init__(self, relations: _Optional[_Iterable[_Union[_relation_pb2.Relation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DropRelationRequest(_message.Message):
    __slots__ = ("name", "etag", "delete_topic")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    DELETE_TOPIC_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    delete_topic: bool
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., delete_topic: _Optional[bool] = ...) -> None: ...

class DropRelationResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: _position_pb2.PositionToken
    def __init__(self, position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class ListTopicsRequest(_message.Message):
    __slots__ = ("include_internal",)
    INCLUDE_INTERNAL_FIELD_NUMBER: _ClassVar[int]
    include_internal: bool
    def __init__(self, include_internal: _Optional[bool] = ...) -> None: ...

class ListTopicsResponse(_message.Message):
    __slots__ = ("topics",)
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    topics: _containers.RepeatedCompositeFieldContainer[TopicInfo]
    def __init__(self, topics: _Optional[_Iterable[_Union[TopicInfo, _Mapping]]] = ...) -> None: ...

class TopicInfo(_message.Message):
    __slots__ = ("name", "partitions", "relations")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    partitions: int
    relations: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., partitions: _Optional[int] = ..., relations: _Optional[_Iterable[str]] = ...) -> None: ...

class ListFunctionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFunctionsResponse(_message.Message):
    __slots__ = ("functions",)
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    functions: _containers.RepeatedCompositeFieldContainer[FunctionInfo]
    def __init__(self, functions: _Optional[_Iterable[_Union[FunctionInfo, _Mapping]]] = ...) -> None: ...

class GetFunctionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetFunctionResponse(_message.Message):
    __slots__ = ("function",)
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    function: FunctionInfo
    def __init__(self, function: _Optional[_Union[FunctionInfo, _Mapping]] = ...) -> None: ...

class RemoteFunction(_message.Message):
    __slots__ = ("name", "arguments", "result", "version", "deterministic", "called_on_null", "timeout", "max_attempts", "cache_rows", "bundle_rows", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    CALLED_ON_NULL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CACHE_ROWS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ROWS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    arguments: _containers.RepeatedCompositeFieldContainer[_types_pb2.Type]
    result: _types_pb2.Type
    version: int
    deterministic: bool
    called_on_null: bool
    timeout: _duration_pb2.Duration
    max_attempts: int
    cache_rows: int
    bundle_rows: int
    description: str
    def __init__(self, name: _Optional[str] = ..., arguments: _Optional[_Iterable[_Union[_types_pb2.Type, _Mapping]]] = ..., result: _Optional[_Union[_types_pb2.Type, _Mapping]] = ..., version: _Optional[int] = ..., deterministic: _Optional[bool] = ..., called_on_null: _Optional[bool] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_attempts: _Optional[int] = ..., cache_rows: _Optional[int] = ..., bundle_rows: _Optional[int] = ..., description: _Optional[str] = ...) -> None: ...

class CreateFunctionRequest(_message.Message):
    __slots__ = ("function",)
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    function: RemoteFunction
    def __init__(self, function: _Optional[_Union[RemoteFunction, _Mapping]] = ...) -> None: ...

class CreateFunctionResponse(_message.Message):
    __slots__ = ("function", "position")
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    function: FunctionInfo
    position: _position_pb2.PositionToken
    def __init__(self, function: _Optional[_Union[FunctionInfo, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class DropFunctionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DropFunctionResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: _position_pb2.PositionToken
    def __init__(self, position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class FunctionInfo(_message.Message):
    __slots__ = ("name", "kind", "signatures", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: FunctionKind
    signatures: _containers.RepeatedScalarFieldContainer[str]
    description: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[FunctionKind, str]] = ..., signatures: _Optional[_Iterable[str]] = ..., description: _Optional[str] = ...) -> None: ...
