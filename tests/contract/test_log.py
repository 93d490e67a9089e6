"""What every Log does (log/port.py): one suite, run on each implementation.

Several opens of one environment stand for several processes of a node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from penstock.errors import AssignmentLost, Fenced, LogError, OffsetOutOfRange, RecordTooLarge, RequestError, UnknownTopic
from penstock.log.port import CommittedOffset, GroupHandle, Log, TaskId, TopicConfig, TopicPartition

BASE = 1_700_000_000_000


def no_offsets(ends: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, CommittedOffset]:
    return {}


async def make(log: Log, name: str, partitions: int = 1, **settings: Any) -> list[TopicPartition]:
    info = await log.create_topic(name, TopicConfig(partitions, retention_ms=settings.pop("retention_ms", -1), **settings))
    assert info.partitions == partitions
    return [TopicPartition(name, p) for p in range(partitions)]


async def assigned(handle: GroupHandle, seconds: float = 20.0) -> Any:
    async with asyncio.timeout(seconds):
        while handle.latest is None or handle.holding:
            await asyncio.sleep(0.02)
    return handle.latest


# topics
async def test_topics_are_created_described_and_listed(log_env: Any) -> None:
    log, other = await log_env.open(), await log_env.open()
    name, missing = log_env.name("t"), log_env.name("missing")
    created = await log.create_topic(name, TopicConfig(3, compact=True))
    assert (created.name, created.partitions, created.topic_id != "") == (name, 3, True)
    again = await log.create_topic(name, TopicConfig(5))
    assert (again.partitions, again.topic_id) == (3, created.topic_id), "an existing topic is answered as it is"
    found = await other.topics([name, missing])
    assert list(found) == [name] and found[name].topic_id == created.topic_id and found[name].partitions == 3
    assert await other.shapes([name, missing]) == {name: (created.topic_id, 3)}
    assert name in await other.topics()
    assert log.log_id == other.log_id != ""


async def test_a_recreated_topic_is_another_one(log_env: Any, batch: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    (tp,) = await make(log, name)
    before = (await log.topics([name]))[name]
    await log.append(name, 0, batch(log, (b"k", b"v")))
    await log.delete_topics([name])
    async with asyncio.timeout(10):
        while await log.topics([name]):
            await asyncio.sleep(0.02)
    await log.delete_topics([name])  # gone already: no error
    await make(log, name)
    assert (await log.topics([name]))[name].topic_id != before.topic_id
    assert (await log.ends([tp]))[tp] == 0


async def test_unknown_topics_are_named(log_env: Any, batch: Any) -> None:
    log = await log_env.open()
    name = log_env.name("missing")
    tp = TopicPartition(name, 0)
    with pytest.raises(UnknownTopic) as e:
        await log.ends([tp])
    assert e.value.topic == name
    with pytest.raises(UnknownTopic):
        await log.earliest([tp])
    with pytest.raises(UnknownTopic):
        await log.append(name, 0, batch(log, (b"k", b"v")))
    reader = log.reader()
    reader.add({tp: 0})
    with pytest.raises(UnknownTopic):
        for _ in range(40):
            await reader.poll(0.25)
    await reader.close()


# append and read
async def test_what_was_appended_comes_back(log_env: Any, read_all: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    (tp,) = await make(log, name)
    builder = log.builder(transactional=False)
    builder.append(BASE, b"k", b"v", [("h", b"1"), ("h", b"2"), ("none", None)])
    builder.append(BASE + 7, None, b"", [])
    builder.append(BASE - 5, b"", None, [])
    assert builder.count == 3 and builder.size() > 61
    assert await log.append(name, 0, builder) == (0, False)
    records = await read_all(log, tp)
    assert [(r.offset, r.timestamp, r.key, r.value) for r in records] == [
        (0, BASE, b"k", b"v"), (1, BASE + 7, None, b""), (2, BASE - 5, b"", None)]
    assert [list(r.headers) for r in records] == [[("h", b"1"), ("h", b"2"), ("none", None)], [], []]


async def test_offsets_grow_over_processes(log_env: Any, batch: Any, read_all: Any) -> None:
    a, b = await log_env.open(), await log_env.open()
    name = log_env.name("t")
    (tp,) = await make(a, name)
    assert (await a.append(name, 0, batch(a, (b"a", b"1"), (b"b", b"2"))))[0] == 0
    assert (await b.append(name, 0, batch(b, (b"c", b"3"))))[0] == 2
    assert [(r.offset, r.key) for r in await read_all(a, tp)] == [(0, b"a"), (1, b"b"), (2, b"c")]
    assert [r.key for r in await read_all(b, tp, 1)] == [b"b", b"c"], "reading starts inside a batch"


async def test_ends_are_known_for_empty_partitions(log_env: Any, batch: Any, poll_for: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    a, b = await make(log, name, 2)
    assert await log.earliest([a, b]) == {a: 0, b: 0} and await log.ends([a, b]) == {a: 0, b: 0}
    await log.append(name, 0, batch(log, (b"k", b"v")))
    reader = log.reader()
    reader.add({a: 0, b: 0})
    (chunk,) = [c for c in await poll_for(reader, 1) if c.records]
    assert (chunk.tp, chunk.start, chunk.next, chunk.end) == (a, 0, 1, 1)
    for _ in range(40):
        if reader.ends()[b] == (0, 0):
            break
        await reader.poll(0.25)
    assert reader.ends() == {a: (1, 1), b: (0, 0)}
    assert await reader.poll(0) == []
    await reader.close()


async def test_a_waiting_poll_is_woken_by_an_append(log_env: Any, batch: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    (tp,) = await make(log, name)
    reader = log.reader()
    reader.add({tp: 0})
    assert await reader.poll(0.1) == []
    polled = asyncio.create_task(reader.poll(20))
    await asyncio.sleep(0.1)
    assert not polled.done()
    await log.append(name, 0, batch(log, (b"k", b"v")))
    (chunk,) = await asyncio.wait_for(polled, 10)
    assert chunk.records[0].key == b"k"
    await reader.close()


async def test_partitions_are_added_removed_paused_and_resumed(log_env: Any, batch: Any, poll_for: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    a, b = await make(log, name, 2)
    reader = log.reader()
    reader.add({a: 0})
    for p in (0, 1):
        await log.append(name, p, batch(log, (b"%d" % p, b"v")))
    assert {c.tp for c in await poll_for(reader, 1)} == {a}
    reader.pause([a])
    await log.append(name, 0, batch(log, (b"later", b"v")))
    reader.add({b: 0})
    assert {c.tp for c in await poll_for(reader, 1)} == {b}
    for _ in range(3):
        assert not [c for c in await reader.poll(0.1) if c.tp == a], "paused"
    reader.resume([a])
    assert [(c.tp, r.key) for c in await poll_for(reader, 1) for r in c.records] == [(a, b"later")]
    reader.remove([a])
    await log.append(name, 0, batch(log, (b"unseen", b"v")))
    assert await reader.poll(0.3) == [] and a not in reader.ends()
    reader.add({a: 0})
    assert [r.key for c in await poll_for(reader, 3) for r in c.records] == [b"0", b"later", b"unseen"]
    await reader.close()


async def test_many_records_come_in_chunks_fairly(log_env: Any, batch: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    tps = await make(log, name, 3)
    for tp in tps:
        for _ in range(3):
            await log.append(name, tp.partition, batch(log, *[(b"k", b"v")] * 3000))
    reader = log.reader()
    reader.add(dict.fromkeys(tps, 0))
    counts = dict.fromkeys(tps, 0)
    chunks = 0
    async with asyncio.timeout(20):
        while sum(counts.values()) < 27000:
            for chunk in await reader.poll(1.0, max_chunks=2):
                assert chunk.start == counts[chunk.tp]
                counts[chunk.tp] += len(chunk.records)
                chunks += 1
                assert len(chunk.records) <= 4000
                if chunks == 6:
                    assert min(counts.values()) > 0, "no partition starves"
    await reader.close()


async def test_a_position_outside_the_log_is_refused(log_env: Any, batch: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    (tp,) = await make(log, name)
    await log.append(name, 0, batch(log, (b"k", b"v")))
    reader = log.reader()
    reader.add({tp: 5})
    with pytest.raises(OffsetOutOfRange) as e:
        for _ in range(40):
            await reader.poll(0.25)
    assert (e.value.topic, e.value.partition, e.value.offset) == (name, 0, 5)
    reader.remove([tp])
    reader.add({tp: 0})
    async with asyncio.timeout(10):
        while not await reader.poll(0.25):
            pass
    await reader.close()


async def test_a_batch_or_record_over_the_limit_is_refused(log_env: Any, batch: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    (tp,) = await make(log, name)
    with pytest.raises(RecordTooLarge):
        await log.append(name, 0, batch(log, (b"k", b"x" * 2_000_000)))
    writer = await log.writer(log_env.name("w"))
    with pytest.raises(RecordTooLarge):
        await writer.send(name, 0, batch(log, (b"k", b"x" * 2_000_000), transactional=True))
        await writer.commit(log_env.name("g"), None, no_offsets)
    await writer.discard()
    assert (await log.ends([tp]))[tp] == 0


async def test_a_builder_says_when_it_is_full(log_env: Any) -> None:
    log = await log_env.open()
    builder = log.builder(limit=1000)
    assert builder.append(BASE, b"k", b"x" * 3000, []), "a larger record is taken alone"
    assert not builder.append(BASE, b"k", b"x", []) and builder.count == 1
    builder = log.builder(limit=1000)
    n = 0
    while builder.append(BASE, b"k", b"x" * 100, []):
        n += 1
    assert builder.count == n and 5 <= n <= 10 and builder.size() <= 1000


# transactions
async def test_a_transaction_is_visible_whole_with_its_offsets(log_env: Any, batch: Any, read_all: Any) -> None:
    log, other = await log_env.open(), await log_env.open()
    name, group = log_env.name("t"), log_env.name("g")
    a, b, source = await make(log, name, 3)
    await log.append(name, 2, batch(log, (b"in", b"v")))
    writer = await log.writer(log_env.name("w"))
    assert writer.producer.count("|") == 2
    await writer.send(name, 0, batch(log, (b"1", b"x"), (b"2", b"y"), transactional=True))
    await writer.send(name, 1, batch(log, (b"3", b"z"), transactional=True))
    await asyncio.sleep(0.1)
    assert await other.ends([a, b]) == {a: 0, b: 0}, "nothing is visible before the commit"
    asked: list[Mapping[TopicPartition, int]] = []

    def offsets(ends: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, CommittedOffset]:
        asked.append(dict(ends))
        return {source: CommittedOffset(1, f"reached {ends[a]}")}

    ends = await writer.commit(group, None, offsets)
    assert ends == {a: 2, b: 1} == asked[-1]
    assert [r.key for r in await read_all(other, a)] == [b"1", b"2"]
    assert [r.value for r in await read_all(other, b)] == [b"z"]
    assert await other.committed(group, [source, a]) == {source: CommittedOffset(1, "reached 2"), a: CommittedOffset(-1)}
    await writer.send(name, 0, batch(log, (b"4", b"z"), transactional=True))
    ends = await writer.commit(group, None, no_offsets)
    assert [r.key for r in await read_all(other, a)] == [b"1", b"2", b"4"]
    assert ends[a] == [r.offset for r in await read_all(other, a)][-1] + 1
    assert (await other.committed(group, [source]))[source].offset == 1, "offsets not named stay"
    await writer.close()


async def test_offsets_alone_can_be_committed(log_env: Any) -> None:
    log = await log_env.open()
    name, group = log_env.name("t"), log_env.name("g")
    (tp,) = await make(log, name)
    writer = await log.writer(log_env.name("w"))
    metadata = "é" * 1000
    assert await writer.commit(group, None, lambda ends: {tp: CommittedOffset(0, metadata)}) == {}
    assert (await log.committed(group, [tp]))[tp] == CommittedOffset(0, metadata)
    await writer.close()


async def test_discard_leaves_nothing(log_env: Any, batch: Any, read_all: Any) -> None:
    log = await log_env.open()
    name, wid = log_env.name("t"), log_env.name("w")
    (tp,) = await make(log, name)
    writer = await log.writer(wid)
    await writer.send(name, 0, batch(log, (b"lost", b"x"), transactional=True))
    await writer.discard()
    with pytest.raises(LogError):
        await writer.commit(log_env.name("g"), None, no_offsets)
    successor = await log.writer(wid)
    await successor.send(name, 0, batch(log, (b"kept", b"x"), transactional=True))
    await successor.commit(log_env.name("g"), None, no_offsets)
    assert [r.key for r in await read_all(log, tp)] == [b"kept"]
    await successor.close()


async def test_a_second_writer_of_an_id_fences_the_first(log_env: Any, batch: Any, read_all: Any) -> None:
    a, b = await log_env.open(), await log_env.open()
    name, wid, group = log_env.name("t"), log_env.name("w"), log_env.name("g")
    (tp,) = await make(a, name)
    first = await a.writer(wid)
    await first.send(name, 0, batch(a, (b"zombie", b"x"), transactional=True))
    second = await b.writer(wid)
    assert second.producer != first.producer
    with pytest.raises(Fenced):
        await first.commit(group, None, lambda ends: {tp: CommittedOffset(9)})
    await first.discard()
    await second.send(name, 0, batch(b, (b"new", b"x"), transactional=True))
    await second.commit(group, None, no_offsets)
    assert [r.key for r in await read_all(b, tp)] == [b"new"]
    assert (await b.committed(group, [tp]))[tp].offset == -1
    await second.close()


async def test_fence_ends_exactly_the_producer_named(log_env: Any, batch: Any, read_all: Any) -> None:
    a, b = await log_env.open(), await log_env.open()
    name, wid, group = log_env.name("t"), log_env.name("w"), log_env.name("g")
    (tp,) = await make(a, name)
    old = await a.writer(wid)
    new = await a.writer(wid)
    await b.fence(old.producer)  # a newer one exists: nothing happens
    await new.send(name, 0, batch(a, (b"1", b"x"), transactional=True))
    await new.commit(group, None, no_offsets)
    await new.send(name, 0, batch(a, (b"2", b"x"), transactional=True))
    await b.fence(new.producer)
    with pytest.raises(Fenced):
        await new.commit(group, None, no_offsets)
    await new.discard()
    await old.discard()
    assert [r.key for r in await read_all(b, tp)] == [b"1"]


# groups
async def test_group_offsets_are_reset_and_deleted(log_env: Any) -> None:
    log, other = await log_env.open(), await log_env.open()
    name, group = log_env.name("t"), log_env.name("g")
    a, b = await make(log, name, 2)
    assert await log.committed(group, [a, b]) == {a: CommittedOffset(-1), b: CommittedOffset(-1)}
    await log.reset_offsets(group, {a: CommittedOffset(0, "m"), b: CommittedOffset(3)})
    assert await other.committed(group, [a, b]) == {a: CommittedOffset(0, "m"), b: CommittedOffset(3)}
    await log.delete_group(group)
    assert await other.committed(group, [a, b]) == {a: CommittedOffset(-1), b: CommittedOffset(-1)}
    await log.delete_group(group)  # gone already: no error


async def test_a_member_gets_tasks_and_a_token_that_commits(log_env: Any, batch: Any, read_all: Any) -> None:
    log = await log_env.open()
    name, group = log_env.name("t"), log_env.name("g")
    tps = await make(log, name, 2)
    membership = log.membership("w0", "n0")
    told = asyncio.Event()
    tasks = [TaskId(0, 0), TaskId(0, 1)]
    writer = await log.writer(log_env.name("w"))
    handle = membership.join(group, [name], tasks, lambda: writer.producer, told.set)
    assignment = await assigned(handle)
    await asyncio.wait_for(told.wait(), 10)
    assert assignment.active == frozenset(tasks) and not assignment.give_up and assignment.epoch == handle.epoch
    await writer.send(name, 0, batch(log, (b"k", b"v"), transactional=True))
    await writer.commit(group, assignment.token, lambda ends: {tps[1]: CommittedOffset(4, "m")})
    assert [r.key for r in await read_all(log, tps[0])] == [b"k"]
    assert (await log.committed(group, [tps[1]]))[tps[1]] == CommittedOffset(4, "m")
    second = membership.join(log_env.name("g2"), [name], tasks, lambda: writer.producer, lambda: None)
    assert (await assigned(second)).active == frozenset(tasks), "one membership, many groups"
    await second.leave()
    await handle.leave()
    await membership.close()
    await writer.close()


async def test_a_token_of_a_lost_membership_commits_nothing(log_env: Any, batch: Any, read_all: Any) -> None:
    a, b = await log_env.open(), await log_env.open()
    name, group = log_env.name("t"), log_env.name("g")
    (tp,) = await make(a, name)
    first = a.membership("w0", "n0")
    handle = first.join(group, [name], [TaskId(0, 0)], lambda: "", lambda: None)
    stale = (await assigned(handle)).token
    await handle.leave()
    await first.close()
    second = b.membership("w0", "n0")
    successor = second.join(group, [name], [TaskId(0, 0)], lambda: "", lambda: None)
    fresh = (await assigned(successor)).token
    zombie = await a.writer(log_env.name("zombie"))
    await zombie.send(name, 0, batch(a, (b"zombie", b"x"), transactional=True))
    with pytest.raises((AssignmentLost, Fenced)):
        await zombie.commit(group, stale, lambda ends: {tp: CommittedOffset(7)})
    await zombie.discard()
    writer = await b.writer(log_env.name("w"))
    await writer.commit(group, fresh, lambda ends: {tp: CommittedOffset(1)})
    assert (await b.committed(group, [tp]))[tp].offset == 1
    assert await read_all(b, tp) == []
    await successor.leave()
    await second.close()
    await writer.close()


async def test_members_of_two_editions_never_have_tasks_at_once(log_env: Any) -> None:
    a, b = await log_env.open(), await log_env.open()
    name, group = log_env.name("t"), log_env.name("g")
    await make(a, name, 2)
    if hasattr(a, "set_workers"):
        await a.set_workers(2)
    tasks = [TaskId(0, 0), TaskId(0, 1)]
    first, second = a.membership("w0", "n0"), b.membership("w1", "n0")
    old = first.join(group, [name], tasks, lambda: "", lambda: None)
    await assigned(old)
    new = second.join(group, [name], tasks, lambda: "", lambda: None, edition=1)
    await asyncio.sleep(0.5)
    assert new.latest is None, "a member of the old edition is there"
    await old.leave()
    found = await assigned(new)
    late = first.join(group, [name], tasks, lambda: "", lambda: None)
    await asyncio.sleep(0.5)
    assert late.latest is None and new.latest is found, "who has not heard of the new edition waits"
    await late.leave()
    same = first.join(group, [name], tasks, lambda: "", lambda: None, edition=1)
    await assigned(same)
    for handle in (same, new):
        await handle.leave()
    await first.close()
    await second.close()


# appends with a memory
async def test_sequences_make_appends_idempotent(log_env: Any, batch: Any, read_all: Any) -> None:
    log, other = await log_env.open(), await log_env.open()
    name, pid = log_env.name("t"), log_env.name("producer")
    (tp,) = await make(log, name)
    assert await log.last_sequence(pid) == 0
    assert await log.append(name, 0, batch(log, (b"1", b"v")), pid, 1) == (0, False)
    assert await log.append(name, 0, batch(log, (b"1", b"v")), pid, 1) == (-1, True)
    with pytest.raises(RequestError) as e:
        await log.append(name, 0, batch(log, (b"3", b"v")), pid, 3)
    assert e.value.reason == "SEQUENCE_GAP" and e.value.metadata["expected"] == "2"
    _, duplicate = await log.append(name, 0, batch(log, (b"2", b"v")), pid, 2)
    assert not duplicate
    assert await log.last_sequence(pid) == 2
    assert await other.last_sequence(pid) == 2
    assert [r.key for r in await read_all(log, tp)] == [b"1", b"2"]
    _, duplicate = await log.append(name, 0, batch(log, (b"other", b"v")), log_env.name("producer"), 1)
    assert not duplicate, "each producer id has its own sequence"


async def test_append_many_is_all_or_nothing(log_env: Any, batch: Any, read_all: Any) -> None:
    log = await log_env.open()
    name, pid = log_env.name("t"), log_env.name("producer")
    a, b = await make(log, name, 2)
    rows = {a: batch(log, (b"1", b"v"), (b"2", b"v")), b: batch(log, (b"3", b"v"))}
    ends, duplicate = await log.append_many(rows, pid, 1)
    assert not duplicate and ends == {a: 2, b: 1}
    _, duplicate = await log.append_many({a: batch(log, (b"1", b"v")), b: batch(log, (b"3", b"v"))}, pid, 1)
    assert duplicate
    with pytest.raises(UnknownTopic):
        await log.append_many({a: batch(log, (b"9", b"v")), TopicPartition(log_env.name("missing"), 0): batch(log, (b"9", b"v"))}, pid, 2)
    assert await log.last_sequence(pid) == 1
    assert [r.key for r in await read_all(log, a)] == [b"1", b"2"] and [r.key for r in await read_all(log, b)] == [b"3"]
    ends, _ = await log.append_many({a: batch(log, (b"4", b"v"))})
    assert ends[a] == [r.offset for r in await read_all(log, a)][-1] + 1


async def test_a_producer_that_is_opened_anew_fences_the_earlier_one(log_env: Any, batch: Any, read_all: Any) -> None:
    log, other = await log_env.open(), await log_env.open()
    name, pid = log_env.name("t"), log_env.name("producer")
    (tp,) = await make(log, name)
    assert await log.open_producer(pid) == (0, 1)
    await log.append_many({tp: batch(log, (b"1", b"v"))}, pid, 1, 1)
    assert await log.open_producer(pid, 1) == (1, 1), "the same one goes on"
    assert await other.open_producer(pid) == (1, 2)
    for fenced in (log.append_many({tp: batch(log, (b"x", b"v"))}, pid, 2, 1), log.open_producer(pid, 1)):
        with pytest.raises(RequestError) as e:
            await fenced
        assert e.value.reason == "PRODUCER_FENCED"
    await other.append_many({tp: batch(other, (b"2", b"v"))}, pid, 2, 2)
    restarted = await log_env.open()
    with pytest.raises(RequestError) as e:
        await restarted.append_many({tp: batch(restarted, (b"x", b"v"))}, pid, 3, 1)
    assert e.value.reason == "PRODUCER_FENCED"
    assert await restarted.open_producer(pid, 2) == (2, 2)
    assert [r.key for r in await read_all(log, tp)] == [b"1", b"2"]


async def test_appends_of_a_producer_are_written_in_the_order_in_which_they_begin(log_env: Any, batch: Any, read_all: Any) -> None:
    log = await log_env.open()
    name, pid = log_env.name("t"), log_env.name("producer")
    (tp,) = await make(log, name)
    jobs = [log.append_many({tp: batch(log, (b"%d" % n, b"v"))}, pid, n) for n in range(1, 51)]
    jobs.append(log.append_many({tp: batch(log, (b"again", b"v"))}, pid, 50))
    jobs.append(log.append_many({tp: batch(log, (b"gap", b"v"))}, pid, 60))
    *answers, again, gap = await asyncio.gather(*jobs, return_exceptions=True)
    assert [duplicate for _, duplicate in answers] == [False] * 50 and again[1] is True  # type: ignore[misc,index]
    assert isinstance(gap, RequestError) and gap.reason == "SEQUENCE_GAP"
    assert [r.key for r in await read_all(log, tp)] == [b"%d" % n for n in range(1, 51)]
    assert await log.last_sequence(pid) == 50


async def test_compare_and_append_lets_one_win(log_env: Any, batch: Any, read_all: Any) -> None:
    logs = [await log_env.open() for _ in range(3)]
    name = log_env.name("t")
    (tp,) = await make(logs[0], name, compact=True)
    end = 0
    for _ in range(3):
        won = await asyncio.gather(*(log.compare_and_append(name, end, batch(log, (b"%d" % i, b"v"))) for i, log in enumerate(logs)))
        (new,) = [w for w in won if w is not None]
        assert new > end
        records = await read_all(logs[0], tp)
        assert records[-1].offset + 1 == new
        end = new
    assert len(await read_all(logs[1], tp)) == 3
    assert await logs[0].compare_and_append(name, 0, batch(logs[0], (b"x", b"v"))) is None


# time and space
async def test_offsets_are_found_by_time(log_env: Any, batch: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    a, b = await make(log, name, 2)
    await log.append(name, 0, batch(log, *[(b"k", b"v")] * 10, timestamp=BASE))
    await log.append(name, 0, batch(log, *[(b"k", b"v")] * 10, timestamp=BASE + 100))
    assert await log.offsets_at([a, b], BASE - 1) == {a: 0, b: 0}
    assert (await log.offsets_at([a], BASE + 3))[a] == 3
    assert (await log.offsets_at([a], BASE + 50))[a] == 10
    assert (await log.offsets_at([a], BASE + 105))[a] == 15
    assert (await log.offsets_at([a], BASE + 1000))[a] == 20


async def test_deleted_records_are_out_of_range(log_env: Any, batch: Any, read_all: Any) -> None:
    log = await log_env.open()
    name = log_env.name("t")
    (tp,) = await make(log, name)
    for i in range(4):
        await log.append(name, 0, batch(log, (b"%d" % i, b"v"), (b"%d" % i, b"w")))
    await log.delete_records({tp: 3})
    assert (await log.earliest([tp]))[tp] == 3 and (await log.ends([tp]))[tp] == 8
    assert [r.offset for r in await read_all(log, tp)] == [3, 4, 5, 6, 7]
    reader = log.reader()
    reader.add({tp: 0})
    with pytest.raises(OffsetOutOfRange):
        for _ in range(40):
            await reader.poll(0.25)
    await reader.close()
    await log.delete_records({tp: 8})
    assert await log.earliest([tp]) == {tp: 8} == await log.ends([tp])
    assert (await log.append(name, 0, batch(log, (b"new", b"v"))))[0] == 8, "offsets never start again"


async def test_a_log_that_answers_is_healthy(log_env: Any) -> None:
    log = await log_env.open()
    assert log.healthy() == ""
