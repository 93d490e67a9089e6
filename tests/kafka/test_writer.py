"""Transactions on a real broker: all or nothing, fenced, and stable offsets."""

from __future__ import annotations

import asyncio
import time

import pytest
from broker import Broker
from penstock.errors import AssignmentLost, Fenced, LogUnavailable, RecordTooLarge, RequestError
from penstock.log.kafka.token import KafkaToken
from penstock.log.port import CommittedOffset
from support import batch, kafka, new_topic, read, read_all, run, unique

pytestmark = pytest.mark.kafka


def test_commit_is_refused_when_any_batch_failed(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap) as log:
            tps = await new_topic(log, 2)
            group = unique("group")
            writer = await log.writer(unique("w"))
            await writer.send(*tps[0], batch(log, "good"))
            large = log.builder(limit=4 << 20)
            assert large.append(1, b"k", b"x" * (2 << 20), [])
            await writer.send(*tps[1], large)
            with pytest.raises(RecordTooLarge):
                await writer.commit(group, None, lambda _: {tps[0]: CommittedOffset(5)})
            with pytest.raises(RecordTooLarge):
                await writer.send(*tps[0], batch(log, "later"))
            await writer.discard()
            again = await log.writer(writer.producer.split("|")[0])
            await again.send(*tps[0], batch(log, "again"))
            await again.commit(group, None, lambda _: {tps[0]: CommittedOffset(6)})
            assert await read_all(log, tps) == ["again"]
            assert (await log.committed(group, tps[:1]))[tps[0]].offset == 6
            await again.close()

    run(test())


def test_unstable_offsets_are_waited_for_and_fence_ends_the_wait(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap, "zombie") as old, kafka(kafka_broker.bootstrap, "heir") as new:
            tps = await new_topic(old)
            group = unique("group")
            zombie = await old.writer(unique("w"))
            await zombie.send(*tps[0], batch(old, "never seen"))
            transaction = zombie._transaction  # type: ignore[attr-defined]  # stopped between TxnOffsetCommit and EndTxn
            await zombie._sender.flush()  # type: ignore[attr-defined]
            await transaction.commit_offsets(group, None, {tps[0]: CommittedOffset(9)})

            waiting = asyncio.create_task(new.committed(group, tps))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            started = time.monotonic()
            await new.fence(zombie.producer)
            assert (await waiting)[tps[0]].offset == -1
            assert time.monotonic() - started < 5
            with pytest.raises(Fenced):
                await zombie.commit(group, None, lambda _: {})
            await zombie.discard()
            assert await read_all(new, tps) == []

    run(test())


def test_fence_leaves_a_newer_producer_alone(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap) as log:
            tps = await new_topic(log)
            old = await log.writer(unique("w"))
            new = await log.writer(old.producer.split("|")[0])
            await new.send(*tps[0], batch(log, "kept"))
            await new._sender.flush()  # type: ignore[attr-defined]  # its transaction is open at the broker
            await log.fence(old.producer)
            await new.commit("", None, lambda _: {})
            assert await read_all(log, tps) == ["kept"]
            await old.discard()
            await new.close()

    run(test())


def test_token_of_a_stranger_is_refused(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap) as log:
            tps = await new_topic(log)
            writer = await log.writer(unique("w"))
            await writer.send(*tps[0], batch(log, "lost"))
            with pytest.raises(AssignmentLost):
                await writer.commit(unique("group"), KafkaToken("g", 3, "nobody"), lambda _: {tps[0]: CommittedOffset(1)})
            await writer.discard()
            await (await log.writer(writer.producer.split("|")[0])).close()
            assert await read_all(log, tps) == []

    run(test())


def test_discard_does_not_wait_for_a_stopped_broker(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap) as log:
            tps = await new_topic(log)
            writer = await log.writer(unique("w"))
            await writer.send(*tps[0], batch(log, "a"))
            kafka_broker.pause()
            try:
                await writer.send(*tps[0], batch(log, "b"))
                committing = asyncio.create_task(writer.commit("", None, lambda _: {}))
                await asyncio.sleep(0.1)
                started = time.monotonic()
                committing.cancel()
                await writer.discard()
                assert time.monotonic() - started < 1
            finally:
                kafka_broker.resume()
            successor = await log.writer(writer.producer.split("|")[0])
            await successor.send(*tps[0], batch(log, "c"))
            await successor.commit("", None, lambda _: {})
            assert await read_all(log, tps) == ["c"]
            await successor.close()

    run(test())


def test_sequence_moves_with_the_producer_between_processes(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap, "g1") as one, kafka(kafka_broker.bootstrap, "g2") as two:
            tps = await new_topic(one, 2)
            producer = unique("producer")
            assert (await one.append_many({tps[0]: batch(one, "a"), tps[1]: batch(one, "b")}, producer, 1))[1] is False
            assert await two.append(*tps[0], batch(two, "a again"), producer, 1) == (-1, True)
            assert (await two.append(*tps[0], batch(two, "c"), producer, 2))[1] is False
            assert await one.append(*tps[0], batch(one, "c again"), producer, 2) == (-1, True)
            with pytest.raises(RequestError) as gap:
                await one.append(*tps[0], batch(one, "e"), producer, 4)
            assert gap.value.reason == "SEQUENCE_GAP" and gap.value.metadata["expected"] == "3"
            assert await two.last_sequence(producer) == 2
            assert sorted(await read_all(one, tps)) == ["a", "b", "c"]

    run(test())


def test_one_of_many_wins_each_compare_and_append(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap, "a") as a, kafka(kafka_broker.bootstrap, "b") as b:
            tps = await new_topic(a, name="registry")

            async def add(log: object, name: str) -> None:
                while True:
                    reader = log.reader()  # type: ignore[attr-defined]
                    end = (await log.ends(tps))[tps[0]]  # type: ignore[attr-defined]
                    reader.add({tps[0]: 0})
                    while reader.ends()[tps[0]][0] < end:
                        await reader.poll(0.1)
                    await reader.close()
                    try:
                        if await log.compare_and_append(tps[0].topic, end, batch(log, name)) is not None:  # type: ignore[attr-defined, arg-type]
                            return
                    except LogUnavailable:  # unknown: look
                        if name in await read_all(log, tps):  # type: ignore[arg-type]
                            return

            await asyncio.gather(*(add(log, f"{i}") for i, log in enumerate([a, b, a, b])))
            assert sorted(await read_all(a, tps)) == ["0", "1", "2", "3"]

    run(test())


def test_large_append_fails_alone(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap) as log:
            tps = await new_topic(log)
            large = log.builder(limit=4 << 20, transactional=False)
            assert large.append(1, b"k", b"x" * (2 << 20), [])
            three = batch(log, "a", transactional=False), large, batch(log, "b", transactional=False)
            results = await asyncio.gather(*(log.append(*tps[0], b) for b in three), return_exceptions=True)
            assert isinstance(results[1], RecordTooLarge)
            assert await log.append(*tps[0], batch(log, "c", transactional=False)) == (2, False)
            assert await read_all(log, tps) == ["a", "b", "c"]

    run(test())


def test_reader_keeps_what_is_buffered_when_partitions_come_and_go(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with kafka(kafka_broker.bootstrap) as log:
            tps = await new_topic(log, 3)
            for tp in tps:
                await log.append(*tp, batch(log, *(f"{tp.partition}-{i}" for i in range(50)), transactional=False))
            reader = log.reader(max_wait=5.0)
            reader.add({tps[0]: 0})
            assert len(await read(reader, 50)) == 50
            await asyncio.sleep(0.1)  # a fetch is parked at the broker for 5 s now
            started = time.monotonic()
            reader.add({tps[1]: 10})
            assert await read(reader, 40) == [f"1-{i}" for i in range(10, 50)]
            assert time.monotonic() - started < 2
            reader.pause([tps[2]])
            reader.add({tps[2]: 0})
            reader.pause([tps[2]])
            assert await reader.poll(0.2) == []
            reader.resume([tps[2]])
            assert len(await read(reader, 50)) == 50
            assert reader.ends() == dict.fromkeys(tps, (50, 50))
            await reader.close()

    run(test())
