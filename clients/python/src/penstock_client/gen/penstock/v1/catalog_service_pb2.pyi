from penstock_client.gen.penstock.v1 import position_pb2 as _position_pb2
from penstock_client.gen.penstock.v1 import relation_pb2 as _relation_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
