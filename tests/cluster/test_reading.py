"""What any node answers of tasks that other nodes have."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from broker import Broker
from inprocess import InProcess, cluster, until
from penstock_client import Topology
from penstock_client.declare import Binding
from penstock_client.gen.penstock.v1.lookup_service_pb2 import GetRequest
from penstock_client.gen.penstock.v1.types_pb2 import Value

pytestmark = pytest.mark.kafka

KEYS = [f"k{n}" for n in range(40)]


def spending() -> Topology:
    t = Topology("spending")
    t.stream("orders").group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(N)", "S"), name="totals").to("spend")
    return t


def second_hop() -> Topology:
    t = Topology("doubled")
    t.table("spend").select("K", "C").to("again")
    return t


async def spread(nodes: list[InProcess], topology: str, names: set[str]) -> None:
    """Until all tasks of a topology run, on all of these nodes: who joins last gets its share when it has the state."""
    async def there() -> bool:
        tasks = await nodes[0].client.tasks(topology)
        return all(t.state == "RUNNING" for t in tasks) and {t.node for t in tasks} == names

    await until(there, what=f"all tasks RUNNING on {names}")


def test_any_node(kafka_broker: Broker, tmp_path: Path) -> None:
    asyncio.run(_any_node(kafka_broker.bootstrap, tmp_path))


async def _any_node(bootstrap: str, path: Path) -> None:
    async with cluster(bootstrap, path, "anynode", "a", "b") as nodes:
        a, b = nodes
        await a.client.create_stream("orders", "K STRING KEY, N BIGINT", Binding(partitions=4))
        info = await a.client.register_topology(spending(), wait=20)
        assert info.state == "RUNNING"
        await spread(nodes, "spending", {"a", "b"})
        shown = await b.client.cluster()
        assert {(n.id, n.state, n.address) for n in shown.nodes} == {("a", "SERVING", a.address), ("b", "SERVING", b.address)}
        # registered on a, appended on a, read on b with the token, whatever node has the key
        token = (await a.client.append("orders", [{"K": k, "N": n} for n, k in enumerate(KEYS)])).position
        for node in (b, a):
            rows = await asyncio.gather(*(node.client.get("spend", k, at_least=token, max_wait=30) for k in KEYS))
            assert [(r.K, r.C, r.S) for r in rows if r] == [(k, 1, n) for n, k in enumerate(KEYS)]
        # each key's node is named to who asks another one
        answers = [[(await node.client.raw.lookup.Get(GetRequest(relation="spend", key=[Value(text=k)]))).owner for k in KEYS] for node in nodes]
        assert {frozenset(pair) for pair in zip(*answers, strict=True)} == {frozenset(("", a.address)), frozenset(("", b.address))}
        found = await b.client.batch_get("spend", [*KEYS, "missing"])
        assert [None if r is None else r.K for r in found] == [*KEYS, None]
        scans = [[r.K async for r in await _scan(node)] for node in nodes]
        assert scans[0] == scans[1] and sorted(scans[0]) == sorted(KEYS)
        rows = [r async for r in b.client.query("SELECT K, C FROM \"spend\" WHERE \"K\" IN ('k1', 'k2', 'k3');")]
        assert sorted(r.K for r in rows) == ["k1", "k2", "k3"]


async def _scan(node: InProcess):
    return node.client.scan("spend")
