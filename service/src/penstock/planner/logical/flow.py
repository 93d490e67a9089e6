"""What the logical stage knows of a node's output, and what building one node gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from penstock.expr.remote import RemoteFunction
from penstock.expr.scope import Scope
from penstock.plan.nodes import Format, Node, RelationKind, SourceTable, Window
from penstock.plan.relations import Relations
from penstock.planner.validate import Placed
from penstock.types.schema import Schema
from penstock.types.sqltype import BIGINT, INT, SqlType


@dataclass(frozen=True, slots=True)
class Flow:
    """One output: rows of `schema`. window: keys are windowed. key_format: of the keys that accompany the rows. value_format: of the
    first source upstream, which sinks inherit. offsets: ROWPARTITION and ROWOFFSET exist. history_ms: a versioned table's, seen through
    filters and selects; 0 for any other. global_table: what a global_table reads, which only stream_global_join takes. functions: what
    expressions may call that programs compute."""

    schema: Schema
    kind: RelationKind
    window: Window | None
    key_format: Format
    value_format: Format
    offsets: bool = False
    grouped: bool = False
    history_ms: int = 0
    global_table: SourceTable | None = None
    functions: Mapping[str, RemoteFunction] = field(default_factory=dict)

    def columns(self) -> Mapping[str, SqlType]:
        """Columns that an expression may name, pseudo columns included."""
        named = {c.name: c.type for c in self.schema}
        pseudo = {"ROWTIME": BIGINT}
        if self.offsets:
            pseudo |= {"ROWPARTITION": INT, "ROWOFFSET": BIGINT}
        if self.window is not None:
            pseudo |= {"WINDOWSTART": BIGINT, "WINDOWEND": BIGINT}
        return {**named, **pseudo}

    @property
    def key_types(self) -> tuple[SqlType, ...]:
        """Types of the key columns in order."""
        return tuple(c.type for c in self.schema.key)


def scope(*inputs: tuple[str, Flow]) -> Scope:
    """What expressions over these inputs may name; an input is named by its node, or by the output of a branch."""
    return Scope(tuple((name.rpartition(".")[2], flow.columns()) for name, flow in inputs), functions=inputs[0][1].functions)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the request says of an external topic: create it when missing, with these numbers (0, None: default)."""

    create: bool
    partitions: int = 0
    replicas: int = 0
    retention_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What building a node may ask."""

    topology: str
    relations: Relations
    service_id: str = ""
    written: frozenset[str] = frozenset()  # topics that sinks of this topology name

    def own(self, topic: str) -> bool:
        """Whether a topic is the service's own, or written by this topology: no pattern finds it."""
        return topic.startswith(("__", f"{self.service_id}-")) or topic in self.written


@dataclass(frozen=True, slots=True)
class Built:
    """One node of the request as plan nodes (the last one bears its name; none for a global table), its output, and its topic's wish.
    inline: the node declares the relation that it reads. outputs: where they differ, the flows of `node.output` and of the nodes that they are."""

    nodes: tuple[Node, ...]
    flow: Flow
    wish: Wish | None = None
    inline: bool = False
    outputs: Mapping[str, Flow] = field(default_factory=dict)

    @property
    def node(self) -> Node:
        """The node that bears the request's name."""
        return self.nodes[-1] if self.flow.global_table is None else self.flow.global_table


Builder = Callable[[Placed, tuple[Flow, ...], Context], Built]


@dataclass(frozen=True, slots=True)
class Logical:
    """The logical topology: nodes in topological order, and by node name the outputs, topic wishes and the names of inline sources. functions: what
    expressions may call that programs compute."""

    name: str
    nodes: tuple[Node, ...]
    flows: Mapping[str, Flow] = field(default_factory=dict)
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    inline: frozenset[str] = frozenset()
    functions: Mapping[str, RemoteFunction] = field(default_factory=dict)

    @property
    def globals(self) -> tuple[SourceTable, ...]:
        """The global tables."""
        return tuple(flow.global_table for flow in self.flows.values() if flow.global_table is not None)
