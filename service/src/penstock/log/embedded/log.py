"""The embedded log: a Log for one machine, shared by the processes of a node.

    <directory>/index/            one LMDB environment (tables.py)
    <directory>/<number>.seg      record batches (segments.py)

Every process reads index and files directly; each writes its own files and publishes in LMDB through one thread (committer.py). What is
acknowledged survives kill -9 of any process and a loss of power.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from penstock.clock import Clock, SystemClock
from penstock.errors import LogError, RequestError, producer_fenced
from penstock.log.embedded import membership as members
from penstock.log.embedded import tables as stored
from penstock.log.embedded.committer import Committer, Places
from penstock.log.embedded.maintenance import Maintenance
from penstock.log.embedded.publish import Publication, Ready, rows_of, set_offsets
from penstock.log.embedded.reader import EmbeddedReader, read_entries
from penstock.log.embedded.segments import SegmentReader
from penstock.log.embedded.tables import Environment, Tables
from penstock.log.embedded.wakeups import Notices, Wakeups
from penstock.log.embedded.writer import EmbeddedWriter
from penstock.log.port import USUAL, BatchBuilder, CommittedOffset, Membership, Placement, TopicConfig, TopicInfo, TopicPartition, TopicShape
from penstock.log.records import Builder, decode

MAX_NAME = 249


async def open_embedded(path: Path, *, process: str, notices: Notices | None = None,
                        clock: Clock | None = None) -> EmbeddedLog:
    """Open or create the log in this directory. process: this process's name, for threads and messages. notices: wakes the node's other
    processes. Raises LogError for a directory of another format, OSError when it cannot be written."""
    environment = await asyncio.to_thread(stored.acquire, path)
    return EmbeddedLog(path, environment, process, notices, clock or SystemClock())


class EmbeddedLog:
    """Implements Log."""

    def __init__(self, path: Path, environment: Environment, process: str, notices: Notices | None, clock: Clock) -> None:
        self.log_id = environment.log_id
        self._environment = environment
        self._wakeups = Wakeups(notices)
        self._segments = SegmentReader(path)
        self._committer = Committer(environment, path, process, self._wakeups.changed)
        self._clock = clock
        self._maintenance = Maintenance(path, environment, self._committer, clock)
        self._open = True

    # topics
    async def create_topic(self, name: str, config: TopicConfig) -> TopicInfo:
        if not name or len(name.encode()) > MAX_NAME or config.partitions < 1:
            raise LogError(f"topic {name!r} with {config.partitions} partitions: a name of 1 to {MAX_NAME} bytes and a partition are needed")
        return await self._committer.submit(lambda tables, _: (tables.topic(name) or tables.add_topic(name, config)).info(name))

    async def delete_topics(self, names: Sequence[str]) -> None:
        def run(tables: Tables, _: Places) -> None:
            for name in names:
                tables.drop_topic(name)

        await self._committer.submit(run)

    async def topics(self, names: Sequence[str] | None = None) -> Mapping[str, TopicInfo]:
        with self._environment.read() as tables:
            if names is None:
                return {name: row.info(name) for name, row in tables.topics().items()}
            found = {name: tables.topic(name) for name in names}
            return {name: row.info(name) for name, row in found.items() if row is not None}

    async def shapes(self, names: Sequence[str]) -> Mapping[str, TopicShape]:
        return {name: TopicShape(info.topic_id, info.partitions) for name, info in (await self.topics(names)).items()}

    async def delete_records(self, before: Mapping[TopicPartition, int]) -> None:
        def run(tables: Tables, _: Places) -> None:
            rows = rows_of(tables, before)
            for tp, offset in before.items():
                self._maintenance.forget_before(tables, rows[tp].number, tp.partition, offset)

        await self._committer.submit(run)

    # positions
    def _bounds(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        with self._environment.read() as tables:
            return {tp: tables.ends(row.number, tp.partition) for tp, row in rows_of(tables, tps).items()}

    async def earliest(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {tp: start for tp, (start, _) in self._bounds(tps).items()}

    async def ends(self, tps: Sequence[TopicPartition], committed: bool = True) -> Mapping[TopicPartition, int]:
        return {tp: end for tp, (_, end) in self._bounds(tps).items()}

    async def offsets_at(self, tps: Sequence[TopicPartition], timestamp: int) -> Mapping[TopicPartition, int]:
        return await asyncio.to_thread(self._offsets_at, tps, timestamp)

    def _offsets_at(self, tps: Sequence[TopicPartition], timestamp: int) -> dict[TopicPartition, int]:
        segments = SegmentReader(self._segments.directory)
        try:
            with self._environment.read() as tables:
                return {tp: self._offset_at(tables, segments, row.number, tp.partition, timestamp) for tp, row in rows_of(tables, tps).items()}
        finally:
            segments.close()

    @staticmethod
    def _offset_at(tables: Tables, segments: SegmentReader, topic: int, partition: int, timestamp: int) -> int:
        start, end = tables.ends(topic, partition)
        for entry in tables.entries(topic, partition, start):
            if entry.max_timestamp >= timestamp:
                for record in decode(read_entries(segments, [entry]), start)[0]:
                    if record.timestamp >= timestamp:
                        return record.offset
        return end

    # groups
    async def committed(self, group: str, tps: Sequence[TopicPartition], stable: bool = True) -> Mapping[TopicPartition, CommittedOffset]:
        with self._environment.read() as tables:
            return {tp: tables.committed(group, row.number, tp.partition) for tp, row in rows_of(tables, tps).items()}

    async def reset_offsets(self, group: str, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        await self._committer.submit(lambda tables, _: set_offsets(tables, group, offsets, rows_of(tables, offsets)))

    async def delete_group(self, group: str) -> None:
        await self._committer.submit(lambda tables, _: tables.drop_group(group))

    # data
    def builder(self, limit: int = 512 * 1024, transactional: bool = True) -> Builder:
        return Builder(limit, False)

    def reader(self, max_wait: float = 0.5) -> EmbeddedReader:
        return EmbeddedReader(self._environment, self._segments, self._wakeups)

    async def writer(self, transactional_id: str) -> EmbeddedWriter:
        epoch = await self._committer.submit(lambda tables, _: tables.new_writer_epoch(transactional_id))
        return EmbeddedWriter(self._environment, self._committer, transactional_id, epoch, self._clock)

    async def append(self, topic: str, partition: int, batch: BatchBuilder, producer_id: str = "", sequence: int = 0) -> tuple[int, bool]:
        tp = TopicPartition(topic, partition)
        publication = await self._append({tp: batch}, producer_id, sequence)
        return (-1, True) if publication is None else (publication.first[tp], False)

    async def append_many(self, batches: Mapping[TopicPartition, BatchBuilder], producer_id: str = "", sequence: int = 0,
                          epoch: int = 0) -> tuple[Mapping[TopicPartition, int], bool]:
        """A duplicate is answered with the partitions' ends of now: the rows written earlier are before them."""
        publication = await self._append(batches, producer_id, sequence, epoch)
        return (await self.ends(list(batches)), True) if publication is None else (publication.ends, False)

    async def _append(self, batches: Mapping[TopicPartition, BatchBuilder], producer_id: str, sequence: int,
                      epoch: int = 0) -> Publication | None:
        """None: a duplicate."""
        ready = _ready(batches.items())

        def run(tables: Tables, places: Places) -> Publication | None:
            if epoch:
                _check_epoch(tables, producer_id, epoch)
            if producer_id and not _in_sequence(tables, producer_id, sequence):
                return None
            publication = Publication(tables, ready, places, self._clock.now_ms())
            publication.write()
            if producer_id:
                tables.set_sequence(producer_id, sequence)
            return publication

        return await self._committer.submit(run, [r.data for r in ready])

    async def open_producer(self, producer_id: str, epoch: int = 0) -> tuple[int, int]:
        def run(tables: Tables, _: Places) -> tuple[int, int]:
            if epoch:
                _check_epoch(tables, producer_id, epoch)
            return tables.sequence(producer_id), epoch or tables.new_writer_epoch(_appends(producer_id))

        return await self._committer.submit(run)

    async def last_sequence(self, producer_id: str) -> int:
        with self._environment.read() as tables:
            return tables.sequence(producer_id)

    async def compare_and_append(self, topic: str, expected_end: int, batch: BatchBuilder) -> int | None:
        tp = TopicPartition(topic, 0)
        ready = _ready([(tp, batch)])

        def run(tables: Tables, places: Places) -> int | None:
            publication = Publication(tables, ready, places, self._clock.now_ms())
            if publication.first[tp] != expected_end:
                return None
            publication.write()
            return publication.ends[tp]

        return await self._committer.submit(run, [r.data for r in ready])

    async def fence(self, producer: str) -> None:
        transactional_id, _, epoch = producer.rsplit("|", 2)

        def run(tables: Tables, _: Places) -> None:
            if tables.writer_epoch(transactional_id) == int(epoch):
                tables.new_writer_epoch(transactional_id)

        await self._committer.submit(run)

    # membership
    def membership(self, slot: str, node: str, placement: Placement = USUAL) -> Membership:
        return members.EmbeddedMembership(self._environment, self._committer, self._wakeups, slot)

    async def set_workers(self, n: int) -> None:
        """How many workers ("w0" to "w<n-1>") share the tasks; for the supervisor, before it starts them."""
        await self._committer.submit(lambda tables, _: members.set_workers(tables, n))

    # upkeep
    async def maintain(self, compact_all: bool = False) -> None:
        """Retention, compaction and removal of unused files; one process of the node calls it now and then. compact_all: compact whatever
        is not, however little it is."""
        await self._maintenance.run(compact_all)

    def healthy(self) -> str:
        return self._committer.failure

    async def close(self) -> None:
        if self._open:
            self._open = False
            await asyncio.to_thread(self._committer.close)
            await self._wakeups.close()
            self._segments.close()
            stored.release(self._environment)


def _ready(batches: Iterable[tuple[TopicPartition, BatchBuilder]]) -> list[Ready]:
    """Raises RecordTooLarge."""
    ready = []
    for tp, batch in batches:
        assert isinstance(batch, Builder)
        ready.append(Ready(tp, batch))
    return ready


def _appends(producer_id: str) -> str:
    """The name under which a producer id's epochs are counted; no transactional id."""
    return f"append\0{producer_id}"


def _check_epoch(tables: Tables, producer_id: str, epoch: int) -> None:
    if tables.writer_epoch(_appends(producer_id)) != epoch:
        raise producer_fenced(producer_id)


def _in_sequence(tables: Tables, producer_id: str, sequence: int) -> bool:
    """False: a duplicate. Raises RequestError SEQUENCE_GAP."""
    last = tables.sequence(producer_id)
    if sequence <= last:
        return False
    if sequence != last + 1:
        raise RequestError("SEQUENCE_GAP", f"producer {producer_id} wrote up to sequence {last}, so {last + 1} is next, not {sequence}",
                           {"producer_id": producer_id, "expected": str(last + 1), "actual": str(sequence)})
    return True
