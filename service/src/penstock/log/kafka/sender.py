"""Sends batches with sequence numbers: in order for each partition, each exactly once, one produce request a broker at a time.

A partition has at most one batch under way, so that a repeat after a lost answer keeps the order and the broker recognises it (KIP-98).
The first failure that is final fails the sender: nothing more goes out, flush() raises it, and so no commit can miss a failed batch.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from penstock.errors import Fenced, LogError, LogUnavailable
from penstock.log.kafka import codes
from penstock.log.kafka.cluster import Cluster
from penstock.log.kafka.protocol import PRODUCE
from penstock.log.kafka.wire import by_topic
from penstock.log.port import TopicPartition
from penstock.log.records import Builder

DELIVERY_SECONDS = 12.0
"""How long a batch is repeated."""

_REQUEST_BYTES = 4 * 1024 * 1024
_ACK_ALL, _ACK_TIMEOUT_MS = -1, 10_000
_NEW_TOPIC_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5


@dataclass(slots=True)
class _Batch:
    """A batch on its way; data is built with its sequence number when it is first sent, and repeated as it is."""

    builder: Builder
    count: int
    size: int
    first_offset: asyncio.Future[int]
    sequence: int = 0
    data: bytes | bytearray = b""
    first_sent: float = 0.0
    tries: int = 0


class Sender:
    """Belongs to one event loop. announce: called with partitions before anything is sent to them (AddPartitionsToTxn)."""

    def __init__(self, cluster: Cluster, transactional_id: str, producer_id: int, epoch: int,
                 announce: Callable[[Collection[TopicPartition]], Awaitable[None]] | None = None) -> None:
        self.failure: LogError | None = None
        self.queued_bytes = 0
        self._cluster = cluster
        self._transactional_id = transactional_id
        self._producer = producer_id, epoch
        self._announce = announce
        self._lane = ("sender", id(self))
        self._sequences: dict[TopicPartition, int] = {}
        self._queues: dict[TopicPartition, deque[_Batch]] = {}
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._acknowledged: dict[TopicPartition, int] = {}

    def send(self, tp: TopicPartition, builder: Builder) -> asyncio.Future[int]:
        """Queue a batch; it goes out at once. The future gives the offset of its first record, or its failure."""
        if self.failure is not None:
            raise self.failure
        size = builder.size()
        batch = _Batch(builder, builder.count, size, asyncio.get_running_loop().create_future())
        batch.first_offset.add_done_callback(_retrieve)
        self._queues.setdefault(tp, deque()).append(batch)
        self.queued_bytes += size
        self._idle.clear()
        self._work.set()
        if self._pump is None:
            self._pump = asyncio.create_task(self._run(), name="kafka-sender")
        return batch.first_offset

    async def flush(self) -> dict[TopicPartition, int]:
        """Wait for every acknowledgement. Returns for each partition written since the last flush the offset behind the last record.
        Raises the failure of any batch."""
        await self._idle.wait()
        if self.failure is not None:
            raise self.failure
        done, self._acknowledged = self._acknowledged, {}
        return done

    def discard(self) -> None:
        """Stop at once, without waiting for the log."""
        self.stop()
        for task in self._tasks:
            task.cancel()
        self._cluster.drop_lane(self._lane)

    def stop(self) -> None:
        """Nothing more goes out; what is under way stays under way."""
        self._fail(LogUnavailable("discarded"))
        if self._pump is not None:
            self._pump.cancel()

    async def settled(self, seconds: float) -> bool:
        """After stop(): wait until every request under way was answered, at most so long."""
        return not self._tasks or not (await asyncio.wait(self._tasks, timeout=seconds))[1]

    # ------------------------------------------------------------------------------------------------ the pump
    async def _run(self) -> None:
        try:
            while True:
                self._work.clear()
                waiting = [tp for tp, queue in self._queues.items() if queue]
                if waiting:
                    if self._announce is not None:
                        await self._announce(waiting)
                    for node, tps in (await self._cluster.leaders(waiting, DELIVERY_SECONDS)).items():
                        left = [tp for tp in tps if self._queues.get(tp)]  # a request may have been answered while leaders were asked for
                        if left and node not in self._busy:
                            self._start(node, left)
                elif not self._busy:
                    self._queues.clear()
                    self._idle.set()
                await self._work.wait()
        except Exception as error:
            self._fail(codes.as_log_error(error))

    def _start(self, node: int, tps: list[TopicPartition]) -> None:
        chosen: dict[TopicPartition, _Batch] = {}
        size = 0
        for tp in tps:
            head = self._queues[tp][0]
            if not chosen or size + head.size <= _REQUEST_BYTES:
                chosen[tp] = head
                size += head.size
        self._busy.add(node)
        task = asyncio.create_task(self._produce(node, chosen))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _produce(self, node: int, chosen: dict[TopicPartition, _Batch]) -> None:
        """One request. What is not acknowledged stays at the head of its queue, and the pump sends it again."""
        try:
            for tp, batch in chosen.items():
                self._prepare(tp, batch)
            rows = by_topic({tp: (tp.partition, b.data) for tp, b in chosen.items()})
            call = PRODUCE(self._transactional_id or None, _ACK_ALL, _ACK_TIMEOUT_MS, rows)
            try:
                answer = await self._cluster.send(node, call, self._lane)
            except LogUnavailable as error:
                await self._pause(chosen.values(), error)
                return
            if trouble := self._take_answers(chosen, answer.topics):
                await self._pause(chosen.values(), trouble)
        except Exception as error:
            self._fail(codes.as_log_error(error))
        finally:
            self._busy.discard(node)
            self._work.set()

    def _prepare(self, tp: TopicPartition, batch: _Batch) -> None:
        batch.tries += 1
        if batch.data:
            return
        batch.sequence = self._sequences.get(tp, 0)
        producer_id, epoch = self._producer
        batch.data = batch.builder.build(bool(self._transactional_id), producer_id, epoch, batch.sequence)
        batch.first_sent = time.monotonic()
        self._sequences[tp] = (batch.sequence + batch.count) & 0x7FFFFFFF

    def _take_answers(self, chosen: Mapping[TopicPartition, _Batch], topics: list[tuple[str, list[tuple[int, int, int, int, int]]]]) -> LogError | None:
        """Take what was acknowledged off its queue; the reason to try the rest again, if any. Raises what is final."""
        trouble = None
        for topic, partitions in topics:
            for partition, code, offset, *_ in partitions:
                tp = TopicPartition(topic, partition)
                batch = chosen[tp]
                if code in (0, codes.DUPLICATE_SEQUENCE):
                    self._done(tp, batch)
                    self._acknowledged[tp] = offset + batch.count
                    _resolve(batch.first_offset, offset)
                    continue
                error = self._cluster.error(code, f"writing to {topic}[{partition}]", topic)
                is_new = code == codes.UNKNOWN_TOPIC and time.monotonic() < batch.first_sent + _NEW_TOPIC_SECONDS
                if is_new or isinstance(error, LogUnavailable):
                    trouble = error
                elif self._announce is not None or isinstance(error, Fenced):
                    raise error
                else:  # outside a transaction only this batch failed; nothing of it was written, so its sequence is free again
                    self._done(tp, batch)
                    self._sequences[tp] = batch.sequence
                    if not batch.first_offset.done():
                        batch.first_offset.set_exception(error)
        return trouble

    def _done(self, tp: TopicPartition, batch: _Batch) -> None:
        queue = self._queues.get(tp)
        if queue and queue[0] is batch:  # else everything was dropped meanwhile
            queue.popleft()
            self.queued_bytes -= batch.size

    async def _pause(self, batches: Collection[_Batch], reason: LogError) -> None:
        """Before a repeat: learn the leaders anew. Raises the reason when the time for repeating is over."""
        if self.failure is not None:
            return
        if time.monotonic() > min(b.first_sent for b in batches) + DELIVERY_SECONDS:
            raise reason
        tries = max(b.tries for b in batches)
        await asyncio.sleep(min(_FIRST_PAUSE * 2**tries, _LONGEST_PAUSE))
        try:
            await self._cluster.refresh()
        except LogUnavailable:
            return  # the next attempt finds out

    def _fail(self, error: LogError) -> None:
        if self.failure is None:
            self.failure = error
        for queue in self._queues.values():
            for batch in queue:
                if not batch.first_offset.done():
                    batch.first_offset.set_exception(error)
        self._queues.clear()
        self.queued_bytes = 0
        self._idle.set()


def _resolve(future: asyncio.Future[int], offset: int) -> None:
    if not future.done():  # its caller may have gone
        future.set_result(offset)


def _retrieve(future: asyncio.Future[int]) -> None:
    """flush() raises it too, so nobody has to look at every future."""
    if not future.cancelled():
        future.exception()
