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

class RegisterTopologyRequest(_message.Message):
    __slots__ = ("topology", "validate_only", "wait", "request_id")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    topology: _topology_pb2.Topology
    validate_only: bool
    wait: _duration_pb2.Duration
    request_id: str
    def __init__(self, topology: _Optional[_Union[_topology_pb2.Topology, _Mapping]] = ..., validate_only: _Optional[bool] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("topology", "etag", "validate_only", "allow_rebuild", "allow_drop", "request_id")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REBUILD_FIELD_NUMBER: _ClassVar[int]
    ALLOW_DROP_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    topology: _topology_pb2.Topology
    etag: str
    validate_only: bool
    allow_rebuild: bool
    allow_drop: bool
    request_id: str
    def __init__(self, topology: _Optional[_Union[_topology_pb2.Topology, _Mapping]] = ..., etag: _Optional[str] = ..., validate_only: _Optional[bool] = ..., allow_rebuild: _Optional[bool] = ..., allow_drop: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("node", "effect", "reason")
    NODE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    node: str
    effect: StateEffect
    reason: str
    def __init__(self, node: _Optional[str] = ..., effect: _Optional[_Union[StateEffect, str]] = ..., reason: _Optional[str] = ...) -> None: ...
