"""Appends from outside any topology, and the registry's compare-and-append.

Without a producer id: an idempotent producer, one of this process for all. With one: a transactional producer "<service>-append-<id>" whose
sequence is an offset of the group of the same name, committed in the transaction that writes the rows; so they are decided together, and
taking the transactional id over (another gateway, a restart) tells what was decided before the sequence is read. Kafka forgets a group's
offsets some time after its last commit (offsets.retention.minutes, 7 days): a producer that was silent for longer starts from 1 again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from penstock.errors import Fenced, OffsetOutOfRange, RequestError
from penstock.log.kafka.admin import Admin
from penstock.log.kafka.cluster import Cluster
from penstock.log.kafka.lookups import Lookups
from penstock.log.kafka.reader import KafkaReader
from penstock.log.kafka.sender import Sender
from penstock.log.kafka.transaction import new_producer_id
from penstock.log.kafka.writer import KafkaWriter, own
from penstock.log.port import BatchBuilder, CommittedOffset, TopicConfig, TopicPartition

_OPEN_PRODUCERS = 256
_READ_SECONDS = 1.0
Ends = Mapping[TopicPartition, int]
"""The offset behind the last record, by partition."""


class _Producer:
    """A transactional id that appends, one append at a time."""

    def __init__(self, cluster: Cluster, transactional_id: str) -> None:
        self.lock = asyncio.Lock()
        self.last = -1  # sequence; -1: not known
        self.writer: KafkaWriter | None = None
        self._cluster, self._id = cluster, transactional_id

    async def open(self) -> KafkaWriter:
        """The writer, started if need be. After that whatever was written under this id is decided."""
        if self.writer is None:
            self.writer, self.last = KafkaWriter(self._cluster, self._id), -1
            await self.writer.start()
        return self.writer

    async def drop(self) -> None:
        """The next append starts anew."""
        writer, self.writer = self.writer, None
        if writer is not None:
            await writer.discard()


class Appends:
    """Of one process."""

    def __init__(self, cluster: Cluster, lookups: Lookups, admin: Admin, service: str, process: str) -> None:
        self._cluster, self._lookups, self._admin = cluster, lookups, admin
        self._service, self._process = service, process
        self._anchor = TopicPartition(f"{service}-append", 0)
        self._anchored = False
        self._producers: OrderedDict[str, _Producer] = OrderedDict()
        self._registries: dict[str, asyncio.Lock] = {}
        self._plain: Sender | None = None
        self._opening_plain = asyncio.Lock()

    async def append(self, batches: Mapping[TopicPartition, BatchBuilder], producer_id: str, sequence: int) -> tuple[Ends, bool]:
        """All or nothing; durable when it returns. (ends, duplicate)."""
        if producer_id:
            return await self._with_producer(self._name(producer_id), lambda p: self._sequenced(p, batches, producer_id, sequence))
        if len(batches) == 1:
            return await self._untransacted(batches), False
        return await self._with_producer(f"{self._service}-appends-{self._process}", lambda p: self._several(p, batches))

    async def last_sequence(self, producer_id: str) -> int:
        """The last committed sequence of a producer id; 0: none."""
        await self._ensure_anchor()
        found = await self._lookups.committed(self._name(producer_id), [self._anchor])
        return max(0, found[self._anchor].offset)

    async def compare_and_append(self, topic: str, expected_end: int, batch: BatchBuilder) -> int | None:
        """1. take over the topic's one transactional id: whoever wrote before is fenced, and what that had open is decided
        2. the high watermark is the end now, since nobody else may write; are there records from the expected end on: answer None
        3. write in a transaction; fenced meanwhile: answer None

        Returns the offset behind the last record. A commit marker follows it, so expected_end may be before or behind that."""
        tp = TopicPartition(topic, 0)
        async with self._registries.setdefault(topic, asyncio.Lock()):
            writer = KafkaWriter(self._cluster, f"{topic}-writer")
            try:
                await writer.start()
                if await self._has_records(tp, expected_end):
                    return None
                await writer.send(topic, 0, batch)
                return (await writer.commit("", None, lambda _: {}))[tp]
            except Fenced:
                return None
            finally:
                await writer.discard()

    async def _has_records(self, tp: TopicPartition, start: int) -> bool:
        """Whether anything but control records lies between start and the high watermark, which must be stable."""
        end = (await self._lookups.ends([tp], committed=False))[tp]
        if start == end:
            return False
        reader = KafkaReader(self._cluster, self._lookups)
        try:
            reader.add({tp: start})
            position = start
            while position < end:
                for chunk in await reader.poll(_READ_SECONDS):
                    if chunk.records:
                        return True
                    position = chunk.next
            return False
        except OffsetOutOfRange:
            return True  # the caller's position is of another log
        finally:
            await reader.close()

    async def close(self) -> None:
        """Close every producer."""
        for producer in self._producers.values():
            await producer.drop()
        self._producers.clear()
        if self._plain is not None:
            self._plain.discard()

    # ------------------------------------------------------------------------------------------------ the three ways
    async def _untransacted(self, batches: Mapping[TopicPartition, BatchBuilder]) -> Ends:
        async with self._opening_plain:
            if self._plain is None or self._plain.failure is not None:
                self._plain = Sender(self._cluster, "", await new_producer_id(self._cluster), 0)
        sent = {tp: (self._plain.send(tp, own(batch)), batch.count) for tp, batch in batches.items()}
        return {tp: await first + count for tp, (first, count) in sent.items()}

    async def _several(self, producer: _Producer, batches: Mapping[TopicPartition, BatchBuilder]) -> tuple[Ends, bool]:
        writer = await producer.open()
        for tp, batch in batches.items():
            await writer.send(tp.topic, tp.partition, batch)
        return await writer.commit("", None, lambda _: {}), False

    async def _sequenced(self, producer: _Producer, batches: Mapping[TopicPartition, BatchBuilder], producer_id: str,
                         sequence: int) -> tuple[Ends, bool]:
        await self._ensure_anchor()
        writer = await producer.open()
        if producer.last < 0:
            producer.last = await self.last_sequence(producer_id)
        if sequence <= producer.last:
            return dict.fromkeys(batches, -1), True
        if sequence != producer.last + 1:
            raise RequestError("SEQUENCE_GAP", f"producer {producer_id} goes on with sequence {producer.last + 1}, not {sequence}",
                               {"producer_id": producer_id, "expected": str(producer.last + 1), "actual": str(sequence)})
        for tp, batch in batches.items():
            await writer.send(tp.topic, tp.partition, batch)
        ends = await writer.commit(self._name(producer_id), None, lambda _: {self._anchor: CommittedOffset(sequence)})
        producer.last = sequence
        return ends, False

    async def _with_producer(self, transactional_id: str, use: Callable[[_Producer], Awaitable[tuple[Ends, bool]]]) -> tuple[Ends, bool]:
        """Use the id's producer, which is dropped after any error. Found fenced by another process, it is taken back once."""
        producer = self._producers.setdefault(transactional_id, _Producer(self._cluster, transactional_id))
        self._producers.move_to_end(transactional_id)
        await self._close_oldest()
        async with producer.lock:
            for attempt in (1, 2):
                try:
                    return await use(producer)
                except RequestError:
                    raise
                except BaseException as error:
                    await producer.drop()
                    if attempt == 2 or not isinstance(error, Fenced):
                        raise
        raise AssertionError("unreachable")

    async def _close_oldest(self) -> None:
        for name in [n for n, p in self._producers.items() if not p.lock.locked()][:max(0, len(self._producers) - _OPEN_PRODUCERS)]:
            await self._producers.pop(name).drop()

    def _name(self, producer_id: str) -> str:
        """Transactional id, and group, of a producer id."""
        return f"{self._service}-append-{producer_id}"

    async def _ensure_anchor(self) -> None:
        """The sequences are offsets of this empty topic's partition: a broker takes offsets of existing topics only."""
        if not self._anchored:
            await self._admin.create_topic(self._anchor.topic, TopicConfig(1, compact=True, retention_ms=-1))
            self._anchored = True
