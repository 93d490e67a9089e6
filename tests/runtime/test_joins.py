"""State of joins survives a crash, and comes back from its changelogs."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness import Bench
from penstock.log.port import TopicConfig, TopicPartition
from penstock.log.records import partitions_of
from penstock_client.builder import Topology
from penstock_client.declare import Binding


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    b = await Bench(tmp_path).open()
    await b.log.create_topic("left", TopicConfig(2))
    await b.log.create_topic("right", TopicConfig(2))
    yield b
    if b._worker is not None and not b._worker.done():
        await b.stop()
    await b.close()


def bound(topic: str) -> Binding:
    return Binding(topic=topic, create=False)


def streams() -> Topology:
    t = Topology("pairs")
    right = t.stream(columns="K STRING KEY, B BIGINT", binding=bound("right"), name="right_in")
    t.stream(columns="K STRING KEY, A BIGINT", binding=bound("left"), name="left_in").join_stream(
        right, "A", "B", kind="FULL", within=1.0, grace=1.0, name="pairs").to("pairs_out")
    return t


def tables() -> Topology:
    t = Topology("rows")
    right = t.table(columns="K STRING KEY, B BIGINT", binding=bound("right"), name="right_in")
    t.table(columns="K STRING KEY, A BIGINT", binding=bound("left"), name="left_in").full_join(right, "A", "B", name="rows").to("rows_out")
    return t


async def placed(bench: Bench, topic: str, rows: list[tuple[str, object]]) -> None:
    """Append where Kafka's own producer would."""
    builders = {TopicPartition(topic, p): bench.log.builder(transactional=False) for p in (0, 1)}
    for (key, value), p in zip(rows, partitions_of([key.encode() for key, _ in rows], 2), strict=True):
        assert builders[TopicPartition(topic, p)].append(1000, key.encode(), None if value is None else json.dumps(value).encode(), ())
    await bench.log.append_many({at: builder for at, builder in builders.items() if builder.count})


async def restarted(bench: Bench, how: str) -> None:
    if how == "crash":
        await bench.crash()
    else:
        await bench.stop()
    if how == "rebuild":
        shutil.rmtree(bench.root / "state")
    await bench.start()


@pytest.mark.parametrize("how", ["crash", "stop", "rebuild"])
async def test_stream_join(bench: Bench, how: str) -> None:
    """Rows, unmatched rows, and stream time are as before: late rows still meet, and what is unmatched leaves when its time comes."""
    await bench.register(streams())
    await bench.start()
    await bench.append("left", [("k", {"A": 1}, 10_000), ("k", {"A": 2}, 10_000), ("m", {"A": 3}, 10_100)])
    await bench.append("right", [("k", {"B": 4}, 10_200), ("n", {"B": 5}, 10_300)])
    met = [(b"k", {"A": 1, "B": 4}), (b"k", {"A": 2, "B": 4})]
    assert await bench.read("pairs_out", 2) == met
    await restarted(bench, how)
    await bench.append("right", [("k", {"B": 6}, 9_500), ("z", {"B": 7}, 20_000)])
    met += [(b"k", {"A": 1, "B": 6}), (b"k", {"A": 2, "B": 6}), (b"m", {"A": 3, "B": None}), (b"n", {"A": None, "B": 5})]
    assert sorted(await bench.read("pairs_out", 6), key=repr) == sorted(met, key=repr)
    await restarted(bench, how)
    await bench.append("left", [("z", {"A": 8}, 19_500)])
    met.append((b"z", {"A": 8, "B": 7}))
    assert sorted(await bench.read("pairs_out", 7), key=repr) == sorted(met, key=repr)


@pytest.mark.parametrize("how", ["crash", "rebuild"])
async def test_table_join(bench: Bench, how: str) -> None:
    await bench.register(tables())
    await bench.start()
    await bench.append("left", [(f"k{i}", {"A": i}, 1000 + i) for i in range(50)], partitions=2)
    await bench.append("right", [(f"k{i}", {"B": i}, 1000 + i) for i in range(25)], partitions=2)
    assert len(await bench.read("rows_out", 75)) == 75
    await restarted(bench, how)
    await bench.append("right", [("k3", {"B": 33}, 2000), ("k40", {"B": 44}, 2000), ("k4", None, 2000)], partitions=2)
    await bench.append("left", [("k5", None, 2000)], partitions=2)
    out = await bench.read("rows_out", 79)
    last = dict(out)
    assert len(out) == 79 and len(last) == 50
    assert (last[b"k3"], last[b"k40"], last[b"k4"], last[b"k5"]) == (
        {"A": 3, "B": 33}, {"A": 40, "B": 44}, {"A": 4, "B": None}, {"A": None, "B": 5})


@pytest.mark.parametrize("how", ["crash", "stop", "rebuild"])
async def test_versioned_table(bench: Bench, how: str) -> None:
    """Earlier rows, rows that wait for their grace, and both stream times are as before."""
    t = Topology("priced")
    prices = t.table(columns="K STRING KEY, PRICE BIGINT", binding=bound("right"), history=10.0, name="prices")
    t.stream(columns="K STRING KEY, N BIGINT", binding=bound("left"), name="orders").left_join(
        prices, "N", "PRICE", grace=2.0, name="priced").to("priced_out")
    await bench.register(t)
    await bench.start()
    await bench.append("right", [("k", {"PRICE": 1}, 10_000), ("k", {"PRICE": 2}, 12_000), ("k", None, 14_000)])
    await bench.append("left", [("k", {"N": 1}, 11_000), ("k", {"N": 2}, 13_000), ("k", {"N": 3}, 15_000)])
    out = [(b"k", {"N": 1, "PRICE": 1}), (b"k", {"N": 2, "PRICE": 2})]
    assert await bench.read("priced_out", 2) == out
    await restarted(bench, how)
    await bench.append("right", [("k", {"PRICE": 3}, 14_500), ("k", {"PRICE": 9}, 3_000), ("k", {"PRICE": 4}, 16_000)])
    await asyncio.sleep(0.3)  # the two topics are fetched apart; the stream's rows must find the table's
    await bench.append("left", [("k", {"N": 4}, 11_500), ("k", {"N": 5}, 17_000)])
    out += [(b"k", {"N": 4, "PRICE": 1}), (b"k", {"N": 3, "PRICE": 3})]
    assert await bench.read("priced_out", 4) == out
    await restarted(bench, how)
    await bench.append("left", [("k", {"N": 6}, 5_000), ("k", {"N": 7}, 20_000)])
    out += [(b"k", {"N": 6, "PRICE": None}), (b"k", {"N": 5, "PRICE": 4})]
    assert await bench.read("priced_out", 6) == out


@pytest.mark.parametrize("how", ["crash", "rebuild"])
async def test_foreign_key_join(bench: Bench, how: str) -> None:
    """Subscriptions are kept: right rows that change afterwards reach the left rows that refer to them."""
    t = Topology("refer")
    right = t.table(columns="N STRING KEY, B BIGINT", binding=bound("right"), name="right_in")
    t.table(columns="K STRING KEY, F STRING, A BIGINT", binding=bound("left"), name="left_in").left_join(
        right, "A", "B", foreign_key="F", name="refer").to("refer_out")
    await bench.register(t)
    await bench.start()
    await placed(bench, "right", [(f"n{i}", {"B": i}) for i in range(5)])
    await placed(bench, "left", [(f"k{i}", {"F": f"n{i % 5}", "A": i}) for i in range(40)])
    for _ in range(100):
        first = dict(await bench.read("refer_out", 1000, timeout=0.3))
        if first == {f"k{i}".encode(): {"A": i, "B": i % 5} for i in range(40)}:
            break
    else:
        raise AssertionError(first)
    await restarted(bench, how)
    await placed(bench, "right", [("n3", {"B": 33}), ("n4", None)])
    wanted = {f"k{i}".encode(): {"A": i, "B": {3: 33, 4: None}.get(i % 5, i % 5)} for i in range(40)}
    for _ in range(100):
        last = dict(await bench.read("refer_out", 1000, timeout=0.3))
        if last == wanted:
            break
    assert last == wanted
