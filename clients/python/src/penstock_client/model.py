"""What the service knows, as values: relations, topologies, tasks, functions. Made from responses, never sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from google.protobuf import timestamp_pb2

from penstock_client._error import RowError
from penstock_client.enums import name_of
from penstock_client.gen.penstock.v1 import (
    append_service_pb2,
    catalog_service_pb2,
    cluster_service_pb2,
    relation_pb2,
    topology_pb2,
    topology_service_pb2,
)
from penstock_client.types import Column, columns_of


@dataclass(frozen=True, slots=True)
class Relation:
    """A stream or a table. kind is STREAM or TABLE; topic is empty for a node without one; window_size is None without windows."""

    name: str
    kind: str
    columns: tuple[Column, ...]
    topic: str
    key_format: str
    value_format: str
    window_size: timedelta | None
    owner_topology: str
    writer_topologies: tuple[str, ...]
    reader_topologies: tuple[str, ...]
    read_only: bool
    lookup: bool
    etag: str
    position: str = ""
    """Token that makes a later call see it, from create_relation."""

    @property
    def key(self) -> tuple[Column, ...]:
        """Key columns in order."""
        return tuple(c for c in self.columns if c.role == "KEY")


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of dead letters that were to be replayed. replayed: now, or to be for a check; before: those that had been; impossible:
    those without a record that could be processed again."""

    replayed: int
    before: int
    impossible: int


@dataclass(frozen=True, slots=True)
class TopologyInfo:
    """A registered topology. state is STARTING, RUNNING, PAUSED or FAILED."""

    name: str
    state: str
    state_reason: str
    version: int
    etag: str
    register_time: datetime | None
    relations: tuple[str, ...]
    definition: topology_pb2.Topology = field(repr=False)
    position: str = ""
    """Token that makes a later call see the change, from register_topology, pause, resume and reset."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeChange:
    """What an update does to a node. effect is KEPT, ADDED, REBUILT or DROPPED; needs_leave: something is lost or computed anew."""

    node: str
    effect: str
    reason: str
    needs_leave: bool


@dataclass(frozen=True, slots=True)
class TopologyUpdate:
    """What is registered now, and what became (validate_only: would become) of each node."""

    topology: TopologyInfo
    changes: tuple[NodeChange, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One partition of one sub-topology. state is OPENING, RESTORING, RUNNING, PAUSED, FAILED, CLOSED, or UNSPECIFIED before its worker has
    reported. lag counts records; restore_progress is 0 to 1 while RESTORING. standby_nodes have copies of its state."""

    topology: str
    sub_topology: str
    partition: int
    state: str
    state_reason: str
    worker: str
    lag: int
    restore_progress: float | None
    update_time: datetime | None
    node: str = ""
    standby_nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """One node: a gateway and its workers. state is SERVING, DRAINING or SILENT."""

    id: str
    address: str
    version: str
    start_time: datetime | None
    workers: tuple[str, ...]
    state: str = "SERVING"
    rack: str = ""
    heard_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """The service. log is `embedded` or `kafka`."""

    service_id: str
    log: str
    log_available: bool
    nodes: tuple[ClusterNode, ...]
    topologies: int
    relations: int


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the log."""

    name: str
    partitions: int
    relations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of expressions. kind is SCALAR, AGGREGATE or TABLE."""

    name: str
    kind: str
    signatures: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch. position includes every row of it; duplicate: an earlier call had written it."""

    position: str
    appended: int
    duplicate: bool = False
    row_errors: tuple[RowError, ...] = ()


def relation_of(message: relation_pb2.Relation, position: str = "") -> Relation:
    """From its message."""
    windowed = message.HasField("window")
    return Relation(
        message.name,
        name_of(relation_pb2.RelationKind, message.kind, "RELATION_KIND_"),
        columns_of(message.schema),
        message.topic.topic,
        message.topic.key_format.name,
        message.topic.value_format.name,
        message.window.size.ToTimedelta() if windowed else None,
        message.owner_topology,
        tuple(message.writer_topologies),
        tuple(message.reader_topologies),
        message.read_only,
        message.lookup,
        message.etag,
        position,
    )


def topology_of(
    message: topology_service_pb2.RegisteredTopology, position: str = "", warnings: tuple[str, ...] = ()
) -> TopologyInfo:
    """From its message."""
    return TopologyInfo(
        message.topology.name,
        name_of(topology_service_pb2.TopologyState, message.state, "TOPOLOGY_STATE_"),
        message.state_reason,
        message.version,
        message.etag,
        _datetime(message, "register_time"),
        tuple(message.relations),
        message.topology,
        position,
        warnings,
    )


def task_of(message: cluster_service_pb2.Task) -> Task:
    """From its message."""
    return Task(
        message.topology,
        message.sub_topology,
        message.partition,
        name_of(cluster_service_pb2.TaskState, message.state, "TASK_STATE_"),
        message.state_reason,
        message.worker,
        message.lag,
        message.restore_progress if message.HasField("restore_progress") else None,
        _datetime(message, "update_time"),
        message.node,
        tuple(message.standby_nodes),
    )


def cluster_of(message: cluster_service_pb2.DescribeClusterResponse) -> Cluster:
    """From its message."""
    nodes = tuple(map(_node_of, message.nodes))
    return Cluster(message.service_id, message.log, message.log_available, nodes, message.topologies, message.relations)


def _node_of(message: cluster_service_pb2.ClusterNode) -> ClusterNode:
    state = name_of(cluster_service_pb2.NodeState, message.state, "NODE_STATE_")
    return ClusterNode(
        message.id, message.address, message.version, _datetime(message, "start_time"), tuple(message.workers), state, message.rack,
        _datetime(message, "heard_time"),
    )  # fmt: skip


def topic_of(message: catalog_service_pb2.TopicInfo) -> Topic:
    """From its message."""
    return Topic(message.name, message.partitions, tuple(message.relations))


def function_of(message: catalog_service_pb2.FunctionInfo) -> Function:
    """From its message."""
    kind = name_of(catalog_service_pb2.FunctionKind, message.kind, "FUNCTION_KIND_")
    return Function(message.name, kind, tuple(message.signatures), message.description)


def appended_of(message: append_service_pb2.AppendAck, errors: tuple[RowError, ...]) -> Appended:
    """From its message and the refused rows of it."""
    return Appended(message.position.value, message.appended, message.duplicate, errors)


def _datetime(message: object, name: str) -> datetime | None:
    """A timestamp field in UTC, None when absent."""
    if not message.HasField(name):  # type: ignore[attr-defined]
        return None
    stamp: timestamp_pb2.Timestamp = getattr(message, name)
    return stamp.ToDatetime(tzinfo=UTC)
