"""The rights that a topology's definition takes: to read what it reads, to write what it writes, to make what it publishes."""

from __future__ import annotations

from collections.abc import Iterator

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.security.principal import EVERYTHING, Access, Need


def registers(definition: topology_pb2.Topology) -> Iterator[Need]:
    """To register or update it: admin of its name, and what its nodes take."""
    yield Need(Access.ADMIN, definition.name)
    yield from of_nodes(definition)


def of_nodes(definition: topology_pb2.Topology) -> Iterator[Need]:
    """What its sources and sinks take."""
    for node in definition.nodes:
        match node.WhichOneof("operator"):
            case "source_stream":
                yield from _origin(node.name, node.source_stream.origin)
            case "source_table":
                yield from _origin(node.name, node.source_table.origin)
            case "global_table":
                yield from _origin(node.name, node.global_table.origin)
            case "sink":
                yield from _sink(node.name, node.sink)


def declares(relation: str, topic: str) -> Iterator[Need]:
    """To declare a relation over a topic: who has rights over the relation can then read and write the topic."""
    yield Need(Access.ADMIN, relation)
    if topic and topic.lower() != relation.lower():
        yield Need(Access.READ, topic)
        yield Need(Access.WRITE, topic)


def _origin(node: str, origin: topology_pb2.Origin) -> Iterator[Need]:
    match origin.WhichOneof("origin"):
        case "relation":
            yield Need(Access.READ, origin.relation)
        case "inline":
            yield from declares(node, origin.inline.topic.topic)
        case "topics":
            yield from (Need(Access.READ, name) for name in (*origin.topics.names, *origin.topics.relations))
            if origin.topics.pattern:
                yield Need(Access.READ, EVERYTHING)  # topics that come later match as well


def _sink(node: str, sink: topology_pb2.Sink) -> Iterator[Need]:
    if sink.topic_expression:
        yield Need(Access.WRITE, EVERYTHING)  # a row names its topic
    elif sink.insert:
        yield Need(Access.WRITE, sink.relation)
    else:
        yield from declares(sink.relation or node, sink.topic.topic)
