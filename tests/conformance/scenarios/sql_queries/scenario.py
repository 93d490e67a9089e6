"""Queries are pulled once or pushed as changes come, with parameters: see spec.md."""

from __future__ import annotations

from support import Run, cells, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals = run.client, run.name("orders"), run.name("totals")
    client.sql(f"""
        CREATE STREAM "{orders}" ("k" STRING KEY, "n" INT) WITH (kafka_topic='{orders}', partitions=1, value_format='JSON');
        CREATE TABLE "{totals}" AS SELECT "k", SUM("n") AS "total" FROM "{orders}" GROUP BY "k";""")
    token = client.append(orders, [{"k": "a", "n": 1}, {"k": "b", "n": 2}]).position
    pull = f"""SELECT "k", "total" FROM "{totals}" WHERE "k" = :key;"""
    pulled = [cells(row) for row in client.query(pull, parameters={"key": "b"}, at_least=token, max_wait=20)]
    client.sql("SET 'auto.offset.reset' = 'earliest';")
    pushed = []
    push = f"""SELECT "k", "n" * 2 AS "double" FROM "{orders}" WHERE "n" > :least EMIT CHANGES;"""
    for row in client.query(push, parameters={"least": 1}, limit=2):
        if not pushed:
            run.ask("append", relation=orders, rows=[{"k": "c", "n": 9}])
        pushed.append(cells(row))
    return {"pulled": pulled, "pushed": pushed, "unknown": reason(lambda: list(client.query(f'SELECT * FROM "{run.name("none")}";')))}
