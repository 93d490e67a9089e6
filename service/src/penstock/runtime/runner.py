"""One topology on one worker: adopts assignments, opens and closes tasks one by one, does turns of work, commits.

Everything here happens in one coroutine of the worker's loop (opening a task and a commit in flight are two helpers of it), so that no
lock is needed. A failure resets the topology on this worker: writer discarded, tasks closed, opened again by full recovery.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from penstock.catalog.port import Desired, TopologyEntry
from penstock.engine.port import BadRecord
from penstock.engine.processors.schedules import NEVER
from penstock.errors import AssignmentLost, Fenced, LogError, LogUnavailable, OffsetOutOfRange, RecordTooLarge, StateError, StoreFull, UnknownTopic
from penstock.log.port import Assignment, Chunk, Record, TaskId, TopicPartition, TxnWriter
from penstock.plan.nodes import Repartition, Sink
from penstock.plan.replay import Replayed
from penstock.plan.resolved import OnBadRecord
from penstock.runtime import commit as commits
from penstock.runtime import dead_letter
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.runtime.context import Context
from penstock.runtime.failure import Failure, Unable, failed
from penstock.runtime.global_table import GlobalTable
from penstock.runtime.inputs import InputTopic, discover, follows, planned, replays
from penstock.runtime.opening import Hooks, TaskFailed, delete_state, open_task, rewind, start_positions, task_name
from penstock.runtime.output import OutputTopic, Row
from penstock.runtime.poison import Suspect
from penstock.runtime.recovery import CLEAN
from penstock.runtime.routing import look_up
from penstock.runtime.task import BUFFER_HIGH, BUFFER_LOW, Input, Task
from penstock.state.lmdb import FORMAT
from penstock.state.port import Stamp, Store

log = logging.getLogger("penstock.runner")

TURN = 0.005
OPEN_TRANSACTION = 4.0
"""Seconds that a transaction may stay open before it is committed whatever the interval."""
EARLY = 4
"""Full batches that may wait before they are sent ahead of the commit."""
BACKLOG = 32
"""Full batches that may wait while a commit is under way; then processing waits too."""
PURGE_EVERY = 30.0
BACK_OFF = (0.05, 5.0)
TASK_TRIES = 3
BOARD_EVERY = 1.0
DISCOVER_EVERY = 1.0
"""Seconds between looks for topics that match a pattern."""


class Runner:
    """See the module docstring."""

    def __init__(self, ctx: Context, entry: TopologyEntry) -> None:
        self.ctx = ctx
        self.entry = entry
        self.plan = entry.plan
        self.wake = asyncio.Event()
        self.nudged = False
        self.tasks: dict[TaskId, Task] = {}
        self.owners: dict[TaskId, str] = {}
        self.failures: dict[TaskId, Failure] = {}
        self._inputs: Mapping[int, Sequence[InputTopic]] = {n: planned(sub) for n, sub in enumerate(self.plan.subs)}
        self._replays: tuple[str, ...] = ()  # sub-topologies whose replay topics are read
        self._follows = any(map(follows, self.plan.subs))
        self._discovered = 0.0
        self._left_out: Sequence[str] = ()
        self._ids = [TaskId(n, p) for n, sub in enumerate(self.plan.subs) for p in range(sub.partitions)]
        self._by_tp = self._owners()
        self._assignment: Assignment | None = None
        self._epoch = 0
        self._writer: TxnWriter | None = None
        self._opening: asyncio.Task[None] | None = None
        self._opening_id: TaskId | None = None
        self._commit: asyncio.Task[None] | None = None
        self._last_commit = 0.0
        self._commit_cost = 0.0
        self._transaction_since: float | None = None
        self._back_off = BACK_OFF[0]
        self._produced: dict[str, int] = {}
        self._purged = time.monotonic()
        self._boarded = 0.0
        self._states: dict[TaskId, tuple[TaskState, str]] = {}
        self._crashes: dict[TaskId, int] = {}
        self._unable: list[Unable] = []
        self._stopping = False
        self._delete = False
        self._outputs: dict[str, OutputTopic] = {}
        self._changelogs: dict[str, OutputTopic] = {}
        self._scope = commits.CommitScope(self.plan.group, self.plan.incarnation, ctx.boot,
                                          lambda task: self.owners[task.id], ctx.clock.now_ms)
        self._hooks = Hooks(self._bad, self._expression_error, self._late, self._progress)
        self._run: asyncio.Task[None] | None = None
        self._globals = {sub.name: GlobalTable(ctx, self.plan, sub, self.wake.set) for sub in self.plan.globals}
        self._handle = ctx.membership.join(self.plan.group, self._topics(), self._ids,
                                           lambda: "" if self._writer is None else self._writer.producer, self.wake.set,
                                           self.plan.edition)

    # ---- life
    def start(self) -> None:
        """Begin to run."""
        for table in self._globals.values():
            table.start()
        self._run = asyncio.create_task(self._main(), name=f"runner-{self.plan.topology}")

    def update(self, entry: TopologyEntry) -> None:
        """The registry has a new entry of the same incarnation (pause, resume)."""
        resumed = entry.resumes != self.entry.resumes
        self.entry = entry
        if resumed:
            for table in self._globals.values():
                table.resume()
            self.failures.clear()
            self._crashes.clear()
            for task_id in self._ids:
                self.ctx.suspects.cleared(task_name(self.plan, self.plan.subs[task_id.sub], task_id.partition))
        self.wake.set()

    async def stop(self, delete: bool = False) -> None:
        """Commit, close everything, leave the group. delete: the topology is gone, so is its state."""
        self._stopping, self._delete = True, delete
        self.wake.set()
        if self._run is not None:
            await asyncio.gather(self._run, return_exceptions=True)

    def nudge(self) -> None:
        """Somebody waits for a commit."""
        for table in self._globals.values():
            table.nudge()
        if self.tasks:
            self.nudged = True
            self.wake.set()

    async def _main(self) -> None:
        while not self._stopping:
            try:
                await self._step()
            except (LogError, StateError, RecordTooLarge) as e:
                await self._start_over(e)
            except asyncio.CancelledError:
                raise
            except Exception as e:  # a defect: the topology starts over on this worker, with its reason in the log
                log.exception("topology %s failed", self.plan.topology)
                await self._start_over(e)
        await self._end()

    async def _start_over(self, why: Exception) -> None:
        """Reset until that succeeds: what stopped the work (a full disk above all) may stop the resetting too."""
        while not self._stopping:
            try:
                await self._reset(why)
                return
            except (LogError, StateError, OSError) as e:
                log.warning("topology %s cannot start over yet: %s", self.plan.topology, e)
                await asyncio.sleep(0.5)

    async def _end(self) -> None:
        try:
            if not self._delete:
                await self._settle()
                for task in list(self.tasks.values()):
                    self._close(task, clean=True)
        except (LogError, StateError) as e:
            log.warning("topology %s: the last commit failed (%s); the next start recovers", self.plan.topology, e)
        await self._drop_everything()
        for table in self._globals.values():
            await self._close_table(table)
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await (writer.discard() if self._delete else writer.close())
        await self._handle.leave()
        self.ctx.board.remove(self.plan.topology, self.plan.incarnation, [(self.plan.subs[i.sub].name, i.partition) for i in self._ids])
        if self._delete:
            delete_state(self.ctx, self.plan.topology, self.plan.incarnation)

    async def _close_table(self, table: GlobalTable) -> None:
        try:
            await table.stop()
        except (LogError, StateError, OSError) as e:
            log.warning("global table %s of %s: the last write failed (%s); the next start reads on", table.name, self.plan.topology, e)

    # ---- one step
    async def _step(self) -> None:
        self.wake.clear()
        if self._handle.epoch != self._epoch:
            raise AssignmentLost("the group membership was lost")
        latest = self._handle.latest
        if latest is not None and latest is not self._assignment:
            await self._adopt(latest)
        if (self._follows or self._replays != self.entry.replays) and time.monotonic() - self._discovered >= DISCOVER_EVERY:
            await self._follow_patterns()
        self._heed_tables()
        self._open_next()
        if self._commit is not None and self._commit.done():
            done, self._commit = self._commit, None
            done.result()
        if self._unable:
            await self._leave_out()
        worked = 0
        if self.entry.desired is Desired.RUNNING:
            waiting = sum(o.full for o in self._outputs.values())
            if self._commit is None and waiting >= EARLY:
                await self._send_early()
            elif self._commit is None or waiting < BACKLOG:
                worked = self._turn()
        if self._unable:
            await self._leave_out()
        if self._due(worked):
            await self._begin_commit()
        self._refresh_board()
        if worked:
            await asyncio.sleep(0)
        else:
            await self._rest()

    def _turn(self) -> int:
        """Up to 5 ms of work, fairly over the tasks."""
        deadline = time.monotonic() + TURN
        now_ms = self.ctx.clock.now_ms()
        worked = 0
        for task in list(self.tasks.values()):
            try:
                if task.program.due <= now_ms:
                    task.punctuate(now_ms)
                done = task.process(deadline if len(self.tasks) == 1 else min(deadline, time.monotonic() + TURN / 2))
            except TaskFailed as e:
                self._unable.append(Unable(task, str(e)))
                break
            except MemoryError:
                self._out_of_memory(task)
            except Exception:
                self._unable.append(self._crashed(task))
                break
            worked += done
            for i in task.inputs:
                if i.paused and i.buffered < BUFFER_LOW:
                    i.paused = False
                    self.ctx.readers.resume(self, i.tp)
            if time.monotonic() > deadline:
                break
        if worked:
            self.tasks = dict(list(self.tasks.items())[1:] + list(self.tasks.items())[:1])
        self.ctx.counters.records_in += worked
        return worked

    def _due(self, worked: int) -> bool:
        """Whether to commit now: the interval is over, or nothing is left to do and somebody may be waiting."""
        if self._commit is not None or not self.tasks:
            return False
        now = time.monotonic()
        since = now - self._last_commit
        if self._transaction_since is not None and now - self._transaction_since > OPEN_TRANSACTION:
            return True
        if not any(t.dirty or t.first_commit for t in self.tasks.values()):
            return False
        if any(t.at_step for t in self.tasks.values()):
            return True
        if since >= self.plan.settings.commit_interval_ms / 1000:
            return True
        if self.nudged:
            return True
        return not worked and since >= self._idle_gap

    @property
    def _idle_gap(self) -> float:
        """Seconds between commits when idle: as short as commits are cheap, so that a trickle does not become a storm of them."""
        return min(self.plan.settings.commit_interval_ms / 1000, max(0.005, 2 * self._commit_cost))

    async def _rest(self) -> None:
        """Wait for records, an assignment, a notice, or the next thing due."""
        timeout = 0.5
        if any(t.dirty or t.first_commit for t in self.tasks.values()) and self._commit is None:
            timeout = max(0.001, self._idle_gap - (time.monotonic() - self._last_commit))
        waiting = [t.wait_until for t in self.tasks.values() if t.wait_until is not None]
        if waiting and self.entry.desired is Desired.RUNNING:
            timeout = min(timeout, max(0.001, min(waiting) - time.monotonic()))
        due = min((t.program.due for t in self.tasks.values()), default=NEVER)
        if due < NEVER and self.entry.desired is Desired.RUNNING:
            timeout = min(timeout, max(0.001, (due - self.ctx.clock.now_ms()) / 1000))
        retries = [f.retry_at for f in self.failures.values() if f.retry_at is not None]
        if retries:
            timeout = min(timeout, max(0.01, min(retries) - time.monotonic()))
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.wake.wait()

    # ---- topics that come and go
    def _owners(self) -> dict[TopicPartition, TaskId]:
        return {TopicPartition(t.topic, i.partition): i for i in self._ids for t in self._inputs[i.sub] if i.partition < t.partitions}

    def _topics(self) -> list[str]:
        return sorted({t.topic for topics in self._inputs.values() for t in topics})

    async def _follow_patterns(self) -> None:
        try:
            await self._discover()
            await self._extend()
        except LogError as e:
            log.warning("topology %s cannot look for topics now: %s", self.plan.topology, e)

    async def _discover(self) -> None:
        """What the patterns match now. Offsets decide where a topic is read from, so it does not matter which worker saw it first."""
        self._discovered = time.monotonic()
        topics = await self.ctx.log.topics()
        found = discover(self.plan, topics)
        replayed = replays(self.plan, self.entry.replays, topics)
        inputs = {n: [*given, *replayed.get(n, ())] for n, given in found.inputs.items()}
        named = {self.plan.subs[n].name for n in replayed}
        missing = [sub.name for sub in self.plan.subs if sub.name in self.entry.replays and sub.name not in named]
        self._replays = () if missing else self.entry.replays
        if found.left_out != self._left_out:
            self._left_out = found.left_out
            for why in found.left_out:
                log.warning("topology %s: %s", self.plan.topology, why)
        if inputs != self._inputs:
            self._inputs = inputs
            self._by_tp = self._owners()
            self._handle.subscribe(self._topics())

    async def _extend(self) -> None:
        """Running tasks read what was discovered."""
        for task in list(self.tasks.values()):
            wanted = {TopicPartition(t.topic, task.id.partition): t for t in self._inputs[task.id.sub] if task.id.partition < t.partitions}
            fresh = [tp for tp in wanted if tp not in {i.tp for i in task.inputs}]
            if not fresh:
                continue
            committed = await self.ctx.log.committed(self.plan.group, fresh)
            positions = await start_positions(self.ctx, {tp.topic: wanted[tp].start for tp in fresh}, committed)
            for tp in fresh:
                log.info("task %s reads %s[%d] from %d", task.name, tp.topic, tp.partition, positions[tp])
                task.read_too(tp, wanted[tp].like, positions[tp], committed[tp].offset, wanted[tp].replay)
            self.ctx.readers.add(self, {tp: positions[tp] for tp in fresh})

    # ---- assignments
    async def _adopt(self, a: Assignment) -> None:
        gone = [t for t in self.tasks if t in a.give_up or t not in a.active]
        if self._opening_id is not None and self._opening_id not in a.active:
            await self._cancel_opening()
        if gone:
            await self._settle()
            for task_id in gone:
                self._close(self.tasks[task_id], clean=True)
        self._assignment = a
        if a.give_up:
            self._handle.release(a.give_up, a)
        for producer in a.fences:
            await self.ctx.log.fence(producer)
        for task_id in [t for t in self.failures if t not in a.active]:
            del self.failures[task_id]
            self.ctx.board.remove(self.plan.topology, self.plan.incarnation, [(self.plan.subs[task_id.sub].name, task_id.partition)])

    def _heed_tables(self) -> None:
        """Tasks run only over global tables that hold what they should. Bad records of those are sent by one worker."""
        for task_id in self.tasks:
            if (lost := self._missing(task_id)) is not None:
                raise LogError(lost.reason)
        if self._assignment is None:
            return
        for table in self._globals.values():
            sender = next(i for i in self._ids if table.name in self.plan.subs[i.sub].global_tables or i == self._ids[-1])
            if table.letters and (sender in self.tasks or sender not in self._assignment.active):
                letters = list(table.letters)
                table.letters.clear()
                for bad in letters if sender in self.tasks else ():
                    self.ctx.counters.dead_letters -= 1  # counted when it was read
                    self._bad(sender, bad)

    def _shared(self, task_id: TaskId) -> dict[str, Store]:
        """Stores of the global tables that a task joins."""
        return {name: self._globals[name].store for name in self.plan.subs[task_id.sub].global_tables}

    def _missing(self, task_id: TaskId) -> GlobalTable | None:
        """A global table that a task has to wait for."""
        return next((t for name in self.plan.subs[task_id.sub].global_tables if not (t := self._globals[name]).ready), None)

    def _open_next(self) -> None:
        if self._opening is not None:
            if not self._opening.done():
                return
            done, self._opening, self._opening_id = self._opening, None, None
            done.result()
        if self._assignment is None:
            return
        now = time.monotonic()
        for task_id in self._ids:
            if task_id in self._assignment.active and task_id not in self.tasks:
                table = self._missing(task_id)
                if table is not None and not table.failed:
                    if self._states.get(task_id) != (TaskState.OPENING, table.reason):
                        self._say(task_id, TaskState.OPENING, table.reason)
                    continue
                failure = self.failures.get(task_id)
                if table is not None:
                    if failure is None:
                        self._fail(task_id, table.reason, None)
                    continue
                if failure is None or (failure.retry_at is not None and failure.retry_at <= now):
                    self._opening_id = task_id
                    self._opening = asyncio.create_task(self._open(task_id, self._epoch))
                    return

    async def _open(self, task_id: TaskId, epoch: int) -> None:
        self._say(task_id, TaskState.OPENING)
        try:
            suspect = self.ctx.suspects.tasks.get(task_name(self.plan, self.plan.subs[task_id.sub], task_id.partition))
            if suspect is not None and suspect.hopeless:
                raise TaskFailed("the worker died three times while this task was running, each time on another record")
            await self._ready_writer()
            task, owner = await open_task(self.ctx, self.plan, task_id, self._inputs[task_id.sub], self._outputs, self._hooks, self._present(),
                                          self._shared(task_id))
        except (TaskFailed, StoreFull, UnknownTopic) as e:
            retry = None if isinstance(e, TaskFailed) else 2.0
            self._fail(task_id, str(e), retry)
            return
        except RecordTooLarge as e:
            self._fail(task_id, str(e), None)
            return
        except (StateError, ValueError, OSError) as e:
            self._fail(task_id, f"the store cannot be opened: {e}", 2.0)
            return
        finally:
            self.wake.set()
        if epoch != self._epoch or self._assignment is None or task_id not in self._assignment.active:
            if task.state is not None:
                task.state.close()
            return
        self.owners[task_id] = owner
        self.failures.pop(task_id, None)
        self._run_task(task)
        self._say(task_id, TaskState.PAUSED if self.entry.desired is Desired.PAUSED else TaskState.RUNNING)

    def _present(self) -> frozenset[str] | None:
        """Transactional ids of the members that are there."""
        if self._assignment is None or self._assignment.members is None or self._writer is None:
            return None
        return self._assignment.members | {self._writer.producer.split("|")[0]}

    def _run_task(self, task: Task) -> None:
        """From its positions on."""
        task.on_culprit = lambda source, record: self._culprit(task, source, record)  # type: ignore[method-assign]
        self.tasks[task.id] = task
        self.ctx.readers.add(self, {i.tp: i.position for i in task.inputs})

    async def _ready_writer(self) -> None:
        """The writer must exist before committed offsets are read: its start aborts what its predecessor left open."""
        if self._writer is None:
            self._writer = await self.ctx.log.writer(f"{self.plan.group}-{self.ctx.node}-{self.ctx.slot}")
        if not self._outputs:
            await self._make_outputs()

    async def _make_outputs(self) -> None:
        topics: dict[str, int] = {}
        for sub in self.plan.subs:
            for node in sub.nodes:
                if isinstance(node, Sink | Repartition):
                    topics[node.topic.topic] = node.topic.partitions
        infos = await self.ctx.log.topics([*topics, self.plan.dead_letter_topic])
        for topic in topics:
            if topic not in infos:
                raise UnknownTopic(topic)
        topics[self.plan.dead_letter_topic] = infos[self.plan.dead_letter_topic].partitions if self.plan.dead_letter_topic in infos else 1
        written = [TopicPartition(t, p) for t, info in infos.items() for p in range(info.partitions)]
        ends = await self.ctx.log.ends(written, committed=False)
        self._produced = {f"{tp.topic}[{tp.partition}]": end for tp, end in ends.items()}
        builder = self.ctx.log.builder
        self._outputs = {t: OutputTopic(t, infos[t].partitions if t in infos else n, builder, self._too_large, infos[t].max_batch if t in infos else 0)
                         for t, n in topics.items()}
        self._changelogs = {s.changelog: OutputTopic(s.changelog, sub.partitions, builder, self._too_large_state)
                            for sub in self.plan.subs for s in sub.stores if s.changelog}

    # ---- consumer of readers
    def _reader_of(self, tp: TopicPartition) -> Task | None:
        task_id = self._by_tp.get(tp)  # a topic that came and went has none
        return None if task_id is None else self.tasks.get(task_id)

    def deliver(self, chunk: Chunk) -> None:
        task = self._reader_of(chunk.tp)
        if task is None:
            return
        task.deliver(chunk)
        source = task.input(chunk.tp)
        if source.buffered > BUFFER_HIGH and not source.paused:
            source.paused = True
            self.ctx.readers.pause(self, chunk.tp)
        self.wake.set()

    def known_end(self, tp: TopicPartition, end: int) -> None:
        task = self._reader_of(tp)
        if task is not None and end > task.input(tp).end:
            task.input(tp).end = end
            self.wake.set()

    def out_of_range(self, error: OffsetOutOfRange) -> None:
        tp = TopicPartition(error.topic, error.partition)
        task = self._reader_of(tp)
        if task is None:
            return
        if error.offset < error.earliest:
            log.error("%s: records %d..%d of %s[%d] are gone (retention); going on at %d", task.name, error.offset, error.earliest - 1,
                      error.topic, error.partition, error.earliest)
            source = task.input(tp)
            source.position = source.fetched = error.earliest
            self.ctx.readers.add(self, {tp: error.earliest})
            self.wake.set()
        else:
            self._stuck(task, f"{error}: the topic was truncated or recreated; reset the topology to begin anew", None)

    def unknown_topic(self, error: UnknownTopic) -> None:
        for task in [t for t in self.tasks.values() if any(i.tp.topic == error.topic for i in t.inputs)]:
            self._stuck(task, str(error), 5.0)

    def _stuck(self, task: Task, reason: str, retry: float | None) -> None:
        """A reader cannot go on. The next turn leaves the task out: what it did since the last commit is in batches that it shares."""
        if all(u.task is not task for u in self._unable):
            self._unable.append(Unable(task, reason, retry))
        self.wake.set()

    # ---- commit
    async def _send_early(self) -> None:
        """Full batches go out ahead of the commit, so that the commit itself is short."""
        assert self._writer is not None
        if self._transaction_since is None:
            self._transaction_since = time.monotonic()
        for output in self._outputs.values():
            for partition, batch in output.take_full():
                self.ctx.counters.records_out += batch.count
                await self._writer.send(output.topic, partition, batch)

    async def _begin_commit(self) -> None:
        """Steps 0 and 1, then 2 to 6 in the background of further work."""
        await self._forward()
        await self._route()
        if self._unable:
            return
        tasks = list(self.tasks.values())
        try:
            frozen = commits.freeze(tasks, list(self._outputs.values()), self._changelogs, self.ctx.clock.now_ms())
        except commits.StateTooLarge as e:
            self._too_much_state(e)
            raise
        self.ctx.counters.records_out += sum(batch.count for _, _, batch in frozen.batches)
        self._last_commit = time.monotonic()
        self.nudged = False
        if frozen.empty and self._transaction_since is None:
            return
        self._transaction_since = None
        self._commit = asyncio.create_task(self._write(frozen))

    async def _forward(self) -> None:
        """Step 0: aggregates give their newest values, in slices."""
        again = True
        while again:
            again = False
            for task in list(self.tasks.values()):
                try:
                    while not task.program.flush(time.monotonic() + TURN):
                        task.drain()
                        await asyncio.sleep(0)
                except TaskFailed as e:
                    self._unable.append(Unable(task, str(e)))
                    return
                task.drain()

    async def _route(self) -> None:
        """Rows for topics that were not known find them, or become dead letters."""
        waiting = [(task, rows) for task in self.tasks.values() for rows in task.routed if rows.waiting]
        if not waiting:
            return
        for topic, (partitions, max_batch) in (await look_up(self.ctx.log, [rows for _, rows in waiting])).items():
            if topic not in self._outputs:
                self._outputs[topic] = OutputTopic(topic, partitions, self.ctx.log.builder, self._too_large, max_batch)
        for task, rows in waiting:
            for bad in rows.settle():
                try:
                    self._bad(task.id, bad)
                except TaskFailed as e:
                    self._unable.append(Unable(task, str(e)))
                    return

    async def _write(self, frozen: commits.FrozenCommit) -> None:
        assert self._writer is not None
        began = time.monotonic()
        try:
            mine = frozenset(f.task.id for f in frozen.tasks)
            written = await commits.write(frozen, self._writer, lambda: self._handle.token_for(mine, self._epoch), self._scope)
        finally:
            self.wake.set()
        cost = time.monotonic() - began
        self._commit_cost = cost if not self._commit_cost else 0.8 * self._commit_cost + 0.2 * cost
        self._back_off = BACK_OFF[0]
        counters = self.ctx.counters
        counters.commits += 1
        counters.commit_seconds += cost
        counters.last_commit_seconds = cost
        for tp, end in written.ends.items():
            self._produced[f"{tp.topic}[{tp.partition}]"] = end
        for f in frozen.tasks:
            if f.task.passed_suspicion:
                f.task.passed_suspicion = False
                self.ctx.suspects.cleared(f.task.name)
        self._board([f.task for f in frozen.tasks])
        self.ctx.notices.send("board")
        self._unable += [Unable(task, str(why), 2.0) for task, why in written.full.items()]
        await self._purge()

    async def _settle(self) -> None:
        """Commit everything processed so far and wait for it. Raises StateError when a task cannot."""
        if self._commit is not None:
            running, self._commit = self._commit, None
            await running
        if any(t.dirty for t in self.tasks.values()) or self._transaction_since is not None:
            await self._begin_commit()
            if self._commit is not None:
                running, self._commit = self._commit, None
                await running
        if self._unable:  # closed in order, a store would vouch for what it does not hold
            raise StateError(self._unable[0].reason)

    async def _purge(self) -> None:
        """Repartition topics keep nothing that was committed."""
        if time.monotonic() - self._purged < PURGE_EVERY:
            return
        self._purged = time.monotonic()
        internal = {t.topic for t in self.plan.internal if not t.compact and t.topic.endswith("-repartition")}
        before = {i.tp: i.committed for t in self.tasks.values() for i in t.inputs if i.tp.topic in internal and i.committed > 0}
        if before:
            try:
                await self.ctx.log.delete_records(before)
            except LogError as e:
                log.warning("purging repartition topics of %s: %s", self.plan.topology, e)

    # ---- failures
    async def _leave_out(self) -> None:
        """Some tasks cannot go on; their siblings can. What those did since the last commit shares a transaction with what is lost, so they
        go back to that commit, with their stores open; nobody sees them pause."""
        if self._commit is not None:
            running, self._commit = self._commit, None
            await running
        await self._cancel_opening()
        unable, self._unable = self._unable, []
        for u in unable:
            if self.tasks.get(u.task.id) is u.task:
                self._close(u.task, clean=False)
                if u.reason:
                    self._fail(u.task.id, u.reason, u.retry)
        for output in (*self._outputs.values(), *self._changelogs.values()):
            output.clear()
        if self._transaction_since is not None and self._writer is not None:
            self._transaction_since = None
            writer, self._writer = self._writer, None
            await writer.discard()
            await self._ready_writer()
        for task in list(self.tasks.values()):
            self.ctx.readers.remove(self, [i.tp for i in task.inputs])
            self._end_plugins(task)
            self._run_task(rewind(self.ctx, self.plan, task, self._inputs[task.id.sub], self._outputs, self._hooks, self._shared(task.id)))

    async def _reset(self, why: Exception) -> None:
        """Back to the last commit, whatever it is."""
        self.ctx.counters.resets += 1
        quiet = isinstance(why, AssignmentLost)
        (log.info if quiet else log.warning)("topology %s starts over on %s: %s: %s", self.plan.topology, self.ctx.slot,
                                             type(why).__name__, why)
        unavailable = str(why) if isinstance(why, LogUnavailable) else ""
        unable, self._unable = self._unable, []
        for u in unable:
            if u.reason:
                self._fail(u.task.id, u.reason, u.retry)
        await self._drop_everything()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.discard()
        self._epoch = self._handle.epoch
        self._assignment = None
        if unavailable:
            for task_id in self._ids:
                if task_id in self._states:
                    self._say(task_id, TaskState.OPENING, f"waiting for the log: {unavailable}")
        if not quiet:
            delay = max(self._back_off, 1.0) if isinstance(why, Fenced) else self._back_off
            self._back_off = min(BACK_OFF[1], self._back_off * 2)
            await asyncio.sleep(delay)

    async def _drop_everything(self) -> None:
        await self._cancel_opening()
        if self._commit is not None:
            running, self._commit = self._commit, None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        for task in list(self.tasks.values()):
            self._close(task, clean=False)
        for output in (*self._outputs.values(), *self._changelogs.values()):
            output.clear()
        self._outputs, self._changelogs = {}, {}
        self._transaction_since = None

    async def _cancel_opening(self) -> None:
        if self._opening is not None:
            opening, self._opening, self._opening_id = self._opening, None, None
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    def _close(self, task: Task, clean: bool) -> None:
        self.ctx.readers.remove(self, [i.tp for i in task.inputs])
        self.tasks.pop(task.id, None)
        owner = self.owners.pop(task.id, "")
        self._end_plugins(task)
        if task.state is not None:
            try:
                if clean and not task.first_commit:
                    inputs = {f"{i.tp.topic}[{i.tp.partition}]": i.committed for i in task.inputs}
                    task.state.sync()  # the mark may reach the disk only after what it vouches for
                    task.state.commit((), Stamp(self.plan.incarnation, FORMAT, owner, inputs, task.changelogs, CLEAN, self.ctx.clock.now_ms()))
                    task.state.sync()
            finally:
                task.state.close()
        if task.id not in self.failures:  # of a failed task the board keeps the reason
            self.ctx.board.remove(self.plan.topology, self.plan.incarnation, [(self.plan.subs[task.id.sub].name, task.id.partition)])

    @staticmethod
    def _end_plugins(task: Task) -> None:
        try:
            task.program.close()
        except Exception:
            log.exception("task %s: a plug-in failed as it was closed", task.name)

    def _fail(self, task_id: TaskId, reason: str, retry: float | None) -> None:
        self.failures[task_id] = failed(reason, retry, self.failures.get(task_id), time.monotonic())
        log.error("task %s FAILED: %s", task_name(self.plan, self.plan.subs[task_id.sub], task_id.partition), reason)
        self._say(task_id, TaskState.FAILED, reason)

    def _crashed(self, task: Task) -> Unable:
        """A defect of generated code or of a plug-in, with the exception at hand: three times, then the task fails and is tried again later."""
        log.exception("task %s failed", task.name)
        crashes = self._crashes[task.id] = self._crashes.get(task.id, 0) + 1
        if crashes < TASK_TRIES:
            return Unable(task)
        return Unable(task, f"processing raised {crashes} times; the log of {self.ctx.slot} has the traceback", 30.0)

    def _out_of_memory(self, task: Task) -> None:
        """Die as the kernel would have it: memory comes back only with a new process, and the note in poison.py blames the record."""
        log.critical("task %s: out of memory; this worker ends and is started again", task.name)
        os.kill(os.getpid(), signal.SIGKILL)

    # ---- what generated code reports
    def _bad(self, task_id: TaskId, bad: BadRecord) -> None:
        policy = self.plan.settings.on_bad_record
        if policy is OnBadRecord.FAIL:
            raise TaskFailed(f"node {bad.node}: {bad.reason}, at {bad.topic}[{bad.partition}] offset {bad.record.offset}")
        self.ctx.counters.dead_letters += 1
        if policy is OnBadRecord.DEAD_LETTER:
            r = bad.record
            self._dead_letter(task_id.partition, dead_letter.encode(
                reason=bad.reason, node=bad.node, topic=bad.topic, partition=bad.partition, offset=r.offset, now_ms=self.ctx.clock.now_ms(),
                timestamp=r.timestamp, key=r.key, value=r.value, headers=r.headers))

    def _dead_letter(self, partition: int, value: bytes) -> None:
        output = self._outputs[self.plan.dead_letter_topic]
        output.put(partition % output.partitions, self.ctx.clock.now_ms(), None, value)

    def _too_much_state(self, error: commits.StateTooLarge) -> None:
        """Nothing of this commit is written; the same records again, fewer at a time."""
        task = error.task
        suspect = self.ctx.suspects.tasks.setdefault(task.name, Suspect())
        until = {i.tp.topic: i.position - 1 for i in task.inputs if i.position != i.committed}
        suspect.narrow(error.since, until, task.last, error.store, str(error))

    def _culprit(self, task: Task, source: Input, record: Record | Replayed) -> None:
        topic, at = source.tp.topic, f"{source.tp.topic}:{record.offset}"
        if isinstance(record, Replayed):
            topic, record = record.topic, record.record
        why = None if task.suspect is None else task.suspect.why.get(at)
        if why is not None:
            self._bad(task.id, BadRecord(why[0], topic, source.tp.partition, record, why[1]))
            return
        r = record
        self.ctx.counters.dead_letters += 1
        log.error("task %s: record %s[%d] offset %d killed its worker twice: dead letter", task.name, source.tp.topic,
                  source.tp.partition, r.offset)
        self._dead_letter(task.id.partition, dead_letter.encode(
            reason="the worker died twice while processing this record", node="", topic=topic, partition=source.tp.partition,
            offset=r.offset, now_ms=self.ctx.clock.now_ms(), timestamp=r.timestamp, key=r.key, value=r.value,
            headers=r.headers))

    def _too_large(self, topic: str, row: Row) -> None:
        key, value, timestamp, headers = row
        self.ctx.counters.dead_letters += 1
        self._dead_letter(0, dead_letter.encode(
            reason=f"an output record of {len(value or b''):,} bytes is over the log's limit", node="", topic=topic, partition=-1, offset=-1,
            now_ms=self.ctx.clock.now_ms(), timestamp=timestamp, key=key, value=value, headers=headers))

    def _too_large_state(self, topic: str, row: Row) -> None:
        raise RecordTooLarge(f"a state value of {len(row[1] or b''):,} bytes is over the log's limit ({topic})")

    def _expression_error(self, node: str, error: Exception) -> None:
        if isinstance(error, MemoryError):
            raise error  # no property of the row: with more room it would have a value
        self.ctx.counters.expression_errors += 1
        if self.ctx.counters.expression_errors in (1, 10, 100, 1_000, 10_000):
            log.warning("topology %s node %s: an expression failed, its column is null: %s (%d so far)", self.plan.topology, node, error,
                        self.ctx.counters.expression_errors)

    def _late(self, node: str) -> None:
        self.ctx.counters.late += 1

    # ---- board
    def stuck(self, task: Task, reason: str) -> bool:
        """Called in another thread while this one's loop stands still: show it, if the task is ours."""
        if self.tasks.get(task.id) is not task:
            return False
        self._say(task.id, TaskState.STUCK, reason)
        return True

    def _progress(self, task_id: TaskId, text: str) -> None:
        self._say(task_id, TaskState.RESTORING, text)

    def _say(self, task_id: TaskId, state: TaskState, reason: str = "") -> None:
        self._states[task_id] = (state, reason)
        self.ctx.board.put([self._entry(task_id)])
        self.ctx.notices.send("board")

    def _refresh_board(self) -> None:
        now = time.monotonic()
        if now - self._boarded >= BOARD_EVERY and self.tasks:
            self._boarded = now
            desired = TaskState.PAUSED if self.entry.desired is Desired.PAUSED else TaskState.RUNNING
            reason = self.ctx.readers.failure or "; ".join(self._left_out)
            changed = [t for t in self.tasks.values() if self._states.get(t.id) != (desired, reason) or t.lag]
            for t in changed:
                self._states[t.id] = (desired, reason)
            if changed:
                self._board(changed)
                self.ctx.notices.send("board")

    def _board(self, tasks: list[Task]) -> None:
        self.ctx.board.put([self._entry(t.id) for t in tasks if t.id in self.tasks])

    def _entry(self, task_id: TaskId) -> TaskEntry:
        state, reason = self._states.get(task_id, (TaskState.OPENING, ""))
        task = self.tasks.get(task_id)
        inputs: Mapping[str, int] = {}
        if task is not None:
            inputs = {f"{i.tp.topic}[{i.tp.partition}]": i.committed for i in task.inputs}
        return TaskEntry(self.plan.topology, self.plan.incarnation, self.plan.subs[task_id.sub].name, task_id.partition, state, reason,
                         self.ctx.slot, inputs, dict(self._produced), 0 if task is None else task.lag, self.ctx.clock.now_ms(), self.plan.edition)
