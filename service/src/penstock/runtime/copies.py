"""Copies of tasks that run on other nodes: each follows its task's changelogs into a store of its own, so that the task can go on here with
hardly a pause (a standby), or move here (a warm-up).

A copy is a replay that does not end. Its store says up to which data record it has applied each changelog, never the position behind a
transaction's marker, which would look ahead of the commit to whoever opens it. Tasks that are being opened go first: copies wait for them.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from penstock.errors import LogError, OffsetOutOfRange, StateError, StoreFull, UnknownTopic
from penstock.log.port import DELETE_RETENTION_MS, MARKER, Chunk, TaskId, TopicPartition
from penstock.plan.nodes import StoreSpec
from penstock.plan.resolved import ResolvedPlan
from penstock.runtime.context import Context
from penstock.runtime.opening import open_state, task_name
from penstock.runtime.readers import BUFFER_HIGH, BUFFER_LOW
from penstock.runtime.recovery import CLEAN, CopyFacts, follow_from
from penstock.runtime.task_board import TaskBoard
from penstock.state.lmdb import FORMAT, LmdbTaskState
from penstock.state.port import Stamp
from penstock.state.sorted_entries import NO_ENTRIES, SortedEntries

log = logging.getLogger("penstock.copies")

SLICE = 2_000
"""Records of one LMDB transaction: a turn of the loop each."""
REPORT_EVERY = 0.3
RETRY = 0.5
YIELD_TO_OPENING = 0.05


@dataclass(slots=True)
class Copy:
    """An open copy. ends: known end of each changelog; -1: not known yet."""

    task_id: TaskId
    state: LmdbTaskState
    stamp: Stamp
    specs: Mapping[str, StoreSpec]
    ends: dict[str, int]
    chunks: deque[Chunk] = field(default_factory=deque)
    buffered: int = 0
    paused: bool = False

    @property
    def lag(self) -> int | None:
        """Changelog records that it misses; None while that is not known. The marker behind the last record counts as one."""
        if min(self.ends.values(), default=0) < 0:
            return None
        return sum(max(0, end - self.stamp.changelogs.get(topic, 0)) for topic, end in self.ends.items())


class Copies:
    """The copies of one topology on this worker. Reads by ctx.followers, as a Consumer."""

    def __init__(self, ctx: Context, plan: ResolvedPlan, board: TaskBoard, report: Callable[[Mapping[TaskId, int]], None],
                 opening: Callable[[], bool]) -> None:
        """report: told what copies miss, when that has changed. opening: whether tasks are being opened now."""
        self._ctx, self._plan, self._board, self._report, self._opening = ctx, plan, board, report, opening
        self._wanted: frozenset[TaskId] = frozenset()
        self._copies: dict[TaskId, Copy] = {}
        self._retry: dict[TaskId, float] = {}
        self._by_tp: dict[TopicPartition, Copy] = {}
        self._work = asyncio.Event()
        self._run: asyncio.Task[None] | None = None
        self._reported = 0.0
        self._news = False

    def __contains__(self, task_id: TaskId) -> bool:
        return task_id in self._copies

    def follow(self, wanted: frozenset[TaskId]) -> None:
        """Follow exactly these from now on. What is not wanted any more is closed when this returns; it stays on the disk."""
        self._wanted = wanted
        for task_id in [t for t in self._copies if t not in wanted]:
            self._close(self._copies[task_id])
        if wanted and self._run is None:
            self._run = asyncio.create_task(self._main(), name=f"copies-{self._plan.topology}")
        self._work.set()

    async def stop(self) -> None:
        """Close all of them in order."""
        self._wanted = frozenset()
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)
            self._run = None
        for copy in list(self._copies.values()):
            self._close(copy, clean=True)

    # ---- consumer of readers
    def deliver(self, chunk: Chunk) -> None:
        copy = self._by_tp.get(chunk.tp)
        if copy is None:
            return
        copy.chunks.append(chunk)
        copy.buffered += len(chunk.records)
        copy.ends[chunk.tp.topic] = max(chunk.end, copy.ends[chunk.tp.topic])
        if copy.buffered > BUFFER_HIGH and not copy.paused:
            copy.paused = True
            for topic in copy.specs:
                self._ctx.followers.pause(self, TopicPartition(topic, copy.task_id.partition))
        self._work.set()

    def known_end(self, tp: TopicPartition, end: int) -> None:
        copy = self._by_tp.get(tp)
        if copy is not None and end > copy.ends[tp.topic]:
            copy.ends[tp.topic] = end
            self._news = True
            self._work.set()

    def reading_changed(self) -> None:
        """The board says of copies what they miss, no more."""

    def out_of_range(self, error: OffsetOutOfRange) -> None:
        self._again(TopicPartition(error.topic, error.partition), str(error), 0.0)

    def unknown_topic(self, error: UnknownTopic) -> None:
        for tp in [tp for tp in self._by_tp if tp.topic == error.topic]:
            self._again(tp, str(error), 5.0)

    def _again(self, tp: TopicPartition, why: str, wait: float) -> None:
        copy = self._by_tp.get(tp)
        if copy is not None:
            log.warning("copy of task %s begins anew: %s", self._name(copy.task_id), why)
            self._close(copy)
            self._retry[copy.task_id] = time.monotonic() + wait
            self._work.set()

    # ---- following
    async def _main(self) -> None:
        while True:
            try:
                await self._step()
            except (LogError, StateError, OSError) as e:
                log.warning("copies of %s: %s", self._plan.topology, e)
                await asyncio.sleep(RETRY)
            except Exception:  # a defect: copies begin anew, the tasks themselves go on
                log.exception("copies of %s begin anew", self._plan.topology)
                for copy in list(self._copies.values()):
                    self._close(copy)
                await asyncio.sleep(10 * RETRY)

    async def _step(self) -> None:
        self._work.clear()
        if self._opening():
            await asyncio.sleep(YIELD_TO_OPENING)
            self._work.set()
        elif (task_id := self._to_open()) is not None:
            await self._open(task_id)
            self._work.set()
        elif (copy := next((c for c in self._copies.values() if c.chunks), None)) is not None:
            self._apply(copy)
            self._work.set()
            await asyncio.sleep(0)
        now = time.monotonic()
        if self._news and now - self._reported >= REPORT_EVERY:
            self._tell(now)
        waits = [at - now for t, at in self._retry.items() if t in self._wanted and t not in self._copies]
        if self._news:
            waits.append(self._reported + REPORT_EVERY - now)
        try:
            async with asyncio.timeout(max(0.01, min(waits)) if waits else None):
                await self._work.wait()
        except TimeoutError:
            pass  # something is due

    def _to_open(self) -> TaskId | None:
        now = time.monotonic()
        return next((t for t in sorted(self._wanted, key=lambda t: (t.sub, t.partition))
                     if t not in self._copies and self._retry.get(t, 0.0) <= now), None)

    async def _open(self, task_id: TaskId) -> None:
        sub, partition = self._plan.subs[task_id.sub], task_id.partition
        self._retry[task_id] = time.monotonic() + RETRY
        specs = {s.changelog: s for s in sub.stores if s.changelog}
        tps = [TopicPartition(topic, partition) for topic in specs]
        earliest, ends = await self._ctx.log.earliest(tps), await self._ctx.log.ends(tps, committed=False)
        if task_id not in self._wanted or task_id in self._copies:
            return
        try:
            state = open_state(self._ctx, self._plan, sub, partition)
        except (StateError, OSError) as e:  # another worker of this node closes it just now, or the disk is full
            log.info("copy of task %s cannot be opened yet: %s", self._name(task_id), e)
            return
        assert state is not None
        try:
            copy = self._begin(task_id, state, specs, {tp.topic: at for tp, at in earliest.items()}, {tp.topic: at for tp, at in ends.items()})
        except BaseException:
            state.close()
            raise
        self._copies[task_id] = copy
        self._by_tp.update(dict.fromkeys(tps, copy))
        self._ctx.followers.add(self, {tp: copy.stamp.changelogs.get(tp.topic, earliest[tp]) for tp in tps})
        self._news = True

    def _begin(self, task_id: TaskId, state: LmdbTaskState, specs: Mapping[str, StoreSpec], earliest: Mapping[str, int],
               ends: Mapping[str, int]) -> Copy:
        now_ms, owner = self._ctx.clock.now_ms(), f"{self._ctx.slot}/{uuid.uuid4().hex}"
        before = state.stamp()
        if before is not None:  # an update may have dropped stores since
            before = replace(before, changelogs={t: at for t, at in before.changelogs.items() if t in specs})
        useless = follow_from(CopyFacts(self._plan.incarnation, FORMAT, self._ctx.boot, now_ms, before, earliest, ends, DELETE_RETENTION_MS))
        log.info("copy of task %s: %s", self._name(task_id), useless or f"follows from {dict(before.changelogs) if before else {}}")
        if useless:
            state.wipe()
            before = None
        state.take(owner)
        stamp = Stamp(self._plan.incarnation, FORMAT, owner, before.inputs if before else {},
                      before.changelogs if before else dict(earliest), self._ctx.boot,
                      before.committed_ms if before else now_ms)
        state.restore(next(iter(specs.values())).name, NO_ENTRIES, stamp)  # on disk no longer marked as closed cleanly before it is written without fsync
        state.sync()
        return Copy(task_id, state, stamp, specs, dict.fromkeys(specs, -1))

    def _apply(self, copy: Copy) -> None:
        """One transaction of what has come."""
        topic, entries, reached, newest = copy.chunks[0].tp.topic, dict[bytes, bytes | None](), -1, copy.stamp.committed_ms
        while copy.chunks and copy.chunks[0].tp.topic == topic and len(entries) < SLICE:
            chunk = copy.chunks.popleft()
            copy.buffered -= len(chunk.records)
            for r in chunk.records:
                if r.key is not None:
                    entries[r.key] = r.value
            if chunk.records:
                reached, newest = chunk.records[-1].offset + 1, max(newest, chunk.records[-1].timestamp)
        if copy.paused and copy.buffered < BUFFER_LOW:
            copy.paused = False
            for name in copy.specs:
                self._ctx.followers.resume(self, TopicPartition(name, copy.task_id.partition))
        if reached < 0:
            return
        stamp = replace(copy.stamp, changelogs={**copy.stamp.changelogs, topic: reached}, committed_ms=newest)
        try:
            copy.state.restore(copy.specs[topic].name, SortedEntries.of(sorted(entries.items())), stamp)
        except (StoreFull, StateError) as e:
            self._again(TopicPartition(topic, copy.task_id.partition), str(e), 5.0)
            return
        copy.stamp = stamp
        self._ctx.counters.restored += len(entries)
        self._news = True

    def _tell(self, now: float) -> None:
        self._news, self._reported = False, now
        lags = {t: lag for t, c in self._copies.items() if (lag := c.lag) is not None}
        self._board.copies(lags)
        self._report(lags)

    def _close(self, copy: Copy, clean: bool = False) -> None:
        """clean: it is good after any restart of the machine."""
        tps = [TopicPartition(topic, copy.task_id.partition) for topic in copy.specs]
        self._ctx.followers.remove(self, tps)
        for tp in tps:
            self._by_tp.pop(tp, None)
        del self._copies[copy.task_id]
        self._board.remove([copy.task_id])
        self._news = True
        try:
            if clean:
                copy.state.sync()
                seen = self._ctx.clock.now_ms() if copy.lag is not None and copy.lag <= MARKER else copy.stamp.committed_ms
                copy.state.restore(next(iter(copy.specs.values())).name, NO_ENTRIES, replace(copy.stamp, boot=CLEAN, committed_ms=seen))
                copy.state.sync()
        finally:
            copy.state.close()

    def _name(self, task_id: TaskId) -> str:
        return task_name(self._plan, self._plan.subs[task_id.sub], task_id.partition)
