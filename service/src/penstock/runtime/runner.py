"""One topology on one worker: adopts assignments, opens and closes tasks one by one, does turns of work, commits.

Everything here happens in one coroutine of the worker's loop (opening tasks and a commit in flight are helpers of it), so that no
lock is needed. A failure resets the topology on this worker: writer discarded, tasks closed, opened again by full recovery.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from penstock.catalog.port import Desired, TopologyEntry
from penstock.errors import AssignmentLost, Fenced, LogError, LogUnavailable, OffsetOutOfRange, RecordTooLarge, StateError, TaskFailed, UnknownTopic
from penstock.log.port import Assignment, Chunk, TaskId, TaskWork, TopicPartition
from penstock.plan.resolved import SubTopology
from penstock.runtime import commit as commits
from penstock.runtime import task_board
from penstock.runtime.board_port import TaskState
from penstock.runtime.context import Context
from penstock.runtime.copies import Copies
from penstock.runtime.failure import Failures, Unable
from penstock.runtime.following import FollowedInputs
from penstock.runtime.global_tables import GlobalTables
from penstock.runtime.leftovers import recent
from penstock.runtime.opener import Opener, Refused
from penstock.runtime.opening import Hooks, delete_state, rewind, task_name
from penstock.runtime.outbox import Outbox
from penstock.runtime.output import OutputTopic
from penstock.runtime.pace import Pace
from penstock.runtime.poison import Suspect
from penstock.runtime.readers import BUFFER_HIGH, BUFFER_LOW
from penstock.runtime.recovery import CLEAN
from penstock.runtime.reports import Reports
from penstock.runtime.routing import look_up
from penstock.runtime.task import Task
from penstock.runtime.task_board import TaskBoard
from penstock.state.lmdb import FORMAT
from penstock.state.port import Stamp

log = logging.getLogger("penstock.runner")

TURN = 0.005
EARLY = 4
"""Full batches that may wait before they are sent ahead of the commit."""
BACKLOG = 32
"""Full batches that may wait while a commit is under way; then processing waits too."""
PURGE_EVERY = 30.0
DELETION_HEARD = 1.0
"""Seconds in which a worker hears that a topology was deleted whose topics are gone already."""
BACK_OFF = (0.05, 5.0)


def work_of(sub: SubTopology, standbys: int | None) -> TaskWork:
    """What a task is to its worker: one with stores also writes a changelog, and does not move without a copy of them. standbys: as the topology
    says."""
    state = any(s.changelog for s in sub.stores)
    return TaskWork(2 if state else 1, state, standbys)


class Runner:
    """See the module docstring."""

    def __init__(self, ctx: Context, entry: TopologyEntry) -> None:
        self.ctx = ctx
        self.entry = entry
        self.plan = entry.plan
        self.wake = asyncio.Event()
        self.tasks: dict[TaskId, Task] = {}
        self.owners: dict[TaskId, str] = {}
        self.failures = Failures(ctx.slot)
        self._ids = [TaskId(n, p) for n, sub in enumerate(self.plan.subs) for p in range(sub.partitions)]
        self._inputs = FollowedInputs(ctx, self.plan)
        self._assignment: Assignment | None = None
        self._epoch = 0
        self._commit: asyncio.Task[None] | None = None
        self._pace = Pace(self.plan.settings.commit_interval_ms)
        self._back_off = BACK_OFF[0]
        self._purged = time.monotonic()
        self._unable: list[Unable] = []
        self._stopping = False
        self._failed = False
        self._delete = False
        self._for_good = True
        outputs: dict[str, OutputTopic] = {}
        self._reports = Reports(ctx, self.plan, outputs)
        self._outbox = Outbox(ctx, self.plan, outputs, self._reports.too_large, Reports.too_large_state)
        self._board = TaskBoard(ctx, self.plan, self.tasks, self._outbox.produced)
        self._scope = commits.CommitScope(self.plan.group, self.plan.incarnation, ctx.boot,
                                          lambda task: self.owners[task.id], ctx.clock.now_ms)
        self._hooks = Hooks(self._reports.bad, self._reports.expression_error, self._reports.late,
                            lambda task_id, text: self._board.say(task_id, TaskState.RESTORING, text))
        self._opener = Opener(ctx, self.plan, self._outbox, self._hooks, self.wake.set)
        self._run: asyncio.Task[None] | None = None
        self._globals = GlobalTables(ctx, self.plan, self.wake.set)
        self._handle = ctx.membership.join(self.plan.group, self._inputs.topics(), self._ids, lambda: self._outbox.producer, self.wake.set,
                                           self.plan.edition, {i: work_of(self.plan.subs[i.sub], self.plan.settings.standbys) for i in self._ids})
        # who starts again may lead a round before it knows any plan: what is on its disk says then where the tasks were
        self._handle.report({i: ctx.acceptable_lag for i in self._ids if self.plan.subs[i.sub].stores and recent(self._store_path(i))})
        self._copies = Copies(ctx, self.plan, self._board, self._handle.report, lambda: self._opener.busy)

    # ---- life
    def start(self) -> None:
        """Begin to run."""
        self._globals.start()
        self._run = asyncio.create_task(self._main(), name=f"runner-{self.plan.topology}")

    def update(self, entry: TopologyEntry) -> None:
        """The registry has a new entry of the same incarnation (pause, resume)."""
        resumed = entry.resumes != self.entry.resumes
        self.entry = entry
        if resumed:
            self._globals.resume()
            self.failures.clear()
            for task_id in self._ids:
                self.ctx.suspects.cleared(task_name(self.plan, self.plan.subs[task_id.sub], task_id.partition))
        self.wake.set()

    async def stop(self, delete: bool = False, for_good: bool = True) -> None:
        """Commit, close everything, leave the group. delete: the topology is gone, so is its state. for_good: others take the tasks at once;
        else they wait for this worker, which is about to start again, until its session is over."""
        self._stopping, self._delete, self._for_good = True, delete, for_good
        self.wake.set()
        if self._run is not None:
            await asyncio.gather(self._run, return_exceptions=True)

    def nudge(self) -> None:
        """Somebody waits for a commit."""
        self._globals.nudge()
        if self.tasks:
            self._pace.nudged = True
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
        """Reset until that succeeds: what stopped the work (a full disk above all) may stop the resetting too. Until then what the tasks hold is
        not what the log will say, and may not be committed."""
        self._failed = True
        if isinstance(why, UnknownTopic):
            await self._hear_of_deletion()
        while not self._stopping:
            try:
                await self._reset(why)
                self._failed = False
                return
            except (LogError, StateError, OSError) as e:
                log.warning("topology %s cannot start over yet: %s", self.plan.topology, e)
                await asyncio.sleep(0.5)

    async def _hear_of_deletion(self) -> None:
        """A topology that is deleted may lose its topics before this worker hears of that."""
        until = time.monotonic() + DELETION_HEARD
        while not self._stopping and time.monotonic() < until:
            await asyncio.sleep(0.05)

    async def _end(self) -> None:
        try:
            if not self._delete and not self._failed:
                await self._settle()
                for task in list(self.tasks.values()):
                    self._close(task, clean=True)
        except (LogError, StateError) as e:
            log.warning("topology %s: the last commit failed (%s); the next start recovers", self.plan.topology, e)
        await self._drop_everything()
        await self._stop_copies()
        await self._globals.stop()
        await (self._outbox.discard() if self._delete else self._outbox.close())
        await self._handle.leave(self._for_good)
        self._board.remove(self._ids)
        if self._delete:
            delete_state(self.ctx, self.plan.topology, self.plan.incarnation)

    async def _stop_copies(self) -> None:
        try:
            await self._copies.stop()
        except (StateError, OSError) as e:
            log.warning("topology %s: a copy was not closed in order (%s); the next start recovers", self.plan.topology, e)

    def drain(self) -> None:
        """Give every task to other nodes, as soon as they are ready for it."""
        self._handle.drain()

    @property
    def idle(self) -> bool:
        """It has no task."""
        return not self.tasks and (self._assignment is not None and not self._assignment.active)

    # ---- one step
    async def _step(self) -> None:
        self.wake.clear()
        if self._handle.epoch != self._epoch:
            raise AssignmentLost("the group membership was lost")
        latest = self._handle.latest
        if latest is not None and latest is not self._assignment:
            await self._adopt(latest)
        await self._inputs.follow(self.entry.replays, self._handle, list(self.tasks.values()), self)
        self._globals.check(self.tasks)
        if self._assignment is not None:
            self._globals.send_letters(self.tasks, self._assignment.active, self._reports.bad)
        self._open_next()
        if self._commit is not None and self._commit.done():
            done, self._commit = self._commit, None
            done.result()
        if self._unable:
            await self._leave_out()
        worked = 0
        if self._running:
            waiting = self._outbox.waiting
            if self._commit is None and waiting >= EARLY:
                await self._outbox.send_early()
            elif self._commit is None or waiting < BACKLOG:
                worked = self._turn()
        if self._unable:
            await self._leave_out()
        if self._commit is None and self._pace.due(self.tasks.values(), worked, self._outbox.open_since):
            await self._begin_commit()
        self._board.refresh(TaskState.RUNNING if self._running else TaskState.PAUSED, self.ctx.readers.failure or "; ".join(self._inputs.left_out))
        if worked:
            await asyncio.sleep(0)
        else:
            await self._rest()

    @property
    def _running(self) -> bool:
        return self.entry.desired is Desired.RUNNING

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
                self._unable.append(self.failures.crashed(task))
                break
            worked += done
            for i in task.inputs:
                if i.paused and i.buffered < BUFFER_LOW:
                    i.paused = False
                    self.ctx.readers.resume(self, i.tp)
            if time.monotonic() > deadline:
                break
        if worked:  # the next turn begins with another task
            first = next(iter(self.tasks))
            self.tasks[first] = self.tasks.pop(first)
        self.ctx.counters.records_in += worked
        return worked

    async def _rest(self) -> None:
        """Wait for records, an assignment, a notice, or the next thing due."""
        timeout = self._pace.rest(self.tasks.values(), self._commit is not None, self._running, self._inputs.looking(self.entry.replays),
                                  self.ctx.clock.now_ms(), self.failures.retries())
        if self._board.owed:
            timeout = min(timeout, task_board.EVERY)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.wake.wait()

    # ---- assignments
    async def _adopt(self, a: Assignment) -> None:
        gone = [t for t in self.tasks if t in a.give_up or t not in a.active]
        await self._opener.cancel([t for t in self._ids if t not in a.active])
        if gone:
            await self._settle()
            for task_id in gone:
                self._close(self.tasks[task_id], clean=True)
        if self._assignment is None:
            self._handle.report({})  # from now on the copies that follow say what they miss
        self._assignment = a
        self._board.generation = a.generation
        self._copies.follow(a.following - a.active)
        if a.give_up:
            self._handle.release(a.give_up, a)
        for producer in a.fences:
            await self.ctx.log.fence(producer)
        self.failures.keep_only(a.active)
        self._board.keep_only(a.active)

    def _open_next(self) -> None:
        for task_id, outcome in self._opener.finished():
            if isinstance(outcome, Refused):
                self._fail(task_id, outcome.reason, outcome.retry)
                continue
            self.owners[task_id] = outcome.owner
            self.failures.opened(task_id)
            self._run_task(outcome.task)
            self._board.say(task_id, TaskState.RUNNING if self._running else TaskState.PAUSED)
        if self._assignment is None:
            return
        now = time.monotonic()
        waiting = [t for t in self._ids if t in self._assignment.active and t not in self.tasks and t not in self._opener]
        for task_id in sorted(waiting, key=self._distance) if len(waiting) > 1 and not self._opener.full else waiting:
            if self._opener.full:
                return
            table = self._globals.missing(task_id)
            if table is not None:
                if table.failed:
                    if task_id not in self.failures:
                        self._fail(task_id, table.reason, None)
                elif self._board.says(task_id) != (TaskState.OPENING, table.reason):
                    self._board.say(task_id, TaskState.OPENING, table.reason)
            elif self.failures.may_open(task_id, now):
                self._board.say(task_id, TaskState.OPENING)
                self._opener.begin(task_id, self._inputs.of(task_id.sub), self._present, self._globals.stores(task_id))

    def _distance(self, task_id: TaskId) -> int:
        """How far a task is from running: those without state first, then those with a store here, then those that must be restored."""
        if not self.plan.subs[task_id.sub].stores:
            return 0
        return 1 if self._store_path(task_id).exists() else 2

    def _store_path(self, task_id: TaskId) -> Path:
        return self.ctx.layout.task(self.plan.topology, self.plan.incarnation, self.plan.subs[task_id.sub].name, task_id.partition)

    def _present(self) -> frozenset[str] | None:
        """Transactional ids of the members that are there."""
        if self._assignment is None or self._assignment.members is None or not self._outbox.producer:
            return None
        return self._assignment.members | {self._outbox.producer.split("|")[0]}

    def _run_task(self, task: Task) -> None:
        """From its positions on."""
        task.on_culprit = lambda source, record: self._reports.culprit(task, source, record)  # type: ignore[method-assign]
        task.on_answer = self.wake.set  # type: ignore[method-assign]
        self.tasks[task.id] = task
        self.ctx.readers.add(self, {i.tp: i.position for i in task.inputs})

    # ---- consumer of readers
    def _reader_of(self, tp: TopicPartition) -> Task | None:
        task_id = self._inputs.owner(tp)
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

    def reading_changed(self) -> None:
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
            source.skip_to(error.earliest)
            self.ctx.readers.add(self, {tp: error.earliest})
            self.wake.set()
        else:
            self._cannot_read(task, f"{error}: the topic was truncated or recreated; reset the topology to begin anew", None)

    def unknown_topic(self, error: UnknownTopic) -> None:
        asyncio.get_running_loop().call_later(DELETION_HEARD, self._is_missing, error)

    def _is_missing(self, error: UnknownTopic) -> None:
        for task in [t for t in self.tasks.values() if any(i.tp.topic == error.topic for i in t.inputs)]:
            self._cannot_read(task, str(error), 5.0)

    def _cannot_read(self, task: Task, reason: str, retry: float | None) -> None:
        """A reader cannot go on. The next turn leaves the task out: what it did since the last commit is in batches that it shares."""
        if all(u.task is not task for u in self._unable):
            self._unable.append(Unable(task, reason, retry))
        self.wake.set()

    # ---- commit
    async def _begin_commit(self) -> None:
        """Steps 0 and 1, then 2 to 6 in the background of further work."""
        await self._forward()
        await self._route()
        if self._unable:
            return
        try:
            frozen = commits.freeze(list(self.tasks.values()), list(self._outbox.outputs.values()), self._outbox.changelogs,
                                    self.ctx.clock.now_ms())
        except commits.StateTooLarge as e:
            self._too_much_state(e)
            raise
        self.ctx.counters.records_out += sum(batch.count for _, _, batch in frozen.batches)
        self._pace.began()
        if frozen.empty and self._outbox.open_since is None:
            return
        self._outbox.open_since = None
        self._commit = asyncio.create_task(self._write(frozen))
        self._commit.add_done_callback(lambda _: self.wake.set())

    async def _forward(self) -> None:
        """Step 0: aggregates give their newest values, in slices."""
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
            self._outbox.add(topic, partitions, max_batch)
        for task, rows in waiting:
            for bad in rows.settle():
                try:
                    self._reports.bad(task.id, bad)
                except TaskFailed as e:
                    self._unable.append(Unable(task, str(e)))
                    return

    async def _write(self, frozen: commits.FrozenCommit) -> None:
        began = time.monotonic()
        mine = frozenset(f.task.id for f in frozen.tasks)
        written = await commits.write(frozen, self._outbox.writer, lambda: self._handle.token_for(mine, self._epoch), self._scope)
        cost = time.monotonic() - began
        self._pace.took(cost)
        self._back_off = BACK_OFF[0]
        counters = self.ctx.counters
        counters.commits += 1
        counters.commit_seconds += cost
        counters.last_commit_seconds = cost
        for tp, end in written.ends.items():
            self._outbox.produced[f"{tp.topic}[{tp.partition}]"] = end
        for f in frozen.tasks:
            if f.task.passed_suspicion:
                f.task.passed_suspicion = False
                self.ctx.suspects.cleared(f.task.name)
        self._board.committed([f.task for f in frozen.tasks if f.task not in written.full])
        self._unable += [Unable(task, str(why), 2.0) for task, why in written.full.items()]
        await self._purge()

    async def _settle(self) -> None:
        """Commit everything processed so far and wait for it. Raises StateError when a task cannot."""
        await self._committed()
        if any(t.dirty for t in self.tasks.values()) or self._outbox.open_since is not None:
            await self._begin_commit()
            await self._committed()
        if self._unable:  # closed in order, a store would vouch for what it does not hold
            raise StateError(self._unable[0].reason)

    async def _committed(self) -> None:
        """Wait for the commit that is under way."""
        if self._commit is not None:
            running, self._commit = self._commit, None
            await running

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
        await self._committed()
        await self._opener.cancel()
        unable, self._unable = self._unable, []
        for u in unable:
            if self.tasks.get(u.task.id) is u.task:
                self._close(u.task, clean=False)
                if u.reason:
                    self._fail(u.task.id, u.reason, u.retry)
        self._outbox.clear()
        if self._outbox.open_since is not None:
            await self._outbox.discard()
            await self._outbox.ready()
        for task in list(self.tasks.values()):
            self.ctx.readers.remove(self, [i.tp for i in task.inputs])
            self._end_plugins(task)
            self._run_task(rewind(self.ctx, self.plan, task, self._inputs.of(task.id.sub), self._outbox.outputs, self._hooks,
                                  self._globals.stores(task.id)))

    async def _reset(self, why: Exception) -> None:
        """Back to the last commit, whatever it is."""
        self.ctx.counters.resets += 1
        quiet = isinstance(why, AssignmentLost)
        (log.info if quiet else log.warning)("topology %s starts over on %s: %s: %s", self.plan.topology, self.ctx.slot,
                                             type(why).__name__, why)
        ours = self._assignment.active if self._assignment is not None and self._handle.epoch == self._epoch else frozenset()
        unable, self._unable = self._unable, []
        for u in unable:
            if u.reason:
                self._fail(u.task.id, u.reason, u.retry)
        await self._drop_everything()
        await self._outbox.discard()
        self._epoch = self._handle.epoch
        self._assignment = None
        self._copies.follow(frozenset())
        self._board.keep_only([t for t in self._ids if t in ours or t in self.failures])
        for task_id in ours if isinstance(why, LogUnavailable) else ():
            if task_id not in self.failures:
                self._board.say(task_id, TaskState.OPENING, f"waiting for the log: {why}")
        if not quiet:
            delay = max(self._back_off, 1.0) if isinstance(why, Fenced) else self._back_off
            self._back_off = min(BACK_OFF[1], self._back_off * 2)
            await asyncio.sleep(delay)

    async def _drop_everything(self) -> None:
        await self._opener.cancel()
        if self._commit is not None:
            running, self._commit = self._commit, None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        for task in list(self.tasks.values()):
            self._close(task, clean=False)
        self._outbox.forget()

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
            self._board.remove([task.id])

    @staticmethod
    def _end_plugins(task: Task) -> None:
        try:
            task.end()
        except Exception:
            log.exception("task %s: a plug-in failed as it was closed", task.name)

    def _fail(self, task_id: TaskId, reason: str, retry: float | None) -> None:
        self.failures.add(task_id, reason, retry)
        log.error("task %s FAILED: %s", task_name(self.plan, self.plan.subs[task_id.sub], task_id.partition), reason)
        self._board.say(task_id, TaskState.FAILED, reason)

    def _out_of_memory(self, task: Task) -> None:
        """Die as the kernel would have it: memory comes back only with a new process, and the note in poison.py blames the record."""
        log.critical("task %s: out of memory; this worker ends and is started again", task.name)
        os.kill(os.getpid(), signal.SIGKILL)

    def _too_much_state(self, error: commits.StateTooLarge) -> None:
        """Nothing of this commit is written; the same records again, fewer at a time."""
        task = error.task
        suspect = self.ctx.suspects.tasks.setdefault(task.name, Suspect())
        until = {i.tp.topic: i.position - 1 for i in task.inputs if i.position != i.committed}
        suspect.narrow(error.since, until, task.last, error.store, str(error))

    def stuck(self, task: Task, reason: str) -> bool:
        """Called in another thread while this one's loop stands still: show it, if the task is ours."""
        if self.tasks.get(task.id) is not task:
            return False
        self._board.say(task.id, TaskState.STUCK, reason)
        return True
