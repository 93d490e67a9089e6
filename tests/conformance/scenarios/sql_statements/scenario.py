"""Statements are executed one by one, in a session: see spec.md."""

from __future__ import annotations

from penstock_client import PenstockError
from support import Run, cells, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    script = f"""
        CREATE STREAM "{orders}" ("k" STRING KEY, "n" INT) WITH (kafka_topic='{orders}', partitions=1, value_format='JSON');
        CREATE TABLE "{totals}" AS SELECT "k", SUM("n") AS "total" FROM "{orders}" GROUP BY "k";"""
    created = client.sql(script)
    again = client.sql(script, apply=True)
    (inserted,) = client.sql(f"""INSERT INTO "{orders}" ("k", "n") VALUES ('a', 5);""")
    row = client.get(totals, "a", at_least=inserted.position, max_wait=20)
    (shown,) = client.sql("SHOW STREAMS;")
    client.sql("DEFINE least = '3';")
    rows = [cells(one) for one in client.query(f"""SELECT * FROM "{totals}" WHERE "total" > ${{least}};""")]
    start = -1
    try:
        client.sql("SELEC 1;")
    except PenstockError as error:
        start = error.expression.start if error.expression else -1
    return {
        "created": [[r.relation is not None, r.topology and r.topology.state] for r in created], "unchanged": [r.unchanged for r in again],
        "row": row and cells(row), "listed": shown.rows is not None and orders in shown.rows.column("name"), "query": rows,
        "second_statement": reason(lambda: client.sql(f'DESCRIBE "{orders}"; DROP STREAM "{run.name("none")}";')),
        "syntax": reason(lambda: client.sql("SELEC 1;")), "start": start,
    }  # fmt: skip
