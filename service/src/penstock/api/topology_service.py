"""TopologyService: registration and life of topologies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import grpc
from penstock_client.gen.penstock.v1 import topology_pb2, topology_service_pb2_grpc
from penstock_client.gen.penstock.v1 import topology_service_pb2 as pb

from penstock.api.convert import page, position, seconds, topology_message
from penstock.api.host import Host
from penstock.catalog import changes, register, update
from penstock.catalog.port import Desired, TopologyEntry
from penstock.catalog.view import CatalogRelations, topology
from penstock.errors import RequestError
from penstock.plan.explain import explain
from penstock.plan.relations import Relations
from penstock.plan.resolved import ResolvedPlan
from penstock.planner import plan_topology
from penstock.security.principal import Access, Need, caller
from penstock.serving import states
from penstock.serving.replay import replay_letters, wanted
from penstock.serving.settle import settle
from penstock.serving.source import source_of

METHODS = dict.fromkeys(("RegisterTopology", "UpdateTopology", "GetTopology", "ListTopologies", "DeleteTopology", "PauseTopology", "ResumeTopology", "ResetTopology", "ReplayDeadLetters", "ExplainTopology"), "unary")


class TopologyServicer(topology_service_pb2_grpc.TopologyServiceServicer):
    """See the proto file for what each method does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def RegisterTopology(self, request: pb.RegisterTopologyRequest, context: grpc.aio.ServicerContext) -> pb.RegisterTopologyResponse:
        gateway = self._host.gateway
        definition = request.topology
        if request.validate_only:
            plan = await self._planned(definition)
            entry = TopologyEntry(definition.name, 0, 1, _bytes(definition), plan, Desired.RUNNING, gateway.clock.now_ms())
            return pb.RegisterTopologyResponse(topology=topology_message(entry, pb.TOPOLOGY_STATE_STARTING, "only validated"))
        entry = await register.register(gateway.log, gateway.registry, definition.name, _bytes(definition), self._planner(definition),
                                        partial(settle, gateway), gateway.clock)
        if request.HasField("wait"):
            await states.settled(gateway, entry, seconds(request.wait))
        return pb.RegisterTopologyResponse(topology=self._message(entry), position=position(gateway.catalog_token()))

    async def UpdateTopology(self, request: pb.UpdateTopologyRequest, context: grpc.aio.ServicerContext) -> pb.UpdateTopologyResponse:
        gateway, definition = self._host.gateway, request.topology
        leave = update.Leave(request.allow_rebuild, request.allow_drop, request.rebuild_added_columns, request.validate_only)
        entry, decision = await update.update(gateway.log, gateway.registry, definition.name, _bytes(definition), self._planner(definition),
                                              partial(settle, gateway), request.etag, leave)
        if request.HasField("wait") and not request.validate_only:
            await states.settled(gateway, entry, seconds(request.wait))
        changes_ = [pb.NodeChange(node=c.node, effect=f"STATE_EFFECT_{c.effect.value}", reason=c.reason, needs_leave=c.leave)
                    for c in decision.changes]
        at = None if request.validate_only else position(gateway.catalog_token())
        return pb.UpdateTopologyResponse(topology=self._message(entry), changes=changes_, position=at)

    async def GetTopology(self, request: pb.GetTopologyRequest, context: grpc.aio.ServicerContext) -> pb.GetTopologyResponse:
        return pb.GetTopologyResponse(topology=self._message(topology(self._host.gateway.registry.state, request.name)))

    async def ListTopologies(self, request: pb.ListTopologiesRequest, context: grpc.aio.ServicerContext) -> pb.ListTopologiesResponse:
        topologies = self._host.gateway.registry.state.topologies
        names, following = page(sorted(n for n in topologies if caller().sees(n)), request.page_size, request.page_token)
        return pb.ListTopologiesResponse(topologies=[self._message(topologies[n]) for n in names], next_page_token=following)

    async def DeleteTopology(self, request: pb.DeleteTopologyRequest, context: grpc.aio.ServicerContext) -> pb.DeleteTopologyResponse:
        gateway = self._host.gateway
        if request.delete_topics:
            written = register.topics_of_sinks(topology(gateway.registry.state, request.name).plan)
            caller().require((Need(Access.ADMIN, topic) for topic in written), "TopologyService/DeleteTopology")
        await register.delete(gateway.log, gateway.registry, request.name, request.etag, request.delete_topics)
        return pb.DeleteTopologyResponse(position=position(gateway.catalog_token()))

    async def PauseTopology(self, request: pb.PauseTopologyRequest, context: grpc.aio.ServicerContext) -> pb.PauseTopologyResponse:
        entry = await self._desire(request.name, Desired.PAUSED)
        return pb.PauseTopologyResponse(topology=self._message(entry), position=position(self._host.gateway.catalog_token()))

    async def ResumeTopology(self, request: pb.ResumeTopologyRequest, context: grpc.aio.ServicerContext) -> pb.ResumeTopologyResponse:
        entry = await self._desire(request.name, Desired.RUNNING)
        return pb.ResumeTopologyResponse(topology=self._message(entry), position=position(self._host.gateway.catalog_token()))

    async def ResetTopology(self, request: pb.ResetTopologyRequest, context: grpc.aio.ServicerContext) -> pb.ResetTopologyResponse:
        gateway = self._host.gateway
        definition = topology_pb2.Topology.FromString(topology(gateway.registry.state, request.name).definition)
        if request.HasField("start"):
            _begin(definition, request.start)
        entry = await register.reset(gateway.log, gateway.registry, request.name, self._planner(definition), partial(settle, gateway), request.etag)
        return pb.ResetTopologyResponse(topology=self._message(entry), position=position(gateway.catalog_token()))

    async def ReplayDeadLetters(self, request: pb.ReplayDeadLettersRequest, context: grpc.aio.ServicerContext) -> pb.ReplayDeadLettersResponse:
        done = await replay_letters(self._host.gateway, request.topology, wanted(request.where, request.reason), request.validate_only)
        return pb.ReplayDeadLettersResponse(replayed=done.replayed, replayed_before=done.before, impossible=done.impossible)

    async def ExplainTopology(self, request: pb.ExplainTopologyRequest, context: grpc.aio.ServicerContext) -> pb.ExplainTopologyResponse:
        match request.WhichOneof("target"):
            case "name":
                plan = topology(self._host.gateway.registry.state, request.name).plan
            case "topology":
                plan = await self._planned(request.topology)
            case _:
                raise RequestError("INVALID_ARGUMENT", "name or topology must be set", {"field": "target"})
        sources = {s.name: source_of(s, plan.settings) for s in (*plan.subs, *plan.globals)} if request.source else None
        return pb.ExplainTopologyResponse(text=explain(plan, sources))

    async def _desire(self, name: str, desired: Desired) -> TopologyEntry:
        state = await self._host.gateway.registry.change(lambda s: changes.set_desired(s, name, desired))
        return topology(state, name)

    async def _planned(self, definition: topology_pb2.Topology) -> ResolvedPlan:
        """Plan without registering anything."""
        gateway = self._host.gateway
        state = await gateway.registry.refresh()
        return self._planner(definition)(CatalogRelations(state, await gateway.log.topics()), state.position)

    def _planner(self, definition: topology_pb2.Topology) -> Callable[[Relations, int], ResolvedPlan]:
        config = self._host.config
        return lambda relations, incarnation: plan_topology(
            definition, relations, service_id=config.service_id, incarnation=incarnation, default_partitions=config.default_partitions)

    def _message(self, entry: TopologyEntry) -> pb.RegisteredTopology:
        return topology_message(entry, *states.current(self._host.gateway, entry))


def _begin(definition: topology_pb2.Topology, start: topology_pb2.StartPosition) -> None:
    """Have every source begin there."""
    for node in definition.nodes:
        if node.HasField("source_stream"):
            node.source_stream.origin.start.CopyFrom(start)
        elif node.HasField("source_table"):
            node.source_table.origin.start.CopyFrom(start)


def _bytes(definition: topology_pb2.Topology) -> bytes:
    """Equal definitions have equal bytes."""
    return definition.SerializeToString(deterministic=True)
