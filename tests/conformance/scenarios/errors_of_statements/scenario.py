"""Statements are refused with the reason and the place of each mistake: see spec.md."""

from __future__ import annotations

from penstock_client import PenstockError
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals, x, none = run.client, run.name("orders"), run.name("totals"), run.name("x"), run.name("none")
    declared = f"""CREATE STREAM "{orders}" ("k" STRING KEY, "n" INT) WITH (kafka_topic='{orders}', partitions=1, value_format='JSON');"""
    client.sql(f"""{declared} CREATE TABLE "{totals}" AS SELECT "k", SUM("n") AS "total" FROM "{orders}" GROUP BY "k";""")

    def why(statement: str) -> str:
        return reason(lambda: client.sql(statement))

    quotient, place = f"""CREATE STREAM "{x}" AS SELECT "k", "n" / 'a' AS "y" FROM "{orders}";""", ""
    try:
        client.sql(quotient)
    except PenstockError as error:
        place = quotient[error.expression.start:error.expression.end] if error.expression else ""
    return {
        "twice": why(declared), "topic": why(f"""CREATE STREAM "{x}" ("k" STRING KEY) WITH (kafka_topic='{none}', value_format='JSON');"""),
        "assertion": why(f'ASSERT TOPIC "{none}" TIMEOUT 1 SECONDS;'), "used": why(f'DROP STREAM "{orders}";'),
        "loop": why(f'INSERT INTO "{orders}" SELECT * FROM "{orders}";'),
        "aggregate": why(f'CREATE TABLE "{x}" AS SELECT "total", MIN("total") AS "m" FROM "{totals}" GROUP BY "total";'),
        "window": why(f"""CREATE TABLE "{x}" AS SELECT "k", COUNT(*) AS "c" FROM "{orders}" WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 1 MINUTE)
            GROUP BY "k";"""),
        "schema": why(f"""CREATE STREAM "{x}" ("k" STRING KEY) WITH (kafka_topic='{x}', partitions=1, value_format='AVRO', value_schema_id=99999);"""),
        "types": why(quotient), "place": place, "property": why("SET 'no.such' = 'x';"), "query": why(f'TERMINATE "{none}";'),
        "range": reason(lambda: list(client.scan(totals, from_key="z", to_key="a"))),
    }  # fmt: skip
