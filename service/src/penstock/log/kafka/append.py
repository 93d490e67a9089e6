"""Appends from outside any topology, and the registry's compare-and-append.

Without a producer id: an idempotent producer, one of this process for all. With one: a transactional producer "<service>-append-<id>" whose
sequence is an offset of the group of the same name, committed in the transaction that writes the rows; so they are decided together, and
taking the transactional id over (another gateway, a restart) tells what was decided before the sequence is read. Kafka forgets a group's
offsets some time after its last commit (offsets.retention.minutes, 7 days): a producer that was silent for longer starts from 1 again.
Appends of one id that wait for the one before are written in one transaction, in their order.

The metadata of that offset is the id's epoch, which grows when it is opened anew. Opening fences the transactional id, so that whoever
writes under it next reads the epoch first.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from penstock.errors import Fenced, LogUnavailable, OffsetOutOfRange, RecordTooLarge, RequestError, UnknownTopic, producer_fenced
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
_TOGETHER = 16
"""Most appends in one transaction."""
T = TypeVar("T")
Ends = Mapping[TopicPartition, int]
"""The offset behind the last record, by partition."""


@dataclass(eq=False, slots=True)
class _Append:
    """One append under a producer id. done: its result, once it is decided."""

    batches: Mapping[TopicPartition, BatchBuilder]
    sequence: int
    epoch: int
    done: asyncio.Future[tuple[Ends, bool]]


class _Producer:
    """A transactional id that appends, one transaction at a time. waiting: what the next one writes."""

    def __init__(self, cluster: Cluster, transactional_id: str) -> None:
        self.lock = asyncio.Lock()
        self.last = -1  # sequence; -1: not known
        self.epoch = 0
        self.waiting: list[_Append] = []
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

    async def append(self, batches: Mapping[TopicPartition, BatchBuilder], producer_id: str, sequence: int, epoch: int = 0) -> tuple[Ends, bool]:
        """All or nothing; durable when it returns. (ends, duplicate)."""
        if producer_id:
            return await self._sequenced(_Append(batches, sequence, epoch, asyncio.get_running_loop().create_future()), producer_id)
        if len(batches) == 1:
            return await self._untransacted(batches), False
        return await self._with_producer(f"{self._service}-appends-{self._process}", lambda p: self._several(p, batches))

    async def last_sequence(self, producer_id: str) -> int:
        """The last committed sequence of a producer id; 0: none."""
        return (await self._committed(producer_id))[0]

    async def open_producer(self, producer_id: str, epoch: int) -> tuple[int, int]:
        """(last sequence, epoch). Raises RequestError PRODUCER_FENCED."""
        return await self._with_producer(self._name(producer_id), lambda p: self._opened(p, producer_id, epoch))

    async def _committed(self, producer_id: str) -> tuple[int, int]:
        """Last sequence and epoch."""
        await self._ensure_anchor()
        found = (await self._lookups.committed(self._name(producer_id), [self._anchor]))[self._anchor]
        return max(0, found.offset), int(found.metadata or 0)

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

    async def _opened(self, producer: _Producer, producer_id: str, epoch: int) -> tuple[int, int]:
        if not epoch:
            await producer.drop()  # so that starting it fences whoever writes under this id
        writer = await self._known(producer, producer_id)
        if epoch and epoch != producer.epoch:
            raise producer_fenced(producer_id)
        if not epoch:
            following = CommittedOffset(producer.last, str(producer.epoch + 1))
            await writer.commit(self._name(producer_id), None, lambda _: {self._anchor: following})
            producer.epoch += 1
        return producer.last, producer.epoch

    async def _known(self, producer: _Producer, producer_id: str) -> KafkaWriter:
        """The started writer; last and epoch are known."""
        await self._ensure_anchor()
        writer = await producer.open()
        if producer.last < 0:
            producer.last, producer.epoch = await self._committed(producer_id)
        return writer

    async def _sequenced(self, append: _Append, producer_id: str) -> tuple[Ends, bool]:
        """Wait for the turn, in which what waits is written together: often somebody else's."""
        name = self._name(producer_id)
        producer = self._producer(name)
        producer.waiting.append(append)
        try:
            try:
                await self._with_producer(name, lambda p: self._write(p, producer_id, p.waiting[:_TOGETHER]))
            except (UnknownTopic, RecordTooLarge):  # of any of them
                await self._with_producer(name, lambda p: self._write(p, producer_id, [a for a in p.waiting if a is append]))
        finally:
            if append in producer.waiting:
                producer.waiting.remove(append)
        return await append.done

    async def _write(self, producer: _Producer, producer_id: str, appends: list[_Append]) -> None:
        """In one transaction; whoever was written or refused does not wait any more."""
        if not appends:
            return
        writer = await self._known(producer, producer_id)
        last, written = producer.last, []
        for a in appends:
            if a.epoch and a.epoch != producer.epoch:
                _refuse(a, producer_fenced(producer_id))
            elif a.sequence <= last:
                _answer(a, dict.fromkeys(a.batches, -1), True)
            elif a.sequence != last + 1:
                _refuse(a, RequestError("SEQUENCE_GAP", f"producer {producer_id} goes on with sequence {last + 1}, not {a.sequence}",
                                        {"producer_id": producer_id, "expected": str(last + 1), "actual": str(a.sequence)}))
            else:
                for tp, batch in a.batches.items():
                    await writer.send(tp.topic, tp.partition, batch)
                last = a.sequence
                written.append(a)
        if written:
            reached = CommittedOffset(last, str(producer.epoch))
            ends = await writer.commit(self._name(producer_id), None, lambda _: {self._anchor: reached})
            producer.last = last
            for a in written:
                _answer(a, {tp: ends[tp] for tp in a.batches}, False)
        for a in appends:
            if a in producer.waiting:
                producer.waiting.remove(a)

    def _producer(self, transactional_id: str) -> _Producer:
        return self._producers.setdefault(transactional_id, _Producer(self._cluster, transactional_id))

    async def _with_producer(self, transactional_id: str, use: Callable[[_Producer], Awaitable[T]]) -> T:
        """Use the id's producer, which is dropped after any error. Found fenced by another process, it is taken back once; again: LogUnavailable."""
        producer = self._producer(transactional_id)
        self._producers.move_to_end(transactional_id)
        await self._close_oldest()
        async with producer.lock:
            for attempt in (1, 2):
                try:
                    return await use(producer)
                except RequestError:
                    raise
                except Fenced as error:
                    await producer.drop()
                    if attempt == 2:  # an earlier try of the same append goes on elsewhere: later the sequence, or the epoch, tells what became of it
                        raise LogUnavailable(f"another process appends as {transactional_id} at the same time: {error}") from error
                except BaseException:
                    await producer.drop()
                    raise
        raise AssertionError("unreachable")

    async def _close_oldest(self) -> None:
        for name in [n for n, p in self._producers.items() if not p.lock.locked() and not p.waiting][:max(0, len(self._producers) - _OPEN_PRODUCERS)]:
            await self._producers.pop(name).drop()

    def _name(self, producer_id: str) -> str:
        """Transactional id, and group, of a producer id."""
        return f"{self._service}-append-{producer_id}"

    async def _ensure_anchor(self) -> None:
        """The sequences are offsets of this empty topic's partition: a broker takes offsets of existing topics only."""
        if not self._anchored:
            await self._admin.create_topic(self._anchor.topic, TopicConfig(1, compact=True, retention_ms=-1))
            self._anchored = True


def _answer(append: _Append, ends: Ends, duplicate: bool) -> None:
    if not append.done.done():
        append.done.set_result((ends, duplicate))


def _refuse(append: _Append, error: RequestError) -> None:
    if not append.done.done():
        append.done.set_exception(error)
