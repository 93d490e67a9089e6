"""The resolved plan: what is stored in the registry and run. It never holds SQL text; an upgrade never plans it anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from penstock.plan.nodes import Format, Node, RelationKind, Repartition, Sink, StoreSpec, StreamGlobalJoin, TopicRef, Window, stores_of
from penstock.types.schema import Schema


class Guarantee(Enum):
    """Stateful topologies are always EXACTLY_ONCE."""

    EXACTLY_ONCE = "EXACTLY_ONCE"
    AT_LEAST_ONCE = "AT_LEAST_ONCE"


class Updates(Enum):
    """Which updates of an aggregate leave it."""

    LATEST_PER_COMMIT = "LATEST_PER_COMMIT"
    EVERY = "EVERY"


class OnBadRecord(Enum):
    """What happens to a record that cannot be processed."""

    DEAD_LETTER = "DEAD_LETTER"
    SKIP = "SKIP"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a topology, defaults filled in. max_task_idle_ms: how long a task waits for an input without records while others have
    some (KIP-695); for records that are known to exist it waits in any case unless this is below 0. standbys: copies of each task's state on other
    nodes; None: as many as the nodes are started with."""

    guarantee: Guarantee = Guarantee.EXACTLY_ONCE
    commit_interval_ms: int = 100
    on_bad_record: OnBadRecord = OnBadRecord.DEAD_LETTER
    updates: Updates = Updates.LATEST_PER_COMMIT
    max_task_idle_ms: int = 0  # less than 0: never wait
    standbys: int | None = None


@dataclass(frozen=True, slots=True)
class SubTopology:
    """A part of the plan that is connected without topics: one task for each partition.

    name: the name of its first source node; state directories contain it.
    nodes: in topological order, Repartition nodes at both borders included: a Repartition that no node of this sub-topology feeds is
        a source, one that feeds no node of it is a sink. (A stream that is joined or merged with its own repartition makes one that is
        both: written and read in the same sub-topology.)
    partitions: number of tasks, the number of partitions that all of its sources share.
    scalars: the reserved store (name "_scalars", fields ("value",), key = node name) for stream times, where a node has one.
    """

    name: str
    nodes: tuple[Node, ...]
    partitions: int
    scalars: StoreSpec | None = None

    @property
    def global_stores(self) -> tuple[StoreSpec, ...]:
        """Stores of the global tables that it joins, which it reads and others fill."""
        return tuple({node.table.name: node.table.store for node in self.nodes if isinstance(node, StreamGlobalJoin)}.values())

    @property
    def global_tables(self) -> tuple[str, ...]:
        """Names of these tables."""
        return tuple(store.name for store in self.global_stores)

    @property
    def written(self) -> Mapping[str, int]:
        """Topics of its Sink and Repartition nodes, with their partitions as planned."""
        return {node.topic.topic: node.topic.partitions for node in self.nodes if isinstance(node, Sink | Repartition)}

    @property
    def stores(self) -> tuple[StoreSpec, ...]:
        """Stores in node order, the reserved one last."""
        own = tuple(store for node in self.nodes for store in stores_of(node))
        return own if self.scalars is None else (*own, self.scalars)


@dataclass(frozen=True, slots=True)
class InternalTopic:
    """A topic that the service creates for this plan."""

    topic: str
    partitions: int
    compact: bool
    retention_ms: int  # -1: for ever


@dataclass(frozen=True, slots=True)
class ExternalTopic:
    """A topic outside of the plan that it reads or writes. create: made when missing, with these numbers (replicas 0 and retention_ms
    None: the log's default); else it exists. compact: it holds a table."""

    topic: str
    partitions: int
    create: bool
    compact: bool
    replicas: int = 0
    retention_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A relation that the plan publishes. store/sub: where lookups read it; both empty for a stream. topic: where pushes read a
    stream (and what Append would write); for a table, pushes run the row view over the store's changelog. Between `node` and the node
    that owns `store` there are only Filters and Selects of tables (and the Sink), through first inputs: the row view computes them.
    key_format: of the store's keys, or of the topic's."""

    name: str  # catalog name, or `topology.node`
    kind: RelationKind
    schema: Schema
    window: Window | None
    node: str
    topic: TopicRef | None
    sub: str = ""
    store: str = ""
    in_catalog: bool = True  # False: a materialised node addressed as `topology.node` only
    key_format: Format | None = None


@dataclass(frozen=True, slots=True)
class ResolvedPlan:
    """A topology ready to run. globals: its global tables, each a sub-topology of one SourceTable that every worker runs over all partitions
    of the topic, outside of the group and its commits."""

    topology: str
    incarnation: int
    service_id: str
    settings: Settings
    subs: tuple[SubTopology, ...]
    internal: tuple[InternalTopic, ...]
    published: tuple[Published, ...]
    dead_letter_topic: str
    external: tuple[ExternalTopic, ...] = ()
    globals: tuple[SubTopology, ...] = ()
    retired: tuple[str, ...] = ()  # internal topics of parts that updates dropped: deleted with the topology
    edition: int = 0  # grows with each update in place; workers of two editions never work at once

    @property
    def group(self) -> str:
        """Consumer group on Kafka, and the prefix of transactional ids."""
        return f"{self.service_id}-{self.topology}-{self.incarnation}"

    def sub(self, name: str) -> SubTopology:
        """A sub-topology, or a global table's. KeyError when there is none of this name."""
        for sub in (*self.subs, *self.globals):
            if sub.name == name:
                return sub
        raise KeyError(name)

    def is_global(self, sub: str) -> bool:
        """Whether a name is that of a global table."""
        return any(g.name == sub for g in self.globals)

    @property
    def stateful(self) -> bool:
        """Whether any sub-topology has a store."""
        return any(s.stores for s in self.subs)
