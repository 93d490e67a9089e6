"""The logical topology from the validated request, one builder an operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from penstock.expr.remote import RemoteFunction
from penstock.plan.nodes import Node, ProcessorOutput, SourceStream, SourceTable
from penstock.planner.logical import (
    aggregates,
    global_joins,
    joins,
    keys,
    passing,
    processors,
    remote,
    routing,
    rows,
    sinks,
    sources,
    stream_joins,
    table_joins,
    tables,
)
from penstock.planner.logical.flow import Builder, Context, Flow, Logical, Wish
from penstock.planner.logical.loops import refuse_loops
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed

BUILDERS: Mapping[str, Builder] = {
    "source_stream": sources.source_stream,
    "source_table": sources.source_table,
    "filter": rows.filter_,
    "select": rows.select,
    "explode": rows.explode,
    "partition_by": keys.partition_by,
    "group_by": keys.group_by,
    "aggregate": aggregates.aggregate,
    "stream_stream_join": stream_joins.stream_stream_join,
    "global_table": global_joins.global_table,
    "stream_global_join": global_joins.stream_global_join,
    "stream_table_join": joins.stream_table_join,
    "table_table_join": table_joins.table_table_join,
    "merge": routing.merge,
    "branch": routing.branch,
    "to_table": tables.to_table,
    "to_stream": tables.to_stream,
    "suppress": tables.suppress,
    "repartition": passing.repartition,
    "deduplicate": passing.deduplicate,
    "peek": passing.peek,
    "processor": processors.processor,
    "remote_processor": remote.remote_processor,
    "sink": sinks.sink,
}

VERSIONED = ("source_table", "to_table", "filter", "select")
"""Operators whose output may be a versioned table."""


def build(placed: Sequence[Placed], context: Context) -> Logical:
    """All nodes typed, in the order given (topological). Raises RequestError."""
    nodes: list[Node] = []
    flows: dict[str, Flow] = {}
    wishes: dict[str, Wish] = {}
    inline: set[str] = set()
    published: dict[str, str] = {}
    functions = context.relations.functions
    for place in placed:
        inputs = tuple(_input(place, i, flows, functions) for i in range(len(place.inputs)))
        built = BUILDERS[place.operator](place, inputs, context)
        nodes += built.nodes
        flows[place.name] = built.flow if not built.flow.history_ms or place.operator in VERSIONED else replace(built.flow, history_ms=0)
        flows |= built.outputs
        if built.wish is not None:
            wishes[place.name] = built.wish
        if built.inline:
            inline.add(place.name)
        _publish(place, built.node, built.inline, published)
    nodes = _behind_processors(nodes)
    _one_reader_a_topic(placed, nodes)
    refuse_loops(nodes, {p.name: p.index for p in placed})
    return Logical(context.topology, tuple(nodes), flows, wishes, frozenset(inline), functions)


def _input(place: Placed, i: int, flows: Mapping[str, Flow], functions: Mapping[str, RemoteFunction]) -> Flow:
    """Outputs of a sink lead nowhere, those of a group_by to an aggregate only."""
    name = place.inputs[i].partition(".")[0]
    flow = flows.get(place.inputs[i]) or flows[name]
    field = f"topology.nodes[{place.index}].inputs[{i}]"
    if flow.grouped and place.operator != "aggregate":
        raise refuse("INVALID_TOPOLOGY", f"{place.name}: {name} is a group_by, which only an aggregate takes", node=place.name, field=field)
    if flow.global_table is not None and (place.operator != "stream_global_join" or i != 1):
        raise refuse("INVALID_TOPOLOGY", f"{place.name}: {name} is a global table, which only a stream_global_join takes, as its second input",
                     node=place.name, field=field)
    return replace(flow, functions=functions) if functions else flow


def _behind_processors(nodes: Sequence[Node]) -> list[Node]:
    """Who reads `processor.output` reads the node that is the output, which comes behind its processor."""
    outputs = {f"{node.inputs[0]}.{node.output}": node.name for node in nodes if isinstance(node, ProcessorOutput)}
    behind: dict[str, list[Node]] = {}
    for node in nodes:
        if isinstance(node, ProcessorOutput):
            behind.setdefault(node.inputs[0], []).append(node)
    if not outputs:
        return list(nodes)
    ordered: list[Node] = []
    for node in nodes:
        if not isinstance(node, ProcessorOutput):
            ordered.append(replace(node, inputs=tuple(outputs.get(i, i) for i in node.inputs)))
            ordered += behind.get(node.name, ())
    return ordered


def _publish(place: Placed, node: Node, inline: bool, published: dict[str, str]) -> None:
    """Names that this topology gives to the catalog differ."""
    publishes = inline or place.operator == "sink" and not place.proto.sink.insert
    relation = getattr(node, "relation", "") if publishes else ""
    if not relation:
        return
    other = published.setdefault(relation.lower(), node.name)
    if other != node.name:
        raise refuse("NAME_TAKEN", f"{node.name}: {other} publishes {relation} already", node=node.name, field=place.path("relation"),
                     relation=relation)


def _one_reader_a_topic(placed: Sequence[Placed], nodes: Sequence[Node]) -> None:
    """A topology reads a topic once: its position in it is one number a partition. Equal stream sources are united by a rule."""
    readers: dict[str, SourceStream | SourceTable] = {}
    index = {p.name: p.index for p in placed}
    for node in nodes:
        if not isinstance(node, SourceStream | SourceTable):
            continue
        for topic in (t.topic for t in node.reads):
            other = readers.setdefault(topic, node)
            if other is not node and not _alike(other, node):
                raise refuse("INVALID_TOPOLOGY", f"{node.name}: {other.name} reads topic {topic} already; read it once (to_table makes a table "
                             "of a stream)", node=node.name, field=f"topology.nodes[{index[node.name]}]", topic=topic)


def _alike(one: SourceStream | SourceTable, other: SourceStream | SourceTable) -> bool:
    """Streams that read the same topics in the same way."""
    return isinstance(one, SourceStream) and isinstance(other, SourceStream) and \
        (one.topic, one.schema, one.start, one.topics, one.pattern) == (other.topic, other.schema, other.start, other.topics, other.pattern)
