"""The routing table: what every node has published, as of a position of the topic. Pure values.

Of each task the newest claim counts. Kafka lets nobody have a task before the one before has released it or was expelled, so an older claim
is that of a node which does not know yet, a zombie's above all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.log.port import Record
from penstock.runtime.board_port import TaskState
from penstock.serving.cluster.published import Claim, Left, NodeEntry, NodeTasks, TaskKey, decode

STANDBY = TaskState.STANDBY.value
OWNING = frozenset(s.value for s in (TaskState.RUNNING, TaskState.PAUSED, TaskState.STUCK, TaskState.FAILED))
"""States in which the node's store has everything that is committed."""


SILENT = 10.0
"""Seconds without a sign of life after which a node is not asked any more."""
_OFTEN = 2
"""Words of an earlier life that are one too many to have been under way when the next one began."""


@dataclass(frozen=True, slots=True)
class Rival:
    """An earlier life of a node that goes on: two processes run under one id. times: how often it has spoken since the later one began."""

    entry: NodeEntry
    heard: float
    times: int


@dataclass(frozen=True, slots=True)
class Member:
    """A node that has not left, in its latest life. heard: when it gave its last sign of life, by this process's monotonic clock."""

    entry: NodeEntry
    heard: float
    rival: Rival | None = None

    @property
    def double(self) -> NodeEntry | None:
        """The other process that runs under the node's id."""
        rival = self.rival
        return rival.entry if rival is not None and rival.times >= _OFTEN and self.heard - rival.heard <= SILENT else None


@dataclass(frozen=True, slots=True)
class Holder:
    """A claim and the node that makes it."""

    node: str
    claim: Claim


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """See the module docstring. owners: the newest claim of each task; standbys: nodes with a copy of it."""

    position: int
    members: Mapping[str, Member] = field(default_factory=dict)
    tasks: Mapping[str, NodeTasks] = field(default_factory=dict)
    owners: Mapping[TaskKey, Holder] = field(default_factory=dict)
    standbys: Mapping[TaskKey, tuple[Holder, ...]] = field(default_factory=dict)


def apply(table: RoutingTable, records: Sequence[Record], position: int, heard: Callable[[str, int], float]) -> RoutingTable:
    """The table after these records. heard: when what a node wrote at a wall clock (ms) counts as heard."""
    members, tasks, changed = dict(table.members), dict(table.tasks), False
    for record in records:
        match decode(record.key, record.value) if record.key is not None else None:
            case NodeEntry() as entry:
                known = members.get(entry.id)
                members[entry.id] = _spoken(known, entry, heard(entry.id, record.timestamp))
                changed = changed or known is None or known.entry.started_ms != members[entry.id].entry.started_ms
            case NodeTasks() as claimed:
                member = members.get(claimed.id)
                if member is None or claimed.started_ms >= member.entry.started_ms:
                    tasks[claimed.id], changed = claimed, True
            case Left(node, kind):
                of_kind: dict[str, Any] = members if kind == "node" else tasks
                changed = of_kind.pop(node, None) is not None or changed
    after = replace(table, position=position, members=members, tasks=tasks)
    return replace(after, **_index(members, tasks)) if changed else after


def _spoken(known: Member | None, entry: NodeEntry, heard: float) -> Member:
    """A node after a sign of life. What an earlier life says while a later one lives changes nothing of that; a later one that is silent was none: the
    machine's clock was set back."""
    if known is None or entry.started_ms > known.entry.started_ms:
        return Member(entry, heard)
    if entry.started_ms == known.entry.started_ms:
        return Member(entry, heard, known.rival)
    if heard - known.heard > SILENT:
        return Member(entry, heard)
    return replace(known, rival=Rival(entry, heard, 1 if known.rival is None else known.rival.times + 1))


def _index(members: Mapping[str, Member], tasks: Mapping[str, NodeTasks]) -> dict[str, Any]:
    owners: dict[TaskKey, Holder] = {}
    standbys: dict[TaskKey, list[Holder]] = {}
    for node, claimed in tasks.items():
        member = members.get(node)
        if member is None or member.entry.started_ms != claimed.started_ms:
            continue  # of an earlier life of the node
        for claim in claimed.claims:
            holder = Holder(node, claim)
            if claim.state == STANDBY:
                standbys.setdefault(claim.task, []).append(holder)
            elif claim.task not in owners or _rank(claim) > _rank(owners[claim.task].claim):
                owners[claim.task] = holder
    return {"owners": owners, "standbys": {task: tuple(holders) for task, holders in standbys.items()}}


def _rank(claim: Claim) -> tuple[int, bool, int]:
    return claim.claim, claim.state in OWNING, claim.updated_ms
