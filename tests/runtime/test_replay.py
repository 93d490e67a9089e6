"""Dead letters that are processed again: once, by the task that failed, with their own times, headers and offsets."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from harness import Bench
from penstock.clock import SystemClock
from penstock.errors import ExpressionError, RequestError
from penstock.log.port import TopicConfig, TopicPartition
from penstock.plugins import Context, Processor, Record, installed
from penstock.serving.gateway import Gateway
from penstock.serving.replay import Outcome, replay_letters, wanted
from penstock_client.builder import Topology
from penstock_client.declare import Binding


class Fragile(Processor):
    """Raises for odd values while it is broken; tells what it knows of a record."""

    broken = True
    outputs = {"out": "K STRING KEY, V BIGINT, WHERE STRING, AT BIGINT, H STRING"}

    def process(self, record: Record, context: Context) -> None:
        assert record.value is not None
        if self.broken and record.value["V"] % 2:
            raise RuntimeError(f"odd: {record.value['V']}")
        headers = ",".join(f"{name}={(value or b'').decode()}" for name, value in record.headers)
        context.forward(record.with_value({"V": record.value["V"], "WHERE": f"{context.topic}@{context.offset}", "AT": record.timestamp, "H": headers}))


async def running(bench: Bench, max_task_idle: float | None = None) -> tuple[str, Any]:
    installed.add("fragile", Fragile)
    Fragile.broken = True
    service = bench.config.service_id
    await bench.log.create_topic(f"{service}.in", TopicConfig(2))
    t = Topology("fragile", max_task_idle=max_task_idle)
    t.stream(columns="K STRING KEY, V BIGINT", binding=Binding(topic=f"{service}.in", create=False), name="readings").process(
        "fragile", name="fragile")["out"].to("fragile_out", binding=Binding(topic=f"{service}.out"))
    entry = await bench.register(t)
    await bench.start()
    return service, entry


async def appended(bench: Bench, service: str, values: list[int]) -> None:
    """Each value under a key of its own, with a header; even keys to partition 0, odd ones to 1."""
    for p in (0, 1):
        builder = bench.log.builder(transactional=False)
        for v in values:
            if v // 2 % 2 == p:
                assert builder.append(1000 + v, f"k{v}".encode(), b'{"V": %d}' % v, (("n", str(v).encode()),))
        if builder.count:
            await bench.log.append_many({TopicPartition(f"{service}.in", p): builder})


async def replayed(bench: Bench, where: str = "", reason: str = "", only_check: bool = False) -> Outcome:
    gateway = cast(Gateway, SimpleNamespace(log=bench.log, registry=bench.registry, clock=SystemClock(), notices=bench.notices))
    return await replay_letters(gateway, "fragile", wanted(where, reason), only_check)


async def test_letters_are_replayed_once(on_either_log: Bench) -> None:
    bench = on_either_log
    service, entry = await running(bench)
    await appended(bench, service, list(range(12)))
    assert len(await bench.read(f"{service}.out", 6)) == 6
    assert len(await bench.read(entry.plan.dead_letter_topic, 6)) == 6
    Fragile.broken = False
    assert await replayed(bench, where="PARTITION = 0 AND OFFSET = 1", only_check=True) == Outcome(1, 0, 0)
    assert await replayed(bench, reason="odd: 11") == Outcome(1, 0, 0)
    both = await asyncio.gather(replayed(bench), replayed(bench))
    assert sorted((o.replayed, o.before) for o in both) == [(0, 6), (5, 1)]  # whoever was slower finds them replayed
    await bench.crash()
    await bench.start()
    out = await bench.read(f"{service}.out", 12)
    rows = {row["V"]: (row["AT"], row["H"], row["WHERE"].split("@")[0]) for _, row in out}  # type: ignore[index]
    assert rows == {v: (1000 + v, f"n={v}", f"{service}.in") for v in range(12)} and len(out) == 12
    offsets = {row["V"]: int(row["WHERE"].split("@")[1]) for _, row in out}  # type: ignore[index]
    assert [offsets[v] for v in (1, 5, 9)] == [1, 3, 5] and [offsets[v] for v in (3, 7, 11)] == [1, 3, 5]
    assert await replayed(bench) == Outcome(0, 6, 0)
    await asyncio.sleep(0.5)
    assert len(await bench.read(f"{service}.out", 13, timeout=1)) == 12


async def test_a_letter_that_fails_again_is_a_new_one(on_either_log: Bench) -> None:
    bench = on_either_log
    service, entry = await running(bench, max_task_idle=0.2)
    await appended(bench, service, [1])
    assert len(await bench.read(entry.plan.dead_letter_topic, 1)) == 1
    assert await replayed(bench) == Outcome(1, 0, 0)
    letters = [row for _, row in await bench.read(entry.plan.dead_letter_topic, 2)]
    assert [(row["TOPIC"], row["PARTITION"], row["OFFSET"], row["RECORD_TIME"]) for row in letters] == [(f"{service}.in", 0, 0, 1001)] * 2  # type: ignore[index]
    Fragile.broken = False
    assert await replayed(bench) == Outcome(1, 1, 0)
    assert [row["V"] for _, row in await bench.read(f"{service}.out", 1)] == [1]  # type: ignore[index]
    await appended(bench, service, [4, 5])  # others go on
    assert len(await bench.read(f"{service}.out", 3)) == 3


async def test_what_cannot_be_chosen_or_replayed(on_either_log: Bench) -> None:
    bench = on_either_log
    await running(bench)
    assert await replayed(bench) == Outcome(0, 0, 0)
    with pytest.raises(ExpressionError, match="NODES"):
        wanted("NODES = 'x'", "")
    gateway = cast(Gateway, SimpleNamespace(log=bench.log, registry=bench.registry, clock=SystemClock(), notices=bench.notices))
    with pytest.raises(RequestError, match="there is no topology nothing"):
        await replay_letters(gateway, "nothing", wanted("", ""), False)
