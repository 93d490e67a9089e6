"""Lookups, scans and pushes of sessions, hopping windows, final windows and suppressed tables, through a gateway over gRPC."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from penstock_client import AsyncClient, Topology, hopping, session, sliding
from penstock_client.declare import Binding

sys.path.insert(0, str(Path(__file__).parent))

from gateway_node import running

T = 1_700_000_000_000


def at(ms: int) -> datetime:
    return datetime.fromtimestamp((T + ms) / 1000, UTC)


def topology() -> Topology:
    t = Topology("visits")
    clicks = t.stream(columns="WHO STRING KEY, N BIGINT", binding=Binding(topic="clicks", partitions=1), name="clicks")
    grouped = clicks.group_by()
    sessions = grouped.window(session(10, grace=0, retention=3600)).aggregate(total="SUM(N)", name="sessions")
    sessions.to("sessions_out")
    grouped.window(session(10, grace=0, retention=3600)).aggregate(total="SUM(N)", emit="final", name="closed").to("closed_out")
    hops = grouped.window(hopping(20, 10, grace=0, retention=3600)).aggregate(total="SUM(N)", name="hops")
    grouped.window(sliding(10, grace=0, retention=3600)).aggregate(total="SUM(N)", name="slides")
    hops.suppress("window_close", name="held").filter("total > 1").to("held_out")
    return t


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with running(tmp_path) as node, AsyncClient(node.address) as c:
        await c.register_topology(topology(), wait=20)
        yield c


async def click(client: AsyncClient, *clicks: tuple[str, int, int]) -> str:
    rows = [{"WHO": who, "N": n, "ROWTIME": T + ms} for who, n, ms in clicks]
    return (await client.append("clicks", rows)).position


def shown(rows: Any) -> list[tuple[str, int, int, int]]:
    """(key, start, end, total), times in seconds from the first."""
    return [(r.WHO, (r.WINDOWSTART - T) // 1000, (r.WINDOWEND - T) // 1000, r.total) for r in rows]


async def test_windows_are_read_by_key_and_time(client: AsyncClient) -> None:
    token = await click(client, ("a", 1, 0), ("a", 2, 8000), ("b", 4, 12_000), ("a", 8, 40_000), ("a", 16, 55_000))
    fresh = {"at_least": token}
    assert shown(await client.get_windows("sessions_out", "a", **fresh)) == [("a", 0, 8, 3), ("a", 40, 40, 8), ("a", 55, 55, 16)]
    assert shown(await client.get_windows("sessions_out", "a", start_from=at(1), start_to=at(40_000), **fresh)) == [("a", 40, 40, 8)]
    assert shown(await client.get_windows("visits.sessions", "b", **fresh)) == [("b", 12, 12, 4)]
    assert shown(await client.get_windows("closed_out", "a", **fresh)) == [("a", 0, 8, 3), ("a", 40, 40, 8)]
    assert shown(await client.get_windows("visits.hops", "b", **fresh)) == [("b", 0, 20, 4), ("b", 10, 30, 4)]
    assert shown(await client.get_windows("visits.hops", "a", start_from=at(-1), start_to=at(30_000), **fresh)) == [
        ("a", 0, 20, 3), ("a", 30, 50, 8)]
    assert shown(await client.get_windows("visits.slides", "a", start_from=at(-2000), start_to=at(8000), **fresh)) == [
        ("a", -2, 8, 3), ("a", 0, 10, 2)]
    found = client.scan("visits.hops", start_from=at(10_000), start_to=at(30_000), **fresh)
    assert shown([r async for r in found]) == [("a", 30, 50, 8), ("b", 10, 30, 4)]
    assert shown(await client.get_windows("held_out", "a", **fresh)) == [("a", -10, 10, 3), ("a", 0, 20, 3), ("a", 30, 50, 8)]
    assert [r.total for r in await client.batch_get("sessions_out", [("b", at(12_000)), ("a", at(1))], **fresh) if r is not None] == [4]
    every = [r async for r in client.scan("closed_out", **fresh)]
    assert sorted(shown(every)) == [("a", 0, 8, 3), ("a", 40, 40, 8), ("b", 12, 12, 4)]
    assert shown([r async for r in client.scan("sessions_out", start_from=at(12_000), start_to=at(40_000), **fresh)]) == [
        ("a", 40, 40, 8), ("b", 12, 12, 4)]


async def test_subscribers_hold_the_sessions_and_see_only_closed_windows(client: AsyncClient) -> None:
    await click(client, ("a", 1, 0), ("a", 2, 8000))
    await click(client, ("a", 4, 16_000), ("b", 8, 60_000))

    async def held(name: str, enough: int) -> dict[tuple[str, int, int], int]:
        kept: dict[tuple[str, int, int], int] = {}
        async with asyncio.timeout(20):
            async for row in client.subscribe(name):
                key = (row.WHO, (row.WINDOWSTART - T) // 1000, (row.WINDOWEND - T) // 1000)
                if row.deleted:
                    kept.pop(key, None)
                else:
                    kept[key] = row.total
                if len(kept) == enough and ("a", 0, 16) in kept:
                    return kept
        raise AssertionError(kept)

    assert await held("sessions_out", 2) == {("a", 0, 16): 7, ("b", 60, 60): 8}
    assert await held("closed_out", 1) == {("a", 0, 16): 7}
