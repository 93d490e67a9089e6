"""Cuts the nodes into parts that are connected without topics: the sub-topologies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.plan.nodes import Node, Repartition, SourceStream, SourceTable

Source = SourceStream | SourceTable | Repartition


@dataclass(frozen=True, slots=True)
class Part:
    """Nodes of one sub-topology in topological order, and those of them that are read from a topic here."""

    nodes: tuple[Node, ...]
    sources: tuple[Source, ...]

    @property
    def name(self) -> str:
        """That of its first source."""
        return self.sources[0].name


def split(nodes: Sequence[Node]) -> tuple[Part, ...]:
    """The parts, in order of their first source: a part comes behind those that feed it, unless they feed each other."""
    by_name = {n.name: n for n in nodes}
    groups = _Groups()
    for node in nodes:
        for name in node.inputs:
            groups.unite(_out(by_name[name.partition(".")[0]]), _in(node))
    _unite_readers(nodes, groups)
    members: dict[str, dict[str, Node]] = {}
    sources: dict[str, list[Source]] = {}
    for node in nodes:
        if isinstance(node, Repartition) and node.inputs:
            members.setdefault(groups.root(_in(node)), {})[node.name] = node
        root = groups.root(_out(node))
        members.setdefault(root, {})[node.name] = node
        if isinstance(node, SourceStream | SourceTable | Repartition):
            sources.setdefault(root, []).append(node)
    return tuple(Part(tuple(members[root].values()), tuple(found)) for root, found in sources.items())


def _unite_readers(nodes: Sequence[Node], groups: _Groups) -> None:
    """A group has one committed offset for a partition: whatever reads the same topic belongs to one part."""
    first: dict[str, Node] = {}
    for node in nodes:
        if isinstance(node, SourceStream | SourceTable):
            for topic in node.reads:
                groups.unite(_out(first.setdefault(topic.topic, node)), _out(node))


def _in(node: Node) -> str:
    """The end of a node that its inputs feed: a Repartition's belongs to another part than its outputs."""
    return f">{node.name}" if isinstance(node, Repartition) else node.name


def _out(node: Node) -> str:
    return node.name


class _Groups:
    """Union-find over names; the root is the name that came first."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, name: str) -> str:
        while (parent := self._parent.setdefault(name, name)) != name:
            name = parent
        return name

    def unite(self, first: str, second: str) -> None:
        self._parent[self.root(second)] = self.root(first)
