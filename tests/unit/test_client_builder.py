"""The topology builder and declarations: Python to messages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.protobuf import json_format
from penstock_client import Binding, Cofold, Fold, Topology, hopping, session, sliding, tumbling
from penstock_client.builder import time_column
from penstock_client.declare import schema
from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2


def nodes(topology: Topology) -> list[str]:
    """Each node as `name(inputs): operator`."""
    return [f"{n.name}({', '.join(n.inputs)}): {n.WhichOneof('operator')}" for n in topology.message().nodes]


def node(topology: Topology, name: str) -> dict[str, object]:
    (found,) = [n for n in topology.message().nodes if n.name == name]
    return json_format.MessageToDict(found)  # type: ignore[no-any-return]


def test_the_first_example() -> None:
    t = Topology("purchases")
    s = t.stream("purchases")
    s.filter("price > 100").select("ITEM", price2="price*2").to("expensive")
    s.group_by("CUSTOMER").window(tumbling(minutes=1, grace=5)).aggregate(total="SUM(price)").to("totals")
    assert nodes(t) == [
        "purchases(): source_stream",
        "filter(purchases): filter",
        "select(filter): select",
        "expensive_sink(select): sink",
        "group_by(purchases): group_by",
        "aggregate(group_by): aggregate",
        "totals_sink(aggregate): sink",
    ]
    assert node(t, "select")["select"] == {"columns": [{"expression": "ITEM"}, {"expression": "price*2", "alias": "price2"}]}
    assert node(t, "aggregate")["aggregate"] == {
        "columns": [{"expression": "SUM(price)", "alias": "total"}],
        "window": {"kind": "WINDOW_KIND_TUMBLING", "size": "60s", "grace": "5s"},
    }
    assert not t.message().HasField("settings")


def test_every_operator_has_a_call() -> None:
    t = Topology("t")
    s, table = t.stream("s"), t.table("p")
    ways = s.branch(big="x > 10", default="rest")
    united = ways["big"].merge(ways["rest"])
    united.explode(word="EXPLODE(words)").partition_by("word").left_join(table, "word").filter_not("word = 'a'").to_table().to_stream()
    table.filter("x > 1").group_by("k").count().suppress(60, max_records=10, when_full="stop")
    s.join(table)
    s.process("p", table, config={"a": "b"})["out"].to_topics("k")
    s.process_remotely("q", {"out": "k INT"}, {"kept": "n INT"}, bundle_timeout=5)["out"].to_topics("k")
    s.repartition(4).deduplicate(600, "x", grace=5).peek("x", max_per_second=5)
    s.join_stream(s, kind="LEFT", within=5.0, grace=1.0)
    table.full_join(table, "left.x AS a")
    s.join_global(t.global_table("g"), "x", keys=["x", "x + 1"], kind="left")
    operators = {n.WhichOneof("operator") for n in t.message().nodes}
    assert operators | {"sink", "select"} == {f.name for f in topology_pb2.Node.DESCRIPTOR.oneofs_by_name["operator"].fields}
    assert "merge(branch.big, branch.rest): merge" in nodes(t)
    assert "join_2(s, p): stream_table_join" in nodes(t)
    assert [n.name for n in t.message().nodes if n.WhichOneof("operator") == "filter"] == ["filter", "filter_2"]


def test_versioned_tables_and_global_ones() -> None:
    t = Topology("t")
    s, table = t.stream("s"), t.table("p", history=60)
    s.left_join(table, "x", grace=5)
    s.to_table(history=1.5)
    s.join_global(t.global_table("g"), "x", keys="UCASE(k)")
    assert node(t, "p")["sourceTable"]["history"] == "60s"
    assert node(t, "join")["streamTableJoin"] == {"kind": "JOIN_KIND_LEFT", "grace": "5s", "columns": [{"expression": "x"}]}
    assert node(t, "to_table")["toTable"] == {"history": "1.500s"}
    assert node(t, "join_2")["streamGlobalJoin"] == {"kind": "JOIN_KIND_INNER", "keys": ["UCASE(k)"], "columns": [{"expression": "x"}]}


def test_times_of_tables_and_what_sinks_write() -> None:
    t = Topology("t")
    t.table("cars", time="at")
    t.global_table("stores", time=time_column("at", on_bad_time="skip"))
    t.stream("log").to("errors", insert=True, binding=Binding(retention=timedelta(days=1)))
    assert node(t, "cars")["sourceTable"]["time"] == {"column": "at"}  # type: ignore[index]
    assert node(t, "stores")["globalTable"]["time"] == {"column": "at", "onBadTime": "ON_BAD_TIME_SKIP"}  # type: ignore[index]
    assert node(t, "errors_sink")["sink"] == {"relation": "errors", "insert": True, "topic": {"create": {"retention": "86400s"}}}


def test_settings_and_labels() -> None:
    t = Topology("t", guarantee="at_least_once", commit_interval=0.25, on_bad_record="skip", updates="every", max_task_idle=-1, standbys=0, labels={"team": "a"})
    message = json_format.MessageToDict(t.message())
    assert message["labels"] == {"team": "a"}
    assert message["settings"] == {
        "guarantee": "GUARANTEE_AT_LEAST_ONCE",
        "commitInterval": "0.250s",
        "onBadRecord": "ON_BAD_RECORD_SKIP",
        "updates": "UPDATE_MODE_EVERY",
        "maxTaskIdle": "-1s",
        "standbys": 0,
    }


def test_a_source_declared_inline() -> None:
    t = Topology("t")
    t.stream(columns={"k": "STRING KEY", "v": "INT"}, binding=Binding("raw", partitions=4, value_format="DELIMITED"), name="raw", start="latest")
    origin = node(t, "raw")["sourceStream"]["origin"]  # type: ignore[index]
    assert origin["start"] == {"latest": True}
    assert origin["inline"]["topic"] == {"topic": "raw", "create": {"partitions": 4}, "valueFormat": {"name": "DELIMITED"}}
    t.table(columns={"k": "STRING KEY", "n": "BIGINT"}, binding=Binding("minutes", partitions=1), window=tumbling(minutes=1), name="seen")
    assert node(t, "seen")["sourceTable"]["origin"]["inline"]["window"]["size"] == "60s"  # type: ignore[index]


def test_a_projection_with_a_name_that_is_no_keyword() -> None:
    t = Topology("t")
    t.stream("s").select(("UCASE(a)", "name"))
    assert node(t, "select")["select"] == {"columns": [{"expression": "UCASE(a)", "alias": "name"}]}


def test_message_is_a_copy() -> None:
    t = Topology("t")
    before = t.message()
    t.stream("s")
    assert not before.nodes and len(t.message().nodes) == 1


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("a INT", [("a", "INT", False)]),
        ("a STRING KEY, b DECIMAL(10, 2)", [("a", "STRING", True), ("b", "DECIMAL(10, 2)", False)]),
        (["m MAP<STRING, ARRAY<INT>> primary key"], [("m", "MAP<STRING, ARRAY<INT>>", True)]),
        ("`a, b` STRUCT<x INT, `y z` INT>, c INT", [("a, b", "STRUCT<x INT, `y z` INT>", False), ("c", "INT", False)]),
        ({"a`b": "INT KEY"}, [("a`b", "INT", True)]),
    ],
)
def test_columns(columns: object, expected: list[tuple[str, str, bool]]) -> None:
    got = schema(columns)  # type: ignore[arg-type]
    assert [(c.name, c.type.sql, c.role == 1) for c in got.columns] == expected


def test_a_column_without_a_type_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' is no column"):
        schema("a")


def test_windows_of_every_kind() -> None:
    grouped = (t := Topology("t")).stream("s").group_by("k")
    for window in (tumbling(minutes=1), hopping(60, 10, grace=5), sliding(timedelta(seconds=30)), session(600, retention=3600)):
        grouped.window(window).count(emit="final")
    made = [n.aggregate for n in t.message().nodes if n.WhichOneof("operator") == "aggregate"]
    assert [a.window.kind for a in made] == [relation_pb2.WINDOW_KIND_TUMBLING, relation_pb2.WINDOW_KIND_HOPPING,
                                             relation_pb2.WINDOW_KIND_SLIDING, relation_pb2.WINDOW_KIND_SESSION]
    assert [(a.window.size.seconds, a.window.advance.seconds, a.window.gap.seconds) for a in made] == [
        (60, 0, 0), (60, 10, 0), (30, 0, 0), (0, 0, 600)]
    assert (made[1].window.grace.seconds, made[3].window.retention.seconds) == (5, 3600)
    assert {a.emit for a in made} == {topology_pb2.EMIT_FINAL}
    assert all(a.columns[0].alias == "COUNT" for a in made)


def test_columns_that_expressions_fold() -> None:
    t = Topology("t")
    bought, returned = t.stream("s").group_by("k"), t.stream("r").group_by("k")
    bought.aggregate(n="COUNT(*)", fold={"total": Fold("0", "total + x", merge="acc.total + other.total")}, name="both")
    bought.reduce(x="acc.x + row.x", name="reduced")
    t.table("p").group_by("k").reduce(x="acc.x + row.x", undo={"x": "acc.x - row.x"}, name="undone")
    bought.window(tumbling(minutes=1)).cogroup(returned, total=Cofold("0", ("total + x", "")), name="together")
    assert node(t, "both")["aggregate"] == {
        "columns": [{"expression": "COUNT(*)", "alias": "n"}],
        "accumulators": [{"name": "total", "init": "0", "add": ["total + x"], "merge": "acc.total + other.total"}]}
    assert node(t, "reduced")["aggregate"] == {"accumulators": [{"name": "x", "add": ["acc.x + row.x"]}]}
    assert node(t, "undone")["aggregate"] == {"accumulators": [{"name": "x", "add": ["acc.x + row.x"], "undo": "acc.x - row.x"}]}
    assert node(t, "together") == {
        "name": "together", "inputs": ["group_by", "group_by_2"],
        "aggregate": {"accumulators": [{"name": "total", "init": "0", "add": ["total + x", ""]}],
                      "window": {"kind": "WINDOW_KIND_TUMBLING", "size": "60s"}}}


def test_operators_that_pass_rows_on() -> None:
    t = Topology("t")
    t.stream("s").repartition(4).deduplicate(600, "x", grace=5).peek("x", max_per_second=5)
    assert node(t, "repartition")["repartition"] == {"partitions": 4}
    assert node(t, "deduplicate")["deduplicate"] == {"within": "600s", "ids": ["x"], "grace": "5s"}
    assert node(t, "peek")["peek"] == {"columns": [{"expression": "x"}], "maxPerSecond": 5}
