"""Tasks that come from another worker."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from broker import Broker
from harness import Bench
from penstock.log.kafka.writer import KafkaWriter
from penstock.log.port import CommittedOffset, TopicConfig, TopicPartition
from penstock.plan.nodes import Repartition
from penstock.runtime.board_port import TaskState
from penstock.runtime.recovery import CommitMetadata
from penstock_client.builder import Topology
from penstock_client.declare import Binding

pytestmark = pytest.mark.kafka


async def test_a_dead_workers_open_transaction_holds_nobody_back(kafka_broker: Broker, tmp_path: Path) -> None:
    """All members of its group died, others come. Its first commit names it; its second transaction is left open with the task's offset in it, as by
    kill -9 between steps 3 and 4."""
    bench = await Bench.on_kafka(kafka_broker, tmp_path).open()
    source, target = f"in-{bench.config.service_id}", f"out-{bench.config.service_id}"
    await bench.log.create_topic(source, TopicConfig(1))
    t = Topology("copying")
    t.stream(columns="K STRING KEY, V BIGINT", binding=Binding(topic=source, create=False), name="input").to("copies", binding=Binding(topic=target))
    plan = (await bench.register(t)).plan
    await bench.append(source, [("k", {"V": n}, 1000) for n in range(5)])
    dead = await bench.log.writer(f"{plan.group}-elsewhere-w0")
    assert isinstance(dead, KafkaWriter)
    tp = TopicPartition(source, 0)
    metadata = CommitMetadata({}, dead.producer).text()
    await dead.commit(plan.group, None, lambda _: {tp: CommittedOffset(2, metadata)})
    await dead._transaction.commit_offsets(plan.group, None, {tp: CommittedOffset(4, metadata)})
    began = time.monotonic()
    await bench.start("w7")
    assert [value for _, value in await bench.read(target, 3, timeout=12)] == [{"V": n} for n in (2, 3, 4)]
    assert time.monotonic() - began < 12, "the transaction's timeout is 15 s"
    await bench.stop()
    await bench.close()


async def test_a_task_that_comes_later_shows_what_its_earlier_worker_produced(kafka_broker: Broker, tmp_path: Path) -> None:
    """Else a program that reads its own write would wait for less than it: the next stage's target is what the task's worker had produced."""
    bench = await Bench.on_kafka(kafka_broker, tmp_path).open()
    source, target = f"in-{bench.config.service_id}", f"out-{bench.config.service_id}"
    await bench.log.create_topic(source, TopicConfig(2))
    t = Topology("chain")
    t.stream(columns="K STRING KEY, G STRING, V BIGINT", binding=Binding(topic=source, create=False), name="input").group_by("G").aggregate(
        total="SUM(V)", name="totals").to("totals_out", binding=Binding(topic=target))
    entry = await bench.register(t)
    repartitioned = next(n.topic for sub in entry.plan.subs for n in sub.nodes if isinstance(n, Repartition))
    await bench.start("w0")
    await bench.append(source, [(f"k{i}", {"G": f"g{i}", "V": i}, 1000 + i) for i in range(20)], partitions=2)
    assert len(await bench.read(target, 20)) == 20
    other = await Bench.on_kafka(kafka_broker, tmp_path, bench).open()
    await other.start("w1")

    async def shared(slots: set[str]) -> None:
        async with asyncio.timeout(20):
            while {t.worker for t in bench.board.tasks(entry.name) if t.state is TaskState.RUNNING} != slots:
                await asyncio.sleep(0.02)

    await shared({"w0", "w1"})
    first = entry.plan.subs[0].name
    kept = next(task.partition for task in bench.board.tasks(entry.name) if task.sub == first and task.worker == "w0")
    keys = [key for key in (f"k{i}" for i in range(40)) if sum(key.encode()) % 2 == kept]
    await bench.append(source, [(key, {"G": f"g{n}", "V": n}, 2000 + n) for n, key in enumerate(keys)], partitions=2)
    assert len(await bench.read(target, 20 + len(keys))) == 20 + len(keys)
    await bench.stop()
    await shared({"w1"})
    await bench.running(entry)
    ends: dict[str, int] = {}
    written = 0
    reader = bench.log.reader()
    reader.add({TopicPartition(repartitioned.topic, p): 0 for p in range(repartitioned.partitions)})
    while written < 20 + len(keys):
        for chunk in await reader.poll(0.1):
            written += len(chunk.records)
            ends[f"{chunk.tp.topic}[{chunk.tp.partition}]"] = chunk.records[-1].offset + 1
    await reader.close()
    moved = bench.board.task(entry.name, entry.incarnation, first, kept)
    assert moved is not None and {tp for tp in ends if moved.produced[tp] < ends[tp]} == set(), (ends, moved)
    await other.stop()
    await other.close()
    await bench.close()
