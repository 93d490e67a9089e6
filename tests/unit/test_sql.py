"""SQL: statements, their topologies, what comes out of them, and how they are refused; random text never breaks the parser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.errors import RequestError
from penstock.sql.parser import parse_statements
from penstock.sql.tree import Create, Query
from penstock.testing.records import DriverRecord
from penstock.testing.sql_cases import load_sql_cases, run_sql_case, sql_files
from penstock.testing.sql_engine import SqlEngine

BASE = """
CREATE STREAM orders (shop STRING KEY, item STRING, price DOUBLE, tags ARRAY<STRING>, at STRUCT<city STRING, zip INT>)
  WITH (KAFKA_TOPIC='orders', PARTITIONS=2, VALUE_FORMAT='JSON');
CREATE TABLE shops (shop STRING PRIMARY KEY, owner STRING) WITH (KAFKA_TOPIC='shops', PARTITIONS=2, VALUE_FORMAT='JSON');
"""
ORDER = {"ITEM": "tea", "PRICE": 2.5, "TAGS": ["hot", "green"], "AT": {"CITY": "Ulm", "ZIP": 89073}}


def engine(*statements: str) -> SqlEngine:
    made = SqlEngine()
    for statement in parse_statements(BASE + "".join(statements)):
        made.execute(statement)
    return made


def results(made: SqlEngine, topic: str, *orders: dict[str, object]) -> list[tuple[object, object]]:
    """(key text, value) of a topic after the orders of shop `a` came."""
    owner = ("shops", DriverRecord(0, 1, b"a", b'{"OWNER":"Ida"}'))
    made.run([owner, *(("orders", DriverRecord(0, 10 + n, b"a", json.dumps(o).encode())) for n, o in enumerate(orders))])
    return [(r.key, None if r.value is None else json.loads(r.value)) for r in made.log.get(topic, [])]


@pytest.mark.parametrize(("query", "expected"), [
    ("CREATE STREAM O AS SELECT shop, UCASE(item) big, price * 2 FROM orders WHERE price > 1;", [(b"a", {"BIG": "TEA", "KSQL_COL_0": 5.0})]),
    ("CREATE STREAM O AS SELECT shop, at->*, at->zip + 1 AS next FROM orders;", [(b"a", {"CITY": "Ulm", "ZIP": 89073, "NEXT": 89074})]),
    ("CREATE STREAM O AS SELECT shop, EXPLODE(tags) AS tag FROM orders;", [(b"a", {"TAG": "hot"}), (b"a", {"TAG": "green"})]),
    ("CREATE STREAM O AS SELECT item, shop, TRANSFORM(tags, x => UCASE(x)) t FROM orders PARTITION BY item;", [(b"tea", {"SHOP": "a", "T": ["HOT", "GREEN"]})]),
    ("CREATE TABLE O AS SELECT shop, COUNT(*) AS n, SUM(price) / 2 AS half FROM orders GROUP BY shop HAVING COUNT(*) > 0;", [(b"a", {"N": 1, "HALF": 1.25})]),
    ("CREATE STREAM O AS SELECT o.shop, s.owner, item FROM orders o LEFT JOIN shops s ON o.shop = s.shop;", [(b"a", {"OWNER": "Ida", "ITEM": "tea"})]),
    ("CREATE TABLE O AS SELECT shop AS k, AS_VALUE(shop) AS shop, LATEST_BY_OFFSET(item) AS item FROM orders GROUP BY shop;", [(b"a", {"SHOP": "a", "ITEM": "tea"})]),
    ("CREATE STREAM O (shop STRING KEY, item STRING) WITH (KAFKA_TOPIC='O', PARTITIONS=1, VALUE_FORMAT='JSON'); INSERT INTO O SELECT shop, item FROM orders;",
     [(b"a", {"ITEM": "tea"})]),
    ("CREATE STREAM O (shop STRING KEY, n INT) WITH (KAFKA_TOPIC='O', PARTITIONS=1, VALUE_FORMAT='JSON'); INSERT INTO O VALUES ('x', 1 + 2);", [(b"x", {"N": 3})]),
])
def test_results(query: str, expected: list[tuple[object, object]]) -> None:
    assert results(engine(query), "O", ORDER) == expected


@pytest.mark.parametrize(("query", "message"), [
    ("CREATE STREAM O AS SELECT item FROM orders;", "must include the key column SHOP"),
    ("CREATE STREAM O AS SELECT shop, shop AS again, item FROM orders;", "more than once"),
    ("CREATE STREAM O AS SELECT shop FROM orders;", "no value columns"),
    ("CREATE STREAM O AS SELECT shop, nothing FROM orders;", "'NOTHING' cannot be resolved"),
    ("CREATE STREAM O AS SELECT shop, item FROM orderz;", "ORDERZ does not exist"),
    ("CREATE TABLE O AS SELECT shop, item FROM orders;", "produces a STREAM"),
    ("CREATE TABLE O AS SELECT shop, item, COUNT(*) FROM orders GROUP BY shop;", "not part of GROUP BY: ITEM"),
    ("CREATE TABLE O AS SELECT shop, item FROM orders GROUP BY shop;", "requires aggregate functions"),
    ("CREATE STREAM O AS SELECT shop, COUNT(*) FROM orders;", "requires a GROUP BY"),
    ("CREATE STREAM O AS SELECT shop, item AS rowtime FROM orders;", "reserved column name"),
    ("CREATE STREAM O AS SELECT o.shop, item FROM orders o JOIN shops s ON s.owner = o.shop;", "primary key"),
    ("CREATE STREAM O AS SELECT o.shop, item FROM orders o JOIN shops s ON o.shop = o.item;", "exactly one source"),
    ("CREATE STREAM O (a INT) WITH (KAFKA_TOPIC='O', PARTITIONS=1, VALUE_FORMAT='TEA');", "Unknown format: TEA"),
    ("CREATE STREAM O (a INT) WITH (KAFKA_TOPIC='O', VALUE_FORMAT='JSON');", "topic does not exist"),
    ("CREATE STREAM O (a INT PRIMARY KEY) WITH (KAFKA_TOPIC='O', PARTITIONS=1, VALUE_FORMAT='JSON');", "please use 'KEY'"),
    ("CREATE TABLE O (a INT) WITH (KAFKA_TOPIC='O', PARTITIONS=1, VALUE_FORMAT='JSON');", "PRIMARY KEY"),
    ("CREATE STREAM O (a INT, A INT) WITH (KAFKA_TOPIC='O', PARTITIONS=1, VALUE_FORMAT='JSON');", "Duplicate column"),
    ("INSERT INTO shops SELECT shop, item FROM orders;", "SHOPS is a table"), ("DROP TABLE orders;", "Incompatible data source type"),
    ("DROP STREAM nothing;", "does not exist"), ("INSERT INTO orders (shop, item) VALUES ('a');", "to match: 2, 1"),
])
def test_refused(query: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        engine(query)


def test_syntax_errors_say_where() -> None:
    with pytest.raises(RequestError, match="line 2:8: Syntax Error.*expected") as caught:
        parse_statements("SHOW STREAMS;\nSELECT FROM x;")
    assert caught.value.metadata == {}


def test_tree() -> None:
    create, query = parse_statements("CREATE OR REPLACE TABLE `t` AS SELECT a FROM b GROUP BY a; SELECT * FROM c x LEFT JOIN d WITHIN 1 DAY GRACE PERIOD 2 HOURS ON x.e = d.f"
                                     " WINDOW HOPPING (SIZE 2 MINUTES, ADVANCE BY 30 SECONDS) EMIT FINAL LIMIT 3;")
    assert isinstance(create, Create) and create.replace and create.name.quoted and create.query is not None
    assert isinstance(query, Query) and query.window is not None and (query.window.size_ms, query.window.advance_ms) == (120_000, 30_000)
    within = query.joins[0].within
    assert within is not None and (within.before_ms, within.grace_ms) == (86_400_000, 7_200_000)
    assert (query.emit, query.limit, query.joins[0].kind) == ("FINAL", 3, "LEFT")


WORDS = ["CREATE", "STREAM", "TABLE", "AS", "SELECT", "*", "a", "b", "FROM", "orders", "shops", "WHERE", "GROUP BY", "PARTITION BY", "JOIN", "ON", "=", "(", ")", ",", "'x'",
         "1", "COUNT(*)", "EMIT CHANGES", "WITH", "INT", "KEY", ";", "->", "[", "]", "x =>", "CASE", "WHEN", "THEN", "END", "INSERT INTO", "VALUES", "DROP", "`", "'"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_anything_is_answered_or_refused(words: list[str]) -> None:
    try:
        engine(" ".join(words))
    except RequestError:
        pass


def test_runner_of_cases(tmp_path: Path) -> None:
    case = {"name": "n", "kind": "topics", "statements": [*BASE.strip().split("\n\n"), "CREATE STREAM O AS SELECT shop, item FROM orders;"],
            "inputs": [{"topic": "orders", "key": "a", "value": {"ITEM": "tea"}}], "outputs": [{"topic": "O", "key": "a", "value": {"ITEM": "tea"}}]}
    wrong = case | {"name": "w", "outputs": [{"topic": "O", "key": "a", "value": {"ITEM": "mud"}}]}
    refused = case | {"name": "r", "statements": [BASE, "CREATE STREAM O AS SELECT item FROM orders;"], "expected_error": {"contains": "must include the key"}}
    other = refused | {"name": "o", "expected_error": {"contains": "in quite other words"}}
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"cases": [case, wrong, refused, other]}))
    assert sql_files(tmp_path) == [file]
    found = {r.name: (r.status, r.rejected) for r in map(run_sql_case, load_sql_cases(file))}
    assert found == {"n": ("pass", False), "w": ("fail", False), "r": ("pass", False), "o": ("fail", True)}


def test_sessions_merge_latest_and_earliest_values() -> None:
    made = engine("CREATE TABLE O AS SELECT shop, LATEST_BY_OFFSET(price) l, EARLIEST_BY_OFFSET(price) e FROM orders WINDOW SESSION (10 SECONDS) GROUP BY shop;")
    made.run([("orders", DriverRecord(0, at, b"a", json.dumps({"PRICE": price}).encode())) for at, price in ((0, 1.0), (15_000, 2.0), (8_000, 3.0))])
    assert json.loads(made.log["O"][-1].value or b"") == {"L": 3.0, "E": 1.0}
