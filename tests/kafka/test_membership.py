"""Members share tasks, hand them over, lose them and are fenced: every record once, in order, whatever happens."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import threading
import time

import pytest
from broker import Broker
from penstock.errors import AssignmentLost
from penstock.log.kafka import protocol
from penstock.log.kafka.cluster import GROUP
from penstock.log.kafka.membership import KafkaGroup
from penstock.log.kafka.pulse import Work
from penstock.log.port import CommittedOffset, Log, TaskId, TopicPartition
from support import FAST, batch, kafka, read_all, run, unique, until
from worker import Load, Worker, check, stage

pytestmark = pytest.mark.kafka


def test_two_members_share_and_hand_over_without_loss(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with stage(kafka_broker) as (log, inputs, outputs, group), kafka(kafka_broker.bootstrap, "b") as other:
            load = Load(log, inputs)
            a, b = Worker(log, "a", group, inputs, outputs[0].topic), Worker(other, "b", group, inputs, outputs[0].topic)
            a.start()
            await until(lambda: len(a.running) == 4, what="the first member runs all")
            b.start()
            await until(lambda: len(a.running) == 2 and len(b.running) == 2, what="two and two")
            assert a.running | b.running == {0, 1, 2, 3} and a.losses == b.losses == 0
            commits = b.commits
            await until(lambda: b.commits > commits + 3)
            b.handle.drain()
            await until(lambda: len(a.running) == 4 and not b.running, what="drained")
            await b.stop()
            assert a.losses == b.losses == 0
            await check(log, await load.stop(), inputs, outputs, group)
            await a.stop()

    run(test())


def test_tasks_of_a_vanished_member_move(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with stage(kafka_broker) as (log, inputs, outputs, group), kafka(kafka_broker.bootstrap, "b") as other:
            load = Load(log, inputs)
            a, b = Worker(log, "a", group, inputs, outputs[0].topic), Worker(other, "b", group, inputs, outputs[0].topic)
            a.start()
            b.start()
            await until(lambda: len(a.running) == 2 and len(b.running) == 2)
            await until(lambda: b.commits > 3)
            b.task.cancel()  # kill -9, as far as the log can see: no commit, no leave, no heartbeat
            await _silence(b.handle)
            await until(lambda: len(a.running) == 4, what="taken over")
            assert a.losses == 0
            await check(log, await load.stop(), inputs, outputs, group)
            await a.stop()

    run(test())


def test_stopped_member_that_wakes_up_is_fenced(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with stage(kafka_broker) as (log, inputs, outputs, group), kafka(kafka_broker.bootstrap, "b") as other:
            load = Load(log, inputs)
            a, b = Worker(log, "a", group, inputs, outputs[0].topic), Worker(other, "b", group, inputs, outputs[0].topic)
            a.start()
            b.start()
            await until(lambda: len(a.running) == 2 and len(b.running) == 2)
            await until(lambda: b.commits > 3)
            b.frozen.clear()
            await asyncio.sleep(0.1)
            frozen = _freeze_thread(b.handle)
            await until(lambda: len(a.running) == 4, what="taken over")
            losses = b.losses
            frozen.set()
            b.frozen.set()
            await until(lambda: len(a.running) == 2 and len(b.running) == 2, what="shared again")
            assert b.losses > losses and a.losses == 0
            await check(log, await load.stop(), inputs, outputs, group)
            await a.stop()
            await b.stop()

    run(test())


def test_transaction_across_a_rebalance_is_sent_again_with_the_next_token(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with stage(kafka_broker, 2) as (log, inputs, outputs, group), kafka(kafka_broker.bootstrap, "b") as other:
            handle = await _joined(log, "a", group, inputs)
            tasks = frozenset(TaskId(0, p) for p in range(2))
            token = await handle.token_for(tasks, handle.epoch)
            writer = await log.writer(unique("w"))
            await writer.send(*outputs[0], batch(log, "kept"))
            second = await _joined(other, "b", group, inputs)
            await until(lambda: handle.latest is not None and handle.latest.token != token and bool(handle.latest.give_up))
            assert handle.latest is not None
            await writer.commit(group, token, lambda _: {inputs[0]: CommittedOffset(1), inputs[1]: CommittedOffset(2)})
            assert (await log.committed(group, inputs))[inputs[1]].offset == 2

            await writer.send(*outputs[0], batch(log, "lost"))
            handle.release(handle.latest.give_up, handle.latest)
            await until(lambda: second.latest is not None and len(second.latest.active) == 1)
            with pytest.raises(AssignmentLost):
                await writer.commit(group, token, lambda _: {inputs[0]: CommittedOffset(8), inputs[1]: CommittedOffset(8)})
            with pytest.raises(AssignmentLost):
                await handle.token_for(tasks, handle.epoch)
            await writer.discard()
            await (await log.writer(writer.producer.split("|")[0])).close()
            assert await read_all(log, outputs) == ["kept"]
            assert (await log.committed(group, inputs))[inputs[1]].offset == 2

    run(test())


def test_expelled_member_learns_a_new_epoch_even_when_it_gets_the_same_tasks(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with stage(kafka_broker, 2) as (log, inputs, outputs, group):
            handle = await _joined(log, "a", group, inputs)
            tasks, epoch = frozenset({TaskId(0, 0)}), handle.epoch
            token = await handle.token_for(tasks, epoch)
            writer = await log.writer(unique("w"))
            await writer.send(*outputs[0], batch(log, "lost"))
            cluster = log._cluster  # type: ignore[attr-defined]
            answer = await cluster.ask_coordinator(GROUP, group, protocol.LEAVE_GROUP(group, [(token.member, None)]))
            assert answer.error == 0
            with pytest.raises(AssignmentLost):
                await writer.commit(group, token, lambda _: {inputs[0]: CommittedOffset(1)})
            await until(lambda: handle.epoch > epoch and handle.latest is not None and len(handle.latest.active) == 2)
            with pytest.raises(AssignmentLost):
                await handle.token_for(tasks, epoch)
            assert (await handle.token_for(tasks, handle.epoch)).generation > 0
            await writer.discard()

    run(test())


def test_a_call_that_keeps_the_interpreters_lock_loses_nothing(kafka_broker: Broker) -> None:
    async def test() -> None:
        async with stage(kafka_broker) as (log, inputs, outputs, group), kafka(kafka_broker.bootstrap, "b") as other:
            a, b = await _joined(log, "a", group, inputs), await _joined(other, "b", group, inputs)
            await until(lambda: _pulse(a) and _pulse(b), what="the helpers run")
            await asyncio.sleep(1)
            epochs = a.epoch, b.epoch
            began = time.monotonic()
            length = 16
            while time.monotonic() - began < 3 * FAST.session / 1000:  # each step takes twice as long as the one before; no thread runs meanwhile
                length += 1
                re.match("(a+)+$", "a" * length + "b")
            longest = (time.monotonic() - began) / 2
            assert longest > FAST.session / 1000
            await asyncio.sleep(1)
            assert (a.epoch, b.epoch) == epochs
            await a.leave()
            await b.leave()

    run(test())


def test_a_frozen_worker_is_not_kept_alive() -> None:
    """The helper of a worker that does nothing sends nothing."""
    done = subprocess.Popen(["sleep", "60"])
    try:
        work = Work(done.pid)
        assert not work.seen() and not work.seen(), "it uses no processor time"
    finally:
        done.kill()
        done.wait()
    own = Work(os.getpid())
    own.seen()
    assert sum(range(3_000_000)) and own.seen()


def _pulse(handle: KafkaGroup) -> bool:
    return handle._owner.pulse._process is not None


async def _joined(log: Log, slot: str, group: str, inputs: list[TopicPartition]) -> KafkaGroup:
    changed = asyncio.Event()
    handle = log.membership(slot, "n0").join(group, [inputs[0].topic], [TaskId(0, tp.partition) for tp in inputs], lambda: "", changed.set)
    assert isinstance(handle, KafkaGroup)
    await until(lambda: handle.latest is not None, what=f"{slot} joins")
    return handle


async def _silence(handle: KafkaGroup) -> None:
    """The member stops without leaving."""
    owner = handle._owner
    owner.loop().call_soon_threadsafe(handle._runner.cancel)  # type: ignore[union-attr]
    handle._member = ""


def _freeze_thread(handle: KafkaGroup) -> threading.Event:
    """Stop the membership's thread, as SIGSTOP does, until the event is set: the process beside it sends nothing for a worker that is stopped, but
    here it would see one that works."""
    event = threading.Event()

    def freeze() -> None:
        if (beside := handle._owner.pulse._process) is not None:
            beside.kill()
        event.wait()

    handle._owner.loop().call_soon_threadsafe(freeze)
    return event
