import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_STATE_UNSPECIFIED: _ClassVar[NodeState]
    NODE_STATE_SERVING: _ClassVar[NodeState]
    NODE_STATE_DRAINING: _ClassVar[NodeState]
    NODE_STATE_SILENT: _ClassVar[NodeState]

class TaskState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_STATE_UNSPECIFIED: _ClassVar[TaskState]
    TASK_STATE_OPENING: _ClassVar[TaskState]
    TASK_STATE_RESTORING: _ClassVar[TaskState]
    TASK_STATE_RUNNING: _ClassVar[TaskState]
    TASK_STATE_PAUSED: _ClassVar[TaskState]
    TASK_STATE_FAILED: _ClassVar[TaskState]
    TASK_STATE_CLOSED: _ClassVar[TaskState]
    TASK_STATE_STUCK: _ClassVar[TaskState]
    TASK_STATE_STANDBY: _ClassVar[TaskState]
    TASK_STATE_WAITING_FOR_WORKER: _ClassVar[TaskState]
    TASK_STATE_SILENT: _ClassVar[TaskState]
NODE_STATE_UNSPECIFIED: NodeState
NODE_STATE_SERVING: NodeState
NODE_STATE_DRAINING: NodeState
NODE_STATE_SILENT: NodeState
TASK_STATE_UNSPECIFIED: TaskState
TASK_STATE_OPENING: TaskState
TASK_STATE_RESTORING: TaskState
TASK_STATE_RUNNING: TaskState
TASK_STATE_PAUSED: TaskState
TASK_STATE_FAILED: TaskState
TASK_STATE_CLOSED: TaskState
TASK_STATE_STUCK: TaskState
TASK_STATE_STANDBY: TaskState
TASK_STATE_WAITING_FOR_WORKER: TaskState
TASK_STATE_SILENT: TaskState

class DescribeClusterRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeClusterResponse(_message.Message):
    __slots__ = ("service_id", "log", "log_available", "nodes", "topologies", "relations")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    LOG_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    TOPOLOGIES_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    log: str
    log_available: bool
    nodes: _containers.RepeatedCompositeFieldContainer[ClusterNode]
    topologies: int
    relations: int
    def __init__(self, service_id: _Optional[str] = ..., log: _Optional[str] = ..., log_available: _Optional[bool] = ..., nodes: _Optional[_Iterable[_Union[ClusterNode, _Mapping]]] = ..., topologies: _Optional[int] = ..., relations: _Optional[int] = ...) -> None: ...

class ClusterNode(_message.Message):
    __slots__ = ("id", "address", "version", "start_time", "workers", "state", "rack", "heard_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RACK_FIELD_NUMBER: _ClassVar[int]
    HEARD_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    address: str
    version: str
    start_time: _timestamp_pb2.Timestamp
    workers: _containers.RepeatedScalarFieldContainer[str]
    state: NodeState
    rack: str
    heard_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., address: _Optional[str] = ..., version: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., workers: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[NodeState, str]] = ..., rack: _Optional[str] = ..., heard_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DrainNodeRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class DrainNodeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTasksRequest(_message.Message):
    __slots__ = ("topology",)
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    topology: str
    def __init__(self, topology: _Optional[str] = ...) -> None: ...

class ListTasksResponse(_message.Message):
    __slots__ = ("tasks",)
    TASKS_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[Task]
    def __init__(self, tasks: _Optional[_Iterable[_Union[Task, _Mapping]]] = ...) -> None: ...

class Task(_message.Message):
    __slots__ = ("topology", "sub_topology", "partition", "state", "state_reason", "worker", "lag", "restore_progress", "update_time", "node", "standby_nodes")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    SUB_TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    RESTORE_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    STANDBY_NODES_FIELD_NUMBER: _ClassVar[int]
    topology: str
    sub_topology: str
    partition: int
    state: TaskState
    state_reason: str
    worker: str
    lag: int
    restore_progress: float
    update_time: _timestamp_pb2.Timestamp
    node: str
    standby_nodes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, topology: _Optional[str] = ..., sub_topology: _Optional[str] = ..., partition: _Optional[int] = ..., state: _Optional[_Union[TaskState, str]] = ..., state_reason: _Optional[str] = ..., worker: _Optional[str] = ..., lag: _Optional[int] = ..., restore_progress: _Optional[float] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., node: _Optional[str] = ..., standby_nodes: _Optional[_Iterable[str]] = ...) -> None: ...
