"""Executing statements without a node: what each does, how it is refused, variables and properties, scripts that are applied again."""

from __future__ import annotations

import pytest
from penstock.errors import ExpressionError, RequestError
from penstock.sql import effects
from penstock.sql.execute import decide
from penstock.sql.script import complete, normal, parse_script, split, substitute
from penstock.sql.session import Session
from penstock.testing.sql_engine import SqlEngine

BASE = """
CREATE STREAM orders (shop STRING KEY, item STRING, price DOUBLE) WITH (kafka_topic='orders', partitions=2, value_format='JSON');
CREATE TABLE shops (shop STRING PRIMARY KEY, owner STRING) WITH (kafka_topic='shops', partitions=2, value_format='JSON');
"""


def execute(engine: SqlEngine, script: str) -> list[effects.Effect]:
    return [engine.execute(p.statement, p.text) for p in parse_script(script, engine.session)]


@pytest.fixture
def engine() -> SqlEngine:
    made = SqlEngine()
    execute(made, BASE)
    return made


def only(engine: SqlEngine, statement: str) -> effects.Effect:
    found, = execute(engine, statement)
    return found


def rows(engine: SqlEngine, statement: str) -> list[dict[str, object]]:
    found = only(engine, statement)
    assert isinstance(found, effects.Listing)
    return [dict(zip((c.name for c in found.columns), row, strict=True)) for row in found.rows]


def test_a_query_lives_and_ends(engine: SqlEngine) -> None:
    started = only(engine, "CREATE TABLE spend AS SELECT shop, SUM(price) AS total FROM orders GROUP BY shop;")
    assert isinstance(started, effects.Start) and started.query_id == "CTAS_SPEND_0"
    shown, = rows(engine, "SHOW QUERIES;")
    assert (shown["QUERY_ID"], shown["STATUS"], shown["SINK"]) == ("CTAS_SPEND_0", "RUNNING", "SPEND")
    with pytest.raises(RequestError, match=r"read from this source: \[CTAS_SPEND_0\].*terminate them"):
        execute(engine, "DROP STREAM orders;")
    execute(engine, "PAUSE CTAS_SPEND_0;")
    assert rows(engine, "SHOW QUERIES EXTENDED;")[0]["STATUS"] == "PAUSED"
    execute(engine, "RESUME ALL; TERMINATE CTAS_SPEND_0;")
    assert rows(engine, "LIST QUERIES;") == [] and [r["NAME"] for r in rows(engine, "SHOW TABLES;")] == ["SHOPS", "SPEND"]
    with pytest.raises(RequestError, match="not supported for CREATE ... AS"):
        execute(engine, "ALTER TABLE spend ADD COLUMN x INT;")
    execute(engine, "DROP TABLE spend; DROP STREAM orders;")
    assert rows(engine, "SHOW STREAMS;") == []


def test_dropping_a_relation_ends_the_query_that_makes_it(engine: SqlEngine) -> None:
    execute(engine, "CREATE STREAM big AS SELECT * FROM orders WHERE price > 10; CREATE STREAM bigger AS SELECT * FROM big WHERE price > 20;")
    with pytest.raises(RequestError, match="CSAS_BIGGER_1"):
        execute(engine, "DROP STREAM big;")
    execute(engine, "DROP STREAM bigger; DROP STREAM big;")
    assert rows(engine, "SHOW QUERIES;") == []


def test_replacing_keeps_the_query(engine: SqlEngine) -> None:
    execute(engine, "CREATE STREAM big AS SELECT shop, price FROM orders WHERE price > 10;")
    replaced = only(engine, "CREATE OR REPLACE STREAM big AS SELECT shop, price, item FROM orders WHERE price > 20;")
    assert isinstance(replaced, effects.Start) and replaced.replaces == replaced.query_id == "CSAS_BIG_0"
    for refused, why in (
        ("CREATE OR REPLACE STREAM big AS SELECT shop, item FROM orders;", "changed, missing or reordered"),
        ("CREATE OR REPLACE TABLE big AS SELECT shop, COUNT(*) n FROM orders GROUP BY shop;", "not upgradeable"),
        ("CREATE OR REPLACE STREAM big AS SELECT o.shop, price, item FROM orders o JOIN shops s ON o.shop = s.shop;", "not yet supported"),
        ("CREATE OR REPLACE STREAM orders (shop STRING KEY, price DOUBLE) WITH (kafka_topic='orders', value_format='JSON');", "changed, missing"),
    ):
        with pytest.raises(RequestError, match=why):
            execute(engine, refused)
    execute(engine, "CREATE OR REPLACE STREAM orders (shop STRING KEY, item STRING, price DOUBLE, note STRING) WITH (kafka_topic='orders', value_format='JSON');")


def test_insert_takes_a_row(engine: SqlEngine) -> None:
    made = only(engine, "INSERT INTO orders (ROWTIME, shop, price) VALUES (7, 'a', 1 + 1);")
    assert isinstance(made, effects.Insert) and (made.key, made.value["PRICE"], made.timestamp) == (("a",), 2.0, 7)


@pytest.mark.parametrize(("statement", "first"), [
    ("SHOW TOPICS;", {"TOPIC": "orders", "PARTITIONS": 2, "REPLICAS": 1}), ("SHOW ALL TOPICS EXTENDED;", {"TOPIC": "orders", "RELATIONS": "ORDERS"}),
    ("SHOW STREAMS EXTENDED;", {"NAME": "ORDERS", "KEY_FORMAT": "KAFKA"}), ("DESCRIBE TABLES;", {"NAME": "SHOPS"}),
    ("SHOW FUNCTIONS;", {"NAME": "ABS", "TYPE": "SCALAR"}), ("SHOW PROPERTIES;", {"PROPERTY": "auto.offset.reset", "SET": False}),
    ("CREATE TYPE ADDRESS AS STRUCT<street STRING>; SHOW TYPES;", {"NAME": "ADDRESS", "TYPE": "STRUCT<STREET STRING>"}),
    ("DEFINE a = 'b'; SHOW VARIABLES;", {"NAME": "A", "VALUE": "b"}),
])
def test_listings(engine: SqlEngine, statement: str, first: dict[str, object]) -> None:
    *before, last = (p.text for p in parse_script(statement, Session()))
    for text in before:
        execute(engine, text)
    assert first.items() <= rows(engine, last)[0].items()


def test_properties_and_variables(engine: SqlEngine) -> None:
    execute(engine, "SET 'auto.offset.reset' = 'earliest'; DEFINE name = 'orders2'; DEFINE n = '3';")
    assert rows(engine, "SHOW PROPERTIES;")[0]["VALUE"] == "earliest"
    execute(engine, "CREATE STREAM ${name} (a INT) WITH (kafka_topic='${NAME}-x', partitions=${n}, value_format='JSON');")
    assert engine.catalog.topics["orders2-x"] == 3
    execute(engine, "UNSET 'auto.offset.reset'; UNDEFINE name;")
    assert rows(engine, "SHOW PROPERTIES;")[0]["VALUE"] == ""
    for wrong, why in (("SET 'auto.offset.reset' = 'never';", "earliest or latest"), ("SET 'auto.offset.rest' = 'latest';", "did you mean auto.offset.reset"),
                       ("UNDEFINE name;", "never defined"), ("SHOW ${name};", "not defined")):
        with pytest.raises(RequestError, match=why):
            execute(engine, wrong)


def test_variables_never_cross_the_parts_of_a_statement() -> None:
    variables = {"Q": "it's", "EVIL": "x; DROP STREAM y", "N": "-1.5"}
    assert substitute("SELECT '${q}', ${n}, '$${q}' -- ${nothing}", variables) == "SELECT 'it''s', -1.5, '${q}' -- ${nothing}"
    with pytest.raises(ExpressionError, match="no single name"):
        substitute("DROP STREAM ${evil}", variables)


def test_scripts_are_split_and_errors_have_their_place() -> None:
    script = "SHOW STREAMS; -- a; b\n/* c; */ SELECT ';' FROM \"d;\";\n\nSELECT frm x;"
    assert [t.strip() for t, _ in split(script)] == ["SHOW STREAMS", "-- a; b\n/* c; */ SELECT ';' FROM \"d;\"", "SELECT frm x"]
    with pytest.raises(ExpressionError, match=r"^line 4:13: Syntax Error: .*expected") as caught:
        parse_script(script, Session())
    assert caught.value.field == "sql"
    assert complete("SHOW STREAMS; -- done") and not complete("SELECT ';'") and complete("")
    assert normal("select  A from b -- c") == normal("SELECT a\nFROM B") != normal("SELECT 'A' FROM b")


def test_applying_a_script_again_changes_nothing(engine: SqlEngine) -> None:
    script = BASE + "CREATE TYPE t AS INT; CREATE STREAM big AS SELECT * FROM orders WHERE price > 10; INSERT INTO orders SELECT * FROM big;"

    def apply(text: str) -> list[str]:
        out = []
        for p in parse_script(text, engine.session):
            effect = decide(p, engine.session, engine.catalog, apply=True)
            out.append(type(effect).__name__)
            if not isinstance(effect, effects.Nothing):
                engine.execute(p.statement, p.text)
        return out

    assert apply(script) == ["Nothing", "Nothing", "PutType", "Start", "Start"]
    assert set(apply(script.replace("SELECT *", "select  * /* all */"))) == {"Nothing"}
    for other, why in (("CREATE STREAM big AS SELECT * FROM orders;", "made by another statement"), ("CREATE TYPE t AS BIGINT;", "not BIGINT"),
                       ("INSERT INTO orders (shop) VALUES ('x');", "append a row each time"), ("DROP STREAM big;", "IF EXISTS")):
        with pytest.raises(RequestError, match=why):
            apply(other)


def test_assertions(engine: SqlEngine) -> None:
    def complaint(statement: str) -> str:
        found = only(engine, statement)
        assert isinstance(found, effects.Await)
        return found.complaint(engine.catalog)

    assert complaint("ASSERT TOPIC orders WITH (partitions=2) TIMEOUT 2 SECONDS;") == ""
    assert "expected 3 got 2" in complaint("ASSERT TOPIC orders WITH (partitions=3);")
    assert complaint("ASSERT NOT EXISTS TOPIC nowhere;") == "" and "exists" in complaint("ASSERT NOT EXISTS TOPIC orders;")
    assert complaint("ASSERT STREAM orders (shop STRING KEY, item STRING, price DOUBLE) WITH (kafka_topic='orders', value_format='JSON');") == ""
    assert "Expected schema" in complaint("ASSERT STREAM orders (shop STRING KEY, item STRING);")
    assert "does not exist" in complaint("ASSERT TABLE nothing;") and "type" in complaint("ASSERT TABLE orders;")


def test_explaining(engine: SqlEngine) -> None:
    execute(engine, "CREATE STREAM big AS SELECT * FROM orders WHERE price > 10;")
    explained = only(engine, "EXPLAIN csas_big_0;")
    assert isinstance(explained, effects.Explain) and explained.query == "CSAS_BIG_0"
    planned = only(engine, "EXPLAIN CREATE STREAM huge AS SELECT * FROM big WHERE price > 100;")
    assert isinstance(planned, effects.Explain) and planned.definition is not None and planned.definition.name == "CSAS_HUGE_1"
    assert isinstance(only(engine, "EXPLAIN SELECT * FROM big EMIT CHANGES;"), effects.ExplainQuery)
    with pytest.raises(RequestError, match="Unknown queryId"):
        execute(engine, "TERMINATE nothing;")
    with pytest.raises(RequestError, match="send it as a query"):
        execute(engine, "SELECT * FROM big EMIT CHANGES;")
