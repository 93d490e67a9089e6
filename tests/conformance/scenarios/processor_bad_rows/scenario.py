"""Rows that a remote processor fails on become dead letters, and the others are processed: see spec.md."""

from __future__ import annotations

from itertools import islice
from typing import Any

from penstock_client import Binding, Topology
from penstock_client.processing import RetryBundle
from penstock_client.worker import Worker
from support import Run, cells


class Half:
    """Halves what is even."""

    def __init__(self) -> None:
        self.met = False

    def __call__(self, row: Any, context: Any) -> None:
        if row["n"] == 4 and not self.met:
            self.met = True
            raise RetryBundle("not yet")
        if row["n"] == 3:
            raise ValueError("three is odd")
        context.send("halves", {"n": "a text" if row["n"] == 5 else row["n"] // 2})


def scenario(run: Run) -> dict[str, object]:
    client, payments, out, processor = run.client, run.name("payments"), run.name("out"), run.name("half")
    client.create_stream(payments, "k STRING KEY, n BIGINT", Binding(partitions=1))
    halves = Topology(run.name("halves"))
    halves.stream(payments).process_remotely(processor, {"halves": "k STRING KEY, n BIGINT"}, keeps_key=True, max_attempts=3, name="half")["halves"].to(out)
    client.register_topology(halves, wait=30)

    def take(count: int) -> list[Any]:
        return [cells(row)["n"] for row in client.subscribe(out, start="earliest", limit=count)]

    with Worker(run.address, {processor: Half()}):
        client.append(payments, [{"k": "a", "n": 2}, {"k": "b", "n": 3}, {"k": "c", "n": 4}])
        take(2)
        client.append(payments, {"k": "d", "n": 5})
        with client.subscribe(f"{halves.name}.dead_letter", start="earliest") as subscription:
            letters = [cells(row) for row in islice(subscription, 2)]
        client.append(payments, {"k": "e", "n": 6})
        values = take(3)
    return {
        "values": values, "nodes": [letter["NODE"] for letter in letters], "odd": "three is odd" in letters[0]["REASON"],
        "wrong_type": "output halves, column n" in letters[1]["REASON"],
    }  # fmt: skip
