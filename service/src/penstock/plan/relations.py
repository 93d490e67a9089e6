"""What planner and sql ask of a catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from penstock.expr.remote import RemoteFunction
from penstock.plan.nodes import RelationKind, TopicRef, Window
from penstock.types.schema import Schema


@dataclass(frozen=True, slots=True)
class RelationInfo:
    """A stream or table as a source node sees it. topic.partitions is the number that exists now."""

    name: str
    kind: RelationKind
    schema: Schema
    topic: TopicRef
    window: Window | None = None
    owner_topology: str = ""


class Relations(Protocol):
    """The catalog, read only."""

    def find(self, name: str) -> RelationInfo | None:
        """By name without regard to case; exact case wins."""

    def names(self) -> list[str]:
        """All names, for suggestions."""

    def topic_partitions(self, topic: str) -> int | None:
        """Partitions of an existing topic; None when there is no such topic."""

    def topic_names(self) -> Iterable[str]:
        """Names of all topics that exist."""

    @property
    def functions(self) -> Mapping[str, RemoteFunction]:
        """Functions that programs compute, by upper-case name."""
