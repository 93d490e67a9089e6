"""NodeService: what other nodes of the service ask this one. Nothing here is passed on to a third."""

from __future__ import annotations

import time
from collections.abc import Sequence

import grpc
from penstock_client.gen.penstock.internal.v1 import node_service_pb2 as pb
from penstock_client.gen.penstock.internal.v1 import node_service_pb2_grpc

from penstock.api.convert import seconds
from penstock.api.host import Host
from penstock.api.tasks import task_message
from penstock.catalog.port import TopologyEntry
from penstock.log.port import TopicPartition
from penstock.plan.resolved import SubTopology
from penstock.serving.committed import ANY_AGE, Away, Unreadable, committed
from penstock.serving.freshness import away, reached_here
from penstock.serving.graph import stage
from penstock.serving.stores import pack
from penstock.state.port import Stamp
from penstock.state.reader import LmdbSnapshot

METHODS = {"Read": "unary", "Await": "unary", "ListOwnTasks": "unary", "Drain": "unary"}


class NodeServicer(node_service_pb2_grpc.NodeServiceServicer):
    """See the proto file for what each method does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def Read(self, request: pb.ReadRequest, context: grpc.aio.ServicerContext) -> pb.ReadResponse:
        found = self._stage(request.stage)
        stale = request.max_staleness_ms if request.HasField("max_staleness_ms") else None
        return pb.ReadResponse(partitions=[
            _unknown() if found is None else self._read(*found, wanted.partition, wanted.spans, stale) for wanted in request.partitions])

    def _read(self, entry: TopologyEntry, sub: SubTopology, partition: int, spans: Sequence[pb.Span], stale: int | None) -> pb.PartitionEntries:
        try:
            snapshot = committed(self._host.gateway, entry, sub, partition, stale)
        except Away as e:
            return pb.PartitionEntries(elsewhere=pb.Elsewhere(node=e.node))
        except Unreadable as e:
            age = None if e.staleness is None else min(e.staleness, ANY_AGE)
            return pb.PartitionEntries(refused=pb.Refused(state=e.state, detail=e.detail, staleness_ms=age))
        with snapshot:
            return pb.PartitionEntries(spans=[_entries(snapshot, sub, span) for span in spans], stamp=_stamp(snapshot.stamp))

    async def Await(self, request: pb.AwaitRequest, context: grpc.aio.ServicerContext) -> pb.AwaitResponse:
        found = self._stage(request.stage)
        if found is None:
            return pb.AwaitResponse(elsewhere=pb.Elsewhere())
        gateway, of = self._host.gateway, stage(*found)
        tp = TopicPartition(request.topic, request.partition)
        produced = await reached_here(gateway, of, tp, request.offset, time.monotonic() + seconds(request.max_wait))
        if produced is not None:
            return pb.AwaitResponse(passed=True, produced=produced)
        where = away(gateway, of, request.partition)
        return pb.AwaitResponse(elsewhere=None if where is None else pb.Elsewhere(node=where.node))

    async def ListOwnTasks(self, request: pb.ListOwnTasksRequest, context: grpc.aio.ServicerContext) -> pb.ListOwnTasksResponse:
        gateway = self._host.gateway
        return pb.ListOwnTasksResponse(tasks=[task_message(gateway.node, t) for t in gateway.board.tasks(request.topology or None)])

    async def Drain(self, request: pb.DrainRequest, context: grpc.aio.ServicerContext) -> pb.DrainResponse:
        self._host.drain(bool(self._host.gateway.cluster.elsewhere_alive()))
        return pb.DrainResponse()

    def _stage(self, ref: pb.StageRef) -> tuple[TopologyEntry, SubTopology] | None:
        """None while this node's catalog does not have that plan."""
        entry = self._host.gateway.registry.state.topologies.get(ref.topology.lower())
        if entry is None or (entry.incarnation, entry.plan.edition) != (ref.incarnation, ref.edition):
            return None
        return next(((entry, sub) for sub in (*entry.plan.subs, *entry.plan.globals) if sub.name == ref.sub_topology), None)


def _unknown() -> pb.PartitionEntries:
    return pb.PartitionEntries(elsewhere=pb.Elsewhere())


def _entries(snapshot: LmdbSnapshot, sub: SubTopology, span: pb.Span) -> pb.SpanEntries:
    packed = pack(sub, span.store)
    keys, values = [], []
    for key, value in snapshot.range(span.store, span.low, span.high):
        keys.append(key)
        values.append(packed(value))
        if len(keys) == span.limit:
            break
    return pb.SpanEntries(keys=keys, values=values)


def _stamp(stamp: Stamp | None) -> pb.CommitStamp | None:
    if stamp is None:
        return None
    return pb.CommitStamp(inputs=stamp.inputs, changelogs=stamp.changelogs, committed_ms=stamp.committed_ms)
