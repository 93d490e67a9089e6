"""A topology goes on under another definition: what is kept goes on from the last commit, every record counts once."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness import Bench
from penstock.catalog.changes import set_desired
from penstock.catalog.port import Desired
from penstock.catalog.update import Leave
from penstock.errors import RequestError
from penstock.log.port import TopicConfig
from penstock_client import Fold
from penstock_client.builder import Topology
from penstock_client.declare import Binding


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    b = Bench(tmp_path)
    await b.open()
    await b.log.create_topic("bought", TopicConfig(2))
    yield b
    if b._worker is not None and not b._worker.done():
        await b.stop()
    await b.close()


def shop(least: int = 0, *, total: bool = False, names: bool = True, second: bool = False) -> Topology:
    """Purchases of at least so much, counted by customer; another column, another table, another topic."""
    t = Topology("shop", updates="EVERY")
    bought = t.stream(columns="WHO STRING KEY, V BIGINT", binding=Binding(topic="bought", create=False), name="bought")
    large = bought.filter(f"v >= {least}", name="large")
    large.group_by("WHO", name="by").aggregate(
        n="COUNT(*)", fold={"TOTAL": Fold("CAST(100 AS BIGINT)", "total + v")} if total else None, name="counts").to("counts_out")
    if names:
        large.group_by("V", name="by_v").aggregate(m="COUNT(*)", name="values").to("values_out")
    if second:
        large.deduplicate(1, name="once").to("once_out")
    return t


def rows(found: list[tuple[bytes | None, object]]) -> list[tuple[str, object]]:
    return [("" if k is None else k.decode(), v) for k, v in found]


@pytest.mark.parametrize("loss", ["none", "crash", "rebuild"])
async def test_state_is_kept_and_added_columns_start_empty(bench: Bench, tmp_path: Path, loss: str) -> None:
    await bench.register(shop())
    await bench.start()
    await bench.append("bought", [("a", {"V": 1}, 1), ("b", {"V": 2}, 2), ("a", {"V": 3}, 3)], 2)
    await bench.read("counts_out", 3)
    entry, decision = await bench.update(shop(2, total=True, second=True))
    effects = {c.node: (c.effect.value, c.leave) for c in decision.changes}
    assert effects == {"bought": ("KEPT", False), "large": ("KEPT", False), "by": ("KEPT", False), "counts": ("KEPT", False),
                       "counts_out_sink": ("KEPT", False), "by_v": ("KEPT", False), "values": ("KEPT", False), "values_out_sink": ("KEPT", False),
                       "once": ("ADDED", False), "once_out_sink": ("ADDED", False)}
    assert next(c.reason for c in decision.changes if c.node == "counts") == "TOTAL starts empty"
    assert (entry.version, entry.plan.edition, entry.incarnation) == (2, 1, entry.plan.incarnation)
    await bench.running(entry)
    if loss != "none":
        await bench.crash()
        if loss == "rebuild":
            shutil.rmtree(tmp_path / "state")
        await bench.start()
    await bench.append("bought", [("a", {"V": 1}, 4), ("a", {"V": 5}, 5), ("b", {"V": 7}, 6), ("c", {"V": 9}, 7)], 2)
    found = rows(await bench.read("counts_out", 6))
    assert [v for k, v in found if k == "a"] == [{"n": 1}, {"n": 2}, {"n": 3, "TOTAL": 105}]
    assert [v for k, v in found if k == "b"] == [{"n": 1}, {"n": 2, "TOTAL": 107}]
    assert [v for k, v in found if k == "c"] == [{"n": 1, "TOTAL": 109}]
    assert sorted(rows(await bench.read("once_out", 3))) == [("a", {"V": 5}), ("b", {"V": 7}), ("c", {"V": 9})]
    await bench.stop()


async def test_what_is_dropped_needs_leave_and_leaves_the_disk(bench: Bench) -> None:
    old = await bench.register(shop())
    await bench.start()
    await bench.append("bought", [("a", {"V": 1}, 1), ("b", {"V": 2}, 2)], 2)
    await bench.read("values_out", 2)
    with pytest.raises(RequestError, match="values would be given up|by_v would be given up|values_out_sink would be given up") as refused:
        await bench.update(shop(names=False))
    assert refused.value.reason == "UPDATE_NEEDS_LEAVE" and refused.value.metadata["leave"] == "allow_drop"
    assert bench.registry.state.topologies["shop"].version == 1
    entry, _ = await bench.update(shop(names=False), Leave(drop=True))
    await bench.running(entry)
    assert "values_out" not in bench.registry.state.relations
    assert set(entry.plan.retired) == {t.topic for t in old.plan.internal} - {t.topic for t in entry.plan.internal} != set()
    await bench.append("bought", [("a", {"V": 3}, 3)], 2)
    assert dict(rows(await bench.read("counts_out", 3))) == {"a": {"n": 2}, "b": {"n": 1}}
    with pytest.raises(RequestError, match="another name"):
        await bench.update(shop())
    await bench.stop()


async def test_an_update_that_computes_anew_is_a_new_incarnation(bench: Bench) -> None:
    entry = await bench.register(shop(total=True))
    await bench.start()
    await bench.append("bought", [("a", {"V": 1}, 1), ("a", {"V": 2}, 2)], 2)
    await bench.read("counts_out", 2)
    other = Topology("shop", updates="EVERY")
    bought = other.stream(columns="WHO STRING KEY, V BIGINT", binding=Binding(topic="bought", create=False), name="bought")
    bought.group_by("WHO", name="by").aggregate(n="SUM(v)", name="counts").to("counts_out")
    with pytest.raises(RequestError) as refused:
        await bench.update(other, Leave(drop=True))
    assert (refused.value.reason, refused.value.metadata["leave"]) == ("UPDATE_NEEDS_LEAVE", "allow_rebuild")
    assert "counts would be computed anew: n is folded in another way" in str(refused.value)
    with pytest.raises(RequestError) as refused:
        await bench.update(other, Leave(drop=True, rebuild=True))
    assert refused.value.reason == "TOPOLOGY_NOT_PAUSED"
    await bench.change(lambda s: set_desired(s, "shop", Desired.PAUSED))
    anew, decision = await bench.update(other, Leave(drop=True, rebuild=True))
    assert anew.incarnation != entry.incarnation and decision.plan is None
    await bench.change(lambda s: set_desired(s, "shop", Desired.RUNNING))
    assert rows(await bench.read("counts_out", 4))[2:] == [("a", {"n": 1}), ("a", {"n": 3})]
    await bench.stop()
