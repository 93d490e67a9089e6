"""Repartition nodes behind every new key, and behind what a foreign-key join sends: there the rows go through a topic to the partition of their key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from penstock.plan.nodes import (
    Branch,
    Explode,
    Filter,
    ForeignKeySend,
    ForeignKeySubscribe,
    Format,
    GroupBy,
    Merge,
    Node,
    PartitionBy,
    Peek,
    Processor,
    ProcessorOutput,
    RelationKind,
    Repartition,
    RoutedSink,
    Select,
    Sink,
    TopicRef,
)
from penstock.planner.logical.flow import Logical
from penstock.planner.names import Namespace, repartition_node

INTERNAL = Format("INTERNAL")
"""Value format of internal topics: the engine's own (msgpack); no relation can have it."""


def repartition(logical: Logical, names: Namespace) -> tuple[Node, ...]:
    """The nodes with a Repartition after each PartitionBy with keys and rekeying GroupBy, which their consumers read; but for a
    PartitionBy of a stream whose rows meet nothing by their key before they are written or repartitioned (as Kafka Streams after `selectKey`)."""
    moved: dict[str, str] = {}
    nodes: list[Node] = []
    for node in logical.nodes:
        if isinstance(node, Repartition):
            node = replace(node, topic=replace(node.topic, topic=names.repartition(repartition_node(node.name))))
        nodes.append(_rewired(node, moved))
        if isinstance(node, PartitionBy) and node.kind is RelationKind.STREAM and not _needs_place(node, logical.nodes):
            continue
        if isinstance(node, ForeignKeySend | ForeignKeySubscribe) or isinstance(node, PartitionBy) and node.keys or (
                isinstance(node, GroupBy) and node.rekey):
            made = _behind(node, names)
            moved[node.name] = made.name
            nodes.append(made)
        if isinstance(node, ProcessorOutput) and not node.keeps_key and node.schema.key and _needs_place(node, logical.nodes):
            made = _behind(node, names)
            moved[node.name] = made.name
            nodes.append(made)
    return tuple(nodes)


def _needs_place(node: Node, nodes: Sequence[Node]) -> bool:
    """Whether rows meet something by their key further on, before they are repartitioned anyway (as Kafka Streams after `process`)."""
    for other in nodes:
        if node.name not in {i.partition(".")[0] for i in other.inputs}:
            continue
        match other:
            case Sink() | RoutedSink() | PartitionBy() | Repartition() | Processor():
                continue
            case GroupBy() if other.rekey:
                continue
            case Filter() | Select() | Explode() | Merge() | Branch() | Peek():
                if not _needs_place(other, nodes):
                    continue
        return True
    return False


def _rewired(node: Node, moved: Mapping[str, str]) -> Node:
    return replace(node, inputs=tuple(moved.get(i, i) for i in node.inputs)) if any(i in moved for i in node.inputs) else node


def _behind(node: PartitionBy | GroupBy | ForeignKeySend | ForeignKeySubscribe | ProcessorOutput, names: Namespace) -> Repartition:
    name = repartition_node(node.name)
    topic = TopicRef(names.repartition(name), 0, node.key_format, INTERNAL)
    return Repartition(name, (node.name,), node.schema, node.kind, None, topic, changes=node.kind is RelationKind.TABLE)
