"""What workers tell the gateway, after each commit: the board. Written by one worker, read by every process of the node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class TaskState(Enum):
    """What a task does now."""

    OPENING = "OPENING"
    RESTORING = "RESTORING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FAILED = "FAILED"
    CLOSED = "CLOSED"
    STUCK = "STUCK"
    STANDBY = "STANDBY"
    WAITING_FOR_WORKER = "WAITING_FOR_WORKER"
    SILENT = "SILENT"
    """On no board: what other nodes say of the tasks of one that they hear nothing of."""


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """One task as its worker last committed it.

    inputs: committed next offset by "topic[partition]" of this task's inputs. lag: records between that and the known ends.
    produced: for each output "topic[partition]" the offset behind the last record that this TASK'S WORKER had written to it for this
    topology when it committed (monotone; the next stage's target for read-your-writes).
    state_reason: why it is FAILED, STUCK (with the node) or RESTORING, progress included. updated_ms: wall clock. claim: the generation of
    the group in which the worker got the task, on Kafka; of two nodes that claim one the greater is right.
    """

    topology: str
    incarnation: int
    sub: str
    partition: int
    state: TaskState
    state_reason: str = ""
    worker: str = ""
    inputs: Mapping[str, int] = field(default_factory=dict)
    produced: Mapping[str, int] = field(default_factory=dict)
    lag: int = 0
    updated_ms: int = 0
    edition: int = 0  # of the plan that it runs
    claim: int = 0


class BoardReader(Protocol):
    """All boards of the node together (runtime/board.py)."""

    def tasks(self, topology: str | None = None) -> Sequence[TaskEntry]:
        """Newest entry of each task, over all workers. Without a topology the same object as before when nothing was written since."""

    def task(self, topology: str, incarnation: int, sub: str, partition: int) -> TaskEntry | None: ...


class Notices(Protocol):
    """Coalesced notices between the node's processes over datagram sockets in run/ (node/notices.py): no data, only "look again".

    topics: "log" (something was appended or committed; embedded log), "board" (a worker committed), "registry" (the registry changed),
    "nudge" (somebody waits: commit early).
    """

    def send(self, what: str) -> None: ...
    def subscribe(self, what: str) -> Waiter: ...


class Waiter(Protocol):
    """Awaits notices of one kind."""

    async def wait(self, timeout: float) -> bool:
        """True when a notice arrived since the last wait (returns at once then), False after timeout seconds."""

    def close(self) -> None: ...
