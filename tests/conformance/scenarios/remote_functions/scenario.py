"""A function that a program computes is called in an expression: see spec.md."""

from __future__ import annotations

from penstock_client import Binding, Topology
from penstock_client.declare import function
from penstock_client.worker import Worker
from support import Run, reason


def twice(n: int) -> int:
    if n == 13:
        raise ValueError("13 is unlucky")
    return 2 * n


def scenario(run: Run) -> dict[str, object]:
    client, numbers, held, out, name = run.client, run.name("numbers"), run.name("held"), run.name("out"), run.name("twice")
    (signature,) = client.create_function(function(name, "BIGINT -> BIGINT", deterministic=True, cache_rows=10)).signatures
    taken = reason(lambda: client.create_function(function(name, "STRING -> BIGINT")))
    client.create_stream(numbers, "k STRING KEY, n BIGINT", Binding(partitions=1))
    client.create_table(held, "k STRING KEY, n BIGINT", Binding(partitions=1))
    doubled = Topology(run.name("doubled"))
    doubled.stream(numbers).filter(f"{name}(n) < 100").select(f"{name}(n) + 1 AS m", name="sel").to(out)
    client.register_topology(doubled, wait=30)
    table = Topology(run.name("table"))
    table.table(held).filter(f"{name}(n) > 1").to(run.name("table_out"))
    wrong = Topology(run.name("wrong"))
    wrong.stream(numbers).filter(f"{name}('x', n) > 1").to(run.name("wrong_out"))
    refused = {"table": reason(lambda: client.register_topology(table)), "wrong": reason(lambda: client.register_topology(wrong))}
    with Worker(run.address, functions={name: twice}):
        client.append(numbers, [{"k": k, "n": n} for k, n in (("a", 1), ("b", None), ("c", 13), ("d", 60), ("e", 2))])
        rows = [[row.k, None if row.m is None else str(row.m)] for row in client.subscribe(out, start="earliest", limit=2)]
        letter = next(client.subscribe(f"{doubled.name}.dead_letter", start="earliest"))
    client.delete_topology(doubled.name)
    client.drop_function(name)
    dropped = reason(lambda: client.function(name))
    return {"signature": signature[signature.index("("):], "taken": taken, **refused, "rows": rows, "letter": "13 is unlucky" in letter.REASON, "dropped": dropped}
