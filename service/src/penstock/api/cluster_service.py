"""ClusterService: the nodes and their tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import grpc
from penstock_client.gen.penstock.internal.v1 import node_service_pb2 as internal
from penstock_client.gen.penstock.v1 import cluster_service_pb2 as pb
from penstock_client.gen.penstock.v1 import cluster_service_pb2_grpc

from penstock.api.convert import timestamp
from penstock.api.host import VERSION, Host
from penstock.api.tasks import task_message
from penstock.catalog.view import topology
from penstock.errors import RequestError
from penstock.security.principal import caller
from penstock.serving.cluster.peers import Unreachable
from penstock.serving.cluster.table import Member
from penstock.serving.gateway import Gateway

METHODS = {"DescribeCluster": "unary", "ListTasks": "unary", "DrainNode": "unary"}
LAGS_WITHIN = 1.0
"""Seconds that another node has to say how far its tasks are; without its answer they are shown as it published them."""
DRAIN_WITHIN = 5.0


class ClusterServicer(cluster_service_pb2_grpc.ClusterServiceServicer):
    """See the proto file for what each method does. DescribeCluster answers also while the log does not."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def DescribeCluster(self, request: pb.DescribeClusterRequest, context: grpc.aio.ServicerContext) -> pb.DescribeClusterResponse:
        host, parts = self._host, self._host.parts
        state = parts.gateway.registry.state if parts is not None else None
        others = [_other(parts.gateway, m) for _, m in sorted(parts.gateway.cluster.others.items())] if parts is not None else []
        return pb.DescribeClusterResponse(
            service_id=host.config.service_id, log="kafka" if host.config.kafka else "embedded",
            log_available=parts is not None and not parts.gateway.log.healthy(),
            nodes=[self._this(), *others, *(self._doubles(parts.gateway) if parts is not None else ())],
            topologies=len(state.topologies) if state is not None else 0, relations=len(state.relations) if state is not None else 0,
        )

    def _this(self) -> pb.ClusterNode:
        host, parts = self._host, self._host.parts
        workers = sorted({t.worker for t in parts.gateway.board.tasks() if t.worker}) if parts is not None else []
        state = pb.NODE_STATE_DRAINING if host.calls.draining else pb.NODE_STATE_SERVING
        return pb.ClusterNode(id=parts.gateway.node if parts is not None else host.config.node_id, address=host.advertised, version=VERSION,
                              start_time=timestamp(host.started_ms), workers=workers, state=state, rack=host.config.rack,
                              heard_time=timestamp(time.time_ns() // 1_000_000))

    def _doubles(self, gateway: Gateway) -> list[pb.ClusterNode]:
        """The second process of each id that two run under."""
        table = gateway.cluster.table
        found = []
        for node, (later, earlier) in gateway.cluster.doubles().items():
            mine = node == gateway.node and earlier.started_ms == self._host.started_ms
            found.append(_other(gateway, replace(table.members[node], entry=later if mine else earlier)))
        return found

    async def ListTasks(self, request: pb.ListTasksRequest, context: grpc.aio.ServicerContext) -> pb.ListTasksResponse:
        gateway = self._host.gateway
        state = gateway.registry.state
        entries = [topology(state, request.topology)] if request.topology else [
            state.topologies[n] for n in sorted(state.topologies) if caller().sees(n)]
        name = entries[0].name if request.topology else ""
        known = gateway.cluster.tasks(gateway.board.tasks(name or None), name)
        newer = await _asked(gateway, name, {node for node, _ in known.values()} - {gateway.node})
        tasks = []
        for e in entries:
            for sub in e.plan.subs:
                for p in range(sub.partitions):
                    node, task = known.get((e.name, e.incarnation, sub.name, p), ("", None))
                    if task is None:
                        tasks.append(pb.Task(topology=e.name, sub_topology=sub.name, partition=p, state=pb.TASK_STATE_UNSPECIFIED))
                        continue
                    standbys = gateway.cluster.standbys((e.name, e.incarnation, sub.name, p))
                    message = newer.get((node, e.name, sub.name, p)) or task_message(node, task)
                    message.standby_nodes.extend(standbys)
                    tasks.append(message)
        return pb.ListTasksResponse(tasks=tasks)

    async def DrainNode(self, request: pb.DrainNodeRequest, context: grpc.aio.ServicerContext) -> pb.DrainNodeResponse:
        gateway = self._host.gateway
        if request.node == gateway.node:
            self._host.drain(bool(gateway.cluster.elsewhere_alive()))
            return pb.DrainNodeResponse()
        others = gateway.cluster.others
        if request.node not in others:
            nodes = ", ".join(sorted([gateway.node, *others]))
            raise RequestError("UNKNOWN_SERVICE_NODE", f"there is no node {request.node!r}; there are {nodes}",
                               {"node": request.node, "candidates": nodes})
        try:
            await gateway.peers.call(request.node, "Drain", internal.DrainRequest(), DRAIN_WITHIN)
        except Unreachable as e:
            raise RequestError("NODE_UNAVAILABLE", f"node {request.node} cannot be told to drain: {e}",
                               {"node": request.node, "address": gateway.cluster.address(request.node)}) from e
        return pb.DrainNodeResponse()


def _other(gateway: Gateway, member: Member) -> pb.ClusterNode:
    e = member.entry
    state = f"NODE_STATE_{e.state}" if e.state in ("SERVING", "DRAINING") else "NODE_STATE_UNSPECIFIED"
    heard = time.time_ns() // 1_000_000 - round(1000 * (time.monotonic() - member.heard))
    return pb.ClusterNode(id=e.id, address=e.address, version=e.version, start_time=timestamp(e.started_ms), workers=e.workers, rack=e.rack,
                          state=state if gateway.cluster.heard(e.id) else "NODE_STATE_SILENT", heard_time=timestamp(heard))


async def _asked(gateway: Gateway, name: str, nodes: set[str]) -> Mapping[tuple[str, str, str, int], pb.Task]:
    """What other nodes say of their tasks now, by node and task."""
    found: dict[tuple[str, str, str, int], pb.Task] = {}

    async def ask(node: str) -> None:
        try:
            response = await gateway.peers.call(node, "ListOwnTasks", internal.ListOwnTasksRequest(topology=name), LAGS_WITHIN)
        except Unreachable:
            return
        found.update({(node, t.topology, t.sub_topology, t.partition): t for t in response.tasks if t.state != pb.TASK_STATE_STANDBY})

    await asyncio.gather(*(ask(n) for n in nodes if gateway.cluster.alive(n)))
    return found
