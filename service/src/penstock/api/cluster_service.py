"""ClusterService: the node and its tasks."""

from __future__ import annotations

import re
from importlib.metadata import version

import grpc
from penstock_client.gen.penstock.v1 import cluster_service_pb2 as pb
from penstock_client.gen.penstock.v1 import cluster_service_pb2_grpc

from penstock.api.convert import timestamp
from penstock.api.host import Host
from penstock.catalog.port import TopologyEntry
from penstock.catalog.view import topology
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.security.principal import caller

VERSION = version("penstock")
METHODS = {"DescribeCluster": "unary", "ListTasks": "unary"}
_PROGRESS = re.compile(r"(\d+(?:\.\d+)?) ?%|(\d+) of (\d+)")


class ClusterServicer(cluster_service_pb2_grpc.ClusterServiceServicer):
    """See the proto file for what each method does. DescribeCluster answers also while the log does not."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def DescribeCluster(self, request: pb.DescribeClusterRequest, context: grpc.aio.ServicerContext) -> pb.DescribeClusterResponse:
        host, parts = self._host, self._host.parts
        workers = sorted({t.worker for t in parts.gateway.board.tasks() if t.worker}) if parts is not None else []
        state = parts.gateway.registry.state if parts is not None else None
        node = pb.ClusterNode(id=parts.gateway.node if parts is not None else host.config.node_id, address=host.address,
                              version=VERSION, start_time=timestamp(host.started_ms), workers=workers)
        return pb.DescribeClusterResponse(
            service_id=host.config.service_id, log="kafka" if host.config.kafka else "embedded",
            log_available=parts is not None and not parts.gateway.log.healthy(), nodes=[node],
            topologies=len(state.topologies) if state is not None else 0, relations=len(state.relations) if state is not None else 0,
        )

    async def ListTasks(self, request: pb.ListTasksRequest, context: grpc.aio.ServicerContext) -> pb.ListTasksResponse:
        gateway = self._host.gateway
        state = gateway.registry.state
        entries = [topology(state, request.topology)] if request.topology else [state.topologies[n] for n in sorted(state.topologies) if caller().sees(n)]
        known = {(t.topology, t.incarnation, t.sub, t.partition): t for t in gateway.board.tasks(entries[0].name if request.topology else None)}
        return pb.ListTasksResponse(tasks=[
            _task(e, sub.name, p, known.get((e.name, e.incarnation, sub.name, p)))
            for e in entries for sub in e.plan.subs for p in range(sub.partitions)
        ])


def _task(entry: TopologyEntry, sub: str, partition: int, task: TaskEntry | None) -> pb.Task:
    if task is None:
        return pb.Task(topology=entry.name, sub_topology=sub, partition=partition, state=pb.TASK_STATE_UNSPECIFIED)
    return pb.Task(
        topology=entry.name, sub_topology=sub, partition=partition, state=f"TASK_STATE_{task.state.value}",
        state_reason=task.state_reason, worker=task.worker, lag=task.lag, update_time=timestamp(task.updated_ms),
        restore_progress=_progress(task.state_reason) if task.state is TaskState.RESTORING else None,
    )


def _progress(reason: str) -> float | None:
    """The part that is done, from the words of a restoring task."""
    found = _PROGRESS.search(reason)
    if found is None:
        return None
    if found[1]:
        return min(1.0, float(found[1]) / 100)
    return min(1.0, int(found[2]) / int(found[3])) if int(found[3]) else 1.0
