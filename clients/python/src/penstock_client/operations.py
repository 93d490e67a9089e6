"""Every unary call as a value: its method, its request and how its response is read. Both clients run these, one awaiting and one not.

idempotent says that a repeat after an unknown outcome changes nothing; only such calls are repeated when the service was not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from penstock_client import model
from penstock_client.builder import Start, Topology, start_position
from penstock_client.enums import name_of
from penstock_client.gen.penstock.v1 import (
    catalog_service_pb2 as catalog,
)
from penstock_client.gen.penstock.v1 import (
    cluster_service_pb2 as cluster,
)
from penstock_client.gen.penstock.v1 import (
    relation_pb2,
    topology_pb2,
)
from penstock_client.gen.penstock.v1 import (
    topology_service_pb2 as topologies,
)
from penstock_client.position import duration

T = TypeVar("T")
Definition = Topology | topology_pb2.Topology


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One unary call. extra: seconds that the service itself may wait, added to the deadline. place: what the call is about, where one node has
    it and answers name it as their `owner`: the next call about the same goes to that node."""

    method: str
    request: Message
    response: type[Message]
    read: Callable[[Any], T]
    idempotent: bool = True
    extra: float = 0.0
    place: Hashable = None


def _topology(method: str, request: Message, response: type[Message], read: Callable[[Any], T], **more: Any) -> Operation[T]:
    return Operation(f"/penstock.v1.TopologyService/{method}", request, response, read, **more)


def _catalog(method: str, request: Message, response: type[Message], read: Callable[[Any], T], **more: Any) -> Operation[T]:
    return Operation(f"/penstock.v1.CatalogService/{method}", request, response, read, **more)


def _registered(response: Any) -> model.TopologyInfo:
    return model.topology_of(response.topology, response.position.value)


def register(definition: Definition, validate_only: bool, wait: float | None) -> Operation[model.TopologyInfo]:
    """RegisterTopology. A repeat with an equal definition is answered as the first time."""
    message = definition.message() if isinstance(definition, Topology) else definition
    request = topologies.RegisterTopologyRequest(
        topology=message, validate_only=validate_only, wait=None if wait is None else duration(wait)
    )
    return _topology(
        "RegisterTopology", request, topologies.RegisterTopologyResponse,
        lambda r: model.topology_of(r.topology, r.position.value, tuple(r.warnings)), extra=wait or 0.0,
    )  # fmt: skip


def update(
    definition: Definition, etag: str, validate_only: bool, allow_rebuild: bool, allow_drop: bool, rebuild_added_columns: bool, wait: float | None
) -> Operation[model.TopologyUpdate]:
    """UpdateTopology. A repeat with an equal definition changes nothing."""
    request = topologies.UpdateTopologyRequest(
        topology=definition.message() if isinstance(definition, Topology) else definition, etag=etag, validate_only=validate_only,
        allow_rebuild=allow_rebuild, allow_drop=allow_drop, rebuild_added_columns=rebuild_added_columns,
        wait=None if wait is None else duration(wait),
    )  # fmt: skip
    return _topology(
        "UpdateTopology", request, topologies.UpdateTopologyResponse,
        lambda r: model.TopologyUpdate(_registered(r), tuple(map(_node_change, r.changes))), extra=wait or 0.0,
    )  # fmt: skip


def _node_change(change: topologies.NodeChange) -> model.NodeChange:
    effect = name_of(topologies.StateEffect, change.effect, "STATE_EFFECT_")
    return model.NodeChange(change.node, effect, change.reason, change.needs_leave)


def get_topology(name: str) -> Operation[model.TopologyInfo]:
    """GetTopology."""
    return _topology(
        "GetTopology", topologies.GetTopologyRequest(name=name), topologies.GetTopologyResponse, lambda r: model.topology_of(r.topology)
    )


def list_topologies(page_token: str) -> Operation[tuple[list[model.TopologyInfo], str]]:
    """One page of ListTopologies and the token of the next."""
    return _topology(
        "ListTopologies", topologies.ListTopologiesRequest(page_size=1000, page_token=page_token), topologies.ListTopologiesResponse,
        lambda r: (list(map(model.topology_of, r.topologies)), r.next_page_token),
    )  # fmt: skip


def delete_topology(name: str, etag: str, delete_topics: bool) -> Operation[str]:
    """DeleteTopology; the position."""
    request = topologies.DeleteTopologyRequest(name=name, etag=etag, delete_topics=delete_topics)
    return _topology("DeleteTopology", request, topologies.DeleteTopologyResponse, lambda r: r.position.value, idempotent=False)


def pause(name: str) -> Operation[model.TopologyInfo]:
    """PauseTopology."""
    return _topology("PauseTopology", topologies.PauseTopologyRequest(name=name), topologies.PauseTopologyResponse, _registered)


def resume(name: str) -> Operation[model.TopologyInfo]:
    """ResumeTopology."""
    return _topology("ResumeTopology", topologies.ResumeTopologyRequest(name=name), topologies.ResumeTopologyResponse, _registered)


def reset(name: str, etag: str, start: Start) -> Operation[model.TopologyInfo]:
    """ResetTopology."""
    request = topologies.ResetTopologyRequest(name=name, etag=etag, start=start_position(start) if start else None)
    return _topology("ResetTopology", request, topologies.ResetTopologyResponse, _registered, idempotent=False)


def replay(topology: str, where: str, reason: str, validate_only: bool) -> Operation[model.Replay]:
    """ReplayDeadLetters. A repeat finds replayed what was."""
    request = topologies.ReplayDeadLettersRequest(topology=topology, where=where, reason=reason, validate_only=validate_only)
    return _topology(
        "ReplayDeadLetters",
        request,
        topologies.ReplayDeadLettersResponse,
        lambda r: model.Replay(r.replayed, r.replayed_before, r.impossible),
        idempotent=False,
    )


def explain(target: str | Definition, source: bool) -> Operation[str]:
    """ExplainTopology of a name or of a definition."""
    if isinstance(target, str):
        request = topologies.ExplainTopologyRequest(name=target, source=source)
    else:
        message = target.message() if isinstance(target, Topology) else target
        request = topologies.ExplainTopologyRequest(topology=message, source=source)
    return _topology("ExplainTopology", request, topologies.ExplainTopologyResponse, lambda r: str(r.text))


def create_relation(relation: relation_pb2.Relation, validate_only: bool) -> Operation[model.Relation]:
    """CreateRelation. A repeat with an equal declaration is answered as the first time."""
    request = catalog.CreateRelationRequest(relation=relation, validate_only=validate_only)
    return _catalog(
        "CreateRelation", request, catalog.CreateRelationResponse, lambda r: model.relation_of(r.relation, r.position.value)
    )


def get_relation(name: str) -> Operation[model.Relation]:
    """GetRelation."""
    return _catalog("GetRelation", catalog.GetRelationRequest(name=name), catalog.GetRelationResponse, lambda r: model.relation_of(r.relation))


def list_relations(include_nodes: bool, page_token: str) -> Operation[tuple[list[model.Relation], str]]:
    """One page of ListRelations and the token of the next."""
    request = catalog.ListRelationsRequest(page_size=1000, page_token=page_token, include_nodes=include_nodes)
    return _catalog(
        "ListRelations", request, catalog.ListRelationsResponse, lambda r: (list(map(model.relation_of, r.relations)), r.next_page_token)
    )


def drop_relation(name: str, etag: str, delete_topic: bool) -> Operation[str]:
    """DropRelation; the position."""
    request = catalog.DropRelationRequest(name=name, etag=etag, delete_topic=delete_topic)
    return _catalog("DropRelation", request, catalog.DropRelationResponse, lambda r: r.position.value, idempotent=False)


def list_topics(include_internal: bool) -> Operation[list[model.Topic]]:
    """ListTopics."""
    request = catalog.ListTopicsRequest(include_internal=include_internal)
    return _catalog("ListTopics", request, catalog.ListTopicsResponse, lambda r: list(map(model.topic_of, r.topics)))


def list_functions() -> Operation[list[model.Function]]:
    """ListFunctions."""
    return _catalog(
        "ListFunctions", catalog.ListFunctionsRequest(), catalog.ListFunctionsResponse, lambda r: list(map(model.function_of, r.functions))
    )


def get_function(name: str) -> Operation[model.Function]:
    """GetFunction."""
    return _catalog("GetFunction", catalog.GetFunctionRequest(name=name), catalog.GetFunctionResponse, lambda r: model.function_of(r.function))


def create_function(function: catalog.RemoteFunction) -> Operation[model.Function]:
    """CreateFunction. A repeat with an equal declaration is answered as the first time."""
    return _catalog(
        "CreateFunction", catalog.CreateFunctionRequest(function=function), catalog.CreateFunctionResponse, lambda r: model.function_of(r.function)
    )


def drop_function(name: str) -> Operation[str]:
    """DropFunction; the position."""
    return _catalog("DropFunction", catalog.DropFunctionRequest(name=name), catalog.DropFunctionResponse, lambda r: r.position.value, idempotent=False)


def describe_cluster() -> Operation[model.Cluster]:
    """DescribeCluster."""
    return Operation(
        "/penstock.v1.ClusterService/DescribeCluster", cluster.DescribeClusterRequest(), cluster.DescribeClusterResponse, model.cluster_of
    )


def list_tasks(topology: str) -> Operation[list[model.Task]]:
    """ListTasks."""
    return Operation(
        "/penstock.v1.ClusterService/ListTasks", cluster.ListTasksRequest(topology=topology), cluster.ListTasksResponse,
        lambda r: list(map(model.task_of, r.tasks)),
    )  # fmt: skip


def drain_node(node: str) -> Operation[None]:
    """DrainNode. A repeat finds the node draining, or gone."""
    return Operation(
        "/penstock.v1.ClusterService/DrainNode", cluster.DrainNodeRequest(node=node), cluster.DrainNodeResponse, lambda _: None
    )
