"""Rows of a versioned table as they were, through a gateway over gRPC."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from penstock_client import AsyncClient, Topology
from penstock_client.declare import Binding
from penstock_client.errors import InvalidArgumentError, InvalidRangeError

sys.path.insert(0, str(Path(__file__).parent))

from gateway_node import running

T = 1_700_000_000_000


def topology() -> Topology:
    t = Topology("shop")
    prices = t.table(columns="ITEM STRING KEY, PRICE BIGINT", binding=Binding(topic="prices", partitions=2), history=200, name="prices")
    prices.filter("PRICE < 100").to("cheap")
    t.table(columns="ITEM STRING KEY, PRICE BIGINT", binding=Binding(topic="plain", partitions=1), name="plain").to("plain_out")
    return t


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with running(tmp_path) as node, AsyncClient(node.address) as c:
        await c.register_topology(topology(), wait=20)
        yield c


async def test_rows_are_read_as_they_were(client: AsyncClient) -> None:
    rows = [("pen", 10, 0), ("pen", 12, 20), ("ink", 3, 0), ("pen", 120, 40), ("pen", 11, 10), ("ink", 4, 90)]
    token = (await client.append("prices", [{"ITEM": item, "PRICE": price, "ROWTIME": T + s * 1000} for item, price, s in rows])).position

    async def price(item: str, seconds: int, relation: str = "prices") -> int | None:
        row = await client.get(relation, item, at=T + seconds * 1000, at_least=token)
        return None if row is None else row.PRICE

    assert [await price("pen", s) for s in (-1, 0, 9, 10, 19, 20, 39, 40, 90)] == [None, 10, 10, 11, 11, 12, 12, 120, 120]
    assert [await price("pen", s, "cheap") for s in (39, 40)] == [12, None]
    assert [await price("ink", s) for s in (31, 89, 90)] == [3, 3, 4]
    present = await client.get("prices", "pen", at_least=token)
    assert present is not None and present.PRICE == 120 and (await client.get("prices", "none", at=T + 89_000)) is None
    found = await client.batch_get("prices", ["pen", "none", "ink"], at=T + 50_000, at_least=token)
    assert [r and r.PRICE for r in found] == [120, None, 3]


async def test_what_is_not_known_is_refused(client: AsyncClient) -> None:
    token = (await client.append("prices", [{"ITEM": "pen", "PRICE": p, "ROWTIME": T + s * 1000} for p, s in ((1, 0), (2, 10), (3, 1000))])).position
    with pytest.raises(InvalidRangeError, match="valid since"):
        await client.get("prices", "pen", at=T + 20_000, at_least=token)
    with pytest.raises(InvalidArgumentError, match="not a versioned table"):
        await client.get("plain_out", "pen", at=T)
