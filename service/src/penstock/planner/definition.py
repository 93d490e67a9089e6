"""Topologies and relations as YAML or JSON text, normalised to the messages of the API.

    stream: purchases                      # or `table:`; a document of its own
    columns:
      - customer STRING KEY                # NAME TYPE [KEY | HEADERS | HEADER('name')]; names keep their case
      - price DOUBLE
    topic: purchases                       # default: the name
    partitions: 4                          # makes the topic when it is missing; so do `replicas` and `retention`
    key_format: KAFKA                      # defaults KAFKA and JSON
    value_format: {name: DELIMITED, delimiter: "|"}
    timestamp: ordered_at                  # take the time from a column; `timestamp_format` for a text
    ---
    topology: purchases
    settings: {commit_interval: 100ms, updates: every, on_bad_record: skip}
    labels: {team: shop}
    nodes:                                 # or a list of nodes with `name:`
      purchases: {stream: purchases}       # a relation of the catalog, or columns etc. as above
      masked:
        from: purchases                    # an input, or a list of them
        select: [customer, "MASK_KEEP_RIGHT(card, 4) AS card", price]     # or {alias: expression}; "*" is every column
      by_customer: {from: masked, group_by: customer}
      rewards:
        from: by_customer
        aggregate: {POINTS: SUM(CAST(price AS BIGINT))}
        window: {tumbling: 1m, grace: 10s, retention: 1h}
      rewards_out: {from: rewards, sink: rewards}                         # or sink: {relation:, topic:, partitions:, value_format:}
      by_store: {from: masked, sink: {topic_expression: "'sales-' + store", headers: {origin: "'shop'"}}}     # a topic for each row

Node kinds: stream / source_stream, table / source_table, filter (text, or {where:, negate:}), select, explode, partition_by, group_by,
aggregate, stream_table_join ({kind: left, columns: [...], grace: 1m}), global_table, stream_global_join ({keys: [...], kind:, columns:}), merge, branch ({outputs: {name: condition}, default: name}), to_table,
to_stream, sink. `start: latest` stands beside a source, `history: 1h` beside a table or to_table that keeps earlier rows. Whatever ProtoJSON writes (snake_case or camelCase) is understood too, in full:
`nodes: [{name: big, inputs: [purchases], filter: {where: "price > 100"}}]`.

Durations are `100ms`, `10s`, `1m`, `2h`, `7d`, and joined: `1h30m`. An alias in a mapping is taken as written; AS in a text follows SQL:
upper-cased unless quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2

from penstock.planner import yaml_nodes, yaml_relations
from penstock.planner.yaml_parts import Source, parse
from penstock.planner.yaml_text import Lines, read_documents, wrong

Document = topology_pb2.Topology | relation_pb2.Relation


def load_topology(text: str) -> topology_pb2.Topology:
    """The only document of the text. Raises RequestError(INVALID_ARGUMENT) with the line in message and metadata."""
    found = load_documents(text)
    if len(found) != 1 or not isinstance(found[0], topology_pb2.Topology):
        raise wrong("one topology is expected here, a document with `topology: NAME` and `nodes`", 0)
    return found[0]


def load_relation(text: str) -> relation_pb2.Relation:
    """The only document of the text: a declaration, with `stream: NAME` or `table: NAME`. Raises as load_topology."""
    found = load_documents(text)
    if len(found) != 1 or not isinstance(found[0], relation_pb2.Relation):
        raise wrong("one relation is expected here, a document with `stream: NAME` or `table: NAME` and `columns`", 0)
    return found[0]


def load_documents(text: str) -> list[Document]:
    """All documents of the text in order, as `apply` takes them. Raises as load_topology."""
    documents, lines = read_documents(text)
    return [_document(d, lines) for d in documents]


def topology_of(data: Mapping[str, Any]) -> topology_pb2.Topology:
    """A topology from data that has been read already (a part of another file); errors have no lines."""
    found = _document(data, Lines())
    if not isinstance(found, topology_pb2.Topology):
        raise wrong("a topology is expected here", 0)
    return found


def relation_of(data: Mapping[str, Any]) -> relation_pb2.Relation:
    """A declaration from data that has been read already; errors have no lines."""
    found = _document(data, Lines())
    if not isinstance(found, relation_pb2.Relation):
        raise wrong("a relation is expected here", 0)
    return found


def _document(data: Any, lines: Lines) -> Document:
    if not isinstance(data, dict):
        raise wrong("a document is a mapping", lines.of(data))
    source = Source(data, lines)
    if "nodes" in data or "topology" in data:
        return _topology(source)
    if "stream" in data or "table" in data or "kind" in data:
        return yaml_relations.relation(source)
    raise source.wrong("a document is a topology (`topology: NAME`, `nodes`) or a relation (`stream: NAME` or `table: NAME`, `columns`)")


def _topology(source: Source) -> topology_pb2.Topology:
    source.only("topology", "name", "nodes", "settings", "labels")
    name = source.text("topology") or source.text("name")
    if not name:
        raise source.wrong("a topology needs its name: `topology: NAME`")
    settings = yaml_nodes.settings(source.child("settings")) if "settings" in source.data else {}
    message = parse({"name": name, "settings": settings, "labels": source.data.get("labels") or {}}, topology_pb2.Topology(), source)
    if not settings:
        message.ClearField("settings")
    message.nodes.extend(parse(data, topology_pb2.Node(), at) for data, at in yaml_nodes.nodes(source))
    return message
