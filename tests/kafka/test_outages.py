"""The broker goes away and comes back: reader, writer, appends and membership heal by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest
from broker import Broker
from penstock.errors import LogError, LogUnavailable, UnknownTopic
from penstock.log.kafka import transaction
from penstock.log.kafka.log import open_kafka
from penstock.log.port import TopicPartition
from ports import free_port
from support import batch, kafka, new_topic, read, run, until
from worker import Load, Worker, check, stage

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("end", [Broker.stop, Broker.kill], ids=["stop", "kill"])
def test_everything_heals_when_the_broker_is_restarted(kafka_broker: Broker, end: Callable[[Broker], None]) -> None:
    async def test() -> None:
        async with stage(kafka_broker) as (log, inputs, outputs, group), kafka(kafka_broker.bootstrap, "b") as other:
            load = Load(log, inputs)
            a, b = Worker(log, "a", group, inputs, outputs[0].topic), Worker(other, "b", group, inputs, outputs[0].topic)
            a.start()
            b.start()
            await until(lambda: len(a.running) == 2 and len(b.running) == 2)
            await asyncio.to_thread(end, kafka_broker)
            await until(lambda: bool(log.healthy()), what="the log says that it is away")
            await asyncio.sleep(1)
            await asyncio.to_thread(kafka_broker.restart)
            await until(lambda: not log.healthy(), what="the log says that it is back")
            sent = load.sent
            commits = a.commits, b.commits
            await until(lambda: load.sent > sent and a.commits > commits[0] and b.commits > commits[1], 40, "both go on")
            await until(lambda: a.running | b.running == {0, 1, 2, 3}, 40)
            await check(log, await load.stop(), inputs, outputs, group)
            await a.stop()
            await b.stop()

    run(test(), 120)


def test_a_short_outage_is_not_noticed_by_reader_and_writer(kafka_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "PATIENCE", 60.0)  # a broker takes longer to start on a busy machine

    async def test() -> None:
        async with kafka(kafka_broker.bootstrap) as log:
            tps = await new_topic(log)
            reader = log.reader()
            reader.add({tps[0]: 0})
            writer = await log.writer(tps[0].topic)
            await writer.send(*tps[0], batch(log, "a"))
            await writer.commit("", None, lambda _: {})
            assert await read(reader, 1) == ["a"]
            await asyncio.to_thread(kafka_broker.kill)
            await writer.send(*tps[0], batch(log, "b"))
            committing = asyncio.create_task(writer.commit("", None, lambda _: {}))
            reading = asyncio.create_task(read(reader, 1, timeout=60))
            await asyncio.to_thread(kafka_broker.restart)
            await committing
            assert await reading == ["b"]
            await reader.close()
            await writer.close()

    run(test(), 120)


def test_an_unreachable_log_says_so() -> None:
    async def test() -> None:
        port = free_port()
        started = time.monotonic()
        with pytest.raises(LogUnavailable, match=f"127.0.0.1:{port}"):
            await open_kafka(f"127.0.0.1:{port}", {}, process="p", patience=1.0)
        assert time.monotonic() - started < 4

    run(test())


def test_unknown_topics_are_named(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap) as log:
            nowhere = TopicPartition("nowhere", 0)
            with pytest.raises(UnknownTopic, match="nowhere"):
                await log.ends([nowhere])
            reader = log.reader()
            reader.add({nowhere: 0})
            with pytest.raises(UnknownTopic, match="nowhere"):
                for _ in range(100):
                    await reader.poll(0.1)
            await reader.close()
            writer = await log.writer("nowhere-writer")
            await writer.send("nowhere", 0, batch(log, "a"))
            with pytest.raises(UnknownTopic, match="nowhere"):
                await writer.commit("", None, lambda _: {})
            await writer.discard()
            with pytest.raises(UnknownTopic, match="nowhere"):
                await log.append("nowhere", 0, batch(log, "a", transactional=False))

    run(test())


@pytest.mark.slow
def test_a_cluster_of_three_loses_one_broker(tmp_path: object, kafka_broker: Broker) -> None:
    """Leaders and coordinators move while the load goes on; then the lost broker comes back and another one goes."""

    async def test(broker: Broker) -> None:
        async with stage(broker) as (log, inputs, outputs, group), kafka(broker.bootstrap, "b") as other:
            load = Load(log, inputs)
            a, b = Worker(log, "a", group, inputs, outputs[0].topic), Worker(other, "b", group, inputs, outputs[0].topic)
            a.start()
            b.start()
            await until(lambda: a.running | b.running == {0, 1, 2, 3} and a.commits > 3, 30)
            for node in (0, 1):
                await asyncio.to_thread(broker.kill, node)
                commits = a.commits + b.commits
                await until(lambda n=commits: a.commits + b.commits > n + 5, 60, f"goes on without broker {node}")  # type: ignore[misc]
                await asyncio.to_thread(broker.restart, node)
                await asyncio.sleep(3)  # its replicas catch up
            await until(lambda: a.running | b.running == {0, 1, 2, 3}, 40)
            await check(log, await load.stop(), inputs, outputs, group)
            with contextlib.suppress(LogError):
                await a.stop()
                await b.stop()

    with Broker(str(tmp_path), brokers=3) as broker:
        run(test(broker), 200)


