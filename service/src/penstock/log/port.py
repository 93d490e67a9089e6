"""The Log port: topics of record batches, readers, transactional writers, consumer-group offsets, membership.

Two implementations, log/embedded and log/kafka, one contract suite (tests/contract/test_log.py). Everything moves in batches; nothing
here is called for each record. All coroutines belong to the event loop of the process that opened the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NewType, Protocol

Offset = NewType("Offset", int)
TimestampMs = NewType("TimestampMs", int)

RETENTION_MS = 7 * 86_400_000
"""For how long a topic keeps its records, where nothing else is said."""
DELETE_RETENTION_MS = 86_400_000
"""For how long a compacted topic keeps tombstones. Whoever has not read for longer may have missed one."""

MARKER = 1
"""A transaction's end is an offset of its own behind its last record: what a reader that misses nothing seems to miss."""

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def valid_topic(name: str) -> bool:
    """Kafka's rule for topic names."""
    return _TOPIC.fullmatch(name) is not None and name not in (".", "..")


class TopicPartition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Record(Protocol):
    """One record of a decoded batch (a C object of log/records.py)."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Chunk:
    """Records of one partition, contiguous in the log.

    records: data records in offset order (control and aborted records are left out).
    start / next: positions before and after; next is what a commit stores, also when records is empty.
    end: the known end of the partition (last stable offset) when this was read.
    """

    __slots__ = ("tp", "records", "start", "next", "end", "size")

    def __init__(self, tp: TopicPartition, records: list[Record], start: int, next: int, end: int, size: int) -> None:
        self.tp, self.records, self.start, self.next, self.end, self.size = tp, records, start, next, end, size


class LogReader(Protocol):
    """Reads committed records of many partitions with one position each."""

    def add(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions too, from these positions."""

    def remove(self, tps: Sequence[TopicPartition]) -> None:
        """Stop reading them; chunks not yet polled are dropped."""

    async def poll(self, timeout: float, max_chunks: int = 64) -> list[Chunk]:
        """Chunks of at most about 2000 records each, fairly over partitions; empty when nothing came within timeout seconds.
        Raises OffsetOutOfRange, UnknownTopic, LogUnavailable (then the call can be repeated)."""

    def ends(self) -> Mapping[TopicPartition, tuple[int, int]]:
        """For each partition (position, known end); end is -1 until the first answer, and is known also when the partition is empty.
        May be the same object as before when nothing has changed."""

    def pause(self, tps: Sequence[TopicPartition]) -> None:
        """Do not fetch these until resume; what is buffered stays."""

    def resume(self, tps: Sequence[TopicPartition]) -> None:
        """Fetch them again."""

    async def close(self) -> None: ...


class BatchBuilder(Protocol):
    """An open batch of one partition (log/records.py). append returns False when the batch is full: roll and append to a new one."""

    count: int

    def append(self, timestamp: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> bool: ...
    def fill(self, rows: Sequence[tuple[bytes | None, bytes | None, int, Sequence[tuple[str, bytes | None]]]], at: int) -> int: ...
    def fill_entries(self, entries: Sequence[tuple[bytes, bytes | None]], timestamp: int, at: int) -> int: ...
    def size(self) -> int: ...


class GroupToken(Protocol):
    """Immutable fencing token of an assignment (generation and member on Kafka, owner epoch on the embedded log)."""


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """offset is the next to read; -1: none. metadata is text of at most 4 KiB kept with it."""

    offset: int
    metadata: str = ""


OffsetsFor = Callable[[Mapping[TopicPartition, int]], Mapping[TopicPartition, CommittedOffset]]
"""Given for each partition written in the transaction the offset behind its last record, what to commit."""


class TxnWriter(Protocol):
    """Writes batches and consumed offsets atomically. One transaction at a time. After any error: discard it and make a new one."""

    producer: str  # "transactional id|producer id|epoch", put into commit metadata for fencing

    async def send(self, topic: str, partition: int, batch: BatchBuilder) -> None:
        """Add a batch to the open transaction (opens one); may go out at once, is visible only after commit. Raises RecordTooLarge."""

    async def commit(self, group: str, token: GroupToken | None, offsets_for: OffsetsFor) -> Mapping[TopicPartition, int]:
        """Make every batch sent since the last commit and the offsets visible, or nothing. Returns for each written partition the
        offset behind its last record. Raises Fenced, AssignmentLost, RecordTooLarge, LogUnavailable (outcome then unknown)."""

    async def discard(self) -> None:
        """Drop it at once, without waiting for the log; an open transaction is aborted by the successor's start."""

    async def close(self) -> None:
        """Orderly end."""


REPLICATION = 3
"""Of topics on Kafka, where there are as many brokers."""


@dataclass(frozen=True, slots=True)
class TopicConfig:
    """retention_ms -1: for ever. replicas 0: what the log was opened with. segment_bytes: of its files on Kafka, 0 for the cluster's default; small ones are compacted sooner."""

    partitions: int
    compact: bool = False
    retention_ms: int = RETENTION_MS
    delete_retention_ms: int = DELETE_RETENTION_MS
    replicas: int = 0
    segment_bytes: int = 0


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """topic_id tells a recreated topic from its predecessor. max_batch: bytes of the largest batch that it takes; 0: the log's own limit."""

    name: str
    topic_id: str
    partitions: int
    compact: bool = False
    retention_ms: int = -1
    max_batch: int = 0


class TopicShape(NamedTuple):
    """What a topic cannot change but by growing. topic_id: as in TopicInfo."""

    topic_id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class TaskId:
    """A task of one topology: sub-topology index and partition."""

    sub: int
    partition: int


@dataclass(frozen=True, slots=True)
class TaskWork:
    """What a task is to its worker. weight: against the other tasks of its topology. state: it has stores, so that it moves to a copy of them.
    standbys: copies besides its owner's; None: as many as Placement says."""

    weight: int = 1
    state: bool = True
    standbys: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """How tasks and copies of their state are placed on nodes.

    rack: where this node stands; copies of a task go to different racks if they can. standbys: copies of each task besides its owner's
    (Kafka Streams' num.standby.replicas). acceptable_lag: changelog records that a copy may miss and still take over
    (acceptable.recovery.lag). max_warmups: tasks of a topology that are copied at once in order to move (max.warmup.replicas).
    """

    rack: str = ""
    standbys: int = 0
    acceptable_lag: int = 10_000
    max_warmups: int = 4


USUAL = Placement()


@dataclass(frozen=True)
class Assignment:
    """What this worker may run of one topology. An assignment is a value: compare epoch and seq to see what changed.

    active: tasks to run. give_up: tasks that run now and must be stopped, committed, closed and released. following: tasks of others whose
    changelogs it follows into a store of its own, as a standby or in order to take them over.
    token: for TxnWriter.commit. epoch grows whenever membership was lost: work of an older epoch is never committed.
    fences: producers ("transactional id|producer id|epoch") to fence before tasks are opened.
    members: transactional ids of the members that are there; None where nobody can leave a transaction open behind. generation: grows with
    each assignment of the group, whoever made it.
    """

    seq: int
    epoch: int
    token: GroupToken
    active: frozenset[TaskId]
    give_up: frozenset[TaskId] = frozenset()
    fences: tuple[str, ...] = ()
    members: frozenset[str] | None = None
    following: frozenset[TaskId] = frozenset()
    generation: int = 0


class GroupHandle(Protocol):
    """Membership of this worker in one topology's group. Written by the membership's own thread; safe to read from any thread."""

    @property
    def latest(self) -> Assignment | None:
        """The newest assignment; None while there is none (joining, or lost)."""

    @property
    def epoch(self) -> int:
        """Grows with each loss of membership."""

    @property
    def holding(self) -> bool:
        """Between JoinGroup and SyncGroup: the old token is refused, wait for the next assignment before committing offsets."""

    async def token_for(self, tasks: frozenset[TaskId], epoch: int) -> GroupToken:
        """The token to commit work on these tasks with, begun in this epoch; waits while a rebalance allows none. Raises AssignmentLost when
        the epoch is over or a task is no longer ours."""

    def subscribe(self, topics: Sequence[str]) -> None:
        """The group reads these topics from now on. Offsets of topics that no member names are forgotten after a week."""

    def release(self, tasks: frozenset[TaskId], assignment: Assignment) -> None:
        """These given-up tasks are closed."""

    def report(self, lags: Mapping[TaskId, int]) -> None:
        """Changelog records that this worker's copies of tasks miss, of all that it has. The leader is told when that makes a difference."""

    def drain(self) -> None:
        """Ask for every task to be moved to others; give_up says so then."""

    async def leave(self, for_good: bool = True) -> None:
        """Leave the group; claims are dropped. for_good: others take the tasks at once. Else they stay this slot's until its session is over,
        since the worker is about to start again."""


class Membership(Protocol):
    """One object for many groups."""

    def join(self, group: str, topics: Sequence[str], tasks: Sequence[TaskId], producer: Callable[[], str],
             notify: Callable[[], None], edition: int = 0, work: Mapping[TaskId, TaskWork] | None = None) -> GroupHandle:
        """Join the group of a topology. topics: all input topics. producer: this worker's producer now, for fencing. notify: called (in
        the loop that called join) when latest or epoch changed. edition: of the plan; an assignment comes only when no member of another
        edition is left, since its tasks mean something else. work: of the tasks, where it is not the usual one."""

    async def close(self) -> None: ...


class Log(Protocol):
    """A log cluster, or the embedded one. log_id tells one from another in tokens."""

    log_id: str

    # topics
    async def create_topic(self, name: str, config: TopicConfig) -> TopicInfo:
        """Create it; an existing one is answered as it is (check partitions)."""

    async def delete_topics(self, names: Sequence[str]) -> None: ...
    async def topics(self, names: Sequence[str] | None = None) -> Mapping[str, TopicInfo]:
        """All, or those of the names that exist."""

    async def shapes(self, names: Sequence[str]) -> Mapping[str, TopicShape]:
        """Those of the names that exist, without their configuration: one may ask for hundreds often."""

    async def delete_records(self, before: Mapping[TopicPartition, int]) -> None:
        """Forget records before these offsets (repartition topics, after commit)."""

    # positions
    async def earliest(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    async def ends(self, tps: Sequence[TopicPartition], committed: bool = True) -> Mapping[TopicPartition, int]:
        """committed: the last stable offset, else the high watermark."""

    async def offsets_at(self, tps: Sequence[TopicPartition], timestamp: int) -> Mapping[TopicPartition, int]:
        """The first record with this timestamp or later, else the end."""

    async def committed(self, group: str, tps: Sequence[TopicPartition], stable: bool = True) -> Mapping[TopicPartition, CommittedOffset]:
        """Stable committed offsets (waits while a transaction on them is undecided). With stable=False the last decided ones at once: to see
        who committed, never to go on from."""

    async def reset_offsets(self, group: str, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        """Set offsets of a group that has no members."""

    async def delete_group(self, group: str) -> None: ...

    # data
    def builder(self, limit: int = 512 * 1024, transactional: bool = True) -> BatchBuilder:
        """A new open batch of at most `limit` bytes (one larger record is still taken alone, up to the log's limit)."""

    def reader(self, max_wait: float = 0.5) -> LogReader: ...
    async def writer(self, transactional_id: str) -> TxnWriter:
        """InitProducerId: fences the predecessor of this id and aborts its open transaction before it returns."""

    async def append(self, topic: str, partition: int, batch: BatchBuilder, producer_id: str = "", sequence: int = 0) -> tuple[int, bool]:
        """Append outside a transaction, durable when it returns: (offset of the first record, duplicate). With producer_id the sequence
        1, 2, 3... is kept in the same transaction as the rows: a repeat writes nothing and is a duplicate (offset -1), a gap raises
        RequestError SEQUENCE_GAP."""

    async def append_many(self, batches: Mapping[TopicPartition, BatchBuilder], producer_id: str = "", sequence: int = 0,
                          epoch: int = 0) -> tuple[Mapping[TopicPartition, int], bool]:
        """As append, for several partitions at once; all or nothing. Returns for each partition the offset BEHIND its last record. Calls for
        one producer id are written in the order in which they begin. epoch: of open_producer; RequestError PRODUCER_FENCED when it is not the
        newest, 0 is not checked."""

    async def open_producer(self, producer_id: str, epoch: int = 0) -> tuple[int, int]:
        """Open a producer id anew: (last sequence, epoch). What comes with an earlier epoch is refused from now on, by whatever process.
        epoch: that of an earlier opening, to go on with it; RequestError PRODUCER_FENCED when it is not the newest."""

    async def last_sequence(self, producer_id: str) -> int:
        """The last sequence written by this producer id; 0: none."""

    async def compare_and_append(self, topic: str, expected_end: int, batch: BatchBuilder) -> int | None:
        """Append to partition 0 only if nothing was appended since expected_end (a position behind the last record that the caller has
        read). Returns the new end, or None when somebody was faster."""

    async def fence(self, producer: str) -> None:
        """End the transaction of exactly this "transactional id|producer id|epoch"; nothing happens when a newer one exists."""

    def membership(self, slot: str, node: str, placement: Placement = USUAL) -> Membership:
        """slot: this worker's stable name on its node."""

    def healthy(self) -> str:
        """Empty when the log answers, else a sentence for people."""

    async def close(self) -> None: ...


