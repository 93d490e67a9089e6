"""SQL on a node: statements, pull and push queries, resumption, what they leave behind."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from penstock_client import AsyncClient, CaughtUp, Progress, Retry, SchemaChanged, errors
from penstock_client.gen.penstock.v1.sql_service_pb2 import QueryRequest, SqlSession
from penstock_client.gen.penstock.v1.sql_service_pb2_grpc import SqlServiceStub
from penstock_client.row import Row

sys.path.insert(0, str(Path(__file__).parent))

from gateway_node import Node, running  # noqa: E402

BASE = """
CREATE STREAM orders (shop STRING KEY, item STRING, price DOUBLE) WITH (kafka_topic='orders', partitions=2, value_format='JSON');
CREATE TABLE spend AS SELECT shop, SUM(price) AS total, COUNT(*) AS n FROM orders GROUP BY shop;
"""


class Shop:
    """A node with orders and what they sum up to."""

    def __init__(self, node: Node, client: AsyncClient) -> None:
        self.node, self.client = node, client

    async def rows(self, sql: str, **more: Any) -> list[dict[str, Any]]:
        return [dict(row) async for row in self.client.query(sql, **more)]

    async def order(self, shop: str, item: str, price: float) -> str:
        (done,) = await self.client.sql(f"INSERT INTO orders (shop, item, price) VALUES ('{shop}', '{item}', {price});")
        return done.position

    async def listed(self, sql: str) -> list[Row]:
        (done,) = await self.client.sql(sql)
        assert done.rows is not None
        return list(done.rows)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with running(tmp_path) as node, AsyncClient(node.address) as client:
        await client.sql(BASE)
        yield Shop(node, client)


async def test_statements_change_the_catalog(shop: Shop) -> None:
    made = await shop.client.sql("SHOW QUERIES; DESCRIBE spend EXTENDED; SHOW TOPICS; SHOW STREAMS EXTENDED; DESCRIBE FUNCTION abs;")
    query, = made[0].rows or ()
    assert query.query_id.startswith("CTAS_SPEND_") and query.status == "RUNNING" and query.query.startswith("CREATE TABLE spend")
    described = made[1]
    assert described.relation is not None and described.relation.owner_topology == query.query_id and described.details is not None
    assert ("written by", query.query_id) in [(r.what, r["name"]) for r in described.details] and any(r.what == "task" for r in described.details)
    assert [r.topic for r in made[2].rows or ()] == ["SPEND", "orders"]
    assert next(iter(made[3].rows or ())).read_by == query.query_id and made[4].function is not None
    with pytest.raises(errors.RelationInUseError, match=f"read from this source: .{query.query_id}"):
        await shop.client.sql("DROP STREAM orders;")
    await shop.client.sql(f"PAUSE {query.query_id};")
    assert (await shop.listed("SHOW QUERIES;"))[0].status == "PAUSED"
    await shop.client.sql(f"RESUME {query.query_id}; TERMINATE {query.query_id}; DROP STREAM orders DELETE TOPIC;")
    assert [r["name"] for r in await shop.listed("SHOW TABLES;")] == ["SPEND"] and await shop.listed("SHOW QUERIES;") == []
    await shop.client.sql("DROP TABLE spend;")
    assert [r.topic for r in await shop.listed("SHOW TOPICS;")] == ["SPEND"]


async def test_errors_say_where(shop: Shop) -> None:
    with pytest.raises(errors.InvalidExpressionError, match=r"line 2:14: Syntax Error") as caught:
        await shop.client.sql("SHOW STREAMS;\nCREATE STREAM;")
    assert caught.value.expression is not None and caught.value.expression.field == "sql"
    results = []
    with pytest.raises(errors.UnknownColumnError, match=r"^line 3:37: .*NOTHING"):
        async for result in shop.client.sql_results("SHOW STREAMS;\n\n  CREATE STREAM big AS SELECT shop, nothing FROM orders; SHOW TABLES;"):
            results.append(result.statement)
    assert results == ["SHOW STREAMS"]
    with pytest.raises(errors.InvalidArgumentError, match="one SELECT or PRINT"):
        await shop.rows("SHOW STREAMS;")


async def test_session_travels_with_the_client(shop: Shop) -> None:
    await shop.client.sql("SET 'auto.offset.reset' = 'earliest'; DEFINE kind = 'tea';")
    assert shop.client.session.properties == {"auto.offset.reset": "earliest"}
    await shop.order("a", "tea", 2)
    assert await shop.rows("SELECT item FROM orders WHERE item = '${kind}' EMIT CHANGES LIMIT 1;") == [{"ITEM": "tea"}]
    await shop.client.sql("UNSET 'auto.offset.reset'; UNDEFINE kind;")
    assert (shop.client.session.properties, shop.client.session.variables) == ({}, {})


async def test_pull_queries(shop: Shop) -> None:
    for name, price in (("a", 1), ("b", 2), ("c", 3), ("a", 4)):
        position = await shop.order(name, "tea", price)
    a = {"SHOP": "a", "TOTAL": 5.0, "N": 2}
    assert await shop.rows("SELECT * FROM spend WHERE shop = 'a';", at_least=position) == [a]
    assert await shop.rows("SELECT * FROM spend WHERE shop = :s;", parameters={"s": "a"}) == [a]
    assert await shop.rows("SELECT UCASE(shop) AS s, total * 2 AS twice FROM spend WHERE shop IN ('a', 'nobody') OR shop = 'b' AND total > 100;") == [
        {"S": "A", "TWICE": 10.0}]
    assert [r["SHOP"] for r in await shop.rows("SELECT shop FROM spend WHERE total < 4;")] in (["b", "c"], ["c", "b"])
    assert sorted(r["SHOP"] for r in await shop.rows("SELECT shop FROM spend WHERE shop > 'a' AND shop <= 'c';")) == ["b", "c"]
    assert len(await shop.rows("SELECT * FROM spend LIMIT 2;")) == 2 and await shop.rows("SELECT * FROM spend LIMIT 0;") == []
    assert sorted(r["PRICE"] for r in await shop.rows("SELECT price FROM orders WHERE shop = 'a';")) == [1.0, 4.0]
    for wrong, why in (("SELECT COUNT(*) FROM spend;", "aggregate functions"), ("SELECT shop FROM spend GROUP BY shop;", "GROUP BY"),
                       ("SELECT ROWOFFSET FROM orders;", "ROWOFFSET"), ("SELECT shop, shop FROM spend;", "Duplicate"), ("SELECT * FROM nothing;", "does not exist")):
        with pytest.raises(errors.PenstockError, match=why):
            await shop.rows(wrong)
    await shop.client.sql("CREATE TABLE plain (k STRING PRIMARY KEY, v INT) WITH (kafka_topic='plain', partitions=1, value_format='JSON');")
    with pytest.raises(errors.NotATableError, match="isn't queryable"):
        await shop.rows("SELECT * FROM plain;")


async def test_pull_queries_on_windows(shop: Shop) -> None:
    await shop.client.sql("CREATE TABLE minutes AS SELECT shop, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY shop;")
    done = await shop.client.sql("".join(f"INSERT INTO orders (ROWTIME, shop, item, price) VALUES ({at}, 'a', 'tea', 1);" for at in (0, 30_000, 61_000)))
    one = await shop.rows("SELECT * FROM minutes WHERE shop = 'a' AND WINDOWSTART >= 60000;", at_least=done[-1].position)
    assert one == [{"SHOP": "a", "WINDOWSTART": 60_000, "WINDOWEND": 120_000, "N": 1}]
    assert [r["N"] for r in await shop.rows("SELECT n FROM minutes WHERE WINDOWSTART < '1970-01-01T00:01';")] == [2]


async def test_push_queries_over_a_stream_need_no_topology(shop: Shop) -> None:
    query = shop.client.query("SELECT shop, price * 2 AS twice FROM orders WHERE price > 1 EMIT CHANGES LIMIT 2;", progress_interval=0.1)
    events = query.events()
    assert isinstance(await anext(events), SchemaChanged)
    while not isinstance(await anext(events), Progress | CaughtUp):
        pass
    for price in (1, 2, 3):
        await shop.order("a", "tea", price)
    found = [dict(row) async for batch in _batches(events) for row in batch]
    assert found == [{"SHOP": "a", "TWICE": 4.0}, {"SHOP": "a", "TWICE": 6.0}]
    assert len(await shop.client.topologies()) == 1


async def _batches(events: Any) -> AsyncIterator[Any]:
    async for event in events:
        if hasattr(event, "columns"):
            yield event


async def test_push_queries_over_a_table_begin_with_its_rows(shop: Shop) -> None:
    position = await shop.order("a", "tea", 1)
    await shop.client.get("spend", "a", at_least=position)
    query = shop.client.query("SELECT shop, n FROM spend EMIT CHANGES;")
    rows = aiter(query)
    assert dict(await anext(rows)) == {"SHOP": "a", "N": 1}
    await shop.order("a", "tea", 1)
    assert dict(await anext(rows)) == {"SHOP": "a", "N": 2}
    await query.close()


async def test_richer_push_queries_have_a_topology_for_their_time(shop: Shop) -> None:
    shop.client.session.properties["auto.offset.reset"] = "earliest"
    await shop.order("a", "tea", 1)
    sql = "SELECT item, COUNT(*) AS n, SUM(price) FROM orders GROUP BY item EMIT CHANGES;"
    query = shop.client.query(sql, progress_interval=0.1)
    rows = aiter(query)
    assert dict(await anext(rows)) == {"ITEM": "tea", "N": 1, "KSQL_COL_0": 1.0}
    names = [t.name for t in await shop.client.topologies() if t.name.startswith("PUSH_")]
    assert len(names) == 1 and await shop.listed("SHOW QUERIES;") and all(r["name"] != names[0] for r in await shop.listed("SHOW TABLES;"))
    position = query.position
    await query.close()
    await shop.order("a", "tea", 2)
    resumed = shop.client.query(sql, resume=position)
    assert dict(await anext(aiter(resumed))) == {"ITEM": "tea", "N": 2, "KSQL_COL_0": 3.0}
    await resumed.close()
    assert [t.name for t in await shop.client.topologies() if t.name.startswith("PUSH_")] == names
    await shop.client.delete_topology(names[0])
    with pytest.raises(errors.QueryGoneError):
        await anext(aiter(shop.client.query(sql, resume=position)))
    assert await shop.rows("SELECT shop, item FROM orders PARTITION BY item EMIT CHANGES LIMIT 1;") == [{"SHOP": "a", "ITEM": "tea"}]
    async with asyncio.timeout(10):
        while any(t.name.startswith("PUSH_") for t in await shop.client.topologies()):
            await asyncio.sleep(0.05)


async def test_a_push_query_that_is_complete_leaves_room_for_the_next(tmp_path: Path) -> None:
    async with running(tmp_path, push_queries=1) as node, AsyncClient(node.address, retry=Retry(attempts=1)) as client:
        shop = Shop(node, client)
        await client.sql(BASE)
        client.session.properties["auto.offset.reset"] = "earliest"
        await shop.order("a", "tea", 1)
        stub = SqlServiceStub(node.channel)
        for item in ("ITEM", "UCASE(ITEM)", "LCASE(ITEM)"):
            sql = f"SELECT {item} AS i, COUNT(*) AS n FROM orders GROUP BY {item} EMIT CHANGES LIMIT 1;"
            call = stub.Query(QueryRequest(sql=sql, session=SqlSession(properties={"auto.offset.reset": "earliest"})))
            async for response in call:
                if response.event.HasField("end"):
                    break
            call.cancel()  # the status would come when all is over
        query = aiter(client.query("SELECT item, COUNT(*) AS n FROM orders GROUP BY item EMIT CHANGES;"))
        await anext(query)
        with pytest.raises(errors.TooManyQueriesError):
            await shop.rows("SELECT item, COUNT(*) AS n FROM orders GROUP BY item EMIT CHANGES LIMIT 1;")
        async with asyncio.timeout(10):
            while sum(t.name.startswith("PUSH_") for t in await client.topologies()) > 1:
                await asyncio.sleep(0.05)


async def test_replacing_keeps_the_state(shop: Shop) -> None:
    await shop.client.get("spend", "a", at_least=await shop.order("a", "tea", 1))
    await shop.client.sql("CREATE OR REPLACE TABLE spend AS SELECT shop, SUM(price) AS total, COUNT(*) AS n, UCASE(shop) AS big FROM orders "
                          "WHERE price < 100 GROUP BY shop;")
    await shop.order("a", "tea", 1000)
    row = await shop.client.get("spend", "a", at_least=await shop.order("a", "tea", 2))
    assert row is not None and (row.total, row.n, row.big) == (3.0, 2, "A")
    with pytest.raises(errors.PenstockError, match="must match"):
        await shop.client.sql("CREATE OR REPLACE TABLE spend AS SELECT shop, SUM(price) AS total, COUNT(*) AS n, MAX(price) m FROM orders GROUP BY shop;")


async def test_printing_and_applying_and_asserting(shop: Shop) -> None:
    await shop.order("a", "tea", 1)
    assert await shop.rows("PRINT 'orders' FROM BEGINNING LIMIT 1;") == [
        {"ROWTIME": pytest.approx(0, abs=1e14), "PARTITION": pytest.approx(0, abs=1), "OFFSET": 0, "KEY": "a", "VALUE": '{"ITEM":"tea","PRICE":1.0}'}]
    assert all(r.unchanged for r in await shop.client.sql(BASE, apply=True))
    await shop.client.sql("ASSERT TOPIC orders WITH (partitions=2); ASSERT STREAM orders (shop STRING KEY, item STRING, price DOUBLE);")
    with pytest.raises(errors.AssertionFailedError, match="expected 3 got 2"):
        await shop.client.sql("ASSERT TOPIC orders WITH (partitions=3) TIMEOUT 100 MILLISECONDS;")


async def test_source_tables_can_be_pulled(shop: Shop) -> None:
    await shop.client.sql("CREATE TABLE shops (shop STRING PRIMARY KEY, owner STRING) WITH (kafka_topic='shops', partitions=1, value_format='JSON');"
                          "CREATE SOURCE TABLE owners (shop STRING PRIMARY KEY, owner STRING) WITH (kafka_topic='shops', value_format='JSON');")
    *_, last = await shop.client.sql("INSERT INTO shops VALUES ('a', 'Ida');")
    assert await shop.rows("SELECT * FROM owners WHERE shop = 'a';", at_least=last.position) == [{"SHOP": "a", "OWNER": "Ida"}]
    with pytest.raises(errors.PenstockError, match="read-only"):
        await shop.client.sql("INSERT INTO owners VALUES ('a', 'Ida');")
    await shop.client.sql("DROP TABLE owners;")


async def test_explaining(shop: Shop) -> None:
    query, = await shop.listed("SHOW QUERIES;")
    texts = [r.text for r in await shop.client.sql(f"EXPLAIN {query.query_id}; EXPLAIN SELECT * FROM spend WHERE shop = 'a';"
                                                   "EXPLAIN SELECT * FROM orders EMIT CHANGES; EXPLAIN SELECT item, COUNT(*) FROM orders GROUP BY item EMIT CHANGES;")]
    assert "def " in texts[0] and "1 key looked up" in texts[1] and "shared reader" in texts[2] and "sub-topology" in texts[3]


async def test_pull_queries_past_ksqldb(shop: Shop) -> None:
    await shop.client.sql("CREATE TABLE owners (shop STRING PRIMARY KEY, owner STRING) WITH (kafka_topic='owners', partitions=2, value_format='JSON');"
                          "INSERT INTO owners VALUES ('a', 'Ida'); INSERT INTO owners VALUES ('b', 'Bo'); INSERT INTO owners VALUES ('a', 'Ada');"
                          "SET 'penstock.pull.extended' = 'true';")
    for name, price in (("a", 1), ("b", 2), ("c", 30), ("a", 4)):
        position = await shop.order(name, "tea", price)
    assert await shop.rows("SELECT * FROM owners WHERE owner LIKE 'A%';") == [{"SHOP": "a", "OWNER": "Ada"}]
    assert await shop.rows("SELECT COUNT(*) AS shops, SUM(n) AS orders, MAX(total) FROM spend;", at_least=position) == [
        {"SHOPS": 3, "ORDERS": 4, "KSQL_COL_0": 30.0}]
    assert await shop.rows("SELECT n, COUNT(*) AS shops FROM spend GROUP BY n HAVING COUNT(*) > 1;") == [{"N": 1, "SHOPS": 2}]
    assert [r["SHOP"] for r in await shop.rows("SELECT shop, total FROM spend ORDER BY total DESC LIMIT 2;")] == ["c", "a"]
    assert await shop.rows("SELECT s.shop AS shop, owner, total FROM spend s JOIN owners o ON s.shop = o.shop ORDER BY owner;") == [
        {"SHOP": "a", "OWNER": "Ada", "TOTAL": 5.0}, {"SHOP": "b", "OWNER": "Bo", "TOTAL": 2.0}]
    assert await shop.rows("SELECT item, COUNT(*) AS n FROM orders GROUP BY item ORDER BY 2;") == [{"ITEM": "tea", "N": 4}]
    for wrong, why in (("SELECT shop FROM spend ORDER BY 7;", "number of no item"), ("SELECT * FROM spend ORDER BY nothing;", "NOTHING")):
        with pytest.raises(errors.PenstockError, match=why):
            await shop.rows(wrong)


async def test_parameters(shop: Shop) -> None:
    """Values of `:name` in INSERT VALUES and in queries of every kind."""
    await shop.client.sql("INSERT INTO orders VALUES (:shop, :item, :price + 1);", parameters={"shop": "a", "item": "te'a", "price": 2.5})
    done, = await shop.client.sql("INSERT INTO orders VALUES (:shop, :item, :price);", parameters={"shop": "b", "item": None, "price": 1.0})
    assert await shop.rows("SELECT * FROM spend WHERE shop = :s;", parameters={"s": "a"}, at_least=done.position) == [{"SHOP": "a", "TOTAL": 3.5, "N": 1}]
    assert await shop.rows("SELECT shop FROM orders WHERE item = :i;", parameters={"i": "te'a"}) == [{"SHOP": "a"}]
    with pytest.raises(errors.PenstockError, match=r"line 1:28.*:missing"):
        await shop.client.sql("INSERT INTO orders VALUES (:missing, 'x', 1);")
    await shop.client.sql("SET 'auto.offset.reset' = 'earliest'; SET 'penstock.pull.extended' = 'true';")
    sql = "SELECT shop, COUNT(*) AS n, MAX(price * :factor) AS most FROM orders WHERE item IS NOT DISTINCT FROM :item GROUP BY shop EMIT CHANGES;"
    query = shop.client.query(sql, parameters={"factor": 2, "item": "te'a"})
    assert dict(await anext(aiter(query))) == {"SHOP": "a", "N": 1, "MOST": 7.0}
    await query.close()
    assert await shop.rows("SELECT shop, :mark AS mark FROM spend ORDER BY total * :way;", parameters={"mark": "x", "way": -1}) == [
        {"SHOP": "a", "MARK": "x"}, {"SHOP": "b", "MARK": "x"}]


async def test_writers_keep_a_relation(shop: Shop) -> None:
    """As in ksqlDB: what another query inserts into is not dropped, its own query may end."""
    await shop.client.sql("CREATE STREAM dear AS SELECT shop, price FROM orders WHERE price > 5; CREATE STREAM more (shop STRING KEY, price DOUBLE) "
                          "WITH (kafka_topic='more', partitions=2, value_format='JSON'); INSERT INTO dear SELECT * FROM more;")
    maker, writer = (q.query_id for q in await shop.listed("SHOW QUERIES;") if q.sink == "DEAR")
    with pytest.raises(errors.RelationInUseError, match=f"DEAR is written by {writer}"):
        await shop.client.delete_topology(maker)
    for statement in ("DROP STREAM dear;", f"TERMINATE {maker}; DROP STREAM dear;"):
        with pytest.raises(errors.RelationInUseError, match=f"write into this source: .{writer}"):
            await shop.client.sql(statement)
    with pytest.raises(errors.RelationInUseError, match=f"DEAR is written by {writer}"):
        await shop.client.drop_relation("dear")
    await shop.client.sql("INSERT INTO more VALUES ('a', 1); SET 'auto.offset.reset' = 'earliest';")
    assert await shop.rows("SELECT * FROM dear EMIT CHANGES LIMIT 1;") == [{"SHOP": "a", "PRICE": 1.0}]
    await shop.client.sql(f"TERMINATE {writer}; DROP STREAM dear DELETE TOPIC;")


async def test_everything_is_shown(shop: Shop) -> None:
    """SHOW, LIST, DESCRIBE and PRINT in all their forms."""
    await shop.client.sql("CREATE TYPE money AS DECIMAL(8, 2); CREATE TABLE minutes AS SELECT shop, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY shop;"
                          "DEFINE city = 'Ulm'; SET 'auto.offset.reset' = 'earliest';")
    for at, item in ((1000, "tea"), (61_000, "cake"), (62_000, "tea")):
        await shop.client.sql(f"INSERT INTO orders (ROWTIME, shop, item, price) VALUES ({at}, 'a', '{item}', 1);")
    maker = next(q.query_id for q in await shop.listed("SHOW QUERIES;") if q.sink == "MINUTES")

    async def one(sql: str, **wanted: Any) -> None:
        found = [dict(r) for r in await shop.listed(sql)]
        assert any(wanted.items() <= row.items() for row in found), (sql, found)

    await one("SHOW STREAMS;", NAME="ORDERS", TOPIC="orders", KEY_FORMAT="KAFKA", VALUE_FORMAT="JSON", WINDOWED=False)
    await one("LIST TABLES;", NAME="MINUTES", WINDOWED=True)
    await one("SHOW TABLES EXTENDED;", NAME="SPEND")
    await one("DESCRIBE TABLES;", NAME="SPEND")
    await one("SHOW TOPICS;", TOPIC="orders", PARTITIONS=2)
    await one("LIST TOPICS EXTENDED;", TOPIC="orders", RELATIONS="ORDERS")
    assert any(r.topic.startswith("t-") for r in await shop.listed("SHOW ALL TOPICS;"))
    await one("SHOW QUERIES EXTENDED;", QUERY_ID=maker, STATUS="RUNNING")
    await one("SHOW FUNCTIONS;", NAME="ABS", TYPE="SCALAR")
    await one("SHOW TYPES;", NAME="MONEY")
    await one("SHOW VARIABLES;", NAME="CITY", VALUE="Ulm")
    await one("SHOW PROPERTIES;", PROPERTY="auto.offset.reset", VALUE="earliest")
    described, = await shop.client.sql("DESCRIBE minutes EXTENDED;")
    assert described.relation is not None and described.relation.window_size is not None and described.relation.lookup
    assert any(r.what == "task" and maker in r["name"] for r in described.details or ())
    function, = await shop.client.sql("DESCRIBE FUNCTION topk;")
    assert function.function is not None and function.function.kind == "AGGREGATE"
    printed = await shop.rows("PRINT orders FROM BEGINNING INTERVAL 2 LIMIT 2;")
    assert [json.loads(r["VALUE"])["ITEM"] for r in printed] == ["tea", "tea"]
    with pytest.raises(errors.PenstockError, match="nothing"):
        await shop.rows("PRINT nothing FROM BEGINNING LIMIT 1;")
    await shop.client.sql("DROP TYPE money; DROP TYPE IF EXISTS money; PAUSE ALL; RESUME ALL;")


async def test_assertions_and_windowed_source_tables(shop: Shop) -> None:
    await shop.client.sql("CREATE TABLE minutes WITH (kafka_topic='minutes', value_format='AVRO') AS SELECT shop, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY shop;"
                          "CREATE SOURCE TABLE seen (shop STRING PRIMARY KEY, n BIGINT) WITH (kafka_topic='minutes', value_format='AVRO', window_type='TUMBLING', window_size='1 MINUTE');"
                          "ASSERT SCHEMA SUBJECT 'minutes-value'; ASSERT NOT EXISTS SCHEMA SUBJECT 'minutes-key'; ASSERT SCHEMA ID 1; ASSERT TABLE minutes (shop STRING PRIMARY KEY, n BIGINT);")
    for statement in ("ASSERT SCHEMA SUBJECT 'minutes-key' TIMEOUT 50 MILLISECONDS;", "ASSERT NOT EXISTS SCHEMA ID 1 TIMEOUT 50 MILLISECONDS;",
                      "ASSERT TABLE minutes (shop STRING PRIMARY KEY, n INT);"):
        with pytest.raises(errors.PenstockError):
            await shop.client.sql(statement)
    *_, done = await shop.client.sql("".join(f"INSERT INTO orders (ROWTIME, shop, item, price) VALUES ({at}, 'a', 'tea', 1);" for at in (1000, 2000, 61_000)))
    sql = "SELECT shop, WINDOWSTART, n FROM seen WHERE shop = 'a';"
    assert await shop.rows(sql, at_least=done.position) == [{"SHOP": "a", "WINDOWSTART": 0, "N": 2}, {"SHOP": "a", "WINDOWSTART": 60_000, "N": 1}]
    assert await shop.rows(sql.replace(";", " AND WINDOWSTART >= '1970-01-01T00:01';")) == [{"SHOP": "a", "WINDOWSTART": 60_000, "N": 1}]
