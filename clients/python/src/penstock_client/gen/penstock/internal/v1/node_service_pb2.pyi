import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from penstock_client.gen.penstock.v1 import cluster_service_pb2 as _cluster_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StageRef(_message.Message):
    __slots__ = ("topology", "incarnation", "edition", "sub_topology")
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    EDITION_FIELD_NUMBER: _ClassVar[int]
    SUB_TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    topology: str
    incarnation: int
    edition: int
    sub_topology: str
    def __init__(self, topology: _Optional[str] = ..., incarnation: _Optional[int] = ..., edition: _Optional[int] = ..., sub_topology: _Optional[str] = ...) -> None: ...

class ReadRequest(_message.Message):
    __slots__ = ("stage", "partitions", "max_staleness_ms")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_STALENESS_MS_FIELD_NUMBER: _ClassVar[int]
    stage: StageRef
    partitions: _containers.RepeatedCompositeFieldContainer[PartitionRead]
    max_staleness_ms: int
    def __init__(self, stage: _Optional[_Union[StageRef, _Mapping]] = ..., partitions: _Optional[_Iterable[_Union[PartitionRead, _Mapping]]] = ..., max_staleness_ms: _Optional[int] = ...) -> None: ...

class PartitionRead(_message.Message):
    __slots__ = ("partition", "spans")
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    partition: int
    spans: _containers.RepeatedCompositeFieldContainer[Span]
    def __init__(self, partition: _Optional[int] = ..., spans: _Optional[_Iterable[_Union[Span, _Mapping]]] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("store", "low", "high", "limit")
    STORE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    store: str
    low: bytes
    high: bytes
    limit: int
    def __init__(self, store: _Optional[str] = ..., low: _Optional[bytes] = ..., high: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class ReadResponse(_message.Message):
    __slots__ = ("partitions",)
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    partitions: _containers.RepeatedCompositeFieldContainer[PartitionEntries]
    def __init__(self, partitions: _Optional[_Iterable[_Union[PartitionEntries, _Mapping]]] = ...) -> None: ...

class PartitionEntries(_message.Message):
    __slots__ = ("spans", "stamp", "elsewhere", "refused")
    SPANS_FIELD_NUMBER: _ClassVar[int]
    STAMP_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    spans: _containers.RepeatedCompositeFieldContainer[SpanEntries]
    stamp: CommitStamp
    elsewhere: Elsewhere
    refused: Refused
    def __init__(self, spans: _Optional[_Iterable[_Union[SpanEntries, _Mapping]]] = ..., stamp: _Optional[_Union[CommitStamp, _Mapping]] = ..., elsewhere: _Optional[_Union[Elsewhere, _Mapping]] = ..., refused: _Optional[_Union[Refused, _Mapping]] = ...) -> None: ...

class SpanEntries(_message.Message):
    __slots__ = ("keys", "values")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[bytes]
    values: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, keys: _Optional[_Iterable[bytes]] = ..., values: _Optional[_Iterable[bytes]] = ...) -> None: ...

class CommitStamp(_message.Message):
    __slots__ = ("inputs", "changelogs", "committed_ms")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class ChangelogsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    CHANGELOGS_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_MS_FIELD_NUMBER: _ClassVar[int]
    inputs: _containers.ScalarMap[str, int]
    changelogs: _containers.ScalarMap[str, int]
    committed_ms: int
    def __init__(self, inputs: _Optional[_Mapping[str, int]] = ..., changelogs: _Optional[_Mapping[str, int]] = ..., committed_ms: _Optional[int] = ...) -> None: ...

class Elsewhere(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class Refused(_message.Message):
    __slots__ = ("state", "detail", "staleness_ms")
    STATE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    STALENESS_MS_FIELD_NUMBER: _ClassVar[int]
    state: str
    detail: str
    staleness_ms: int
    def __init__(self, state: _Optional[str] = ..., detail: _Optional[str] = ..., staleness_ms: _Optional[int] = ...) -> None: ...

class AwaitRequest(_message.Message):
    __slots__ = ("stage", "topic", "partition", "offset", "max_wait")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_FIELD_NUMBER: _ClassVar[int]
    stage: StageRef
    topic: str
    partition: int
    offset: int
    max_wait: _duration_pb2.Duration
    def __init__(self, stage: _Optional[_Union[StageRef, _Mapping]] = ..., topic: _Optional[str] = ..., partition: _Optional[int] = ..., offset: _Optional[int] = ..., max_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class AwaitResponse(_message.Message):
    __slots__ = ("passed", "produced", "elsewhere")
    class ProducedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    PASSED_FIELD_NUMBER: _ClassVar[int]
    PRODUCED_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    produced: _containers.ScalarMap[str, int]
    elsewhere: Elsewhere
    def __init__(self, passed: _Optional[bool] = ..., produced: _Optional[_Mapping[str, int]] = ..., elsewhere: _Optional[_Union[Elsewhere, _Mapping]] = ...) -> None: ...

class ListOwnTasksRequest(_message.Message):
    __slots__ = ("topology",)
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    topology: str
    def __init__(self, topology: _Optional[str] = ...) -> None: ...

class ListOwnTasksResponse(_message.Message):
    __slots__ = ("tasks",)
    TASKS_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[_cluster_service_pb2.Task]
    def __init__(self, tasks: _Optional[_Iterable[_Union[_cluster_service_pb2.Task, _Mapping]]] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
