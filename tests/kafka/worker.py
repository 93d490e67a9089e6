"""A small worker for tests of membership: runs the tasks of one group, copies each input record to the output, commits exactly once.

Not the service's worker: only what the Log port asks of one, in its plainest form. Task p reads partition p of the input.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from broker import Broker
from penstock.errors import LogError
from penstock.log.kafka.membership import KafkaGroup
from penstock.log.port import Assignment, CommittedOffset, Log, TaskId, TopicPartition, TxnWriter
from support import batch, kafka, new_topic, read_all, unique, until


class Worker:
    """start(), then stop(). running: the partitions that it runs now. losses: how often everything was dropped."""

    def __init__(self, log: Log, slot: str, group: str, inputs: Sequence[TopicPartition], output: str) -> None:
        self.log, self.slot, self.group, self.inputs, self.output = log, slot, group, list(inputs), output
        self.positions: dict[TopicPartition, int] = {}
        self.losses = self.commits = 0
        self.trouble = ""
        self.frozen = asyncio.Event()  # cleared: nothing happens, as in a process that was stopped
        self.frozen.set()
        self._pending: list[tuple[int, list[tuple[bytes | None, bytes | None]]]] = []
        self._changed = asyncio.Event()
        self._writer: TxnWriter | None = None

    @property
    def running(self) -> set[int]:
        return {tp.partition for tp in self.positions}

    def start(self) -> None:
        self.membership = self.log.membership(self.slot, "n0")
        self.reader = self.log.reader()
        handle = self.membership.join(self.group, [self.inputs[0].topic], [TaskId(0, tp.partition) for tp in self.inputs],
                                      lambda: self._writer.producer if self._writer else "", self._changed.set)
        assert isinstance(handle, KafkaGroup)
        self.handle = handle
        self.epoch = handle.epoch
        self.task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Commit and leave."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        with contextlib.suppress(LogError):
            await self._commit()
        await self.reader.close()
        await self.membership.close()
        if self._writer is not None:
            await self._writer.close()

    def describe(self) -> str:
        """Where it is, and where its membership is: what a test prints when it waits in vain."""
        h, state = self.handle, self.handle._state
        where = f"ended: {self.task!r}" if self.task.done() else _where(self.task)
        membership = "none" if h._runner is None else f"ended: {h._runner!r}" if h._runner.done() else _where(h._runner)
        latest = state.latest
        assigned = "nothing" if latest is None else f"{_partitions(latest.active)} give up {_partitions(latest.give_up)} in {latest.token}, fences {latest.fences}"
        return (f"worker {self.slot}: runs {sorted(self.running)}, epoch {self.epoch}, losses {self.losses}, commits {self.commits}, last error {self.trouble}; "
                f"at {where}\n  membership {h._member}: epoch {state.epoch}, holding {state.holding}, assigned {assigned}, claims {sorted(h._claims)}, "
                f"wants to join {h._want_join}, trouble {h.trouble!r}, members {sorted(h._memory.members) if h._memory else []}; at {membership}")

    async def _run(self) -> None:
        while True:
            await self.frozen.wait()
            try:
                if self._changed.is_set() or self.epoch != self.handle.epoch:
                    self._changed.clear()
                    await self._react()
                for chunk in await self.reader.poll(0.02):
                    if chunk.tp in self.positions:
                        self._pending.append((chunk.tp.partition, [(r.key, r.value) for r in chunk.records]))
                        self.positions[chunk.tp] = chunk.next
                await self.frozen.wait()
                await self._commit()
            except LogError as error:
                self.trouble = f"{type(error).__name__}: {error}"
                await self._reset()

    async def _react(self) -> None:
        if self.epoch != self.handle.epoch:
            await self._reset()
        latest = self.handle.latest
        if latest is None:
            return
        if give_up := [tp for tp in self.positions if TaskId(0, tp.partition) in latest.give_up]:
            self.reader.remove(give_up)
            await self._commit()
            for tp in give_up:
                del self.positions[tp]
        if latest.give_up:
            self.handle.release(latest.give_up, latest)
        await self._open(latest)

    async def _open(self, latest: Assignment) -> None:
        new = [tp for tp in self.inputs if TaskId(0, tp.partition) in latest.active and tp not in self.positions]
        if not new:
            return
        if self._writer is None:
            self._writer = await self.log.writer(f"{self.group}-{self.slot}")
        for producer in latest.fences:
            await self.log.fence(producer)
        committed = await self.log.committed(self.group, new)
        if latest.epoch != self.handle.epoch:
            return
        positions = {tp: max(0, committed[tp].offset) for tp in new}
        self.positions |= positions
        self.reader.add(positions)

    async def _commit(self) -> None:
        if not self._pending or self._writer is None:
            return
        written, self._pending = self._pending, []
        offsets = {tp: CommittedOffset(self.positions[tp]) for tp in self.positions if any(p == tp.partition for p, _ in written)}
        for partition, rows in written:
            batch = self.log.builder()
            for key, value in rows:
                batch.append(1, key, value, [])
            if batch.count:
                await self._writer.send(self.output, partition, batch)
        token = await self.handle.token_for(frozenset(TaskId(0, tp.partition) for tp in offsets), self.epoch)
        await self._writer.commit(self.group, token, lambda _: offsets)
        self.commits += 1

    async def _reset(self) -> None:
        """Drop everything; opening again starts from what was committed."""
        self.losses += 1
        self.reader.remove(list(self.positions))
        self.positions, self._pending = {}, []
        if self._writer is not None:
            await self._writer.discard()
            self._writer = None
        self.epoch = self.handle.epoch
        self._changed.set()
        await asyncio.sleep(0.05)


def _partitions(tasks: frozenset[TaskId]) -> list[int]:
    return sorted(t.partition for t in tasks)


def _where(task: asyncio.Task[None]) -> str:
    """The innermost frames of a task, through everything that it awaits."""
    frames, at = [], task.get_coro()
    while at is not None:
        frame = getattr(at, "cr_frame", None) or getattr(at, "gi_frame", None)
        if frame is not None:
            frames.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
        at = getattr(at, "cr_await", None) or getattr(at, "gi_yieldfrom", None)
    return " > ".join(frames)


class Load:
    """Appends numbered records to every partition until stopped."""

    def __init__(self, log: Log, tps: Sequence[TopicPartition]) -> None:
        self._log, self._tps = log, tps
        self.sent = 0
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self._stopping:
            for tp in self._tps:
                with contextlib.suppress(LogError):  # the log is away
                    await self._log.append(*tp, batch(self._log, *(f"{tp.partition}-{self.sent + i}" for i in range(5)), transactional=False))
            self.sent += 5
            await asyncio.sleep(0.01)

    async def stop(self) -> list[str]:
        """Returns what was sent to each partition, in order."""
        self._stopping = True
        await self._task  # a cancelled append could still arrive
        return sorted(await read_all(self._log, self._tps))


@asynccontextmanager
async def stage(broker: Broker, partitions: int = 4) -> AsyncIterator[tuple[Log, list[TopicPartition], list[TopicPartition], str]]:
    async with kafka(broker.bootstrap, "load") as log:
        yield log, await new_topic(log, partitions, "in"), await new_topic(log, partitions, "out"), unique("group")


async def check(log: Log, sent: list[str], inputs: list[TopicPartition], outputs: list[TopicPartition], group: str) -> None:
    """Everything came through once, in order for each partition."""
    ends = await log.ends(inputs)

    async def all_committed() -> bool:
        done = await log.committed(group, inputs)
        return all(done[tp].offset >= ends[tp] for tp in inputs)

    await until(all_committed, 30, "the inputs are read to their ends")
    for source, target in zip(inputs, outputs, strict=True):
        assert await read_all(log, [target]) == await read_all(log, [source])
    assert sorted(await read_all(log, outputs)) == sent
