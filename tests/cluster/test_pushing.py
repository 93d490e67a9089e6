"""Subscriptions while tasks move and nodes drain."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from broker import Broker
from inprocess import cluster, node, until
from penstock_client import AsyncClient, Topology
from penstock_client.declare import Binding
from penstock_client.events import CaughtUp

pytestmark = pytest.mark.kafka

KEYS = [f"k{n}" for n in range(20)]
ROUNDS = 60


def counting() -> Topology:
    t = Topology("counting")
    t.stream("clicks").group_by("K").count("C", name="c").to("counted")
    return t


async def _watch(subscription: Any, seen: dict[str, list[int]]) -> None:
    """Counts of each key as they come."""
    async for row in subscription:
        seen.setdefault(row.K, []).append(row.C)
        if len(seen) == len(KEYS) and all(counts[-1] == ROUNDS for counts in seen.values()):
            return


def test_subscriptions_outlive_moves_and_drains(kafka_broker: Broker, tmp_path: Path) -> None:
    asyncio.run(_outlive(kafka_broker.bootstrap, tmp_path))


async def _outlive(bootstrap: str, path: Path) -> None:
    async with cluster(bootstrap, path, "outlive", "a", "b") as nodes:
        a, b = nodes
        await a.client.create_stream("clicks", "K STRING KEY, N BIGINT", Binding(partitions=4))
        await a.client.register_topology(counting(), wait=20)
        await a.client.append("clicks", [{"K": k, "N": 0} for k in KEYS])
        # the snapshot holds rows of tasks of both nodes
        events = b.client.subscribe("counted")
        async for event in events.events():
            if isinstance(event, CaughtUp):
                break
        await events.close()
        seen: dict[str, dict[str, list[int]]] = {"near": {}, "far": {}}
        both = AsyncClient(f"{b.address},{a.address}", timeout=20)
        watches = [asyncio.create_task(_watch(client.subscribe("counted"), seen[name])) for client, name in ((a.client, "near"), (both, "far"))]
        await until(lambda: _all(seen["far"]), what="the snapshot on b")
        for n in range(1, ROUNDS):
            await a.client.append("clicks", [{"K": k, "N": n} for k in KEYS])
            if n == 20:
                await b.leave()  # its tasks move to a, its subscriptions go on there
            if n == 40:
                c = node(bootstrap, path, "outlive", "c")
                await c.start()
                nodes.append(c)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(30):
            await asyncio.gather(*watches)
        for rows in seen.values():
            for key, counts in rows.items():
                assert counts == sorted(set(counts)), f"{key}: a repeat or a step back in {counts}"
        nodes.remove(b)
        await both.close()


async def _all(rows: dict[str, list[int]]) -> bool:
    return len(rows) == len(KEYS)
