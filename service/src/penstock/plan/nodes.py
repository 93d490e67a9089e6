"""Plan nodes: frozen, typed, in topological order. The planner makes them from a Topology, the engine compiles them.

A node's `schema` is its output: key columns (role KEY) then value columns. Expressions in a node refer to columns of its inputs by
name, ColumnRef.source being the index of the input. `kind` says whether the output is a stream or a table; a windowed table also has
`window`, and its key is (key columns, window start). Pseudo columns ROWTIME, ROWPARTITION, ROWOFFSET, WINDOWSTART, WINDOWEND may be
referred to by expressions of any node where they exist, without standing in the schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from penstock.expr.typed import Expr
from penstock.types.schema import Schema
from penstock.types.sqltype import SqlType


class RelationKind(Enum):
    """Stream or table."""

    STREAM = "STREAM"
    TABLE = "TABLE"


class WindowKind(Enum):
    """Kinds of windows."""

    TUMBLING = "TUMBLING"  # [start, start + size), aligned to the epoch, without gaps
    HOPPING = "HOPPING"  # [start, start + size), a start at every multiple of the advance
    SLIDING = "SLIDING"  # [start, start + size], both inclusive: what lies within size of a record
    SESSION = "SESSION"  # [start, end], both inclusive: records that follow each other within a gap


class Emit(Enum):
    """When the windows of an aggregate leave it."""

    CHANGES = "CHANGES"  # whenever they change
    FINAL = "FINAL"  # once, when they are closed


@dataclass(frozen=True, slots=True)
class Format:
    """A serialisation format by upper-case name, and its properties ("DELIMITER", "WRAP_SINGLE_VALUE": "true"/"false")."""

    name: str
    properties: tuple[tuple[str, str], ...] = ()

    def property(self, name: str, default: str = "") -> str:
        """One property's text."""
        return dict(self.properties).get(name, default)


@dataclass(frozen=True, slots=True)
class Window:
    """Milliseconds. size_ms: length of a tumbling or hopping window, reach of a sliding one, gap of a session. grace_ms: how late a
    record may be; retention_ms: how long a window can be looked up; advance_ms: step of a hopping window."""

    kind: WindowKind
    size_ms: int
    grace_ms: int
    retention_ms: int
    advance_ms: int = 0

    @property
    def store_kind(self) -> StoreKind:
        """The kind of store that holds them."""
        return StoreKind.SESSION if self.kind is WindowKind.SESSION else StoreKind.WINDOW

    @property
    def key_bytes(self) -> int:
        """Bytes that the window adds to a key: its start, and before it a session's end."""
        return 16 if self.kind is WindowKind.SESSION else 8

    def bounds(self, key: bytes) -> tuple[int, int]:
        """(start, end) of the window at the end of a key's bytes."""
        start = int.from_bytes(key[-8:], "big")
        return start, int.from_bytes(key[-16:-8], "big") if self.kind is WindowKind.SESSION else start + self.size_ms


class OnBadTime(Enum):
    """What becomes of a record whose timestamp column has no time."""

    BAD_RECORD = "BAD_RECORD"
    SKIP = "SKIP"
    RECORD_TIME = "RECORD_TIME"


@dataclass(frozen=True, slots=True)
class TopicRef:
    """A topic and how its bytes are read. partitions is 0 until resolved.

    timestamp_column: take ROWTIME from this value column; empty means the record's timestamp.
    windowed: keys are windowed, `[key bytes][start ms, 8 bytes big endian]` as in Kafka Streams' time-windowed serde.
    """

    topic: str
    partitions: int
    key_format: Format
    value_format: Format
    timestamp_column: str = ""
    timestamp_format: str = ""
    window: Window | None = None
    on_bad_time: OnBadTime = OnBadTime.BAD_RECORD


class Start(Enum):
    """Where a new topology begins to read a source."""

    EARLIEST = "EARLIEST"
    LATEST = "LATEST"
    OFFSETS = "OFFSETS"
    AFTER = "AFTER"
    AT_TIME = "AT_TIME"


@dataclass(frozen=True, slots=True)
class TopicOffsets:
    """(partition, next offset) of a topic."""

    topic: str
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class StartAt:
    """A start; offsets are (partition, offset) for OFFSETS, token for AFTER, time_ms for AT_TIME. pinned: what LATEST, AFTER and AT_TIME meant
    when the topology was registered or reset; a topic that is not in it did not exist then. None: in a plan that is not registered, or was by
    a version that looked when a task was opened first."""

    start: Start = Start.EARLIEST
    offsets: tuple[tuple[int, int], ...] = ()
    token: str = ""
    time_ms: int = 0
    pinned: tuple[TopicOffsets, ...] | None = None

    def of(self, topic: str) -> StartAt:
        """Where this topic of the source begins."""
        if self.pinned is None:
            return self
        return next((StartAt(Start.OFFSETS, p.offsets) for p in self.pinned if p.topic == topic), StartAt())


class StoreKind(Enum):
    """What a store holds. Values are packed tuples (timestamp ms, fields...)."""

    KEY_VALUE = "KEY_VALUE"  # key bytes -> tuple
    WINDOW = "WINDOW"  # (key bytes, window start ms) -> tuple
    SESSION = "SESSION"  # (key bytes, session end ms, session start ms) -> tuple
    JOIN = "JOIN"  # (key bytes, time ms) -> (time, fields of one row, fields of the next...)


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """One store of a sub-topology, named by its node.

    fields: names of the packed tuple's fields after the timestamp; schema_id: fingerprint of fields, stored in each value.
    changelog: topic; empty means none (a source topic that is compacted serves as its own changelog: then it is that topic).
    source_changelog: the changelog is the source topic itself (its values are public rows, not packed tuples).
    retention_ms: WINDOW stores forget windows that start, SESSION stores sessions that end, before stream time - retention.
    older: (schema_id, fields) of values that were written before an update. initial: (field, value) that values of before are read with
    where they lack the field; None elsewhere.
    """

    name: str
    kind: StoreKind
    fields: tuple[str, ...]
    schema_id: int
    changelog: str = ""
    retention_ms: int = 0
    older: tuple[tuple[int, tuple[str, ...]], ...] = ()
    initial: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Projection:
    """One computed column."""

    name: str
    expr: Expr


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes. inputs are node names, `node.output` for an output of a Branch."""

    name: str
    inputs: tuple[str, ...]
    schema: Schema
    kind: RelationKind
    window: Window | None


@dataclass(frozen=True, slots=True)
class SourceTopic:
    """One of several topics of a source. partitions is 0 until resolved."""

    topic: str
    partitions: int = 0


@dataclass(frozen=True, slots=True)
class SourceStream(Node):
    """Reads a stream. topics: where there are several, all of them, `topic` being the first. pattern: topics that appear later and match are
    read too, like the first. relations: of the topics, where the catalog knows them. relation is empty where there are several topics."""

    relation: str
    topic: TopicRef
    start: StartAt
    topics: tuple[SourceTopic, ...] = ()
    pattern: str = ""
    relations: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[SourceTopic, ...]:
        """All topics that are known when it is planned."""
        return self.topics or (SourceTopic(self.topic.topic, self.topic.partitions),)


@dataclass(frozen=True, slots=True)
class SourceTable(Node):
    """Reads a table and materialises it: store value = the value columns. history: of a versioned table (planner/stores.py, history_store)."""

    relation: str
    topic: TopicRef
    start: StartAt
    store: StoreSpec
    history: StoreSpec | None = None

    @property
    def reads(self) -> tuple[SourceTopic, ...]:
        """Its one topic."""
        return (SourceTopic(self.topic.topic, self.topic.partitions),)


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """Keeps rows for which `where` is true (negate: is not true). On a table: a row that stops matching becomes a tombstone."""

    where: Expr
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Select(Node):
    """Computes the value columns; key columns stay."""

    columns: tuple[Projection, ...]


@dataclass(frozen=True, slots=True)
class Explode(Node):
    """As Select, but columns whose index is in `exploded` are arrays: one row an element, zipped, the shorter padded with null."""

    columns: tuple[Projection, ...]
    exploded: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PartitionBy(Node):
    """New key columns from expressions. Value columns of the schema are the input's columns of the same name: its value columns, then
    its old key columns, without those that a new key column replaces. A Repartition follows, unless there are no keys."""

    keys: tuple[Projection, ...]
    key_format: Format


@dataclass(frozen=True, slots=True)
class GroupBy(Node):
    """The group's key columns from expressions, value columns as in PartitionBy; rows with a null in the key are dropped. A Repartition
    follows unless the key stays (rekey is False: keys are the input's key columns by place). On a table each change becomes a subtract
    and an add record."""

    keys: tuple[Projection, ...]
    key_format: Format
    rekey: bool


@dataclass(frozen=True, slots=True)
class Repartition(Node):
    """Writes its input to an internal topic and reads it back: the border of two sub-topologies (in both of them: as sink of the
    first, as source of the second). Made behind a new key, or a node of the request. changes: records of a grouped table, value = (flag, old or new row).
    drops_null_keys: a record without a key does not go through."""

    topic: TopicRef
    changes: bool = False
    drops_null_keys: bool = False


@dataclass(frozen=True, slots=True)
class AggregateColumn:
    """One aggregate call. function is Aggregate.name; arguments are expressions over the input; literals are extra arguments (k of
    TOPK)."""

    name: str
    function: str
    arguments: tuple[Expr, ...]
    literals: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Accumulator:
    """One column that expressions fold. In them source 0 are the group's accumulators, source 1 is the row (in merge: the other group's
    accumulators). init None: the group begins with the row's own column of this name. add: one for each input, None leaves the value.
    undo is there for tables, merge for sessions."""

    name: str
    type: SqlType
    init: Expr | None
    add: tuple[Expr | None, ...]
    undo: Expr | None = None
    merge: Expr | None = None


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """Folds each group, in each window. Store value = all state fields of all columns in order, then the accumulators. Each input is a
    GroupBy or the Repartition behind one; several with accumulators alone. of_table: the grouped input is a table (undo, then add).
    emit FINAL: `store` holds the windows that are open, `results` the rows that left (its fields are the value columns)."""

    columns: tuple[AggregateColumn, ...]
    store: StoreSpec
    of_table: bool
    emit: Emit = Emit.CHANGES
    results: StoreSpec | None = None
    accumulators: tuple[Accumulator, ...] = ()


class JoinKind(Enum):
    """Which unmatched rows stay."""

    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    FULL = "FULL"

    def keeps(self, side: int) -> bool:
        """Whether unmatched rows of input 0 (left) or 1 (right) stay."""
        return self is JoinKind.FULL or self is (JoinKind.LEFT, JoinKind.RIGHT)[side]


@dataclass(frozen=True, slots=True)
class StreamTableJoin(Node):
    """inputs[0] is the stream, inputs[1] the table (of the same sub-topology). INNER or LEFT. With grace rows of the stream wait in
    `waiting`: `[time ms][key][number, 4 bytes] -> (time, headers, columns that are read)`."""

    join: JoinKind
    columns: tuple[Projection, ...]
    grace_ms: int = 0
    waiting: StoreSpec | None = None


@dataclass(frozen=True, slots=True)
class StreamGlobalJoin(Node):
    """inputs[0] is the stream; `table` is read from the worker's own copy (ResolvedPlan.globals), under the key that `keys` give out of the
    stream's row. In `columns` source 0 is the stream and 1 the table. INNER or LEFT."""

    join: JoinKind
    keys: tuple[Expr, ...]
    columns: tuple[Projection, ...]
    table: SourceTable


@dataclass(frozen=True, slots=True)
class TableTableJoin(Node):
    """Joins two tables of one sub-topology by key, ColumnRef.source telling them apart. Store value = the result's value columns."""

    join: JoinKind
    columns: tuple[Projection, ...]
    store: StoreSpec


@dataclass(frozen=True, slots=True)
class Merge(Node):
    """Unites streams of one schema."""


@dataclass(frozen=True, slots=True)
class BranchOutput:
    """One way out."""

    name: str
    where: Expr


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """Each row to the first output whose condition holds; the rest to default_output, or dropped when that is empty."""

    outputs: tuple[BranchOutput, ...]
    default_output: str


@dataclass(frozen=True, slots=True)
class ToTable(Node):
    """A stream read as changes; materialised. history as in SourceTable."""

    store: StoreSpec
    history: StoreSpec | None = None


@dataclass(frozen=True, slots=True)
class ToStream(Node):
    """A table's changes as records."""


@dataclass(frozen=True, slots=True)
class Sink(Node):
    """Writes its input to a topic and publishes it under `relation`, unless it inserts into one that exists. key and value columns are
    schema's. headers: added to those of the record, which are left out with drop_headers."""

    relation: str
    topic: TopicRef
    insert: bool = False
    headers: tuple[Projection, ...] = ()
    drop_headers: bool = False


@dataclass(frozen=True, slots=True)
class RoutedSink(Node):
    """As Sink, but `route` (a STRING) names the topic of each row; topic has no name and says the formats. Nothing is published. create:
    topics that are missing are made, with these numbers (0, None: the log's default); else their rows are dead letters."""

    topic: TopicRef
    route: Expr
    create: bool
    partitions: int = 0
    replicas: int = 0
    retention_ms: int | None = None
    headers: tuple[Projection, ...] = ()
    drop_headers: bool = False


@dataclass(frozen=True, slots=True)
class StreamStreamJoin(Node):
    """Joins two streams by key: rows whose times are within left.time - before_ms <= right.time <= left.time + after_ms. left_store and
    right_store (JOIN) hold the columns that `columns` reads of either side, for before + after + grace; unmatched (where the kind keeps
    such rows) those whose window is open: `[time ms][1 left, 0 right][key] -> (time, fields of one row, fields of the next...)`. eager:
    unmatched rows leave at once, and nothing waits."""

    join: JoinKind
    columns: tuple[Projection, ...]
    before_ms: int
    after_ms: int
    grace_ms: int
    left_store: StoreSpec
    right_store: StoreSpec
    unmatched: StoreSpec | None = None
    eager: bool = False

    @property
    def retention_ms(self) -> int:
        """How long a row can meet others, against the newest row of its side."""
        return self.before_ms + self.after_ms + self.grace_ms


@dataclass(frozen=True, slots=True)
class Suppress(Node):
    """Holds back a table's changes; of each key the newest leaves when the node's stream time has reached its time + wait_ms: the time of
    the first change since one left, with window_closes the end of the window. Bounds of 0 are none. buffer: what waits, key -> (row's
    time, that time, whether it is there, headers of the record that changed it last, value columns), without headers in plans that were
    stored before they were kept; store: the rows that left. stops: over a bound the task fails, where else the longest waiting leave early."""

    wait_ms: int
    window_closes: bool
    max_records: int
    max_bytes: int
    buffer: StoreSpec
    store: StoreSpec
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Deduplicate(Node):
    """Passes the first record of an id, the key with `ids`, and drops those no further than within_ms from one that passed; later than
    grace_ms they are late. store (WINDOW): `[id][time ms] -> (time)` of what passed."""

    ids: tuple[Expr, ...]
    within_ms: int
    grace_ms: int
    store: StoreSpec


@dataclass(frozen=True, slots=True)
class Peek(Node):
    """Shows some rows in the log as they pass: at most max_per_second in a task."""

    columns: tuple[Projection, ...]
    max_per_second: int


@dataclass(frozen=True, slots=True)
class ProcessorStore:
    """A store of a Processor, by the name that the plug-in uses. schema: key and value columns; window: of window and session stores."""

    name: str
    schema: Schema
    key_format: Format
    window: Window | None
    spec: StoreSpec


@dataclass(frozen=True, slots=True)
class Processor(Node):
    """Calls a plug-in with the records of its inputs. Its rows leave through ProcessorOutput nodes; it has no schema of its own."""

    processor: str
    config: tuple[tuple[str, str], ...]
    stores: tuple[ProcessorStore, ...]


@dataclass(frozen=True, slots=True)
class RemoteProcessor(Processor):
    """Sends the rows of its only input, a Repartition that nothing else reads, to programs that dial in. Its stores have the key of that input.
    timeout_ms: of one bundle. max_attempts: for a bundle that fails as a whole; 0 without end. timers: where those of the keys are kept
    (engine/processors/timers.py); None when programs may set none."""

    bundle_rows: int
    timeout_ms: int
    max_attempts: int
    timers: StoreSpec | None = None


@dataclass(frozen=True, slots=True)
class RemoteCall(Node):
    """Adds a column, the result of a function that programs compute, to the rows of its only input, a Repartition that nothing else reads.
    null_for_null: a null argument gives null, without a call. cache_rows: results that are kept for equal arguments. The rest as a
    RemoteProcessor's."""

    function: str
    version: int
    arguments: tuple[Expr, ...]
    column: str
    result: SqlType
    null_for_null: bool
    bundle_rows: int
    timeout_ms: int
    max_attempts: int
    cache_rows: int


@dataclass(frozen=True, slots=True)
class ProcessorOutput(Node):
    """A way out of a Processor, its input, for rows that it sends to `output`."""

    output: str
    key_format: Format
    keeps_key: bool


SUBSCRIBER, INSTRUCTION, ROW_HASH, PRESENT = ".key", ".instruction", ".hash", ".present"
"""Columns of a foreign-key join's subscriptions and answers: the left row's key bytes, what to do, the left row's hash, and whether there is
a right row."""


def answer_column(name: str) -> str:
    """What an answer calls a column of the right row."""
    return f"right.{name}"


@dataclass(frozen=True, slots=True)
class ForeignKeySend(Node):
    """First part of a foreign-key join: changes of the left table as subscriptions under the right key. A Repartition follows.
    keeps_left: left rows without a right one stay."""

    foreign_key: Expr
    key_format: Format
    keeps_left: bool


@dataclass(frozen=True, slots=True)
class ForeignKeySubscribe(Node):
    """Second part, where the right table is (inputs[1]): keeps the subscriptions of inputs[0] and answers them with the columns `answers`
    of the right row, under the left key. A Repartition follows. store: `[length, 4 bytes][right key][left key] -> (time, hash)`."""

    answers: tuple[str, ...]
    key_format: Format
    store: StoreSpec


@dataclass(frozen=True, slots=True)
class ForeignKeyJoin(Node):
    """Last part, where the left table is (inputs[1]): joins the answers of inputs[0] with it; in `columns` source 0 is the left table and
    1 the right one. Store value = the result's value columns."""

    join: JoinKind
    columns: tuple[Projection, ...]
    answers: tuple[str, ...]
    store: StoreSpec


Materialised = SourceTable | ToTable | Aggregate | TableTableJoin | ForeignKeyJoin | Suppress
"""Tables that have a store of their own rows; a Filter or Select of one is computed from it."""


def values_of(node: Node) -> Iterator[object]:
    """The values of a node's fields, in order."""
    return map(node.__getattribute__, node.__match_args__)


def stores_of(node: Node) -> tuple[StoreSpec, ...]:
    """The stores of a node, in the order of its fields."""
    own = tuple(store.spec for store in node.stores) if isinstance(node, Processor) else ()
    return (*own, *(value for value in values_of(node) if isinstance(value, StoreSpec)))


def result_store(node: Materialised) -> StoreSpec:
    """The store that holds a table's rows as they leave the node."""
    return node.results or node.store if isinstance(node, Aggregate) else node.store
