"""Random and mutated statements through parser, analyser, planner and the deciding of effects: an answer or a clean refusal, never a traceback, never a
hang."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from penstock.errors import ExpressionError, RequestError
from penstock.expr.analyze import expect_boolean
from penstock.expr.narrow import narrow
from penstock.expr.scope import Scope
from penstock.sql import tree
from penstock.sql.catalog import InSession, known
from penstock.sql.columns import From
from penstock.sql.execute import decide
from penstock.sql.rows import is_plain, plain, rich
from penstock.sql.script import complete, normal, parse_script, split
from penstock.sql.session import Session
from penstock.testing.sql_engine import SqlEngine

BASE = """
CREATE TYPE place AS STRUCT<city STRING, zip INT>;
CREATE STREAM orders (shop STRING KEY, item STRING, price DOUBLE, tags ARRAY<STRING>, at place, amount DECIMAL(10, 2), seen TIMESTAMP)
  WITH (kafka_topic='orders', partitions=2, value_format='JSON');
CREATE STREAM returns (shop STRING KEY, item STRING, n INT, counts MAP<STRING, BIGINT>) WITH (kafka_topic='returns', partitions=2, value_format='JSON');
CREATE TABLE shops (shop STRING PRIMARY KEY, owner STRING, open BOOLEAN) WITH (kafka_topic='shops', partitions=2, value_format='JSON');
CREATE TABLE spend AS SELECT shop, SUM(price) AS total FROM orders WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY shop;
"""
SEEDS = (
    "SELECT shop, total FROM spend WHERE shop IN ('a', 'b') AND WINDOWSTART > 5 OR shop = 'c' LIMIT 3",
    "SELECT *, price * 2 AS twice FROM orders WHERE price BETWEEN 1 AND 2.5 AND item LIKE 'a%' EMIT CHANGES",
    "SELECT item, COUNT(*), SUM(price) / 2 AS half FROM orders WINDOW HOPPING (SIZE 2 MINUTES, ADVANCE BY 30 SECONDS, GRACE PERIOD 1 HOUR) GROUP BY item HAVING COUNT(*) > 1 EMIT FINAL",
    "CREATE STREAM o AS SELECT o.shop, s.owner, at->city FROM orders o LEFT JOIN shops s ON o.shop = s.shop WHERE s.open",
    "CREATE STREAM o WITH (kafka_topic='o', partitions=3) AS SELECT o.shop AS shop, r.n FROM orders o JOIN returns r WITHIN (1 HOUR, 2 HOURS) GRACE PERIOD 1 DAY ON o.shop = r.shop",
    "CREATE OR REPLACE TABLE spend AS SELECT shop, SUM(price) AS total, MAX(price) FROM orders WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY shop",
    "CREATE STREAM o (a INT KEY, b ARRAY<STRUCT<c DECIMAL(4, 2)>>, h BYTES HEADER('x')) WITH (kafka_topic='o', partitions=1, format='JSON', timestamp='b')",
    "INSERT INTO orders (shop, price, tags, at) VALUES ('a', -1.5E3, ARRAY['x', NULL], STRUCT(city := 'Ulm', zip := 1 + 2))",
    "INSERT INTO orders SELECT shop, item, CAST(n AS DOUBLE) AS price, TRANSFORM(SPLIT(item, ','), x => UCASE(x)) AS tags FROM returns",
    "SELECT CASE WHEN price > 1 THEN item ELSE 'x' END, EXPLODE(tags), counts['a'] FROM orders PARTITION BY item EMIT CHANGES",
    "SHOW ALL TOPICS EXTENDED", "DESCRIBE orders EXTENDED", "EXPLAIN SELECT * FROM spend", "PRINT 'orders' FROM BEGINNING INTERVAL 2 LIMIT 1",
    "SET 'auto.offset.reset' = 'earliest'", "DEFINE a = 'b'", "ASSERT NOT EXISTS TOPIC x WITH (partitions=2) TIMEOUT 2 SECONDS", "TERMINATE ALL",
    "ASSERT STREAM orders (shop STRING KEY, item STRING) WITH (kafka_topic='orders', value_format='JSON')", "ALTER STREAM orders ADD COLUMN note STRING",
    "DROP TABLE IF EXISTS spend DELETE TOPIC", "CREATE TYPE x AS MAP<STRING, ARRAY<INT>>", "ASSERT SCHEMA SUBJECT 'a' ID 3", "PAUSE CTAS_SPEND_0",
)
TOKENS = re.compile(r"'(?:''|[^'])*'|[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|->|:=|=>|\S")
WORDS = tuple(dict.fromkeys([w for seed in SEEDS for w in TOKENS.findall(seed)] + [
    "NULL", "TRUE", "->*", "::", "(", ")", "[", "]", "<", ">", "||", "`", '"', "'", ";", "--", "/*", "${a}", "${nothing}", "$${a}", ":p", "\\", "\0", "é", "名", "1e999",
    "99999999999999999999", "-9223372036854775808", "ROWTIME", "ROWOFFSET", "WINDOWEND", "NOT", "OUTER", "FULL", "SESSION", "KEY", "ORDER BY", "DESC", "AT TIME ZONE", "INTERVAL",
    "COLLECT_SET", "LATEST_BY_OFFSET", "AS_VALUE", "REGEXP_EXTRACT('((', item)", "FORMAT_TIMESTAMP(seen, 'q')", "DECIMAL(99, 3)", "STRUCT<", "ARRAY[]"]))


@pytest.fixture(scope="module")
def engine() -> SqlEngine:
    made = SqlEngine()
    for p in parse_script(BASE, made.session):
        made.execute(p.statement, p.text)
    return made


def answer(engine: SqlEngine, text: str) -> None:
    """Everything that is done with a text before anything happens. RequestError is the only way out."""
    session = Session({}, {"A": "shop"})
    assert "".join(t for t, _ in split(text)) in text.replace(";", "") or ";" in text
    complete(text)
    normal(text)
    try:
        statements = parse_script(text, session)
    except ExpressionError as error:
        assert 0 <= error.start <= max(error.start, error.end) <= len(text) + 1 and error.message.startswith(("line ", "a script")), error.message
        return
    for p in statements:
        here = InSession(engine.catalog, session)
        try:
            if isinstance(p.statement, tree.Query):
                query(p.statement, here)
            else:
                decide(p, session, engine.catalog)
                decide(p, session, engine.catalog, apply=True)
        except RequestError as error:
            assert error.message


def query(statement: tree.Query, here: InSession) -> None:
    if is_plain(statement):
        rows = plain(statement, here)
        if rows.where:
            info = known(here, statement.source.name)
            scope = Scope((("", From("", info, "").types()),), types=rows.types)
            narrow(expect_boolean(rows.where, scope), info.schema.key, {}, info.window is not None)
    else:
        rich(statement, here, "PUSH_1", "result")


def mutated(seed: str, rng: random.Random) -> str:
    words = TOKENS.findall(seed)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(words) + 1)
        match rng.randrange(5):
            case 0 if words:
                del words[at:at + rng.randint(1, 3)]
            case 1:
                words.insert(at, rng.choice(WORDS))
            case 2 if words:
                words[at:at + 1] = [rng.choice(WORDS)]
            case 3 if words:
                other = rng.randrange(len(words))
                words[at:at] = words[other:other + rng.randint(1, 6)]
            case 4:
                more = TOKENS.findall(rng.choice(SEEDS))
                begin = rng.randrange(len(more))
                words[at:at] = more[begin:begin + rng.randint(1, 8)]
    return rng.choice((" ", "  ", "\n")).join(words)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_mutated_statements(engine: SqlEngine, number: int) -> None:
    rng = random.Random(number)
    text = mutated(rng.choice(SEEDS), rng)
    answer(engine, text if rng.randrange(4) else f"{text}; {mutated(rng.choice(SEEDS), rng)};")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=60))
def test_random_texts(engine: SqlEngine, text: str) -> None:
    answer(engine, text)


@pytest.mark.parametrize("text", [
    "SELECT " + "(" * 2000 + "1" + ")" * 2000 + " FROM orders;", "SELECT " + "-" * 3001 + "1 FROM orders;", "SELECT " + " + ".join(["1"] * 3000) + " FROM orders EMIT CHANGES;",
    "SELECT " + "NOT " * 175 + "open FROM shops EMIT CHANGES;", "SELECT ARRAY" + "[ARRAY" * 85 + "[1]" + "]" * 85 + ", COUNT(*) FROM shops GROUP BY shop EMIT CHANGES;",
    "CREATE STREAM o AS SELECT shop, " + "ABS(" * 89 + "price" + ")" * 89 + " AS x FROM orders PARTITION BY item;", "SELECT " + "NOT " * 3000 + "TRUE FROM orders EMIT CHANGES;", "SELECT " + "ARRAY[" * 500 + "1" + "]" * 500 + " FROM orders;", "CREATE TYPE t AS " + "ARRAY<" * 300 + "INT" + ">" * 300 + ";",
    "SELECT " + "at->city" + "->x" * 2000 + " FROM orders;", "SELECT CASE " + "WHEN TRUE THEN 1 " * 2000 + "END FROM orders EMIT CHANGES;", "/*" * 50_000, "'" * 50_001, "a" * 200_000,
    "SELECT shop FROM spend WHERE " + " OR ".join(f"shop = '{n}'" for n in range(2000)) + ";", "SELECT shop FROM spend WHERE shop IN (" + ", ".join(f"'{n}'" for n in range(5000)) + ");",
])
@pytest.mark.timeout(60)
def test_deep_and_long_texts(engine: SqlEngine, text: str) -> None:
    answer(engine, text)
