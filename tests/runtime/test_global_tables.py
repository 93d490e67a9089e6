"""Global tables: whole in the worker before streams meet them, kept over crashes, read anew when that is needed."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness import Bench
from penstock.log.port import TopicConfig, TopicPartition
from penstock.runtime.board_port import TaskState
from penstock.runtime.global_table import DELETE_RETENTION_MS, positions
from penstock.runtime.recovery import CLEAN
from penstock.state.lmdb import FORMAT
from penstock.state.port import Stamp
from penstock_client.builder import Topology
from penstock_client.declare import Binding


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    b = await Bench(tmp_path).open()
    await b.log.create_topic("visits", TopicConfig(2))
    await b.log.create_topic("places", TopicConfig(3))
    yield b
    if b._worker is not None and not b._worker.done():
        await b.stop()
    await b.close()


def topology(policy: str = "") -> Topology:
    t = Topology("seen", on_bad_record=policy)
    places = t.global_table(columns="CODE STRING KEY, NAME STRING", binding=Binding(topic="places", create=False), name="places")
    visits = t.stream(columns="K STRING KEY, PLACE STRING, N BIGINT", binding=Binding(topic="visits", create=False), name="visits")
    visits.join_global(places, "N", "NAME", keys="PLACE", kind="LEFT", name="seen").to("seen_out")
    return t


def named(count: int, name: str = "place") -> list[tuple[str | None, object, int]]:
    return [(f"p{i}", {"NAME": f"{name} {i}"}, 1000 + i) for i in range(count)]


def visits(*numbers: int) -> list[tuple[str | None, object, int]]:
    return [(f"k{n % 7}", {"PLACE": f"p{n}", "N": n}, 5000) for n in numbers]


async def seen(bench: Bench, count: int) -> dict[int, str | None]:
    rows = await bench.read("seen_out", count)
    assert len(rows) == count
    return {row["N"]: row["NAME"] for _, row in rows}  # type: ignore[index]


@pytest.mark.parametrize("how", ["crash", "stop", "rebuild"])
async def test_the_table_is_whole_before_the_stream_meets_it(bench: Bench, how: str) -> None:
    await bench.append("places", named(3000), partitions=3)
    await bench.append("visits", visits(*range(0, 3000, 100)), partitions=2)
    await bench.register(topology())
    await bench.start()
    assert await seen(bench, 30) == {n: f"place {n}" for n in range(0, 3000, 100)}
    await (bench.crash() if how == "crash" else bench.stop())
    if how == "rebuild":
        shutil.rmtree(bench.root / "state")
    await bench.append("places", [("p1", {"NAME": "new"}, 2000), ("p2", None, 2000), ("p9999", {"NAME": "more"}, 2000)], partitions=3)
    await bench.append("visits", visits(1, 2, 3, 9999), partitions=2)
    await bench.start()
    found = await seen(bench, 34)
    assert (found[1], found[2], found[3], found[9999]) == ("new", None, "place 3", "more")


async def test_changes_are_met_by_what_comes_behind_them(bench: Bench) -> None:
    await bench.register(topology())
    await bench.start()
    await bench.append("visits", visits(1), partitions=2)
    assert await seen(bench, 1) == {1: None}
    await bench.append("places", named(5), partitions=3)
    await filled(bench, 5)
    await bench.append("visits", visits(1, 2), partitions=2)
    assert await seen(bench, 3) == {1: "place 1", 2: "place 2"}


async def filled(bench: Bench, records: int) -> None:
    """Until the copy has as many records of the topic."""
    waiter = bench.notices.subscribe("board")
    while sum(next(t.inputs for t in bench.board.tasks("seen") if t.sub == "places").values()) < records:
        await waiter.wait(1.0)


async def test_what_cannot_be_read_is_kept_as_a_dead_letter(bench: Bench) -> None:
    await bench.append("places", [*named(2), ("p7", b"{", 1000), *named(1, "again")], partitions=3)
    entry = await bench.register(topology())
    await bench.start()
    await bench.append("visits", visits(0, 1, 7), partitions=2)
    assert await seen(bench, 3) == {0: "again 0", 1: "place 1", 7: None}
    await bench.append("visits", visits(8), partitions=2)
    ((_, letter),) = await bench.read(entry.plan.dead_letter_topic, 1)
    assert letter["NODE"] == "places" and letter["TOPIC"] == "places"  # type: ignore[index, call-overload]


async def test_a_record_that_fails_it_fails_its_tasks(bench: Bench) -> None:
    await bench.register(topology("FAIL"))
    await bench.start()
    await bench.append("visits", visits(1), partitions=2)
    assert await seen(bench, 1) == {1: None}
    await bench.append("places", [("p7", b"{", 1000)], partitions=3)
    waiter = bench.notices.subscribe("board")
    while True:
        tasks = bench.board.tasks("seen")
        if len(tasks) == 3 and all(t.state is TaskState.FAILED for t in tasks):
            break
        assert await waiter.wait(5.0), tasks
    assert all("places" in t.state_reason for t in tasks if t.sub != "places")


TP = TopicPartition("places", 0)
KEPT = Stamp(7, FORMAT, "w0/1", {"places[0]": 50}, {}, "boot", 1_000)


@pytest.mark.parametrize(("stamp", "found"), [
    (KEPT, {TP: 50}), (replace(KEPT, boot=CLEAN), {TP: 50}), (replace(KEPT, inputs={}), {TP: 10}),
    (None, "empty"), (replace(KEPT, incarnation=8), "another incarnation"), (replace(KEPT, boot="other"), "without a sync"),
    (replace(KEPT, committed_ms=1_000 - DELETE_RETENTION_MS), "tombstones"), (replace(KEPT, inputs={"places[0]": 5}), "is kept from"),
    (replace(KEPT, inputs={"places[0]": 101}), "is kept from"),
])
def test_where_reading_goes_on(stamp: Stamp | None, found: object) -> None:
    decided = positions(stamp, 7, "boot", 1_500, {TP: 10}, {TP: 100})
    assert found in decided if isinstance(found, str) else decided == found
