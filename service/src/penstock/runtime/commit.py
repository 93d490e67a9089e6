"""The commit of one topology on one worker, in numbered steps (service/ARCHITECTURE.md, "Commit").

    0. forward dirty aggregates downstream in topological order, in slices of 5 ms            (runner, before this)
    1. at a record boundary freeze, synchronously: positions, dirty entries (packed once), open batches
    2. send output and changelog batches in the transaction
    3. consumed offsets; the metadata of each task's first input carries the changelog offsets that this transaction reached
    4. end the transaction                                        (2-4 end in TxnWriter.commit: all of it is visible, or nothing)
    5. for each task one LMDB write transaction, checked against owner token and previous offsets
    6. the board, and a notice to those who wait

Any failure or unknown outcome before 5 is raised: the runner discards the writer, drops the caches and opens its tasks anew by full
recovery, which asks the log what was decided. Processing goes on between 1 and 6, into fresh batches and fresh dirty entries.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from penstock.errors import RecordTooLarge, StoreFull
from penstock.log.port import BatchBuilder, CommittedOffset, GroupToken, TopicPartition, TxnWriter
from penstock.runtime import faults
from penstock.runtime.inputs import follows
from penstock.runtime.output import OutputTopic
from penstock.runtime.recovery import CommitMetadata
from penstock.runtime.task import Task
from penstock.state.lmdb import FORMAT
from penstock.state.port import Frozen, Stamp


class StateTooLarge(RecordTooLarge):
    """One of the `since` records that a task processed since its last freeze made a state value that the changelog does not take."""

    def __init__(self, task: Task, since: int, store: str, message: str) -> None:
        super().__init__(f"task {task.name}: {message}")
        self.task, self.since, self.store = task, since, store


@dataclass(frozen=True, slots=True)
class FrozenTask:
    """What one task commits."""

    task: Task
    positions: Mapping[TopicPartition, int]
    stores: Sequence[Frozen]


@dataclass(frozen=True, slots=True)
class FrozenCommit:
    """Everything that one transaction holds, besides what was sent early."""

    tasks: Sequence[FrozenTask]
    batches: Sequence[tuple[str, int, BatchBuilder]]

    @property
    def empty(self) -> bool:
        return not self.tasks and not self.batches


def freeze(tasks: Sequence[Task], outputs: Sequence[OutputTopic], changelogs: Mapping[str, OutputTopic], now_ms: int) -> FrozenCommit:
    """Step 1. changelogs: one OutputTopic for each changelog topic."""
    frozen: list[FrozenTask] = []
    for task in tasks:
        stores = _freeze_stores(task)
        since, task.since = task.since, 0
        if not task.dirty and not task.first_commit and not any(f.entries for f in stores):
            continue
        topics = {s.name: s.changelog for s in task.sub.stores}
        for f in stores:
            if topics[f.store]:
                try:
                    changelogs[topics[f.store]].put_entries(task.id.partition, now_ms, f.entries)
                except RecordTooLarge as e:
                    raise StateTooLarge(task, since, f.store, str(e)) from e
        every = task.first_commit or follows(task.sub)  # of topics that come and go any may be gone next time, and its metadata with it
        task.touched = False
        positions = {i.tp: i.position for n, i in enumerate(task.inputs) if n == 0 or i.position != i.committed or every}
        frozen.append(FrozenTask(task, positions, stores))
    batches = [(o.topic, p, b) for o in (*outputs, *changelogs.values()) for p, b in o.take_all()]
    return FrozenCommit(frozen, batches)


def _freeze_stores(task: Task) -> Sequence[Frozen]:
    if task.state is None:
        return ()
    if task.sub.scalars is not None:
        store = task.state.store(task.sub.scalars.name)
        for name, value in task.program.scalars().items():
            key = name.encode()
            old = store.get(key)
            if old is None or old[1] != value:
                store.put(key, (0, value))
    return task.state.freeze()


@dataclass(frozen=True, slots=True)
class CommitScope:
    """Who commits: constant for a topology on a worker, but for the owner token of each opening."""

    group: str
    incarnation: int
    boot: str
    owner: Callable[[Task], str]
    now_ms: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit came to. ends: for each written partition the offset behind its last record. full: tasks whose stores had no room, with
    the reason; they are behind their committed offsets and may only be closed, unclean, and opened again."""

    ends: Mapping[TopicPartition, int]
    full: Mapping[Task, StoreFull]


async def write(frozen: FrozenCommit, writer: TxnWriter, token: Callable[[], Awaitable[GroupToken]], scope: CommitScope) -> Written:
    """Steps 2 to 5."""
    faults.at("before_send")
    for topic, partition, batch in frozen.batches:
        await writer.send(topic, partition, batch)
    reached: dict[Task, dict[str, int]] = {}

    def offsets_for(ends: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, CommittedOffset]:
        offsets: dict[TopicPartition, CommittedOffset] = {}
        for f in frozen.tasks:
            task = f.task
            at = dict(task.changelogs)
            for spec in task.sub.stores:
                end = ends.get(TopicPartition(spec.changelog, task.id.partition))
                if spec.changelog and end is not None:
                    at[spec.changelog] = end
            reached[task] = at
            metadata = CommitMetadata(at, writer.producer).text()
            everywhere = follows(task.sub)
            offsets.update({tp: CommittedOffset(position, metadata if n == 0 or everywhere else "")
                            for n, (tp, position) in enumerate(f.positions.items())})
        return offsets

    current = await token()
    faults.at("before_commit")
    ends = await writer.commit(scope.group, current, offsets_for)
    faults.at("after_commit")
    full = _store(frozen, reached, scope)
    faults.at("before_board")
    return Written(ends, full)


def _store(frozen: FrozenCommit, reached: Mapping[Task, Mapping[str, int]], scope: CommitScope) -> Mapping[Task, StoreFull]:
    """Step 5."""
    full: dict[Task, StoreFull] = {}
    for f in frozen.tasks:
        task = f.task
        for tp, position in f.positions.items():
            task.input(tp).committed = position
        task.first_commit = False
        task.changelogs = dict(reached[task])
        if task.state is None:
            continue
        inputs = {f"{i.tp.topic}[{i.tp.partition}]": i.committed for i in task.inputs}
        try:
            task.state.commit(f.stores, Stamp(scope.incarnation, FORMAT, scope.owner(task), inputs, task.changelogs, scope.boot, scope.now_ms()))
        except StoreFull as e:
            full[task] = StoreFull(f"task {task.name}: {e}")
        faults.at("between_stores")
    return full
