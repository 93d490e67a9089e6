"""Committed rows of one task on this node's disk: whether they may be read, and the read transaction."""

from __future__ import annotations

from penstock.catalog.port import TopologyEntry
from penstock.errors import PenstockError, StateError
from penstock.log.port import MARKER
from penstock.plan.resolved import SubTopology
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.serving.cluster.cluster import Elsewhere
from penstock.serving.cluster.published import TaskKey
from penstock.serving.gateway import Gateway
from penstock.state.port import Stamp
from penstock.state.reader import LmdbSnapshot

ANY_AGE = 1 << 62
"""Milliseconds: as stale as can be."""
FOLLOWS_MS = 2000


class Unreadable(PenstockError):
    """A task cannot be read now, neither here nor, as far as is known, elsewhere. state: of the task, a TaskState's name. staleness:
    milliseconds, when its rows are too old for the caller."""

    def __init__(self, state: str, detail: str, staleness: int | None = None) -> None:
        super().__init__(detail)
        self.state, self.detail, self.staleness = state, detail, staleness


class Away(PenstockError):
    """Another node has the rows."""

    def __init__(self, node: str) -> None:
        super().__init__(f"node {node} has them")
        self.node = node


def committed(gateway: Gateway, entry: TopologyEntry, sub: SubTopology, partition: int, stale: int | None = None) -> LmdbSnapshot:
    """A short read transaction on a task's stores. stale: also while the task does not run here, if its last commit is at most so many ms old.
    Raises Away, Unreadable."""
    key: TaskKey = entry.name, entry.incarnation, sub.name, partition
    task = gateway.tasks.get(*key)
    where = gateway.cluster.place(key, task)
    if stale is None and (where is not None or task is not None and task.state is TaskState.RESTORING):
        raise _refusal(gateway, key, task, where, "")
    try:
        snapshot = gateway.stores.snapshot(entry, sub, partition)
    except StateError as e:
        raise _refusal(gateway, key, task, where, str(e), stale) from e
    running = where is None and task is not None and task.state in (TaskState.RUNNING, TaskState.PAUSED)
    if snapshot.stamp is None and not running:
        snapshot.close()
        raise _refusal(gateway, key, task, where, "nothing was committed yet", stale)
    if stale is not None and not running and (old := age(gateway, snapshot.stamp, task)) > stale:
        snapshot.close()
        raise _refusal(gateway, key, task, where, f"its last commit is {shown(old)}, at most {stale} ms old is accepted", stale, old)
    return snapshot


def _refusal(gateway: Gateway, key: TaskKey, task: TaskEntry | None, where: Elsewhere | None, detail: str, stale: int | None = None,
             age: int | None = None) -> Away | Unreadable:
    """Who takes old rows is sent to any copy."""
    if where is not None and where.node:
        return Away(where.node)
    if stale is not None and (copies := gateway.cluster.copies(key)):
        return Away(copies[0])
    state = task.state.value if task is not None else "UNKNOWN"
    parts = (task.state_reason if task is not None else "", where.why if where is not None else "", detail)
    return Unreadable(state, "; ".join(part for part in parts if part), age)


def age_of(now_ms: int, stamp: Stamp | None) -> int:
    """Milliseconds since the last commit that a store shows; for ever while it is built from nothing."""
    if stamp is None or not stamp.inputs:
        return ANY_AGE
    return max(0, now_ms - stamp.committed_ms)


def age(gateway: Gateway, stamp: Stamp | None, task: TaskEntry | None) -> int:
    """A copy that follows and misses nothing would have said so: it is as old as a change takes to reach it and the board."""
    since = age_of(gateway.clock.now_ms(), stamp)
    follows = task is not None and task.state is TaskState.STANDBY and task.lag <= MARKER
    return min(since, FOLLOWS_MS) if follows else since


def shown(age: int) -> str:
    """For people."""
    return "not complete yet" if age >= ANY_AGE else f"{age} ms old"
