import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from penstock_client.gen.penstock.v1 import row_pb2 as _row_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TimerClock(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIMER_CLOCK_UNSPECIFIED: _ClassVar[TimerClock]
    TIMER_CLOCK_STREAM_TIME: _ClassVar[TimerClock]
    TIMER_CLOCK_WALL_CLOCK: _ClassVar[TimerClock]

class DropReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DROP_REASON_UNSPECIFIED: _ClassVar[DropReason]
    DROP_REASON_GONE: _ClassVar[DropReason]
    DROP_REASON_INVALID: _ClassVar[DropReason]
TIMER_CLOCK_UNSPECIFIED: TimerClock
TIMER_CLOCK_STREAM_TIME: TimerClock
TIMER_CLOCK_WALL_CLOCK: TimerClock
DROP_REASON_UNSPECIFIED: DropReason
DROP_REASON_GONE: DropReason
DROP_REASON_INVALID: DropReason

class ProcessRequest(_message.Message):
    __slots__ = ("hello", "result", "failure", "extend")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    EXTEND_FIELD_NUMBER: _ClassVar[int]
    hello: WorkerHello
    result: BundleResult
    failure: BundleFailure
    extend: BundleExtend
    def __init__(self, hello: _Optional[_Union[WorkerHello, _Mapping]] = ..., result: _Optional[_Union[BundleResult, _Mapping]] = ..., failure: _Optional[_Union[BundleFailure, _Mapping]] = ..., extend: _Optional[_Union[BundleExtend, _Mapping]] = ...) -> None: ...

class WorkerHello(_message.Message):
    __slots__ = ("processors", "max_in_flight", "build", "timers", "functions")
    PROCESSORS_FIELD_NUMBER: _ClassVar[int]
    MAX_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    processors: _containers.RepeatedScalarFieldContainer[str]
    max_in_flight: int
    build: str
    timers: bool
    functions: _containers.RepeatedCompositeFieldContainer[ServedFunction]
    def __init__(self, processors: _Optional[_Iterable[str]] = ..., max_in_flight: _Optional[int] = ..., build: _Optional[str] = ..., timers: _Optional[bool] = ..., functions: _Optional[_Iterable[_Union[ServedFunction, _Mapping]]] = ...) -> None: ...

class ServedFunction(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ProcessResponse(_message.Message):
    __slots__ = ("node", "bundle", "dropped")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    node: ProcessorNode
    bundle: Bundle
    dropped: BundleDropped
    def __init__(self, node: _Optional[_Union[ProcessorNode, _Mapping]] = ..., bundle: _Optional[_Union[Bundle, _Mapping]] = ..., dropped: _Optional[_Union[BundleDropped, _Mapping]] = ...) -> None: ...

class ProcessorNode(_message.Message):
    __slots__ = ("id", "topology", "node", "processor", "config", "input", "outputs", "stores", "timer_keys", "function")
    class ConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    TOPOLOGY_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    STORES_FIELD_NUMBER: _ClassVar[int]
    TIMER_KEYS_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    id: int
    topology: str
    node: str
    processor: str
    config: _containers.ScalarMap[str, str]
    input: _row_pb2.RowSchema
    outputs: _containers.RepeatedCompositeFieldContainer[NamedSchema]
    stores: _containers.RepeatedCompositeFieldContainer[NamedSchema]
    timer_keys: _row_pb2.RowSchema
    function: ServedFunction
    def __init__(self, id: _Optional[int] = ..., topology: _Optional[str] = ..., node: _Optional[str] = ..., processor: _Optional[str] = ..., config: _Optional[_Mapping[str, str]] = ..., input: _Optional[_Union[_row_pb2.RowSchema, _Mapping]] = ..., outputs: _Optional[_Iterable[_Union[NamedSchema, _Mapping]]] = ..., stores: _Optional[_Iterable[_Union[NamedSchema, _Mapping]]] = ..., timer_keys: _Optional[_Union[_row_pb2.RowSchema, _Mapping]] = ..., function: _Optional[_Union[ServedFunction, _Mapping]] = ...) -> None: ...

class NamedSchema(_message.Message):
    __slots__ = ("name", "schema")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: _row_pb2.RowSchema
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[_Union[_row_pb2.RowSchema, _Mapping]] = ...) -> None: ...

class Bundle(_message.Message):
    __slots__ = ("node", "partition", "lease", "bundle", "attempt", "timeout", "rows", "state", "timers")
    NODE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    node: int
    partition: int
    lease: int
    bundle: int
    attempt: int
    timeout: _duration_pb2.Duration
    rows: _row_pb2.RowBatch
    state: _containers.RepeatedCompositeFieldContainer[NamedRows]
    timers: Timers
    def __init__(self, node: _Optional[int] = ..., partition: _Optional[int] = ..., lease: _Optional[int] = ..., bundle: _Optional[int] = ..., attempt: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., rows: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ..., state: _Optional[_Iterable[_Union[NamedRows, _Mapping]]] = ..., timers: _Optional[_Union[Timers, _Mapping]] = ...) -> None: ...

class Timers(_message.Message):
    __slots__ = ("keys", "names", "times", "clocks")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    CLOCKS_FIELD_NUMBER: _ClassVar[int]
    keys: _row_pb2.RowBatch
    names: _containers.RepeatedScalarFieldContainer[str]
    times: _containers.RepeatedScalarFieldContainer[int]
    clocks: _containers.RepeatedScalarFieldContainer[TimerClock]
    def __init__(self, keys: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ..., names: _Optional[_Iterable[str]] = ..., times: _Optional[_Iterable[int]] = ..., clocks: _Optional[_Iterable[_Union[TimerClock, str]]] = ...) -> None: ...

class NamedRows(_message.Message):
    __slots__ = ("name", "rows")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    rows: _row_pb2.RowBatch
    def __init__(self, name: _Optional[str] = ..., rows: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ...) -> None: ...

class BundleResult(_message.Message):
    __slots__ = ("lease", "bundle", "outputs", "state", "timers")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    lease: int
    bundle: int
    outputs: _containers.RepeatedCompositeFieldContainer[OutputRows]
    state: _containers.RepeatedCompositeFieldContainer[NamedRows]
    timers: Timers
    def __init__(self, lease: _Optional[int] = ..., bundle: _Optional[int] = ..., outputs: _Optional[_Iterable[_Union[OutputRows, _Mapping]]] = ..., state: _Optional[_Iterable[_Union[NamedRows, _Mapping]]] = ..., timers: _Optional[_Union[Timers, _Mapping]] = ...) -> None: ...

class OutputRows(_message.Message):
    __slots__ = ("output", "rows", "causes")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    output: str
    rows: _row_pb2.RowBatch
    causes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, output: _Optional[str] = ..., rows: _Optional[_Union[_row_pb2.RowBatch, _Mapping]] = ..., causes: _Optional[_Iterable[int]] = ...) -> None: ...

class BundleFailure(_message.Message):
    __slots__ = ("lease", "bundle", "poison_rows", "message", "poison_timers")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    POISON_ROWS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    POISON_TIMERS_FIELD_NUMBER: _ClassVar[int]
    lease: int
    bundle: int
    poison_rows: _containers.RepeatedScalarFieldContainer[int]
    message: str
    poison_timers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, lease: _Optional[int] = ..., bundle: _Optional[int] = ..., poison_rows: _Optional[_Iterable[int]] = ..., message: _Optional[str] = ..., poison_timers: _Optional[_Iterable[int]] = ...) -> None: ...

class BundleExtend(_message.Message):
    __slots__ = ("lease", "bundle")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    lease: int
    bundle: int
    def __init__(self, lease: _Optional[int] = ..., bundle: _Optional[int] = ...) -> None: ...

class BundleDropped(_message.Message):
    __slots__ = ("lease", "bundle", "reason", "message")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    lease: int
    bundle: int
    reason: DropReason
    message: str
    def __init__(self, lease: _Optional[int] = ..., bundle: _Optional[int] = ..., reason: _Optional[_Union[DropReason, str]] = ..., message: _Optional[str] = ...) -> None: ...
