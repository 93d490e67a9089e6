"""What each method takes: the rights that its request needs, decided from the request alone. A method without a rule takes everything: what is
new is closed until somebody says whom it is for.

What a request does not show is asked where it is known: statements by their effects (serving/sql/needs.py), batches of a stream one by one, a
program's bundles by their topology (serving/programs.py), topics that are deleted with what they belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock_client.gen.penstock.v1 import catalog_service_pb2, topology_service_pb2

from penstock.security.definition import declares, of_nodes, registers
from penstock.security.principal import Access, Need

Needs = Callable[[Any], Iterable[Need]]
PACKAGE = "/penstock.v1."
INTERNAL = "/penstock.internal.v1.NodeService/"


@dataclass(frozen=True, slots=True)
class Rule:
    """needs: of a request. changes: whether the audit has a line for each call; only_checks says of a request that it changes nothing."""

    needs: Needs
    changes: bool = False

    def only_checks(self, request: Any) -> bool:
        """Whether this call would change nothing."""
        return bool(getattr(request, "validate_only", False))


def known(request: object) -> Iterator[Need]:
    """Any principal; what is answered is filtered."""
    yield Need(Access.KNOWN)


def everything(request: object) -> Iterator[Need]:
    """An admin of all names."""
    yield Need(Access.ADMIN)


def _field(access: Access, name: str) -> Needs:
    return lambda request: (Need(access, getattr(request, name)),)


def _append(request: Any) -> Iterator[Need]:
    yield Need(Access.WRITE, request.batch.relation)


def _create(request: catalog_service_pb2.CreateRelationRequest) -> Iterator[Need]:
    return declares(request.relation.name, request.relation.topic.topic)


def _declares_function(request: catalog_service_pb2.CreateFunctionRequest) -> Iterator[Need]:
    yield Need(Access.ADMIN, request.function.name)


def _register(request: Any) -> Iterator[Need]:
    return registers(request.topology)


def _explain(request: topology_service_pb2.ExplainTopologyRequest) -> Iterator[Need]:
    if request.WhichOneof("target") == "topology":
        return of_nodes(request.topology)
    return iter((Need(Access.DESCRIBE, request.name),))


def _tasks(request: Any) -> Iterator[Need]:
    return iter((Need(Access.DESCRIBE, request.topology),)) if request.topology else known(request)


_reads, _describes = _field(Access.READ, "relation"), _field(Access.DESCRIBE, "name")
_administers = Rule(_field(Access.ADMIN, "name"), changes=True)

_TABLE: Mapping[str, Needs | Rule] = {
    "AppendService/Append": _append,
    "AppendService/AppendStream": known,
    "CatalogService/CreateRelation": Rule(_create, changes=True),
    "CatalogService/GetRelation": _describes,
    "CatalogService/ListRelations": known,
    "CatalogService/DropRelation": _administers,
    "CatalogService/ListTopics": known,
    "CatalogService/ListFunctions": known,
    "CatalogService/GetFunction": known,
    "CatalogService/CreateFunction": Rule(_declares_function, changes=True),
    "CatalogService/DropFunction": _administers,
    "ClusterService/DescribeCluster": known,
    "ClusterService/ListTasks": _tasks,
    "ClusterService/DrainNode": Rule(everything, changes=True),
    "LookupService/Get": _reads,
    "LookupService/BatchGet": _reads,
    "LookupService/Scan": _reads,
    "ProcessorService/Process": known,
    "RegistryService/BackupRegistry": everything,
    "RegistryService/RestoreRegistry": Rule(everything, changes=True),
    "SqlService/Execute": known,
    "SqlService/Query": known,
    "SubscriptionService/Subscribe": _reads,
    "TopologyService/RegisterTopology": Rule(_register, changes=True),
    "TopologyService/UpdateTopology": Rule(_register, changes=True),
    "TopologyService/GetTopology": _describes,
    "TopologyService/ListTopologies": known,
    "TopologyService/DeleteTopology": _administers,
    "TopologyService/PauseTopology": _administers,
    "TopologyService/ResumeTopology": _administers,
    "TopologyService/ResetTopology": _administers,
    "TopologyService/ReplayDeadLetters": Rule(_field(Access.ADMIN, "topology"), changes=True),
    "TopologyService/ExplainTopology": _explain,
}
RULES: Mapping[str, Rule] = {f"{PACKAGE}{method}": rule if isinstance(rule, Rule) else Rule(rule) for method, rule in _TABLE.items()}
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
CLOSED = Rule(everything, changes=True)
NODES = Rule(everything)
"""What nodes ask each other all the time."""


def rule_of(method: str) -> Rule:
    """By its full name."""
    if method.startswith(INTERNAL):
        return CLOSED if method == f"{INTERNAL}Drain" else NODES
    return Rule(known) if method == REFLECTION else RULES.get(method, CLOSED)
