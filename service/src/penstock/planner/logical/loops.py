"""Rows that would come back for ever: a topology that reads what it writes, on the way to the same sink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.plan.nodes import Node, Sink, SourceStream, SourceTable
from penstock.planner.refuse import refuse


def refuse_loops(nodes: Sequence[Node], index: Mapping[str, int]) -> None:
    """Follows inputs, and from a source to the sinks that write its topic. nodes: in topological order. index: places in the request, by
    name. Raises RequestError(CYCLE)."""
    by_name = {n.name: n for n in nodes}
    writers: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, Sink):
            writers.setdefault(node.topic.topic, []).append(node.name)
    for node in nodes:
        if isinstance(node, Sink) and (path := _back(node.name, by_name, writers)):
            source = by_name[path[1]]
            assert isinstance(source, SourceStream | SourceTable)
            raise refuse("CYCLE", f"{node.name} writes topic {node.topic.topic}, which {source.name} reads, and what that gives leads back to "
                         f"{node.name}: its rows would come back for ever; write another topic", node=node.name,
                         field=f"topology.nodes[{index[node.name]}].sink", path=" -> ".join([*path, node.name]), topic=node.topic.topic)


def _back(start: str, by_name: Mapping[str, Node], writers: Mapping[str, Sequence[str]]) -> list[str]:
    """The way from a sink back to itself, in the direction of the rows and without its end; empty when there is none."""
    seen: dict[str, str] = {}  # node -> the node that it feeds on the way
    waiting = [start]
    while waiting:
        name = waiting.pop()
        node = by_name[name]
        if isinstance(node, SourceStream | SourceTable):
            before = [writer for topic in node.reads for writer in writers.get(topic.topic, ())]
        else:
            before = [i.partition(".")[0] for i in node.inputs]
        for other in before:
            if other == start:
                path = [start, name]
                while path[-1] != start:
                    path.append(seen[path[-1]])
                return path[:-1]
            if other not in seen:
                seen[other] = name
                waiting.append(other)
    return []
