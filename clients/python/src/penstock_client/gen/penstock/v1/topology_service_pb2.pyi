import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from penstock_client.gen.penstock.v1 import position_pb2 as _position_pb2
from penstock_client.gen.penstock.v1 import topology_pb2 as _topology_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TopologyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOPOLOGY_STATE_UNSPECIFIED: _ClassVar[TopologyState]
    TOPOLOGY_STATE_STARTING: _ClassVar[TopologyState]
    TOPOLOGY_STATE_RUNNING: _ClassVar[TopologyState]
    TOPOLOGY_STATE_PAUSED: _ClassVar[TopologyState]
    TOPOLOGY_STATE_FAILED: _ClassVar[TopologyState]

class StateEffect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATE_EFFECT_UNSPECIFIED: _ClassVar[StateEffect]
    STATE_EFFECT_KEPT: _ClassVar[StateEffect]
    STATE_EFFECT_ADDED: _ClassVar[StateEffect]
    STATE_EFFECT_REBUILT: _ClassVar[StateEffect]
    STATE_EFFECT_DROPPED: _ClassVar[StateEffect]
TOPOLOGY_STATE_UNSPECIFIED: TopologyState
TOPOLOGY_STATE_STARTING: TopologyState
TOPOLOGY_STATE_RUNNING: TopologyState
TOPOLOGY_STATE_PAUSED: TopologyState
TOPOLOGY_STATE_FAILED: TopologyState
STATE_EFFECT_UNSPECIFIED: StateEffect
STATE_EFFECT_KEPT: StateEffect
STATE_EFFECT_ADDED: StateEffect
STATE_EFFECT_REBUILT: StateEffect
STATE_EFFECT_DROPPED: StateEffect

class RegisteredTopology(_message.Message):
    __slots__ = ("topology", "version", "etag", "state", "state_reason", "register_time", "relations")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REGISTER_TIME_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    topology: _topology_pb2.Topology
    version: int
    etag: str
    state: TopologyState
    state_reason: str
    register_time: _timestamp_pb2.Timestamp
    relations: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, topology: _Optional[_Union[_topology_pb2.Topology, _Mapping]] = ..., version: _Optional[int] = ..., etag: _Optional[str] = ..., state: _Optional[_Union[TopologyState, str]] = ..., state_reason: _Optional[str] = ..., register_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., relations: _Optional[_Iterable[str]] = ...) -> None: ...

class ReplayDeadLettersRequest(_message.Message):
    __slots__ = ("topology", "where", "reason", "validate_only")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    topology: str
    where: str
    reason: str
    validate_only: bool
    def __init__(self, topology: _Optional[str] = ..., where: _Optional[str] = ..., reason: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ReplayDeadLettersResponse(_message.Message):
    __slots__ = ("replayed", "replayed_before", "impossible")
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    IMPOSSIBLE_FIELD_NUMBER: _ClassVar[int]
    replayed: int
    replayed_before: int
    impossible: int
    def __init__(self, replayed: _Optional[int] = ..., replayed_before: _Optional[int] = ..., impossible: _Optional[int] = ...) -> None: ...

class RegisterTopologyRequest(_message.Message):
    __slots__ = ("topology", "validate_only", "wait")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    topology: _topology_pb2.Topology
    validate_only: bool
    wait: _duration_pb2.Duration
    def __init__(self, topology: _Optional[_Union[_topology_pb2.Topology, _Mapping]] = ..., validate_only: _Optional[bool] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RegisterTopologyResponse(_message.Message):
    __slots__ = ("topology", "position", "warnings")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    topology: RegisteredTopology
    position: _position_pb2.PositionToken
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, topology: _Optional[_Union[RegisteredTopology, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class UpdateTopologyRequest(_message.Message):
    __slots__ = ("topology", "etag", "validate_only", "allow_rebuild", "allow_drop", "rebuild_added_columns", "wait")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REBUILD_FIELD_NUMBER: _ClassVar[int]
    ALLOW_DROP_FIELD_NUMBER: _ClassVar[int]
    REBUILD_ADDED_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    topology: _topology_pb2.Topology
    etag: str
    validate_only: bool
    allow_rebuild: bool
    allow_drop: bool
    rebuild_added_columns: bool
    wait: _duration_pb2.Duration
    def __init__(self, topology: _Optional[_Union[_topology_pb2.Topology, _Mapping]] = ..., etag: _Optional[str] = ..., validate_only: _Optional[bool] = ..., allow_rebuild: _Optional[bool] = ..., allow_drop: _Optional[bool] = ..., rebuild_added_columns: _Optional[bool] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class UpdateTopologyResponse(_message.Message):
    __slots__ = ("topology", "changes", "position")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    topology: RegisteredTopology
    changes: _containers.RepeatedCompositeFieldContainer[NodeChange]
    position: _position_pb2.PositionToken
    def __init__(self, topology: _Optional[_Union[RegisteredTopology, _Mapping]] = ..., changes: _Optional[_Iterable[_Union[NodeChange, _Mapping]]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class NodeChange(_message.Message):
    __slots__ = ("node", "effect", "reason", "needs_leave")
    NODE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NEEDS_LEAVE_FIELD_NUMBER: _ClassVar[int]
    node: str
    effect: StateEffect
    reason: str
    needs_leave: bool
    def __init__(self, node: _Optional[str] = ..., effect: _Optional[_Union[StateEffect, str]] = ..., reason: _Optional[str] = ..., needs_leave: _Optional[bool] = ...) -> None: ...

class GetTopologyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetTopologyResponse(_message.Message):
    __slots__ = ("topology",)
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    topology: RegisteredTopology
    def __init__(self, topology: _Optional[_Union[RegisteredTopology, _Mapping]] = ...) -> None: ...

class ListTopologiesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTopologiesResponse(_message.Message):
    __slots__ = ("topologies", "next_page_token")
    TOPOLOGIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    topologies: _containers.RepeatedCompositeFieldContainer[RegisteredTopology]
    next_page_token: str
    def __init__(self, topologies: _Optional[_Iterable[_Union[RegisteredTopology, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteTopologyRequest(_message.Message):
    __slots__ = ("name", "etag", "delete_topics")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    DELETE_TOPICS_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    delete_topics: bool
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., delete_topics: _Optional[bool] = ...) -> None: ...

class DeleteTopologyResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: _position_pb2.PositionToken
    def __init__(self, position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class PauseTopologyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class PauseTopologyResponse(_message.Message):
    __slots__ = ("topology", "position")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    topology: RegisteredTopology
    position: _position_pb2.PositionToken
    def __init__(self, topology: _Optional[_Union[RegisteredTopology, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class ResumeTopologyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResumeTopologyResponse(_message.Message):
    __slots__ = ("topology", "position")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    topology: RegisteredTopology
    position: _position_pb2.PositionToken
    def __init__(self, topology: _Optional[_Union[RegisteredTopology, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class ResetTopologyRequest(_message.Message):
    __slots__ = ("name", "etag", "start")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    start: _topology_pb2.StartPosition
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., start: _Optional[_Union[_topology_pb2.StartPosition, _Mapping]] = ...) -> None: ...

class ResetTopologyResponse(_message.Message):
    __slots__ = ("topology", "position")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    topology: RegisteredTopology
    position: _position_pb2.PositionToken
    def __init__(self, topology: _Optional[_Union[RegisteredTopology, _Mapping]] = ..., position: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ...) -> None: ...

class ExplainTopologyRequest(_message.Message):
    __slots__ = ("name", "topology", "source")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    topology: _topology_pb2.Topology
    source: bool
    def __init__(self, name: _Optional[str] = ..., topology: _Optional[_Union[_topology_pb2.Topology, _Mapping]] = ..., source: _Optional[bool] = ...) -> None: ...

class ExplainTopologyResponse(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...
