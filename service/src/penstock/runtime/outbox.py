"""What a topology writes on one worker: its transactional writer and the open batches of every topic, changelogs included."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from penstock.errors import UnknownTopic
from penstock.log.port import TopicPartition, TxnWriter
from penstock.plan.resolved import ResolvedPlan, SubTopology
from penstock.runtime.context import Context
from penstock.runtime.output import OutputTopic, Row

TooLarge = Callable[[str, Row], None]


class Outbox:
    """One transaction at a time. produced: for each "topic[partition]" the offset behind what this worker has written, and what its tasks had
    when they came to it. open_since: monotonic seconds since which the transaction holds batches that were sent ahead of its commit; None
    while it holds none."""

    def __init__(self, ctx: Context, plan: ResolvedPlan, outputs: dict[str, OutputTopic], too_large: TooLarge, too_large_state: TooLarge) -> None:
        """outputs: filled and emptied here. too_large: called for a row that a topic does not take; too_large_state: the same of a changelog."""
        self.outputs = outputs
        self.changelogs: dict[str, OutputTopic] = {}
        self.produced: dict[str, int] = {}
        self.open_since: float | None = None
        self._ctx, self._plan = ctx, plan
        self._too_large, self._too_large_state = too_large, too_large_state
        self._writer: TxnWriter | None = None
        self._making = asyncio.Lock()

    @property
    def producer(self) -> str:
        """Whom others fence when this worker vanishes; empty while there is no writer."""
        return "" if self._writer is None else self._writer.producer

    @property
    def writer(self) -> TxnWriter:
        """The writer that `ready` opened."""
        assert self._writer is not None
        return self._writer

    @property
    def waiting(self) -> int:
        """Full batches that were not sent."""
        return sum(o.full for o in self.outputs.values())

    async def ready(self) -> None:
        """The writer must exist before committed offsets are read: its start aborts what its predecessor left open. Tasks that are opened at
        the same time share it: a second one of the same name would fence the first."""
        async with self._making:
            if self._writer is None:
                self._writer = await self._ctx.log.writer(f"{self._plan.group}-{self._ctx.node}-{self._ctx.slot}")
            if not self.outputs:
                await self._make_outputs()

    async def _make_outputs(self) -> None:
        plan, log = self._plan, self._ctx.log
        topics = {topic: partitions for sub in plan.subs for topic, partitions in sub.written.items()}
        infos = await log.topics([*topics, plan.dead_letter_topic])
        for topic in topics:
            if topic not in infos:
                raise UnknownTopic(topic)
        topics[plan.dead_letter_topic] = infos[plan.dead_letter_topic].partitions if plan.dead_letter_topic in infos else 1
        self.produced.clear()
        self.outputs.update({
            t: OutputTopic(t, infos[t].partitions if t in infos else n, log.builder, self._too_large, infos[t].max_batch if t in infos else 0)
            for t, n in topics.items()})
        self.changelogs.update({s.changelog: OutputTopic(s.changelog, sub.partitions, log.builder, self._too_large_state)
                                for sub in plan.subs for s in sub.stores if s.changelog})

    async def inherit(self, sub: SubTopology) -> None:
        """What is in its output topics counts as produced. To be called for each task that comes, once its committed offsets are read: what
        led to them, another worker may have written since this one began."""
        written = [TopicPartition(topic, p) for topic in sub.written for p in range(self.outputs[topic].partitions)]
        for tp, end in (await self._ctx.log.ends(written, committed=False)).items():
            name = f"{tp.topic}[{tp.partition}]"
            self.produced[name] = max(end, self.produced.get(name, 0))

    def add(self, topic: str, partitions: int, max_batch: int) -> None:
        """A topic that was not known before."""
        if topic not in self.outputs:
            self.outputs[topic] = OutputTopic(topic, partitions, self._ctx.log.builder, self._too_large, max_batch)

    async def send_early(self) -> None:
        """Full batches go out ahead of the commit, so that the commit itself is short."""
        if self.open_since is None:
            self.open_since = time.monotonic()
        for output in self.outputs.values():
            for partition, batch in output.take_full():
                self._ctx.counters.records_out += batch.count
                await self.writer.send(output.topic, partition, batch)

    def clear(self) -> None:
        """Forget every row that was not sent."""
        for output in (*self.outputs.values(), *self.changelogs.values()):
            output.clear()

    def forget(self) -> None:
        """As clear; the topics are looked up again before the next use."""
        self.clear()
        self.outputs.clear()
        self.changelogs.clear()
        self.open_since = None

    async def discard(self) -> None:
        """Drop the writer and what it has open."""
        self.open_since = None
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.discard()

    async def close(self) -> None:
        """Orderly end of the writer."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.close()
