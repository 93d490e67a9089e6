"""Where topologies begin: latest, after a token, at a time, pinned when they are registered or reset."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from penstock_client import AsyncClient
from penstock_client.builder import Start, Topology
from penstock_client.declare import Binding
from penstock_client.errors import ForeignTokenError, MalformedTokenError, PositionExpiredError

sys.path.insert(0, str(Path(__file__).parent))

from gateway_node import Node, running  # noqa: E402
from penstock.log.port import TopicPartition  # noqa: E402


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as n:
        yield n


@pytest.fixture
async def client(node: Node) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(node.address) as c:
        await c.create_stream("clicks", "k STRING KEY, n BIGINT", Binding("clicks", 2))
        yield c


def counting(name: str, start: Start) -> Topology:
    topology = Topology(name)
    topology.stream("clicks", start=start).group_by().aggregate(S="SUM(n)", name="sums")
    return topology


async def append(client: AsyncClient, *numbers: int) -> str:
    """One row for each of five keys and each number, which is also its time in seconds."""
    rows = [{"k": f"k{k}", "n": n, "ROWTIME": n * 1000} for n in numbers for k in range(5)]
    return (await client.append("clicks", rows)).position


async def sums(client: AsyncClient, name: str, token: str) -> set[object]:
    found = [await client.get(f"{name}.sums", f"k{k}", at_least=token) for k in range(5)]
    return {None if row is None else row["S"] for row in found}


async def test_latest_is_the_end_when_the_topology_is_registered(client: AsyncClient) -> None:
    await append(client, 1, 2)
    await client.register_topology(counting("late", "latest"), wait=None)
    token = await append(client, 10)  # the task may not be open yet
    token = await append(client, 20) or token
    assert await sums(client, "late", token) == {30}
    assert "start latest (clicks 0:" in await client.explain("late")


async def test_after_a_token_and_at_a_time(client: AsyncClient) -> None:
    first = await append(client, 1)
    last = await append(client, 2, 3)
    await client.register_topology(counting("behind", first), wait=20)
    assert await sums(client, "behind", last) == {5}
    await client.register_topology(counting("timed", datetime.fromtimestamp(3, UTC)), wait=20)
    assert await sums(client, "timed", last) == {3}
    assert "start at time 1970-01-01T00:00:03.000+00:00 (clicks 0:" in await client.explain("timed")


async def test_a_reset_begins_where_it_says(client: AsyncClient) -> None:
    await append(client, 1)
    token = await append(client, 2)
    await client.register_topology(counting("t", "earliest"), wait=20)
    assert await sums(client, "t", token) == {3}
    await client.pause_topology("t")
    await client.reset_topology("t", start="latest")
    token = await append(client, 4)
    await client.resume_topology("t")
    assert await sums(client, "t", token) == {4}
    await client.pause_topology("t")
    await client.reset_topology("t")
    await client.resume_topology("t")
    token = await append(client, 8)
    assert await sums(client, "t", token) == {15}, "without a start it begins as its definition says"


async def test_a_topic_that_did_not_exist_is_read_from_its_beginning(client: AsyncClient) -> None:
    topology = Topology("own")
    topology.stream(columns="k STRING KEY, n BIGINT", binding=Binding("own-topic", 1), start="latest", name="mine").group_by().count("c", name="n")
    await client.register_topology(topology, wait=None)
    token = (await client.append("mine", {"k": "a", "n": 1})).position
    row = await client.get("own.n", "a", at_least=token)
    assert row is not None and row["C"] == 1


async def test_refused_starts(client: AsyncClient, node: Node) -> None:
    first = await append(client, 1)
    with pytest.raises(MalformedTokenError):
        await client.register_topology(counting("a", "no token"))
    tps = [TopicPartition("clicks", p) for p in range(2)]
    await append(client, 2)
    await node.log.delete_records(await node.log.ends(tps))
    with pytest.raises(PositionExpiredError):
        await client.register_topology(counting("b", first))
    await node.log.delete_topics(["clicks"])
    await client.drop_relation("clicks")
    await client.create_stream("clicks", "k STRING KEY, n BIGINT", Binding("clicks", 2))
    with pytest.raises(ForeignTokenError):
        await client.register_topology(counting("c", first))
