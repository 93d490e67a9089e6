"""YAML forms of topologies and relations, and where errors in them are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import penstock.planner.definition
import pytest
from google.protobuf.json_format import MessageToDict
from penstock.errors import RequestError
from penstock.planner.definition import (
    load_documents,
    load_relation,
    load_topology,
    topology_of,
)

EXAMPLES = sorted((Path(penstock.planner.definition.__file__).parents[1] / "examples").glob("*.yaml"))


def first(node: str) -> dict[str, Any]:
    """ProtoJSON of the only node of a topology, given as a flow mapping without its name."""
    message = load_topology(f"topology: t\nnodes:\n  x: {node}\n")
    return MessageToDict(message.nodes[0], preserving_proto_field_name=True)


# (node in YAML, what the message says)
NODES: list[tuple[str, dict[str, Any]]] = [
    ("{stream: s}", {"source_stream": {"origin": {"relation": "s"}}}),
    ("{table: s, start: latest}", {"source_table": {"origin": {"relation": "s", "start": {"latest": True}}}}),
    ("{source_stream: {origin: {relation: s}}}", {"source_stream": {"origin": {"relation": "s"}}}),
    ("{sourceStream: {relation: s, start: earliest}}", {"source_stream": {"origin": {"relation": "s", "start": {"earliest": True}}}}),
    ("{stream: {columns: [A INT KEY, \"H BYTES HEADER('x')\"], partitions: 2, retention: 1d}}", {"source_stream": {"origin": {"inline": {
        "schema": {"columns": [{"name": "A", "type": {"sql": "INT"}, "role": "COLUMN_ROLE_KEY"},
                               {"name": "H", "type": {"sql": "BYTES"}, "role": "COLUMN_ROLE_HEADER", "header": "x"}]},
        "topic": {"topic": "x", "create": {"partitions": 2, "retention": "86400s"}}}}}}),
    ("{from: a, filter: B > 1}", {"inputs": ["a"], "filter": {"where": "B > 1"}}),
    ("{from: a, filter: true}", {"inputs": ["a"], "filter": {"where": "TRUE"}}),
    ("{inputs: [a], filter: {where: B, negate: true}}", {"inputs": ["a"], "filter": {"where": "B", "negate": True}}),
    ("{from: a, select: B}", {"inputs": ["a"], "select": {"columns": [{"expression": "B"}]}}),
    ("{from: a, select: [B, {c: D}, 1]}", {"inputs": ["a"], "select": {"columns": [
        {"expression": "B"}, {"expression": "D", "alias": "c"}, {"expression": "1"}]}}),
    ("{from: a, select: [F(B, 2, x), C]}", {"inputs": ["a"], "select": {"columns": [
        {"expression": "F(B, 2, x)"}, {"expression": "C"}]}}),
    ("{stream: {columns: [A MAP<STRING, DECIMAL(4, 2)> KEY, B INT]}}", {"source_stream": {"origin": {"inline": {
        "schema": {"columns": [{"name": "A", "type": {"sql": "MAP<STRING, DECIMAL(4, 2)>"}, "role": "COLUMN_ROLE_KEY"},
                               {"name": "B", "type": {"sql": "INT"}, "role": "COLUMN_ROLE_VALUE"}]}, "topic": {"topic": "x"}}}}}),
    ("{from: a, select: {columns: [{expression: B, alias: C}]}}", {"inputs": ["a"], "select": {"columns": [{"expression": "B", "alias": "C"}]}}),
    ("{from: a, group_by: []}", {"inputs": ["a"], "group_by": {}}),
    ("{from: a, group_by: {keys: [B]}}", {"inputs": ["a"], "group_by": {"keys": [{"expression": "B"}]}}),
    ("{from: a, aggregate: {N: COUNT(*)}, window: {tumbling: 1m30s, grace: 100ms}}", {"inputs": ["a"], "aggregate": {
        "columns": [{"expression": "COUNT(*)", "alias": "N"}], "window": {"kind": "WINDOW_KIND_TUMBLING", "size": "90s", "grace": "0.100s"}}}),
    ("{from: a, aggregate: {columns: [COUNT(*)], window: {kind: tumbling, size: 2h}}}", {"inputs": ["a"], "aggregate": {
        "columns": [{"expression": "COUNT(*)"}], "window": {"kind": "WINDOW_KIND_TUMBLING", "size": "7200s"}}}),
    ("{from: [a, b], join: left}", {"inputs": ["a", "b"], "stream_table_join": {"kind": "JOIN_KIND_LEFT"}}),
    ("{from: [a, b], join: {columns: [a.C]}}", {"inputs": ["a", "b"], "stream_table_join": {"columns": [{"expression": "a.C"}]}}),
    ("{from: [a, b], merge: {}}", {"inputs": ["a", "b"], "merge": {}}),
    ("{from: a, branch: {big: B > 1, default: rest}}", {"inputs": ["a"], "branch": {
        "outputs": [{"name": "big", "where": "B > 1"}], "default_output": "rest"}}),
    ("{from: a, to_table: }", {"inputs": ["a"], "to_table": {}}),
    ("{from: a, sink: out}", {"inputs": ["a"], "sink": {"relation": "out"}}),
    ("{from: a, sink: {}}", {"inputs": ["a"], "sink": {}}),
    ("{from: a, sink: {topic: t, partitions: 3, format: JSON}}", {"inputs": ["a"], "sink": {"topic": {
        "topic": "t", "key_format": {"name": "JSON"}, "value_format": {"name": "JSON"}, "create": {"partitions": 3}}}}),
]


@pytest.mark.parametrize(("node", "expected"), NODES, ids=[n[0][:60] for n in NODES])
def test_node(node: str, expected: dict[str, Any]) -> None:
    assert first(node) == {"name": "x", **expected}


def test_relation() -> None:
    found = load_relation("""
table: customers
columns: [id STRING PRIMARY KEY, "`the name` DECIMAL(10, 2)", all ARRAY<STRUCT<KEY BYTES>> HEADERS]
value_format: {name: DELIMITED, delimiter: "|"}
timestamp: at
""")
    assert MessageToDict(found, preserving_proto_field_name=True) == {
        "name": "customers", "kind": "RELATION_KIND_TABLE",
        "schema": {"columns": [
            {"name": "id", "type": {"sql": "STRING"}, "role": "COLUMN_ROLE_KEY"},
            {"name": "the name", "type": {"sql": "DECIMAL(10, 2)"}, "role": "COLUMN_ROLE_VALUE"},
            {"name": "all", "type": {"sql": "ARRAY<STRUCT<KEY BYTES>>"}, "role": "COLUMN_ROLE_HEADER"}]},
        "topic": {"topic": "customers", "value_format": {"name": "DELIMITED", "properties": {"delimiter": "|"}}, "timestamp_column": "at"},
    }


# (text, line, a part of the message)
WRONG = [
    ("topology: t\nnodes:\n  a: {stream: s\n", 4, "YAML"),
    ("topology: t\nnodes:\n  a: {stream: s}\n  a: {stream: s}\n", 4, "twice"),
    ("topology: t\nnodes:\n  a: {stream: s}\n  b:\n    from: a\n    fliter: X\n", 6, "no kind fliter"),
    ("topology: t\nnodes:\n  a: {stream: s}\n  b: {from: a, filter: X, select: Y}\n", 4, "one kind"),
    ("topology: t\nnodes:\n  - {name: a, stream: s}\n  - {from: a, filter: X}\n", 4, "name"),
    ("topology: t\nnodes:\n  a:\n    stream: s\n    start: yesterday\n", 5, "start"),
    ("topology: t\nnodes:\n  a:\n    from: b\n    aggregate: {N: COUNT(*)}\n    window:\n      tumbling: 5 parsecs\n", 7, "duration"),
    ("topology: t\nsettings:\n  speed: 9\nnodes: {}\n", 3, "speed"),
    ("topology: t\nsettings:\n  updates: sometimes\nnodes: {}\n", 3, "sometimes"),
    ("nodes: {}\n", 1, "name"),
    ("stream: s\n", 1, "columns"),
    ("stream: s\ncolumns:\n  - A\n", 2, "NAME TYPE"),
    ("stream: s\ncolumns: [A INT]\nfrmat: JSON\n", 3, "frmat"),
    ("- a\n- b\n", 1, "mapping"),
    ("a: 1\n", 1, "topology"),
]


@pytest.mark.parametrize(("text", "line", "part"), WRONG)
def test_errors_say_the_line(text: str, line: int, part: str) -> None:
    with pytest.raises(RequestError) as caught:
        load_documents(text)
    assert caught.value.reason == "INVALID_ARGUMENT"
    assert caught.value.metadata["line"] == str(line), caught.value.message
    assert part in caught.value.message


@pytest.mark.parametrize("path", EXAMPLES, ids=[p.stem for p in EXAMPLES])
def test_protojson_is_yaml_too(path: Path) -> None:
    """What the friendly form gives, written as JSON in full, gives the same message again."""
    for document in load_documents(path.read_text()):
        assert load_documents(json.dumps(MessageToDict(document))) == [document]
        assert load_documents(json.dumps(MessageToDict(document, preserving_proto_field_name=True))) == [document]


def test_data_that_is_read_already() -> None:
    assert topology_of({"topology": "t", "nodes": {"a": {"stream": "s"}}}).nodes[0].source_stream.origin.relation == "s"
    with pytest.raises(RequestError, match="^node a needs one kind"):
        topology_of({"topology": "t", "nodes": {"a": {}}})


def test_the_documented_example_is_valid() -> None:
    assert penstock.planner.definition.__doc__ is not None
    indented = [line[4:] for line in penstock.planner.definition.__doc__.splitlines() if line.startswith("    ")]
    assert [type(d).__name__ for d in load_documents("\n".join(indented))] == ["Relation", "Topology"]
