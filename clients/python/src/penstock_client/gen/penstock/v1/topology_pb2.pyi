import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
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

class OnBadTime(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_BAD_TIME_UNSPECIFIED: _ClassVar[OnBadTime]
    ON_BAD_TIME_BAD_RECORD: _ClassVar[OnBadTime]
    ON_BAD_TIME_SKIP: _ClassVar[OnBadTime]
    ON_BAD_TIME_RECORD_TIME: _ClassVar[OnBadTime]

class Emit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EMIT_UNSPECIFIED: _ClassVar[Emit]
    EMIT_CHANGES: _ClassVar[Emit]
    EMIT_FINAL: _ClassVar[Emit]

class JoinKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOIN_KIND_UNSPECIFIED: _ClassVar[JoinKind]
    JOIN_KIND_INNER: _ClassVar[JoinKind]
    JOIN_KIND_LEFT: _ClassVar[JoinKind]
    JOIN_KIND_RIGHT: _ClassVar[JoinKind]
    JOIN_KIND_FULL: _ClassVar[JoinKind]

class WhenFull(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WHEN_FULL_UNSPECIFIED: _ClassVar[WhenFull]
    WHEN_FULL_EMIT_EARLY: _ClassVar[WhenFull]
    WHEN_FULL_STOP: _ClassVar[WhenFull]

class UpdateMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPDATE_MODE_UNSPECIFIED: _ClassVar[UpdateMode]
    UPDATE_MODE_LATEST_PER_COMMIT: _ClassVar[UpdateMode]
    UPDATE_MODE_EVERY: _ClassVar[UpdateMode]

class Guarantee(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GUARANTEE_UNSPECIFIED: _ClassVar[Guarantee]
    GUARANTEE_EXACTLY_ONCE: _ClassVar[Guarantee]
    GUARANTEE_AT_LEAST_ONCE: _ClassVar[Guarantee]

class OnBadRecord(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_BAD_RECORD_UNSPECIFIED: _ClassVar[OnBadRecord]
    ON_BAD_RECORD_DEAD_LETTER: _ClassVar[OnBadRecord]
    ON_BAD_RECORD_SKIP: _ClassVar[OnBadRecord]
    ON_BAD_RECORD_FAIL: _ClassVar[OnBadRecord]
ON_BAD_TIME_UNSPECIFIED: OnBadTime
ON_BAD_TIME_BAD_RECORD: OnBadTime
ON_BAD_TIME_SKIP: OnBadTime
ON_BAD_TIME_RECORD_TIME: OnBadTime
EMIT_UNSPECIFIED: Emit
EMIT_CHANGES: Emit
EMIT_FINAL: Emit
JOIN_KIND_UNSPECIFIED: JoinKind
JOIN_KIND_INNER: JoinKind
JOIN_KIND_LEFT: JoinKind
JOIN_KIND_RIGHT: JoinKind
JOIN_KIND_FULL: JoinKind
WHEN_FULL_UNSPECIFIED: WhenFull
WHEN_FULL_EMIT_EARLY: WhenFull
WHEN_FULL_STOP: WhenFull
UPDATE_MODE_UNSPECIFIED: UpdateMode
UPDATE_MODE_LATEST_PER_COMMIT: UpdateMode
UPDATE_MODE_EVERY: UpdateMode
GUARANTEE_UNSPECIFIED: Guarantee
GUARANTEE_EXACTLY_ONCE: Guarantee
GUARANTEE_AT_LEAST_ONCE: Guarantee
ON_BAD_RECORD_UNSPECIFIED: OnBadRecord
ON_BAD_RECORD_DEAD_LETTER: OnBadRecord
ON_BAD_RECORD_SKIP: OnBadRecord
ON_BAD_RECORD_FAIL: OnBadRecord

class Topology(_message.Message):
    __slots__ = ("name", "nodes", "settings", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    name: str
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    settings: TopologySettings
    labels: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., settings: _Optional[_Union[TopologySettings, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("name", "inputs", "source_stream", "source_table", "global_table", "filter", "select", "explode", "partition_by", "group_by", "aggregate", "stream_stream_join", "stream_table_join", "table_table_join", "merge", "branch", "to_table", "to_stream", "sink", "processor", "suppress", "stream_global_join", "remote_processor", "repartition", "deduplicate", "peek")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_STREAM_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TABLE_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_TABLE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    EXPLODE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_BY_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    STREAM_STREAM_JOIN_FIELD_NUMBER: _ClassVar[int]
    STREAM_TABLE_JOIN_FIELD_NUMBER: _ClassVar[int]
    TABLE_TABLE_JOIN_FIELD_NUMBER: _ClassVar[int]
    MERGE_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    TO_TABLE_FIELD_NUMBER: _ClassVar[int]
    TO_STREAM_FIELD_NUMBER: _ClassVar[int]
    SINK_FIELD_NUMBER: _ClassVar[int]
    PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    SUPPRESS_FIELD_NUMBER: _ClassVar[int]
    STREAM_GLOBAL_JOIN_FIELD_NUMBER: _ClassVar[int]
    REMOTE_PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    REPARTITION_FIELD_NUMBER: _ClassVar[int]
    DEDUPLICATE_FIELD_NUMBER: _ClassVar[int]
    PEEK_FIELD_NUMBER: _ClassVar[int]
    name: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    source_stream: SourceStream
    source_table: SourceTable
    global_table: GlobalTable
    filter: Filter
    select: Select
    explode: Explode
    partition_by: PartitionBy
    group_by: GroupBy
    aggregate: Aggregate
    stream_stream_join: StreamStreamJoin
    stream_table_join: StreamTableJoin
    table_table_join: TableTableJoin
    merge: Merge
    branch: Branch
    to_table: ToTable
    to_stream: ToStream
    sink: Sink
    processor: Processor
    suppress: Suppress
    stream_global_join: StreamGlobalJoin
    remote_processor: RemoteProcessor
    repartition: Repartition
    deduplicate: Deduplicate
    peek: Peek
    def __init__(self, name: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ..., source_stream: _Optional[_Union[SourceStream, _Mapping]] = ..., source_table: _Optional[_Union[SourceTable, _Mapping]] = ..., global_table: _Optional[_Union[GlobalTable, _Mapping]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., select: _Optional[_Union[Select, _Mapping]] = ..., explode: _Optional[_Union[Explode, _Mapping]] = ..., partition_by: _Optional[_Union[PartitionBy, _Mapping]] = ..., group_by: _Optional[_Union[GroupBy, _Mapping]] = ..., aggregate: _Optional[_Union[Aggregate, _Mapping]] = ..., stream_stream_join: _Optional[_Union[StreamStreamJoin, _Mapping]] = ..., stream_table_join: _Optional[_Union[StreamTableJoin, _Mapping]] = ..., table_table_join: _Optional[_Union[TableTableJoin, _Mapping]] = ..., merge: _Optional[_Union[Merge, _Mapping]] = ..., branch: _Optional[_Union[Branch, _Mapping]] = ..., to_table: _Optional[_Union[ToTable, _Mapping]] = ..., to_stream: _Optional[_Union[ToStream, _Mapping]] = ..., sink: _Optional[_Union[Sink, _Mapping]] = ..., processor: _Optional[_Union[Processor, _Mapping]] = ..., suppress: _Optional[_Union[Suppress, _Mapping]] = ..., stream_global_join: _Optional[_Union[StreamGlobalJoin, _Mapping]] = ..., remote_processor: _Optional[_Union[RemoteProcessor, _Mapping]] = ..., repartition: _Optional[_Union[Repartition, _Mapping]] = ..., deduplicate: _Optional[_Union[Deduplicate, _Mapping]] = ..., peek: _Optional[_Union[Peek, _Mapping]] = ...) -> None: ...

class Origin(_message.Message):
    __slots__ = ("relation", "inline", "topics", "start")
    RELATION_FIELD_NUMBER: _ClassVar[int]
    INLINE_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    relation: str
    inline: InlineRelation
    topics: TopicSet
    start: StartPosition
    def __init__(self, relation: _Optional[str] = ..., inline: _Optional[_Union[InlineRelation, _Mapping]] = ..., topics: _Optional[_Union[TopicSet, _Mapping]] = ..., start: _Optional[_Union[StartPosition, _Mapping]] = ...) -> None: ...

class TopicSet(_message.Message):
    __slots__ = ("names", "pattern", "relation", "relations")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    pattern: str
    relation: InlineRelation
    relations: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., pattern: _Optional[str] = ..., relation: _Optional[_Union[InlineRelation, _Mapping]] = ..., relations: _Optional[_Iterable[str]] = ...) -> None: ...

class TimeColumn(_message.Message):
    __slots__ = ("column", "format", "on_bad_time")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    ON_BAD_TIME_FIELD_NUMBER: _ClassVar[int]
    column: str
    format: str
    on_bad_time: OnBadTime
    def __init__(self, column: _Optional[str] = ..., format: _Optional[str] = ..., on_bad_time: _Optional[_Union[OnBadTime, str]] = ...) -> None: ...

class InlineRelation(_message.Message):
    __slots__ = ("schema", "topic", "window")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    schema: _types_pb2.Schema
    topic: _relation_pb2.TopicBinding
    window: _relation_pb2.WindowInfo
    def __init__(self, schema: _Optional[_Union[_types_pb2.Schema, _Mapping]] = ..., topic: _Optional[_Union[_relation_pb2.TopicBinding, _Mapping]] = ..., window: _Optional[_Union[_relation_pb2.WindowInfo, _Mapping]] = ...) -> None: ...

class StartPosition(_message.Message):
    __slots__ = ("earliest", "latest", "snapshot", "after", "at_time")
    EARLIEST_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    AT_TIME_FIELD_NUMBER: _ClassVar[int]
    earliest: bool
    latest: bool
    snapshot: bool
    after: _position_pb2.PositionToken
    at_time: _timestamp_pb2.Timestamp
    def __init__(self, earliest: _Optional[bool] = ..., latest: _Optional[bool] = ..., snapshot: _Optional[bool] = ..., after: _Optional[_Union[_position_pb2.PositionToken, _Mapping]] = ..., at_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SourceStream(_message.Message):
    __slots__ = ("origin", "time")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    origin: Origin
    time: TimeColumn
    def __init__(self, origin: _Optional[_Union[Origin, _Mapping]] = ..., time: _Optional[_Union[TimeColumn, _Mapping]] = ...) -> None: ...

class SourceTable(_message.Message):
    __slots__ = ("origin", "history", "time")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    origin: Origin
    history: _duration_pb2.Duration
    time: TimeColumn
    def __init__(self, origin: _Optional[_Union[Origin, _Mapping]] = ..., history: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., time: _Optional[_Union[TimeColumn, _Mapping]] = ...) -> None: ...

class GlobalTable(_message.Message):
    __slots__ = ("origin", "time")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    origin: Origin
    time: TimeColumn
    def __init__(self, origin: _Optional[_Union[Origin, _Mapping]] = ..., time: _Optional[_Union[TimeColumn, _Mapping]] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("where", "negate")
    WHERE_FIELD_NUMBER: _ClassVar[int]
    NEGATE_FIELD_NUMBER: _ClassVar[int]
    where: str
    negate: bool
    def __init__(self, where: _Optional[str] = ..., negate: _Optional[bool] = ...) -> None: ...

class Projection(_message.Message):
    __slots__ = ("expression", "alias")
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    expression: str
    alias: str
    def __init__(self, expression: _Optional[str] = ..., alias: _Optional[str] = ...) -> None: ...

class Select(_message.Message):
    __slots__ = ("columns", "key_names")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    KEY_NAMES_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Projection]
    key_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, columns: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ..., key_names: _Optional[_Iterable[str]] = ...) -> None: ...

class Explode(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Projection]
    def __init__(self, columns: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ...) -> None: ...

class PartitionBy(_message.Message):
    __slots__ = ("keys", "without_key")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_KEY_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[Projection]
    without_key: bool
    def __init__(self, keys: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ..., without_key: _Optional[bool] = ...) -> None: ...

class Repartition(_message.Message):
    __slots__ = ("partitions",)
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    partitions: int
    def __init__(self, partitions: _Optional[int] = ...) -> None: ...

class Deduplicate(_message.Message):
    __slots__ = ("within", "ids", "grace")
    WITHIN_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    within: _duration_pb2.Duration
    ids: _containers.RepeatedScalarFieldContainer[str]
    grace: _duration_pb2.Duration
    def __init__(self, within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., ids: _Optional[_Iterable[str]] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Peek(_message.Message):
    __slots__ = ("columns", "max_per_second")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MAX_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Projection]
    max_per_second: int
    def __init__(self, columns: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ..., max_per_second: _Optional[int] = ...) -> None: ...

class GroupBy(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[Projection]
    def __init__(self, keys: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ...) -> None: ...

class Aggregate(_message.Message):
    __slots__ = ("columns", "window", "emit", "accumulators")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    EMIT_FIELD_NUMBER: _ClassVar[int]
    ACCUMULATORS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Projection]
    window: Window
    emit: Emit
    accumulators: _containers.RepeatedCompositeFieldContainer[Accumulator]
    def __init__(self, columns: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ..., window: _Optional[_Union[Window, _Mapping]] = ..., emit: _Optional[_Union[Emit, str]] = ..., accumulators: _Optional[_Iterable[_Union[Accumulator, _Mapping]]] = ...) -> None: ...

class Accumulator(_message.Message):
    __slots__ = ("name", "init", "add", "undo", "merge")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INIT_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    UNDO_FIELD_NUMBER: _ClassVar[int]
    MERGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    init: str
    add: _containers.RepeatedScalarFieldContainer[str]
    undo: str
    merge: str
    def __init__(self, name: _Optional[str] = ..., init: _Optional[str] = ..., add: _Optional[_Iterable[str]] = ..., undo: _Optional[str] = ..., merge: _Optional[str] = ...) -> None: ...

class Window(_message.Message):
    __slots__ = ("kind", "size", "advance", "gap", "grace", "retention")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ADVANCE_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    kind: _relation_pb2.WindowKind
    size: _duration_pb2.Duration
    advance: _duration_pb2.Duration
    gap: _duration_pb2.Duration
    grace: _duration_pb2.Duration
    retention: _duration_pb2.Duration
    def __init__(self, kind: _Optional[_Union[_relation_pb2.WindowKind, str]] = ..., size: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., advance: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., gap: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StreamStreamJoin(_message.Message):
    __slots__ = ("kind", "before", "after", "grace", "columns", "eager")
    KIND_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    EAGER_FIELD_NUMBER: _ClassVar[int]
    kind: JoinKind
    before: _duration_pb2.Duration
    after: _duration_pb2.Duration
    grace: _duration_pb2.Duration
    columns: _containers.RepeatedCompositeFieldContainer[Projection]
    eager: bool
    def __init__(self, kind: _Optional[_Union[JoinKind, str]] = ..., before: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., columns: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ..., eager: _Optional[bool] = ...) -> None: ...

class StreamTableJoin(_message.Message):
    __slots__ = ("kind", "grace", "columns")
    KIND_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    kind: JoinKind
    grace: _duration_pb2.Duration
    columns: _containers.RepeatedCompositeFieldContainer[Projection]
    def __init__(self, kind: _Optional[_Union[JoinKind, str]] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., columns: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ...) -> None: ...

class StreamGlobalJoin(_message.Message):
    __slots__ = ("kind", "keys", "columns")
    KIND_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    kind: JoinKind
    keys: _containers.RepeatedScalarFieldContainer[str]
    columns: _containers.RepeatedCompositeFieldContainer[Projection]
    def __init__(self, kind: _Optional[_Union[JoinKind, str]] = ..., keys: _Optional[_Iterable[str]] = ..., columns: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ...) -> None: ...

class TableTableJoin(_message.Message):
    __slots__ = ("kind", "foreign_key", "columns")
    KIND_FIELD_NUMBER: _ClassVar[int]
    FOREIGN_KEY_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    kind: JoinKind
    foreign_key: str
    columns: _containers.RepeatedCompositeFieldContainer[Projection]
    def __init__(self, kind: _Optional[_Union[JoinKind, str]] = ..., foreign_key: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ...) -> None: ...

class Merge(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Branch(_message.Message):
    __slots__ = ("outputs", "default_output")
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    outputs: _containers.RepeatedCompositeFieldContainer[BranchOutput]
    default_output: str
    def __init__(self, outputs: _Optional[_Iterable[_Union[BranchOutput, _Mapping]]] = ..., default_output: _Optional[str] = ...) -> None: ...

class BranchOutput(_message.Message):
    __slots__ = ("name", "where")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    name: str
    where: str
    def __init__(self, name: _Optional[str] = ..., where: _Optional[str] = ...) -> None: ...

class ToTable(_message.Message):
    __slots__ = ("history",)
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    history: _duration_pb2.Duration
    def __init__(self, history: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ToStream(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Suppress(_message.Message):
    __slots__ = ("window_closes", "time_limit", "max_records", "max_bytes", "when_full")
    WINDOW_CLOSES_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_RECORDS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    WHEN_FULL_FIELD_NUMBER: _ClassVar[int]
    window_closes: bool
    time_limit: _duration_pb2.Duration
    max_records: int
    max_bytes: int
    when_full: WhenFull
    def __init__(self, window_closes: _Optional[bool] = ..., time_limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_records: _Optional[int] = ..., max_bytes: _Optional[int] = ..., when_full: _Optional[_Union[WhenFull, str]] = ...) -> None: ...

class Processor(_message.Message):
    __slots__ = ("processor", "outputs", "config")
    class ConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    processor: str
    outputs: _containers.RepeatedCompositeFieldContainer[ProcessorOutput]
    config: _containers.ScalarMap[str, str]
    def __init__(self, processor: _Optional[str] = ..., outputs: _Optional[_Iterable[_Union[ProcessorOutput, _Mapping]]] = ..., config: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ProcessorOutput(_message.Message):
    __slots__ = ("name", "schema", "keeps_key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    KEEPS_KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: _types_pb2.Schema
    keeps_key: bool
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[_Union[_types_pb2.Schema, _Mapping]] = ..., keeps_key: _Optional[bool] = ...) -> None: ...

class RemoteProcessor(_message.Message):
    __slots__ = ("processor", "outputs", "stores", "config", "bundle_rows", "bundle_timeout", "max_attempts", "timers")
    class ConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    STORES_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ROWS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    TIMERS_FIELD_NUMBER: _ClassVar[int]
    processor: str
    outputs: _containers.RepeatedCompositeFieldContainer[ProcessorOutput]
    stores: _containers.RepeatedCompositeFieldContainer[RemoteStore]
    config: _containers.ScalarMap[str, str]
    bundle_rows: int
    bundle_timeout: _duration_pb2.Duration
    max_attempts: int
    timers: bool
    def __init__(self, processor: _Optional[str] = ..., outputs: _Optional[_Iterable[_Union[ProcessorOutput, _Mapping]]] = ..., stores: _Optional[_Iterable[_Union[RemoteStore, _Mapping]]] = ..., config: _Optional[_Mapping[str, str]] = ..., bundle_rows: _Optional[int] = ..., bundle_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_attempts: _Optional[int] = ..., timers: _Optional[bool] = ...) -> None: ...

class RemoteStore(_message.Message):
    __slots__ = ("name", "schema")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: _types_pb2.Schema
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[_Union[_types_pb2.Schema, _Mapping]] = ...) -> None: ...

class Sink(_message.Message):
    __slots__ = ("relation", "topic", "insert", "topic_expression", "headers", "drop_headers")
    RELATION_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    INSERT_FIELD_NUMBER: _ClassVar[int]
    TOPIC_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    DROP_HEADERS_FIELD_NUMBER: _ClassVar[int]
    relation: str
    topic: _relation_pb2.TopicBinding
    insert: bool
    topic_expression: str
    headers: _containers.RepeatedCompositeFieldContainer[Projection]
    drop_headers: bool
    def __init__(self, relation: _Optional[str] = ..., topic: _Optional[_Union[_relation_pb2.TopicBinding, _Mapping]] = ..., insert: _Optional[bool] = ..., topic_expression: _Optional[str] = ..., headers: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ..., drop_headers: _Optional[bool] = ...) -> None: ...

class TopologySettings(_message.Message):
    __slots__ = ("guarantee", "commit_interval", "on_bad_record", "updates", "max_task_idle", "standbys")
    GUARANTEE_FIELD_NUMBER: _ClassVar[int]
    COMMIT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ON_BAD_RECORD_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    MAX_TASK_IDLE_FIELD_NUMBER: _ClassVar[int]
    STANDBYS_FIELD_NUMBER: _ClassVar[int]
    guarantee: Guarantee
    commit_interval: _duration_pb2.Duration
    on_bad_record: OnBadRecord
    updates: UpdateMode
    max_task_idle: _duration_pb2.Duration
    standbys: int
    def __init__(self, guarantee: _Optional[_Union[Guarantee, str]] = ..., commit_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., on_bad_record: _Optional[_Union[OnBadRecord, str]] = ..., updates: _Optional[_Union[UpdateMode, str]] = ..., max_task_idle: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., standbys: _Optional[int] = ...) -> None: ...
