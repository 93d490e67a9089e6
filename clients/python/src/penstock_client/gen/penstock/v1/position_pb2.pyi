import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PositionToken(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: str
    def __init__(self, value: _Optional[str] = ...) -> None: ...

class Consistency(_message.Message):
    __slots__ = ("committed", "at_least", "stale")
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    committed: bool
    at_least: AtLeast
    stale: Stale
    def __init__(self, committed: _Optional[bool] = ..., at_least: _Optional[_Union[AtLeast, _Mapping]] = ..., stale: _Optional[_Union[Stale, _Mapping]] = ...) -> None: ...

class AtLeast(_message.Message):
    __slots__ = ("positions", "max_wait", "offsets")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[PositionToken]
    max_wait: _duration_pb2.Duration
    offsets: _containers.RepeatedCompositeFieldContainer[TopicOffset]
    def __init__(self, positions: _Optional[_Iterable[_Union[PositionToken, _Mapping]]] = ..., max_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., offsets: _Optional[_Iterable[_Union[TopicOffset, _Mapping]]] = ...) -> None: ...

class TopicOffset(_message.Message):
    __slots__ = ("topic", "partition", "offset")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    topic: str
    partition: int
    offset: int
    def __init__(self, topic: _Optional[str] = ..., partition: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class Stale(_message.Message):
    __slots__ = ("max_staleness",)
    MAX_STALENESS_FIELD_NUMBER: _ClassVar[int]
    max_staleness: _duration_pb2.Duration
    def __init__(self, max_staleness: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
