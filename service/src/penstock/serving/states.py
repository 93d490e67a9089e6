"""A topology's state, from what it should do and what is known of its tasks, on whatever node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from penstock_client.gen.penstock.v1 import topology_service_pb2 as pb

from penstock.catalog.port import Desired, TopologyEntry
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.serving.gateway import Gateway

SETTLED = (pb.TOPOLOGY_STATE_RUNNING, pb.TOPOLOGY_STATE_FAILED, pb.TOPOLOGY_STATE_PAUSED)


def tasks_of(gateway: Gateway, entry: TopologyEntry) -> Mapping[tuple[str, int], TaskEntry]:
    """What is known of the tasks that run this plan."""
    wanted = entry.incarnation, entry.plan.edition
    found = gateway.cluster.tasks(gateway.board.tasks(entry.name), entry.name).values()
    return {(t.sub, t.partition): t for _, t in found if (t.incarnation, t.edition) == wanted}


def state_of(entry: TopologyEntry, tasks: Mapping[tuple[str, int], TaskEntry]) -> tuple[int, str]:
    """(TopologyState, reason). Pure."""
    wanted = [(sub.name, p) for sub in entry.plan.subs for p in range(sub.partitions)]
    known = [tasks.get(at) for at in wanted]
    failed = [t for t in known if t is not None and t.state is TaskState.FAILED]
    if failed:
        return pb.TOPOLOGY_STATE_FAILED, f"task {failed[0].sub}-{failed[0].partition}: {failed[0].state_reason}"
    if entry.desired is Desired.PAUSED:
        return pb.TOPOLOGY_STATE_PAUSED, ""
    late = [(at, t) for at, t in zip(wanted, known, strict=True) if t is None or t.state is not TaskState.RUNNING]
    if late:
        (sub, partition), task = late[0]
        what = "waits for a worker" if task is None else f"is {task.state.value} {task.state_reason}".rstrip()
        return pb.TOPOLOGY_STATE_STARTING, f"{len(late)} of {len(wanted)} tasks do not run yet; {sub}-{partition} {what}"
    return pb.TOPOLOGY_STATE_RUNNING, ""


def current(gateway: Gateway, entry: TopologyEntry) -> tuple[int, str]:
    """The state now; what is wrong with its topics stands first in the reason."""
    state, reason = state_of(entry, tasks_of(gateway, entry))
    return state, "; ".join(text for text in (*gateway.watch.of(entry), reason) if text)


async def settled(gateway: Gateway, entry: TopologyEntry, timeout: float) -> None:
    """Wait until the topology is RUNNING, PAUSED or FAILED, at most this many seconds."""
    waiter = gateway.notices.subscribe("board")
    end = time.monotonic() + timeout
    try:
        while current(gateway, entry)[0] not in SETTLED:
            left = end - time.monotonic()
            if left <= 0:
                return
            await waiter.wait(min(0.2, left))
            await asyncio.sleep(0)
    finally:
        waiter.close()
