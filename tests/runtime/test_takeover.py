"""Workers that nobody remembers: all members of a group died, others come."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from broker import Broker
from harness import Bench
from penstock.log.kafka.log import open_kafka
from penstock.log.kafka.writer import KafkaWriter
from penstock.log.port import CommittedOffset, TopicConfig, TopicPartition
from penstock.runtime.recovery import CommitMetadata
from penstock_client.builder import Topology
from penstock_client.declare import Binding

pytestmark = pytest.mark.kafka


async def test_a_dead_workers_open_transaction_holds_nobody_back(kafka_broker: Broker, tmp_path: Path) -> None:
    """Its first commit names it; its second transaction is left open with the task's offset in it, as by kill -9 between steps 3 and 4."""
    bench = Bench(tmp_path, lambda: open_kafka(kafka_broker.bootstrap, {}, process="test", service=bench.config.service_id))
    await bench.open()
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
