"""The registry: relations and registered topologies, kept in one compacted topic, changed by compare-and-set only.

catalog/registry.py implements Registry; every process of every node holds one. CatalogState is an immutable value; a change is a pure
function from a state to the entries to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from penstock.expr.remote import RemoteFunction
from penstock.plan.nodes import RelationKind, TopicRef, Window
from penstock.plan.resolved import ResolvedPlan
from penstock.types.schema import Schema
from penstock.types.sqltype import SqlType


class Desired(Enum):
    """What its owner wants a topology to do."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class RelationEntry:
    """A relation of the catalog (declared, or published by a topology's Sink)."""

    name: str
    kind: RelationKind
    schema: Schema
    topic: TopicRef
    window: Window | None
    owner_topology: str  # empty: declared
    epoch: int  # registry position at which it came to be; tokens name it
    source: bool = False  # CREATE SOURCE: read only
    sql: str = ""  # the statement that made it, empty when none did
    query: str = ""  # id of the query that made it, also when that has ended


@dataclass(frozen=True, slots=True)
class TopologyEntry:
    """A registered topology. definition is the serialised penstock.v1.Topology as written."""

    name: str
    incarnation: int  # registry position of the registration
    version: int
    definition: bytes
    plan: ResolvedPlan
    desired: Desired
    registered_ms: int
    resets: int = 0
    resumes: int = 0  # grows with each resume, so that failed tasks are tried again
    epochs: tuple[tuple[str, int], ...] = ()  # (lower-case name, registry position) of node relations that an update made others
    replays: tuple[str, ...] = ()  # sub-topologies that have a replay topic (plan/replay.py)
    sql: str = ""  # the statement that made it, empty when none did
    transient: str = ""  # the node that runs it for a push query and deletes it afterwards; empty: for ever


@dataclass(frozen=True, slots=True)
class TypeEntry:
    """A custom type of CREATE TYPE. name is upper-case unless it was quoted."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class FunctionEntry:
    """A function that CreateFunction declared."""

    function: RemoteFunction

    @property
    def name(self) -> str:
        """In upper case."""
        return self.function.name


@dataclass(frozen=True, slots=True)
class CatalogState:
    """Everything registered as of a registry position (the offset behind the last entry read). Keys are lower-case names. unreadable: why this
    program cannot read an entry, by `kind:name`; a newer version on another node has written it."""

    position: int
    relations: Mapping[str, RelationEntry]
    topologies: Mapping[str, TopologyEntry]
    types: Mapping[str, TypeEntry] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, FunctionEntry] = field(default_factory=dict)


Entry = RelationEntry | TopologyEntry | TypeEntry | FunctionEntry
Change = Entry | tuple[str, str]
"""An entry to write, or ("relation" | "topology" | "type" | "function", name) to delete."""


class Registry(Protocol):
    """The registry as this process sees it."""

    @property
    def state(self) -> CatalogState: ...

    async def refresh(self) -> CatalogState:
        """Read to the topic's end."""

    async def change(self, decide: Callable[[CatalogState], Sequence[Change]]) -> CatalogState:
        """Read to the end, decide, write; decide runs again when somebody was faster. What decide raises is raised. A new entry's
        incarnation or epoch is decide's state.position (it is unique, since the write succeeds only there)."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Meanwhile this process's other tasks change nothing."""

    async def changed(self, since: int, timeout: float) -> bool:
        """Wait until state.position > since."""
