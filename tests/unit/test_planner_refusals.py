"""What the planner refuses: reason, node, field, and the position in an expression."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from penstock.errors import ExpressionError, RequestError

sys.path.insert(0, str(Path(__file__).parent))

from planning import plan

P = "p: {stream: purchases}\n"
C = "c: {table: customers}\n"

# (name, nodes, reason, node, a part of the field, (start, end) of an expression or None)
CASES = [
    ("duplicate", "- {name: p, stream: purchases}\n- {name: p, stream: keyless}", "DUPLICATE_NODE", "p", "nodes[1].name", None),
    ("duplicate by case", P + "P: {from: p, filter: PRICE > 1}", "DUPLICATE_NODE", "P", "nodes[1].name", None),
    ("bad name", "1p: {stream: purchases}", "INVALID_TOPOLOGY", "1p", "nodes[0].name", None),
    ("taken by dead letters", "dead_letter: {stream: purchases}", "INVALID_TOPOLOGY", "dead_letter", "nodes[0].name", None),
    ("unknown input", P + "f: {from: q, filter: PRICE > 1}", "UNKNOWN_NODE", "f", "nodes[1].inputs[0]", None),
    ("unknown output", P + "b: {from: p, branch: {big: PRICE > 1}}\nf: {from: b.small, filter: PRICE > 1}", "UNKNOWN_NODE", "f",
     "nodes[2].inputs[0]", None),
    ("branch without output", P + "b: {from: p, branch: {big: PRICE > 1}}\nf: {from: b, filter: PRICE > 1}", "INVALID_TOPOLOGY", "f",
     "nodes[2].inputs[0]", None),
    ("output of a plain node", P + "f: {from: p.x, filter: PRICE > 1}", "UNKNOWN_NODE", "f", "nodes[1].inputs[0]", None),
    ("too few inputs", "f: {filter: PRICE > 1}", "INVALID_TOPOLOGY", "f", "nodes[0].inputs", None),
    ("too many inputs", P + "f: {from: [p, p], filter: PRICE > 1}", "INVALID_TOPOLOGY", "f", "nodes[1].inputs", None),
    ("one to merge", P + "m: {from: p, merge: {}}", "INVALID_TOPOLOGY", "m", "nodes[1].inputs", None),
    ("input of a source", P + "q: {from: p, stream: keyless}", "INVALID_TOPOLOGY", "q", "nodes[1].inputs", None),
    ("behind a sink", P + "s: {from: p, sink: out}\nf: {from: s, filter: PRICE > 1}", "INVALID_TOPOLOGY", "f", "nodes[2].inputs[0]", None),
    ("cycle of one", P + "m: {from: [p, m], merge: {}}", "CYCLE", "m", "topology.nodes", None),
    ("unknown relation", "p: {stream: purchase}", "UNKNOWN_RELATION", "p", "source_stream.origin.relation", None),
    ("table as stream", "p: {stream: customers}", "INVALID_TOPOLOGY", "p", "source_stream.origin.relation", None),
    ("stream as table", "p: {table: purchases}", "INVALID_TOPOLOGY", "p", "source_table.origin.relation", None),
    ("topic does not exist", "p: {stream: gone}", "MISSING_TOPIC", "p", "", None),
    ("inline topic does not exist", "p: {stream: {columns: [A INT], topic: nowhere}}", "MISSING_TOPIC", "p", "", None),
    ("inline name taken", "purchases: {stream: {columns: [A INT], partitions: 1}}", "NAME_TAKEN", "purchases", "origin.inline", None),
    ("inline bad type", "p: {stream: {columns: [A INTT], partitions: 1}}", "INVALID_SCHEMA", "p", "origin.inline.schema", None),
    ("inline twice a column", "p: {stream: {columns: [A INT, A INT], partitions: 1}}", "INVALID_SCHEMA", "p", "origin.inline.schema", None),
    ("inline reserved column", "p: {stream: {columns: [rowtime INT], partitions: 1}}", "INVALID_SCHEMA", "p", "origin.inline.schema", None),
    ("inline table without key", "p: {table: {columns: [A INT], partitions: 1}}", "INVALID_SCHEMA", "p", "origin", None),
    ("inline unknown format", "p: {stream: {columns: [A INT], partitions: 1, value_format: XML}}", "INVALID_FORMAT", "p", "value_format", None),
    ("KAFKA of two columns", "p: {stream: {columns: [A INT, B INT], partitions: 1, value_format: KAFKA}}", "INVALID_FORMAT", "p",
     "value_format", None),
    ("DELIMITED of an array", "p: {stream: {columns: [A ARRAY<INT>], partitions: 1, value_format: DELIMITED}}", "INVALID_FORMAT", "p",
     "value_format", None),
    ("time from nowhere", "p: {stream: {columns: [A INT], partitions: 1, timestamp: B}}", "UNKNOWN_COLUMN", "p", "timestamp_column", None),
    ("time from a number", "p: {stream: {columns: [A INT], partitions: 1, timestamp: A}}", "INVALID_SCHEMA", "p", "timestamp_column", None),
    ("one topic twice", "p: {stream: keyless}\nq: {stream: {columns: [LINE STRING], topic: keyless}}", "INVALID_TOPOLOGY", "q", "nodes[1]", None),
    ("unknown column", P + "f: {from: p, filter: PRIZE > 1}", "UNKNOWN_COLUMN", "f", "topology.nodes[1].filter.where", (0, 5)),
    ("no condition", P + "f: {from: p, filter: PRICE + 1}", "TYPE_MISMATCH", "f", "filter.where", (0, 9)),
    ("bad syntax", P + "f: {from: p, filter: PRICE >}", "INVALID_EXPRESSION", "f", "filter.where", (7, 7)),
    ("unknown function", P + "s: {from: p, select: [NOPE(PRICE)]}", "UNKNOWN_FUNCTION", "s", "select.columns[0].expression", (0, 4)),
    ("remote processor's output rows", P + "r: {from: p, remote_processor: {processor: x, outputs: {rows: [A INT]}}}", "INVALID_TOPOLOGY", "r", "outputs", None),
    ("remote processor's timers without a key", "p: {stream: keyless}\nr: {from: p, remote_processor: {processor: x, outputs: {o: [A INT]}, timers: true}}", "INVALID_TOPOLOGY", "r", "timers", None),
    ("remote function's arguments", P + "s: {from: p, select: ['1 + GEOCODE(PRICE) AS X']}", "INVALID_EXPRESSION", "s", "select.columns[0].expression", (4, 18)),
    ("remote function in a lambda", P + "s: {from: p, select: ['TRANSFORM(ARRAY[1.0E0], x => GUESS(x)) AS X']}", "UNSUPPORTED", "s", "select.columns[0]", (29, 37)),
    ("remote function of a table", C + "f: {from: c, filter: \"GEOCODE(NAME, 1) = 'x'\"}", "UNSUPPORTED", "f", "", None),
    ("remote function in an aggregate", P + "g: {from: p, group_by: {}}\na: {from: g, aggregate: {X: SUM(GUESS(1.5E0))}}", "UNSUPPORTED", "a", "", None),
    ("remote function in a windowed stream", P + "g: {from: p, group_by: {}}\na: {from: g, aggregate: {X: COUNT(*)}, window: {tumbling: 1m}}\n"
     "t: {from: a, to_stream: {}}\nf: {from: t, filter: GUESS(1.5E0) > 1}", "UNSUPPORTED", "f", "", None),
    ("remote function beside ROWOFFSET", P + "f: {from: p, filter: GUESS(1.5E0) > ROWOFFSET}", "UNSUPPORTED", "f", "", None),
    ("type error", P + "s: {from: p, select: [ITEM * 2 AS X]}", "TYPE_MISMATCH", "s", "select.columns[0].expression", (0, 8)),
    ("aggregate in select", P + "s: {from: p, select: [SUM(PRICE) AS X]}", "INVALID_EXPRESSION", "s", "select.columns[0].expression", (0, 10)),
    ("NULL column", P + "s: {from: p, select: ['NULL AS X']}", "TYPE_MISMATCH", "s", "select.columns[0].expression", (0, 4)),
    ("two columns of a name", P + "s: {from: p, select: [PRICE, ITEM AS PRICE]}", "INVALID_SCHEMA", "s", "select.columns", None),
    ("alias of a key", P + "s: {from: p, select: [ITEM AS CUSTOMER]}", "INVALID_SCHEMA", "s", "select.columns", None),
    ("reserved alias", P + "s: {from: p, select: [ITEM AS ROWTIME]}", "INVALID_SCHEMA", "s", "select.columns[0].alias", None),
    ("explode nothing", P + "s: {from: p, explode: [ITEM]}", "INVALID_TOPOLOGY", "s", "explode.columns", None),
    ("explode a text", P + "s: {from: p, explode: [EXPLODE(ITEM) AS X]}", "TYPE_MISMATCH", "s", "explode.columns[0].expression", (8, 12)),
    ("explode a table", C + "s: {from: c, explode: \"EXPLODE(SPLIT(NAME, ' ')) AS X\"}", "INVALID_TOPOLOGY", "s", "inputs[0]", None),
    ("partition a table", C + "s: {from: c, partition_by: CITY}", "INVALID_TOPOLOGY", "s", "inputs[0]", None),
    ("partition by nothing", P + "s: {from: p, partition_by: []}", "INVALID_TOPOLOGY", "s", "partition_by.keys", None),
    ("group without key", "k: {stream: keyless}\ng: {from: k, group_by: []}", "INVALID_TOPOLOGY", "g", "group_by.keys", None),
    ("group into a sink", P + "g: {from: p, group_by: ITEM}\ns: {from: g, sink: out}", "INVALID_TOPOLOGY", "s", "inputs[0]", None),
    ("aggregate without group", P + "a: {from: p, aggregate: {N: COUNT(*)}}", "INVALID_TOPOLOGY", "a", "inputs[0]", None),
    ("aggregate a column", P + "g: {from: p, group_by: ITEM}\na: {from: g, aggregate: {N: PRICE}}", "INVALID_EXPRESSION", "a",
     "aggregate.columns[0].expression", (0, 5)),
    ("no undo", C + "g: {from: c, group_by: CITY}\na: {from: g, aggregate: {N: MAX(NAME)}}", "UNSUPPORTED", "a",
     "aggregate.columns[0].expression", (0, 9)),
    ("window on a table", C + "g: {from: c, group_by: CITY}\na: {from: g, aggregate: {N: COUNT(*)}, window: {tumbling: 1m}}",
     "INVALID_TOPOLOGY", "a", "aggregate.window", None),
    ("window of nothing", P + "g: {from: p, group_by: ITEM}\na: {from: g, aggregate: {N: COUNT(*)}, window: {tumbling: 0s}}",
     "INVALID_TOPOLOGY", "a", "window.size", None),
    ("short retention", P + "g: {from: p, group_by: ITEM}\na: {from: g, aggregate: {N: COUNT(*)}, "
     "window: {tumbling: 1m, grace: 1m, retention: 90s}}", "INVALID_TOPOLOGY", "a", "window.retention", None),
    ("hopping", P + "g: {from: p, group_by: ITEM}\na: {from: g, aggregate: {N: COUNT(*)}, window: {hopping: 1m, advance: 0s}}",
     "INVALID_TOPOLOGY", "a", "window.advance", None),
    ("emit final", P + "g: {from: p, group_by: ITEM}\na: {from: g, aggregate: {columns: [COUNT(*)], emit: final}}", "INVALID_TOPOLOGY", "a",
     "emit", None),
    ("a table in a stream join", P + C + "j: {from: [p, c], stream_stream_join: {}}", "INVALID_TOPOLOGY", "j", "inputs[1]", None),
    ("a global table of nothing", P + C + "j: {global_table: {origin: {}}}", "INVALID_TOPOLOGY", "j", "global_table.origin", None),
    ("join of two streams", P + "k: {stream: keyless}\nj: {from: [p, k], join: inner}", "INVALID_TOPOLOGY", "j", "inputs[1]", None),
    ("join of two tables", C + "d: {table: numbered}\nj: {from: [d, c], join: inner}", "INVALID_TOPOLOGY", "j", "inputs[0]", None),
    ("join without key", "k: {stream: keyless}\n" + C + "j: {from: [k, c], join: inner}", "INVALID_TOPOLOGY", "j", "inputs[0]", None),
    ("join of other key types", P + "d: {table: numbered}\nj: {from: [p, d], join: inner}", "TYPE_MISMATCH", "j", "inputs", None),
    ("join of other partitions", P + "d: {table: three}\nj: {from: [p, d], join: inner}", "CO_PARTITIONING", "j", "", None),
    ("join column", P + C + "j: {from: [p, c], join: {columns: [p.NAME]}}", "UNKNOWN_COLUMN", "j", "stream_table_join.columns[0]", (0, 6)),
    ("join ambiguous", "o: {stream: {columns: [ID STRING KEY, NAME STRING], partitions: 4}}\n" + C
     + "j: {from: [o, c], join: {columns: [NAME]}}", "INVALID_EXPRESSION", "j", "stream_table_join.columns[0]", (0, 4)),
    ("merge of other columns", P + "k: {stream: keyless}\nm: {from: [p, k], merge: {}}", "TYPE_MISMATCH", "m", "inputs[1]", None),
    ("merge of other partitions", P + "q: {stream: {columns: [CUSTOMER STRING KEY, ITEM STRING, PRICE DOUBLE, COUNT INT, "
     "TAGS ARRAY<STRING>], partitions: 3}}\nm: {from: [p, q], merge: {}}", "CO_PARTITIONING", "m", "", None),
    ("merge of other key formats", P + "q: {stream: {columns: [CUSTOMER STRING KEY, ITEM STRING, PRICE DOUBLE, COUNT INT, "
     "TAGS ARRAY<STRING>], partitions: 4, key_format: JSON}}\nm: {from: [p, q], merge: {}}", "INVALID_FORMAT", "m", "inputs[1]", None),
    ("merge of tables", C + "d: {table: numbered}\nm: {from: [c, d], merge: {}}", "INVALID_TOPOLOGY", "m", "inputs[0]", None),
    ("branch of a table", C + "b: {from: c, branch: {x: CITY = 'A'}}", "INVALID_TOPOLOGY", "b", "inputs[0]", None),
    ("branch condition", P + "b: {from: p, branch: {x: ITEM}}", "TYPE_MISMATCH", "b", "branch.outputs[0].where", (0, 4)),
    ("branch outputs of a name", P + "b: {from: p, branch: {outputs: {x: TRUE}, default: x}}", "INVALID_TOPOLOGY", "b", "outputs", None),
    ("table without key", "k: {stream: keyless}\nt: {from: k, to_table: {}}", "INVALID_TOPOLOGY", "t", "inputs[0]", None),
    ("table of a table", C + "t: {from: c, to_table: {}}", "INVALID_TOPOLOGY", "t", "inputs[0]", None),
    ("stream of a stream", P + "t: {from: p, to_stream: {}}", "INVALID_TOPOLOGY", "t", "inputs[0]", None),
    ("sink name taken", P + "s: {from: p, sink: Customers}", "NAME_TAKEN", "s", "sink.relation", None),
    ("two sinks of a name", P + "s: {from: p, sink: out}\nt: {from: p, sink: OUT}", "NAME_TAKEN", "t", "sink.relation", None),
    ("sink format", P + "s: {from: p, sink: {relation: out, value_format: KAFKA}}", "INVALID_FORMAT", "s", "sink.topic.value_format", None),
    ("sink partitions", P + "s: {from: p, sink: {relation: out, topic: other, partitions: 5}}", "CO_PARTITIONING", "s", "", None),
    ("sink topic name", P + "s: {from: p, sink: {relation: out, topic: 'a b'}}", "INVALID_TOPOLOGY", "s", "sink.topic.topic", None),
]


@pytest.mark.parametrize(("name", "nodes", "reason", "node", "field", "position"), CASES, ids=[c[0] for c in CASES])
def test_refusal(name: str, nodes: str, reason: str, node: str, field: str, position: tuple[int, int] | None) -> None:
    with pytest.raises(RequestError) as caught:
        plan(nodes)
    error = caught.value
    assert error.reason == reason, error.message
    if isinstance(error, ExpressionError):
        assert (error.node, (error.start, error.end)) == (node, position)
        assert field in error.field
    else:
        assert position is None
        assert error.metadata.get("node") == node
        assert field in error.metadata.get("field", "")
    assert node in error.message


def test_a_cycle_is_named() -> None:
    with pytest.raises(RequestError) as caught:
        plan(P + "a: {from: [p, c], merge: {}}\nb: {from: a, filter: TRUE}\nc: {from: b, filter: TRUE}")
    assert caught.value.reason == "CYCLE"
    assert caught.value.metadata["path"] == "a -> b -> c -> a"


@pytest.mark.parametrize(("head", "reason"), [
    ("topology: t\nsettings: {commit_interval: 1ms}", "INVALID_TOPOLOGY"),
    ("topology: t\nsettings: {commit_interval: 61s}", "INVALID_TOPOLOGY"),
    ("topology: 7t", "INVALID_TOPOLOGY"),
    ("topology: t\nsettings: {guarantee: at_least_once}", "INVALID_TOPOLOGY"),
])
def test_refused_settings(head: str, reason: str) -> None:
    with pytest.raises(RequestError) as caught:
        plan(P + "g: {from: p, group_by: ITEM}\na: {from: g, aggregate: {N: COUNT(*)}}", head)
    assert caught.value.reason == reason


def test_candidates() -> None:
    with pytest.raises(RequestError) as caught:
        plan("p: {stream: purchase}")
    assert "purchases" in caught.value.metadata["candidates"]
    with pytest.raises(ExpressionError) as wrong:
        plan(P + "f: {from: p, filter: PRIZE > 1}")
    assert "PRICE" in wrong.value.metadata["candidates"]
