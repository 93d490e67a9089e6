"""Relations are declared, described, listed and dropped: see spec.md."""

from __future__ import annotations

from penstock_client import Binding
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, stock = run.client, run.name("orders"), run.name("stock")
    columns, binding = "k STRING KEY, n INT, price DECIMAL(10, 2)", Binding(partitions=3)
    client.create_stream(orders, columns, binding)
    table = client.create_table(stock, "k STRING KEY, n BIGINT")
    again = reason(lambda: client.create_stream(orders, columns, binding))
    found = client.relation(orders)
    names = {relation.name for relation in client.relations()}
    (topic,) = (topic for topic in client.topics() if topic.name == orders)
    client.drop_relation(stock)
    return {
        "kind": found.kind, "columns": [[c.name, str(c.type), c.role] for c in found.columns], "again": again, "table_key": [c.name for c in table.key],
        "listed": {orders, stock} <= names, "topic_partitions": topic.partitions, "dropped": reason(lambda: client.relation(stock)),
    }  # fmt: skip
