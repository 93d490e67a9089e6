"""max_task_idle: whether a record waits for the other input of its join (KIP-695)."""

from __future__ import annotations

import asyncio
import time

import pytest
from harness import Bench
from penstock.log.port import TopicConfig
from penstock_client.builder import Topology
from penstock_client.declare import Binding


def joining(bench: Bench, idle: float | None) -> Topology:
    service = bench.config.service_id
    t = Topology("joining", max_task_idle=idle, updates="EVERY")
    prices = t.table(columns="K STRING KEY, PRICE BIGINT", binding=Binding(topic=f"{service}-prices", create=False), name="prices")
    t.stream(columns="K STRING KEY, N BIGINT", binding=Binding(topic=f"{service}-sales", create=False), name="sales").left_join(
        prices, "N", "PRICE", name="priced").to("priced_out", binding=Binding(topic=f"{service}-out"))
    return t


@pytest.mark.parametrize(("idle", "price"), [(None, None), (3.0, 7)])
async def test_a_record_waits_for_an_older_one_of_the_other_input(on_either_log: Bench, idle: float | None, price: int | None) -> None:
    """The price is older than the sale, but comes after it."""
    bench = on_either_log
    service = bench.config.service_id
    for topic in ("prices", "sales"):
        await bench.log.create_topic(f"{service}-{topic}", TopicConfig(1))
    await bench.register(joining(bench, idle))
    await bench.start()
    await bench.append(f"{service}-prices", [("other", {"PRICE": 1}, 500)])
    await bench.append(f"{service}-sales", [("k", {"N": 1}, 600)])
    assert await bench.read(f"{service}-out", 1) == [(b"k", {"N": 1, "PRICE": None})]
    await bench.append(f"{service}-sales", [("k", {"N": 2}, 2000)])
    await asyncio.sleep(0.6)
    await bench.append(f"{service}-prices", [("k", {"PRICE": 7}, 1000)])
    assert (await bench.read(f"{service}-out", 2))[1:] == [(b"k", {"N": 2, "PRICE": price})]


async def test_a_record_waits_no_longer_than_it_may(on_either_log: Bench) -> None:
    bench = on_either_log
    service = bench.config.service_id
    for topic in ("prices", "sales"):
        await bench.log.create_topic(f"{service}-{topic}", TopicConfig(1))
    await bench.register(joining(bench, 1.0))
    await bench.start()
    await bench.append(f"{service}-sales", [("k", {"N": 1}, 600)])
    began = time.monotonic()
    assert await bench.read(f"{service}-out", 1) == [(b"k", {"N": 1, "PRICE": None})]
    assert time.monotonic() - began > 0.9
