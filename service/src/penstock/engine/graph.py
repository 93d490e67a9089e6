"""A sub-topology as the generator sees it: who consumes whom, which columns are needed, where old values are needed, how keys are
serialised. All of it is computed before a line of code is generated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from penstock.engine.rows import KeyForm, key_form, window_bytes
from penstock.plan import nodes as n
from penstock.plan.resolved import SubTopology


@dataclass(frozen=True, slots=True)
class Edge:
    """A consumer of an output: the node and the number of its input. Each operator knows what kind of node it is called with."""

    node: Any
    index: int


def producer(ref: str) -> str:
    """Node name of an input reference `node` or `node.output`."""
    return ref.partition(".")[0]


class Graph:
    """Nodes of one sub-topology with what the generator asks about them."""

    def __init__(self, sub: SubTopology) -> None:
        self.sub = sub
        self.by_name = {node.name: node for node in sub.nodes}
        self.consumers: dict[str, list[Edge]] = {}
        for node in sub.nodes:
            for index, ref in enumerate(node.inputs):
                if producer(ref) in self.by_name:
                    self.consumers.setdefault(ref, []).append(Edge(node, index))
        self._needed: dict[str, frozenset[str]] = {}
        self._old: dict[str, bool] = {}
        self._forms: dict[str, KeyForm | None] = {}

    def edges(self, node: n.Node) -> list[Edge]:
        """Consumers of a node, over all of its outputs."""
        own = list(self.consumers.get(node.name, ()))
        if isinstance(node, n.Branch):
            for output in (*(o.name for o in node.outputs), node.default_output):
                own += self.consumers.get(f"{node.name}.{output}", ())
        return own

    def fed(self, node: n.Node) -> bool:
        """Whether a node of this sub-topology feeds it."""
        return any(producer(ref) in self.by_name for ref in node.inputs)

    def sources(self) -> Iterator[n.SourceStream | n.SourceTable | n.Repartition]:
        """Nodes that read topics here. A Repartition inside one sub-topology is written and read in it."""
        for node in self.sub.nodes:
            if isinstance(node, n.SourceStream | n.SourceTable) or isinstance(node, n.Repartition) and (self.edges(node) or not self.fed(node)):
                yield node

    def input(self, node: n.Node, index: int = 0) -> n.Node:
        """The node behind an input."""
        return self.by_name[producer(node.inputs[index])]

    def on_table(self, node: n.Node) -> bool:
        """Whether the (first) input is a table."""
        return self.input(node).kind is n.RelationKind.TABLE

    # -- keys ---------------------------------------------------------------------------------------------------------------------

    def form(self, node: n.Node) -> KeyForm | None:
        """Form of the key bytes that accompany a node's output; None between a new key and its repartition."""
        if node.name not in self._forms:
            self._forms[node.name] = self._find_form(node)
        return self._forms[node.name]

    def _find_form(self, node: n.Node) -> KeyForm | None:
        match node:
            case n.SourceStream() | n.SourceTable():
                form = key_form(node.topic.key_format, node.schema.key, window_bytes(node.topic.window), own=False)
                if isinstance(node, n.SourceTable):
                    return self.store_form(node)
                return form
            case n.Repartition():
                return key_form(node.topic.key_format, node.schema.key, window_bytes(node.topic.window), own=True)
            case n.PartitionBy() | n.ForeignKeySend() | n.Processor():
                return None
            case n.ProcessorOutput():
                return key_form(node.key_format, node.schema.key, 0, own=True)
            case n.ForeignKeySubscribe():
                return key_form(node.key_format, node.schema.key, 0, own=True)
            case n.GroupBy() if node.rekey:
                return None
            case n.Aggregate() | n.ToTable() | n.TableTableJoin() | n.ForeignKeyJoin() | n.StreamStreamJoin() | n.Suppress():
                return self.store_form(node)
            case n.Merge():
                forms = {self._input_form(node, i) for i in range(len(node.inputs))}
                return forms.pop() if len(forms) == 1 else None
            case _:
                return self._input_form(node, 0)

    def _input_form(self, node: n.Node, index: int) -> KeyForm | None:
        return self.form(self.by_name[producer(node.inputs[index])])

    def key_format(self, node: n.Node) -> n.Format:
        """The format in which a node's key is serialised, or would be."""
        match node:
            case n.SourceStream() | n.SourceTable() | n.Repartition():
                return node.topic.key_format
            case n.PartitionBy() | n.ForeignKeySend() | n.ForeignKeySubscribe() | n.ProcessorOutput():
                return node.key_format
            case n.GroupBy() if node.rekey:
                return node.key_format
            case _:
                return self.key_format(self.by_name[producer(node.inputs[0])])

    def store_form(self, node: n.Node) -> KeyForm:
        """Form of the keys of a node's store."""
        if isinstance(node, n.SourceTable):
            return key_form(node.topic.key_format, node.schema.key, window_bytes(node.topic.window), own=True)
        source = self.by_name[producer(node.inputs[0])]
        inherited = self.form(source)
        adds = window_bytes(node.window) if isinstance(node, n.Aggregate) else inherited.window_bytes if inherited else 0
        return key_form(self.key_format(source), node.schema.key, adds, own=True)

    # -- what is needed -----------------------------------------------------------------------------------------------------------

    def needed(self, node: n.Node) -> frozenset[str]:
        """Columns of a node's output, pseudo columns included, that a consumer reads."""
        if node.name not in self._needed:
            from penstock.engine.operators import OPERATORS  # operators need the graph's type

            found: set[str] = set()
            for edge in self.edges(node):
                found |= OPERATORS[type(edge.node)].demand(self, edge.node, edge.index)
            self._needed[node.name] = frozenset(found)
        return self._needed[node.name]

    def tracks_old(self, node: n.Node) -> bool:
        """Whether a consumer of this table needs the row as it was before a change."""
        if node.name not in self._old:
            self._old[node.name] = any(self._asks_old(edge) for edge in self.edges(node))
        return self._old[node.name]

    def urgent(self, edge: Edge) -> bool:
        """Whether a change goes to a Suppress, through filters and selects at most. That goes by the times of the rows that it gets: one
        that came behind another which is newer by far would be taken for the only one of its key."""
        return isinstance(edge.node, n.Suppress) or isinstance(edge.node, n.Filter | n.Select) and any(map(self.urgent, self.edges(edge.node)))

    def _asks_old(self, edge: Edge) -> bool:
        node: n.Node = edge.node
        match node:
            case n.GroupBy():
                return self.on_table(node)
            case n.Filter():  # it suppresses tombstones of rows that did not match before either (KAFKA-10077)
                return self.on_table(node)
            case n.Select():
                return self.on_table(node) and self.tracks_old(node)
            case n.ForeignKeySend():
                return True
            case n.TableTableJoin():
                return node.join.keeps(edge.index) or self.tracks_old(node)
            case _:
                return False


def same_place(node: n.Node, source: n.Node) -> dict[str, str]:
    """Key columns of a node by the names that they have in its input: keys correspond by place."""
    return {own.name: theirs.name for own, theirs in zip(node.schema.key, source.schema.key, strict=False)}
