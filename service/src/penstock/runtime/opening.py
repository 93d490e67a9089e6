"""Opening a task: observe the facts, decide purely (runtime/recovery.py), carry it out, bind the compiled program."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from penstock.engine.compile import compile_sub
from penstock.engine.port import BadRecord, Bindings
from penstock.errors import RequestError, TaskFailed
from penstock.log.port import DELETE_RETENTION_MS, CommittedOffset, TaskId, TopicPartition
from penstock.plan.nodes import RoutedSink, Start, StartAt
from penstock.plan.resolved import ResolvedPlan, SubTopology
from penstock.runtime.context import Context
from penstock.runtime.inputs import InputTopic
from penstock.runtime.output import OutputTopic
from penstock.runtime.recovery import Action, CommitMetadata, Decision, Facts, decide, known, newest, read_metadata
from penstock.runtime.restore import replay
from penstock.runtime.routing import RoutedRows
from penstock.runtime.task import Task
from penstock.state.lmdb import FORMAT, LmdbTaskState
from penstock.state.port import Stamp, Store
from penstock.state.sorted_entries import NO_ENTRIES

log = logging.getLogger("penstock.task")
peeks = logging.getLogger("penstock.peek")


def task_name(plan: ResolvedPlan, sub: SubTopology, partition: int) -> str:
    """The task's name in notes, logs and messages."""
    return f"{plan.topology}-{plan.incarnation}/{sub.name}-{partition}"


@dataclass(frozen=True)
class Hooks:
    """What a task tells its runner. bad and expression_error are called by generated code."""

    bad: Callable[[TaskId, BadRecord], None]
    expression_error: Callable[[str, Exception], None]
    late: Callable[[str], None]
    progress: Callable[[TaskId, str], None]


async def open_task(ctx: Context, plan: ResolvedPlan, task_id: TaskId, inputs: Sequence[InputTopic], outputs: Mapping[str, OutputTopic],
                    hooks: Hooks, present: Collection[str] | None, shared: Mapping[str, Store]) -> tuple[Task, str]:
    """The opened task and its owner token. inputs: the topics that are read. shared: stores of the global tables that it joins. present:
    transactional ids of who is there, ourselves included; None where that does not matter (log/port.py, Assignment.members). Raises TaskFailed, LogError, StateError; nothing stays open then."""
    sub = plan.subs[task_id.sub]
    partition = task_id.partition
    starts = {i.topic: i.start for i in inputs if partition < i.partitions}
    tps = [TopicPartition(topic, partition) for topic in starts]
    if present is not None:
        await _fence_predecessor(ctx, plan, tps, present)
    committed = await ctx.log.committed(plan.group, tps)
    state = open_state(ctx, plan, sub, partition)
    owner = f"{ctx.slot}/{uuid.uuid4().hex}"
    try:
        metadata = newest([read_metadata(committed[tp].metadata) for tp in tps])
        changelogs: Mapping[str, int] = {}
        if state is not None:
            changelogs = await _recover(ctx, plan, task_id, state, owner, committed, metadata, hooks)
        positions = await start_positions(ctx, starts, committed)
        task = _bind(ctx, plan, task_id, state, inputs, outputs, positions, hooks, shared)
    except BaseException:
        if state is not None:
            state.close()
        raise
    task.changelogs = dict(changelogs)
    task.first_commit = any(c.offset < 0 for c in committed.values())
    for tp, c in committed.items():
        task.input(tp).committed = c.offset if c.offset >= 0 else positions[tp]
    return task, owner


async def _fence_predecessor(ctx: Context, plan: ResolvedPlan, tps: Sequence[TopicPartition], present: Collection[str]) -> None:
    """Who committed this task last may have died with a transaction open. A leader that knew him has him fenced; when all died and others
    came nobody knew him, and the transaction would hold the committed offset back until its timeout. Who is there gave the task up in order."""
    last = newest([read_metadata(c.metadata) for c in (await ctx.log.committed(plan.group, tps, stable=False)).values()])
    if last is not None and last.producer and last.producer.split("|")[0] not in present:
        await ctx.log.fence(last.producer)


def open_state(ctx: Context, plan: ResolvedPlan, sub: SubTopology, partition: int) -> LmdbTaskState | None:
    """The task's environment on this node; None when it keeps no state."""
    if not sub.stores:
        return None
    path = ctx.layout.task(plan.topology, plan.incarnation, sub.name, partition)
    path.parent.mkdir(parents=True, exist_ok=True)
    ctx.memory.changed()
    return LmdbTaskState.open(path, sub.stores, plan.incarnation, map_size=ctx.store_bytes)


async def _recover(ctx: Context, plan: ResolvedPlan, task_id: TaskId, state: LmdbTaskState, owner: str,
                   committed: Mapping[TopicPartition, CommittedOffset], metadata: CommitMetadata | None, hooks: Hooks) -> Mapping[str, int]:
    """Bring the store to the committed position; returns the changelog offsets it is at."""
    sub, partition = plan.subs[task_id.sub], task_id.partition
    specs = {s.changelog: s for s in sub.stores if s.changelog}
    metadata, stamp = known(metadata, state.stamp(), frozenset(specs), frozenset(f"{tp.topic}[{tp.partition}]" for tp in committed))
    logs = [TopicPartition(t, partition) for t in specs]
    earliest = await ctx.log.earliest(logs)
    ends = await ctx.log.ends(logs, committed=False)
    decision = decide(Facts(
        incarnation=plan.incarnation, format=FORMAT, boot=ctx.boot, now_ms=ctx.clock.now_ms(),
        committed={f"{tp.topic}[{tp.partition}]": c.offset for tp, c in committed.items()},
        target=None if metadata is None else metadata.changelogs, stamp=stamp,
        changelog_start={tp.topic: at for tp, at in earliest.items()}, changelog_end={tp.topic: at for tp, at in ends.items()},
        delete_retention_ms=DELETE_RETENTION_MS))
    name = task_name(plan, sub, partition)
    log.info("task %s: %s (%s)", name, decision.action.value, decision.reason)
    return await _execute(ctx, plan, task_id, state, owner, decision, specs, committed, metadata, hooks)


async def _execute(ctx: Context, plan: ResolvedPlan, task_id: TaskId, state: LmdbTaskState, owner: str, decision: Decision,
                   specs: Mapping[str, object], committed: Mapping[TopicPartition, CommittedOffset], metadata: CommitMetadata | None,
                   hooks: Hooks) -> Mapping[str, int]:
    if decision.action is Action.FAIL:
        raise TaskFailed(decision.reason)
    target = dict(metadata.changelogs) if metadata is not None else {}
    inputs = {f"{tp.topic}[{tp.partition}]": c.offset for tp, c in committed.items() if c.offset >= 0}
    if decision.action in (Action.EMPTY, Action.REBUILD):
        state.wipe()
    state.take(owner)
    before = state.stamp() or _nothing(ctx, plan, owner)
    if decision.action is Action.REBUILD:  # without inputs: readers see that it is not complete
        stamp = Stamp(plan.incarnation, FORMAT, owner, {}, dict.fromkeys(target, 0), ctx.boot, ctx.clock.now_ms())
    else:  # as old as its last commit until it is replayed: readers may accept that
        stamp = Stamp(plan.incarnation, FORMAT, owner, before.inputs, dict(before.changelogs), ctx.boot, before.committed_ms)

    counted = 0

    def progress(done: int, total: int, rate: float) -> None:
        nonlocal counted
        ctx.counters.restored += done - counted
        counted = done
        seconds = (total - done) / max(1.0, rate)
        hooks.progress(task_id, f"restoring {done:,} of {total:,} records, {rate:,.0f}/s, about {seconds:.0f} s left")

    if decision.replay:
        async with ctx.restores:
            stamp = await replay(ctx.log, state, specs, task_id.partition, decision.replay, stamp, progress)  # type: ignore[arg-type]
    # equal to the committed position now; and on disk no longer marked as closed cleanly before anything is written without fsync
    done = Stamp(plan.incarnation, FORMAT, owner, inputs, target, ctx.boot, ctx.clock.now_ms())
    state.restore(plan.subs[task_id.sub].stores[0].name, NO_ENTRIES, done)
    await _synced(state)
    return target


async def _synced(state: LmdbTaskState) -> None:
    """In a thread: all that was restored goes to the disk, and the worker's other tasks go on. Whoever cancels this waits for it, since a store that
    is closed under its sync ends the process."""
    running = asyncio.ensure_future(asyncio.to_thread(state.sync))
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as e:
            cancelled = e
    failure = running.exception()
    if cancelled is not None or failure is not None:
        raise cancelled or cast(BaseException, failure)


def _nothing(ctx: Context, plan: ResolvedPlan, owner: str) -> Stamp:
    return Stamp(plan.incarnation, FORMAT, owner, {}, {}, ctx.boot, 0)


async def start_positions(ctx: Context, starts: Mapping[str, StartAt], committed: Mapping[TopicPartition, CommittedOffset]) -> dict[TopicPartition, int]:
    """Committed offsets, or where a new topology begins."""
    positions = {tp: c.offset for tp, c in committed.items() if c.offset >= 0}
    fresh = [tp for tp in committed if tp not in positions]
    earliest = [tp for tp in fresh if starts[tp.topic].start is Start.EARLIEST]
    latest = [tp for tp in fresh if starts[tp.topic].start is Start.LATEST]
    if earliest:
        positions.update(await ctx.log.earliest(earliest))
    if latest:
        positions.update(await ctx.log.ends(latest))
    for tp in fresh:
        if starts[tp.topic].start is Start.OFFSETS:
            positions[tp] = dict(starts[tp.topic].offsets).get(tp.partition, 0)
    return positions


def _bind(ctx: Context, plan: ResolvedPlan, task_id: TaskId, state: LmdbTaskState | None, inputs: Sequence[InputTopic],
          outputs: Mapping[str, OutputTopic], positions: Mapping[TopicPartition, int], hooks: Hooks,
          shared: Mapping[str, Store]) -> Task:
    sub = plan.subs[task_id.sub]
    name = task_name(plan, sub, task_id.partition)
    routed = [RoutedRows(n, task_id.partition, f"{ctx.service_id}-", outputs) for n in sub.nodes if isinstance(n, RoutedSink)]
    try:
        program = compile_sub(sub, plan.settings, Bindings(
            topology=plan.topology, partition=task_id.partition,
            stores={**shared, **({} if state is None else {s.name: state.store(s.name) for s in sub.stores})},
            outputs=outputs, bad=lambda bad: hooks.bad(task_id, bad), expression_error=hooks.expression_error, late=hooks.late, clock=ctx.clock,
            peek=_peek_log(name), routed={r.node: r for r in routed}))
    except (RequestError, LookupError, TypeError) as e:
        raise TaskFailed(f"the plan cannot be compiled here, a plug-in may be missing: {type(e).__name__}: {e}") from e
    for i in inputs:
        if i.like != i.topic and not i.replay:
            program.read_too(i.topic, i.like)
    if state is not None and sub.scalars is not None:
        store = state.store(sub.scalars.name)
        program.restore_scalars({key.decode(): value[1] for key, value in store.range(b"", b"")})  # type: ignore[misc]
    try:
        program.open()
    except RequestError as e:
        raise TaskFailed(e.message) from e
    written = sub.written
    task = Task(name, task_id, sub, state, program, positions, tuple(o for t, o in outputs.items() if t in written), routed, ctx.note,
                ctx.suspects.tasks.get(name), ctx.remote, ctx.clock, plan.settings.max_task_idle_ms)
    for i in inputs:
        if (tp := TopicPartition(i.topic, task_id.partition)) in positions:
            task.reads(tp, i.like, i.replay)
    return task


def _peek_log(task: str) -> Callable[[str, int, Mapping[str, object]], None]:
    """What a Peek shows, in the log."""
    return lambda node, timestamp, columns: peeks.info("%s: %s at %d: %s", task, node, timestamp, json.dumps(columns, default=str, ensure_ascii=False))


def rewind(ctx: Context, plan: ResolvedPlan, task: Task, inputs: Sequence[InputTopic], outputs: Mapping[str, OutputTopic], hooks: Hooks,
           shared: Mapping[str, Store]) -> Task:
    """The task as it was at its last commit, over the store that it has open. Its outputs must have been cleared, no commit may be under way."""
    if task.state is not None:
        task.state.drop_cache()
    positions = {i.tp: i.committed for i in task.inputs}
    again = _bind(ctx, plan, task.id, task.state, inputs, outputs, positions, hooks, shared)  # type: ignore[arg-type]
    again.changelogs, again.first_commit = task.changelogs, task.first_commit
    for i in task.inputs:
        again.input(i.tp).end = i.end
    return again


def delete_state(ctx: Context, topology: str, incarnation: int) -> None:
    """Remove the environments of a deleted topology from this node."""
    shutil.rmtree(ctx.layout.topology(topology, incarnation), ignore_errors=True)
    ctx.memory.changed()
