"""Lookups, scans and pushes of a global table, through a gateway over gRPC."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from penstock_client import AsyncClient, Topology
from penstock_client.declare import Binding
from penstock_client.errors import InvalidArgumentError, InvalidTopologyError

sys.path.insert(0, str(Path(__file__).parent))

from gateway_node import running


def topology() -> Topology:
    t = Topology("seen")
    places = t.global_table(columns="CODE STRING KEY, NAME STRING", binding=Binding(topic="places", partitions=3), name="places")
    visits = t.stream(columns="K STRING KEY, PLACE STRING", binding=Binding(topic="visits", partitions=2), name="visits")
    visits.join_global(places, "PLACE", "NAME", keys="PLACE", name="seen").to("seen_out")
    return t


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with running(tmp_path) as node, AsyncClient(node.address) as c:
        await c.register_topology(topology(), wait=20)
        yield c


async def put(client: AsyncClient, *rows: tuple[str, str]) -> str:
    return (await client.append("places", [{"CODE": code, "NAME": name} for code, name in rows])).position


async def test_a_copy_is_read_with_all_that_was_written(client: AsyncClient) -> None:
    token = await put(client, *((f"p{i}", f"place {i}") for i in range(2500)))
    for relation in ("places", "seen.places"):
        row = await client.get(relation, "p7", at_least=token)
        assert row is not None and row.NAME == "place 7"
    assert await client.get("places", "p9999", at_least=token) is None
    found = await client.batch_get("places", ["p1", "none", "p2499"], at_least=token)
    assert [r and r.NAME for r in found] == ["place 1", None, "place 2499"]
    every = {row.CODE: row.NAME async for row in client.scan("places", at_least=token)}
    assert every == {f"p{i}": f"place {i}" for i in range(2500)}
    token = await put(client, ("p7", "new"))
    row = await client.get("places", "p7", at_least=token)
    assert row is not None and row.NAME == "new"


async def test_a_push_gives_its_rows_and_then_every_change(client: AsyncClient) -> None:
    token = await put(client, *((f"p{i}", f"place {i}") for i in range(2500)))
    assert await client.get("places", "p2499", at_least=token) is not None
    held: dict[str, str] = {}

    async def follow(until: dict[str, str]) -> None:
        async with client.subscribe("places") as watch:
            async for row in watch:
                if row.deleted:
                    held.pop(row.CODE, None)
                else:
                    held[row.CODE] = row.NAME
                if held == until:
                    return

    wanted = {f"p{i}": f"place {i}" for i in range(2500)} | {f"p{i}": f"again {i}" for i in range(0, 2500, 5)} | {"q": "more"}
    following = asyncio.create_task(follow(wanted))
    for first in range(0, 2500, 500):
        await put(client, *((f"p{i}", f"again {i}") for i in range(first, first + 500, 5)))
    await put(client, ("q", "more"))
    await asyncio.wait_for(following, 30)
    with pytest.raises(InvalidArgumentError, match="all partitions"):
        async with client.subscribe("places", partitions=[1]) as watch:
            await anext(aiter(watch))


async def test_a_global_table_is_no_table_of_a_task(client: AsyncClient) -> None:
    t = Topology("wrong")
    table = t.global_table("places", name="copy")
    with pytest.raises(InvalidTopologyError, match="global table"):
        node = t._node("kept", "filter", table.ref)
        node.filter.where = "NAME IS NOT NULL"
        await client.register_topology(t)


async def test_explain_shows_the_table_and_its_code(client: AsyncClient) -> None:
    text = await client.explain(topology(), source=True)
    assert "global table places: whole in every worker" in text and "def read_places" in text
