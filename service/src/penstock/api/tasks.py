"""Tasks as messages of the API."""

from __future__ import annotations

import re
from collections.abc import Sequence

from penstock_client.gen.penstock.v1 import cluster_service_pb2 as pb

from penstock.api.convert import timestamp
from penstock.runtime.board_port import TaskEntry, TaskState

_PROGRESS = re.compile(r"(\d+(?:\.\d+)?) ?%|(\d+) of (\d+)")


def task_message(node: str, task: TaskEntry, standbys: Sequence[str] = ()) -> pb.Task:
    """A task as its board says it."""
    return pb.Task(
        topology=task.topology, sub_topology=task.sub, partition=task.partition, state=f"TASK_STATE_{task.state.value}",
        state_reason=task.state_reason, worker=task.worker, lag=task.lag, update_time=timestamp(task.updated_ms), node=node,
        restore_progress=progress(task.state_reason) if task.state is TaskState.RESTORING else None, standby_nodes=standbys,
    )


def progress(reason: str) -> float | None:
    """The part that is done, from the words of a restoring task."""
    found = _PROGRESS.search(reason)
    if found is None:
        return None
    if found[1]:
        return min(1.0, float(found[1]) / 100)
    return min(1.0, int(found[2]) / int(found[3])) if int(found[3]) else 1.0
