"""Ids that passed, a cogroup's times and what expressions fold live through a crash, a restart and the loss of their store."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness import Bench
from penstock.log.port import TopicConfig
from penstock_client import Cofold, Fold, tumbling
from penstock_client.builder import Topology
from penstock_client.declare import Binding


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    b = Bench(tmp_path)
    await b.open()
    for topic in ("bought", "returned"):
        await b.log.create_topic(topic, TopicConfig(1))
    yield b
    if b._worker is not None and not b._worker.done():
        await b.stop()
    await b.close()


def folds() -> Topology:
    t = Topology("folds", updates="EVERY")
    bought, returned = (t.stream(columns="K STRING KEY, V BIGINT", binding=Binding(topic=name, create=False), name=name) for name in ("bought", "returned"))
    bought.deduplicate(0.01, "V", grace=1, name="once").to("once_out")
    mine, other = bought.group_by("K"), returned.group_by("K")
    mine.aggregate(fold={"total": Fold("CAST(0 AS BIGINT)", "total + v")}, name="totals").to("totals_out")
    mine.reduce(V="acc.v + row.v", name="sums").to("sums_out")
    mine.window(tumbling(milliseconds=10, grace=0, retention=3600)).cogroup(other, n=Cofold("0", ("n + 1", "n + 10")), name="both").to("both_out")
    return t


@pytest.mark.parametrize("loss", ["crash", "restart", "rebuild"])
async def test_folds_go_on(bench: Bench, tmp_path: Path, loss: str) -> None:
    await bench.register(folds())
    await bench.start()
    await bench.append("bought", [("k", {"V": 1}, 100), ("k", {"V": 1}, 105), ("k", {"V": 2}, 125)])
    await bench.append("returned", [("k", {"V": 1}, 103)])
    assert await bench.read("once_out", 2) == [(b"k", {"V": 1}), (b"k", {"V": 2})]
    assert await bench.read("totals_out", 3) == [(b"k", {"total": 1}), (b"k", {"total": 2}), (b"k", {"total": 4})]
    assert await bench.read("both_out", 4)
    if loss == "crash":
        await bench.crash()
    else:
        await bench.stop()
    if loss == "rebuild":
        shutil.rmtree(tmp_path / "state")
    await bench.start()
    # the id of 125 is known, and that at 100 too; 104 is late for the first input of the cogroup (125), not for the second (103)
    await bench.append("bought", [("k", {"V": 2}, 130), ("k", {"V": 1}, 104), ("k", {"V": 1}, 136)])
    await bench.append("returned", [("k", {"V": 1}, 109)])
    assert await bench.read("once_out", 3) == [(b"k", {"V": 1}), (b"k", {"V": 2}), (b"k", {"V": 1})]
    assert (await bench.read("totals_out", 6))[3:] == [(b"k", {"total": 6}), (b"k", {"total": 7}), (b"k", {"total": 8})]
    assert [v for _, v in await bench.read("sums_out", 6)] == [{"V": v} for v in (1, 2, 4, 6, 7, 8)]
    windows = [(int.from_bytes(k[-8:], "big"), v) for k, v in await bench.read("both_out", 7) if k is not None]
    assert dict(windows) == {100: {"n": 22}, 120: {"n": 1}, 130: {"n": 2}}
    await bench.stop()
