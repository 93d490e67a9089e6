"""SQL on a node over a real Kafka: statements, queries, and what both leave behind on the cluster."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from broker import Broker

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "node"))

from real import RealNode, refused, wait_for  # noqa: E402

pytestmark = pytest.mark.kafka

SERVICE = "sql_on_kafka"


@pytest.fixture(scope="module")
def node(kafka_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    with RealNode(tmp_path_factory.mktemp("sql"), "--kafka", kafka_broker.bootstrap, "--service-id", SERVICE) as node:
        yield node
        assert node.stop() == 0
        assert "Traceback" not in node.log, node.log


def rows(node: RealNode, sql: str, **more: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in node.client.query(sql, **more)]


def left(broker: Broker) -> list[str]:
    """Topics and groups of the service's topologies."""
    async def names() -> list[str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        try:
            return [*await admin.list_topics(), *(group for group, *_ in await admin.list_consumer_groups())]
        finally:
            await admin.close()

    return [name for name in asyncio.run(names()) if name.startswith(SERVICE) and "_" in name.removeprefix(SERVICE)]


def test_statements_and_queries(node: RealNode, kafka_broker: Broker) -> None:
    client = node.client
    client.sql("""
        CREATE STREAM sk_orders (shop STRING KEY, item STRING, price DOUBLE) WITH (kafka_topic='sk_orders', partitions=2, value_format='JSON');
        CREATE STREAM sk_more (shop STRING KEY, price DOUBLE) WITH (kafka_topic='sk_more', partitions=1, value_format='AVRO');
        CREATE TABLE sk_spend AS SELECT shop, SUM(price) AS total FROM sk_orders GROUP BY shop;
        CREATE STREAM sk_large AS SELECT shop, price FROM sk_orders WHERE price > 5;
        INSERT INTO sk_large SELECT * FROM sk_more;""")
    *_, done = client.sql("INSERT INTO sk_more VALUES ('c', 1); INSERT INTO sk_orders VALUES ('a', 'tea', 3); INSERT INTO sk_orders VALUES ('a', 'cake', 7);")
    assert rows(node, "SELECT * FROM sk_spend WHERE shop = 'a';", at_least=done.position) == [{"SHOP": "a", "TOTAL": 10.0}]
    assert rows(node, "SELECT item FROM sk_orders;") == [{"ITEM": "tea"}, {"ITEM": "cake"}]
    client.sql("SET 'auto.offset.reset' = 'earliest';")
    assert {r["SHOP"]: r["P"] for r in rows(node, "SELECT shop, price * 2 AS p FROM sk_large EMIT CHANGES LIMIT 2;")} == {"c": 2.0, "a": 14.0}
    printed, = rows(node, "PRINT sk_orders FROM BEGINNING LIMIT 1;")
    assert printed["KEY"] == "a" and printed["VALUE"] == '{"ITEM":"tea","PRICE":3.0}'
    client.sql("ASSERT TOPIC sk_orders WITH (partitions=2); ASSERT SCHEMA SUBJECT 'sk_more-value';"
               "CREATE OR REPLACE TABLE sk_spend AS SELECT shop, SUM(price) AS total, UCASE(shop) AS big FROM sk_orders GROUP BY shop;")
    done, = client.sql("INSERT INTO sk_orders VALUES ('a', 'tea', 1);")
    assert rows(node, "SELECT * FROM sk_spend WHERE shop = 'a';", at_least=done.position) == [{"SHOP": "a", "TOTAL": 11.0, "BIG": "A"}]

    before = sorted(left(kafka_broker))
    assert {r["ITEM"]: r["N"] for r in rows(node, "SELECT item, COUNT(*) AS n FROM sk_orders GROUP BY item EMIT CHANGES LIMIT 2;")} == {"tea": 2, "cake": 1}
    wait_for(lambda: sorted(left(kafka_broker)) == before, 20, lambda: f"the end of {set(left(kafka_broker)) - set(before)}")

    refused("RELATION_IN_USE", lambda: client.sql("DROP STREAM sk_large DELETE TOPIC;"))
    client.sql("TERMINATE ALL; DROP STREAM sk_large DELETE TOPIC; DROP TABLE sk_spend DELETE TOPIC; DROP STREAM sk_orders DELETE TOPIC; DROP STREAM sk_more;")
    assert [r["TOPIC"] for r in map(dict, client.sql("SHOW TOPICS;")[0].rows or ()) if r["TOPIC"].upper().startswith("SK_")] == ["sk_more"]
    wait_for(lambda: not left(kafka_broker), 20, lambda: f"the end of {left(kafka_broker)}")
