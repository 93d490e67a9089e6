"""A global table on one worker: all partitions of its topic in one environment of the worker's own, outside of the topology's commits.

The topic is the truth, and the environment says how far it has applied it, in the same LMDB transaction as the rows. So a crash costs
nothing but reading again what came since the last write, and no transaction is needed; but, as in Kafka Streams, a row of a stream meets
what the worker has read by then: after a crash the same row may meet a newer row of the table than it did before. What it gave before was not
committed then. Tasks that join the table wait until it holds what the topic held when the worker began (`ready`), and read the very store
that this object fills: both live in the worker's event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from penstock.engine.compile import compile_sub
from penstock.engine.port import BadRecord, Bindings, Program
from penstock.errors import LogError, OffsetOutOfRange, StateError, UnknownTopic
from penstock.log.port import DELETE_RETENTION_MS, Chunk, TopicPartition
from penstock.plan.nodes import SourceTable
from penstock.plan.resolved import OnBadRecord, ResolvedPlan, SubTopology
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.runtime.context import Context
from penstock.runtime.readers import BUFFER_HIGH, BUFFER_LOW
from penstock.runtime.recovery import CLEAN
from penstock.state.lmdb import FORMAT, LmdbTaskState
from penstock.state.port import Stamp, Store
from penstock.state.sorted_entries import NO_ENTRIES

log = logging.getLogger("penstock.global")

SLICE = 500
TURN = 0.005
WRITE_EVERY = 0.1
"""Seconds between writes while records keep coming: what a lookup sees is that old at most."""
LETTERS = 1_000
"""Bad records that are remembered until a task can send them to the dead letter."""
RETRY = 1.0


def positions(stamp: Stamp | None, incarnation: int, boot: str, now_ms: int, earliest: Mapping[TopicPartition, int],
              ends: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int] | str:
    """Where reading goes on over what the environment holds; or why it has to begin anew. A pure decision, as runtime/recovery.py's:
    tombstones that were compacted away meanwhile, and records that were deleted, would leave rows that are gone."""
    if stamp is None:
        return "empty"
    if stamp.incarnation != incarnation or stamp.format != FORMAT:
        return "of another incarnation or format"
    if stamp.boot not in (boot, CLEAN):
        return "the machine stopped without a sync"
    if now_ms - stamp.committed_ms > DELETE_RETENTION_MS / 2:
        return "older than half of the time that tombstones are kept"
    found = {tp: stamp.inputs.get(f"{tp.topic}[{tp.partition}]", earliest[tp]) for tp in earliest}
    for tp, at in found.items():
        if not earliest[tp] <= at <= ends[tp]:
            return f"{tp.topic}[{tp.partition}] is kept from {earliest[tp]} to {ends[tp]}, and {at} is next"
    return found


class GlobalTable:
    """See the module docstring. changed: called when `ready` or `failed` change."""

    def __init__(self, ctx: Context, plan: ResolvedPlan, sub: SubTopology, changed: Callable[[], None]) -> None:
        self.name = sub.name
        self.ready = False
        self.failed = ""
        self.letters: deque[BadRecord] = deque(maxlen=LETTERS)
        self._ctx, self._plan, self._sub, self._changed = ctx, plan, sub, changed
        node = sub.nodes[0]
        assert isinstance(node, SourceTable)
        self._tps = [TopicPartition(node.topic.topic, p) for p in range(sub.partitions)]
        self._owner = f"{ctx.slot}/{uuid.uuid4().hex}"
        self._state: LmdbTaskState | None = None
        self._program: Program | None = None
        self._next: dict[TopicPartition, int] = {}
        self._seen: dict[TopicPartition, int] = {}  # what is on disk, and readers of it see
        self._fetched: dict[TopicPartition, int] = {}
        self._targets: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._chunks: deque[Chunk] = deque()
        self._buffered = 0
        self._paused = False
        self._wake = asyncio.Event()
        self._written = 0.0
        self._dirty = False
        self._begin_anew = False
        self._work: asyncio.Task[None] | None = None

    # ---- what the runner asks
    def start(self) -> None:
        """Begin to read."""
        self._work = asyncio.create_task(self._main(), name=f"global-{self._plan.topology}-{self.name}")

    def resume(self) -> None:
        """Try again after a failure."""
        if self.failed:
            self.failed = ""
            self.start()

    @property
    def store(self) -> Store:
        """The rows, when it is ready."""
        assert self._state is not None
        return self._state.store(self.name)

    @property
    def reason(self) -> str:
        """Why tasks that join it do not run yet."""
        if self.failed:
            return f"global table {self.name}: {self.failed}"
        left = sum(max(0, at - self._next.get(tp, 0)) for tp, at in self._targets.items())
        return f"waiting for global table {self.name}" + (f", {left:,} records to go" if left else "")

    def nudge(self) -> None:
        """Somebody waits for what was read to be seen."""
        self._written = 0.0
        self._wake.set()

    async def stop(self) -> None:
        """Write what was read, close."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        self._ctx.readers.remove(self, self._tps)
        self._ctx.board.remove(self._plan.topology, self._plan.incarnation, [(self.name, self._place)])
        if self._state is not None:
            state, self._state = self._state, None
            try:
                if self._next and not self.failed:
                    self._write(state)
                    state.sync()  # the mark may reach the disk only after what it vouches for
                    state.commit((), self._stamp(CLEAN))
                    state.sync()
            finally:
                state.close()

    # ---- consumer of readers
    def deliver(self, chunk: Chunk) -> None:
        if chunk.next <= self._fetched.get(chunk.tp, -1):
            return
        self._fetched[chunk.tp] = chunk.next
        self._chunks.append(chunk)
        self._buffered += len(chunk.records)
        if self._buffered > BUFFER_HIGH and not self._paused:
            self._paused = True
            for tp in self._tps:
                self._ctx.readers.pause(self, tp)
        self._wake.set()

    def known_end(self, tp: TopicPartition, end: int) -> None:
        self._ends[tp] = max(end, self._ends.get(tp, 0))

    def out_of_range(self, error: OffsetOutOfRange) -> None:
        log.error("%s: %s; it is read anew from the beginning", self._title, error)
        self._begin_anew = True
        self._wake.set()

    def reading_changed(self) -> None:
        """What waits for the table says so itself."""

    def unknown_topic(self, error: UnknownTopic) -> None:
        self.out_of_range(OffsetOutOfRange(error.topic, 0, 0, 0, 0))

    # ---- life
    @property
    def _title(self) -> str:
        return f"{self._plan.topology}-{self._plan.incarnation}/{self.name}"

    async def _main(self) -> None:
        while not self.failed:
            try:
                await self._open()
                await self._follow()
            except (LogError, StateError, OSError) as e:
                log.warning("global table %s starts over: %s: %s", self._title, type(e).__name__, e)
                self._let_go()
                if not self.failed:
                    await asyncio.sleep(RETRY)

    def _let_go(self) -> None:
        """Back to what is on disk."""
        self._become(False)
        self._ctx.readers.remove(self, self._tps)
        self._next = {}
        self._chunks.clear()
        self._buffered, self._paused, self._dirty = 0, False, False
        if self._state is not None:
            self._state.drop_cache()

    async def _open(self) -> None:
        ctx, plan = self._ctx, self._plan
        self._say(TaskState.OPENING)
        if self._state is None:
            path = ctx.layout.global_table(plan.topology, plan.incarnation, self.name, ctx.slot)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._state = LmdbTaskState.open(path, self._sub.stores, plan.incarnation, map_size=ctx.store_bytes)
            self._program = compile_sub(self._sub, plan.settings, Bindings(
                topology=plan.topology, partition=0, stores={self.name: self._state.store(self.name)}, outputs={}, bad=self._bad,
                expression_error=lambda node, error: None, late=lambda node: None, clock=ctx.clock))
        state = self._state
        earliest = await ctx.log.earliest(self._tps)
        self._targets = dict(await ctx.log.ends(self._tps, committed=False))
        begin = positions(state.stamp(), plan.incarnation, ctx.boot, ctx.clock.now_ms(), earliest, self._targets)
        if isinstance(begin, str) or self._begin_anew:
            log.info("global table %s: read from the beginning (%s)", self._title, begin if isinstance(begin, str) else "its place is gone")
            self._begin_anew = False
            state.wipe()
            begin = earliest
        self._next, self._fetched, self._seen = dict(begin), dict(begin), dict(begin)
        state.take(self._owner)
        state.restore(self.name, NO_ENTRIES, self._stamp(ctx.boot))  # on disk no longer marked as closed cleanly before anything is written
        state.sync()
        ctx.readers.add(self, self._next)
        self._look()

    async def _follow(self) -> None:
        while True:
            wait = max(0.0, self._written + WRITE_EVERY - time.monotonic()) if self._dirty else None
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            if self._begin_anew:
                raise LogError("its place in the topic is gone")
            while self._chunks:
                self._turn()
                await asyncio.sleep(0)
            if self._dirty and time.monotonic() - self._written >= WRITE_EVERY:
                assert self._state is not None
                self._write(self._state)
                self._look()

    def _turn(self) -> None:
        """Up to 5 ms of records."""
        assert self._program is not None
        until = time.monotonic() + TURN
        while self._chunks and time.monotonic() < until:
            chunk = self._chunks[0]
            done = self._next[chunk.tp]
            part: Sequence[object] = [r for r in chunk.records if r.offset >= done][:SLICE]
            if part:
                self._program.run(chunk.tp.topic, part)  # type: ignore[arg-type]
                self._program.expire()
                self._ctx.counters.records_in += len(part)
                self._buffered -= len(part)
                self._next[chunk.tp] = part[-1].offset + 1  # type: ignore[attr-defined]
            if len(part) < SLICE:
                self._chunks.popleft()
                self._next[chunk.tp] = chunk.next
            self._dirty = True
            if self.failed:
                raise StateError(self.failed)
        if self._paused and self._buffered < BUFFER_LOW:
            self._paused = False
            for tp in self._tps:
                self._ctx.readers.resume(self, tp)
        if time.monotonic() - self._written >= WRITE_EVERY:
            assert self._state is not None
            self._write(self._state)
            self._look()

    def _write(self, state: LmdbTaskState) -> None:
        state.commit(state.freeze(), self._stamp(self._ctx.boot))
        self._seen = dict(self._next)
        self._written, self._dirty = time.monotonic(), False

    def _stamp(self, boot: str) -> Stamp:
        inputs = {f"{tp.topic}[{tp.partition}]": at for tp, at in self._next.items()}
        return Stamp(self._plan.incarnation, FORMAT, self._owner, inputs, {}, boot, self._ctx.clock.now_ms())

    def _look(self) -> None:
        """Whether it holds what it waited for; the board."""
        self._become(all(self._next[tp] >= at for tp, at in self._targets.items()))
        self._say(TaskState.RUNNING if self.ready else TaskState.RESTORING, "" if self.ready else self.reason)

    def _become(self, ready: bool) -> None:
        if ready is not self.ready:
            self.ready = ready
            self._changed()

    def _bad(self, bad: BadRecord) -> None:
        if self._plan.settings.on_bad_record is OnBadRecord.FAIL:
            self.failed = f"{bad.reason}, at {bad.topic} offset {bad.record.offset}"
            self._say(TaskState.FAILED, self.failed)
            self._changed()
            return
        self._ctx.counters.dead_letters += 1
        self.letters.append(replace(bad, partition=self._chunks[0].tp.partition))

    # ---- board
    @property
    def _place(self) -> int:
        """What tells this worker's copy from those of the node's others: the worker's number."""
        digits = "".join(c for c in self._ctx.slot if c.isdigit())
        return int(digits) if digits else zlib.crc32(self._ctx.slot.encode()) & 0xFFFF

    def _say(self, state: TaskState, reason: str = "") -> None:
        inputs = {f"{tp.topic}[{tp.partition}]": at for tp, at in self._seen.items()}
        lag = sum(max(0, end - self._seen.get(tp, 0)) for tp, end in self._ends.items())
        self._ctx.board.put([TaskEntry(self._plan.topology, self._plan.incarnation, self.name, self._place, state, reason, self._ctx.slot,
                                       inputs, {}, lag, self._ctx.clock.now_ms())])
        self._ctx.notices.send("board")
