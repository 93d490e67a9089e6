"""Reads what a node left behind, by ways that are not the node's own where there are any, and checks it."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition as KafkaPartition
from checker import (
    Violations,
    amount,
    by_key,
    check_echo,
    check_enriched,
    check_equal_stores,
    check_finals,
    check_owned,
    check_pairs,
    check_placed,
    check_running,
    check_seconds,
    check_table,
    check_tallied,
    closed_windows,
    owned,
    recount,
    running,
)
from load import KEYS, Sent
from node import Node
from penstock.catalog.registry import open_registry
from penstock.config import ServeConfig
from penstock.log.open import open_log
from penstock.log.port import Log, TopicConfig, TopicPartition
from penstock.plan.resolved import ResolvedPlan
from penstock.runtime.layout import Layout
from penstock.state.cache import CachedWindowStore
from penstock.state.lmdb import LmdbTaskState
from penstock_client import Client
from topologies import FINAL_GRACE, FINAL_SIZE, PARTITIONS


def lookups(v: Violations, client: Client, sent: Sent, positions: Mapping[str, str], patience: float) -> None:
    """Tables by the API, with the tokens of the last appends."""
    fresh: dict[str, dict[str, Any]] = {name: {"at_least": position, "max_wait": patience} for name, position in positions.items() if position}
    numbers = fresh.get("numbers", {})
    groups, minutes = recount(sent.numbers)
    check_table(v, "groups", groups, {r.G: (r.C, r.S) for r in client.scan("groups", **numbers)})
    check_table(v, "minutes", minutes, {(r.G, _ms(r.WINDOWSTART)): (r.C, r.S) for r in client.scan("minutes", **numbers)})
    keys = {k: (n, sum(amount(k, i) for i in range(1, n + 1))) for k, n in sent.numbers.items() if n}
    check_table(v, "running", keys, {r.K: (r.C, r.S) for r in client.scan("running", **numbers)})
    check_table(v, "echoed", keys, {r.K: (r.C, r.S) for r in client.scan("echoed", **numbers)})
    some = next(iter(keys))
    row = client.get("echoed", some, **numbers)
    if row is None or keys[some] != (row.C, row.S):
        v.add("other", 1, f"get echoed {some}: {row}")
    # what has no table to ask for is complete, too, when a table of the same tasks includes everything
    for table, inputs in (("meeting.profiles", ("numbers", "marks", "profiles")), ("finals", ("numbers",))):
        for name in inputs:
            list(client.scan(table, **fresh.get(name, {})))
    list(client.scan("tallying.tally.seen", **numbers))
    until_read(client, "placing", patience)
    if behind := [f"{t.topology}[{t.partition}] by {t.lag}" for t in client.tasks() if t.topology in ("meeting", "closing", "tallying") and t.lag]:
        v.add("other", 1, f"tasks are behind although their tables answer for everything: {behind[:4]}")
    list(client.scan("owned", **fresh.get("orders", {})))
    check_owned(v, "owned", owned(KEYS, sent.orders, sent.profiles), {r.O: (r.OWNER, r.A, r.V) for r in client.scan("owned", **fresh.get("profiles", {}))})


def until_read(client: Client, topology: str, patience: float) -> None:
    """Until a topology without a table of its own has read all there is."""
    end = time.monotonic() + patience
    while time.monotonic() < end and any(t.lag for t in client.tasks() if t.topology == topology):
        time.sleep(0.1)


def pushes(v: Violations, sent: Mapping[str, int], echoes: Any, table: Any, patience: float = 30.0) -> None:
    """The subscriptions that lived through the storm: no gap. After a broken connection rows may come again, in order."""
    total = sum(sent.values())
    end = time.monotonic() + patience
    seen: dict[str, int] = {}
    at = 0
    while time.monotonic() < end and sum(seen.values()) < total:
        rows = echoes.rows
        while at < len(rows):
            row = rows[at]
            at += 1
            last = seen.get(row.K, 0)
            if last + 1 == row.N:
                seen[row.K] = row.N
            elif last + 1 < row.N:
                v.add("lost", row.N - last - 1, f"push of echo {row.K}: {row.N} came after {last}")
                seen[row.K] = row.N
        time.sleep(0.05)
    if (missing := total - sum(seen.values())) > 0:
        v.add("lost", missing, f"push of echo: {missing} of {total} never came; the subscription says {echoes.error or 'nothing'}")
    wanted = {k: running(k, n)[-1] for k, n in sent.items() if n}
    while time.monotonic() < end:
        newest = {r.K: (r.C, r.S, r.LO, r.HI) for r in list(table.rows) if not r.deleted}
        if newest == wanted:
            return
        time.sleep(0.1)
    wrong = [k for k in wanted if newest.get(k) != wanted[k]]
    v.add("lost", len(wrong), f"push of running: {wrong[:4]} are not the newest; the subscription says {table.error or 'nothing'}")


async def make_topics(node: Node, kafka: str, names: tuple[str, ...]) -> None:
    """Topics that keep every record."""
    log = await open_log(ServeConfig(data_dir=str(node.data), kafka=kafka), "verify")
    try:
        for name in names:
            await log.create_topic(name, TopicConfig(4, retention_ms=-1))
    finally:
        await log.close()


async def sabotage(node: Node, kafka: str) -> None:
    """Seeded faults: one more record in each output that is checked, and a changelog record that no store has."""
    log = await open_log(ServeConfig(data_dir=str(node.data), kafka=kafka), "verify")
    try:
        for topic in ("echo", "finals", "enriched", "pairs", "tallied", "seconds", "placed"):
            key, value = (await _read(log, topic))[-1]
            await _add(log, topic, key, value)
        key, value = (await _read(log, "owned"))[-1]
        await _add(log, "owned", key, json.dumps(json.loads(value) | {"A": 0}).encode())
        changelog = next(t for t in await log.topics() if t.endswith("-running-changelog"))
        key, value = (await _read_partition(log, TopicPartition(changelog, 0)))[-1]
        await _add(log, changelog, key, value[:-1] + bytes([value[-1] ^ 1]))
    finally:
        await log.close()


async def _add(log: Log, topic: str, key: bytes, value: bytes) -> None:
    """To the partition where that key is."""
    batch = log.builder(transactional=False)
    batch.append(int(time.time() * 1000), key, value, [])
    await log.append(topic, await _place(log, topic, key), batch)


async def _place(log: Log, topic: str, key: bytes) -> int:
    for partition in range((await log.topics([topic]))[topic].partitions):
        if any(k == key for k, _ in await _read_partition(log, TopicPartition(topic, partition))):
            return partition
    raise LookupError(f"{topic} has no record of {key!r}")


async def topics_and_stores(v: Violations, node: Node, kafka: str, sent: Sent) -> None:
    """The topics themselves, read committed, and the stores against their changelogs."""
    config = ServeConfig(data_dir=str(node.data), kafka=kafka)
    log = await open_log(config, "verify")
    try:
        read = (lambda t: _read_kafka(kafka, t)) if kafka else (lambda t: _read(log, t))
        await _outputs(v, read, sent)
        inputs = [await _read_partition(log, TopicPartition("numbers", p)) for p in range(PARTITIONS)]
        closed = closed_windows([[(k.decode(), json.loads(value)["N"]) for k, value in i] for i in inputs], FINAL_SIZE * 1000, FINAL_GRACE * 1000)
        finals = [((k[:-8].decode(), int.from_bytes(k[-8:], "big")), _columns(value, "C", "S")) for k, value in await read("finals")]
        check_finals(v, "topic finals", closed, finals)  # type: ignore[arg-type]
        registry = await open_registry(log, config.service_id)
        try:
            for entry in registry.state.topologies.values():
                await _stores(v, log, node, entry.plan)
                letters = await _read(log, entry.plan.dead_letter_topic)
                if letters:
                    v.add("lost", len(letters), f"{entry.name}: {len(letters)} dead letters, such as {letters[0][1][:300]!r}")
        finally:
            await registry.close()
    finally:
        await log.close()


async def _outputs(v: Violations, read: Callable[[str], Awaitable[list[tuple[bytes, bytes]]]], sent: Sent) -> None:
    """Topics whose records follow from what was sent, whatever the order of the inputs."""
    echo = by_key((k.decode(), json.loads(value)["N"]) for k, value in await read("echo"))
    check_echo(v, "topic echo", sent.numbers, echo)  # type: ignore[arg-type]
    updates = by_key((k.decode(), _columns(value, "C", "S", "LO", "HI")) for k, value in await read("running"))
    check_running(v, "topic running", sent.numbers, updates)  # type: ignore[arg-type]
    enriched = by_key((k.decode(), _columns(value, "N", "V")) for k, value in await read("enriched"))
    check_enriched(v, "topic enriched", sent.numbers, sent.profiles, enriched)  # type: ignore[arg-type]
    check_pairs(v, "topic pairs", sent.numbers, [(k.decode(), _columns(value, "N", "M")) for k, value in await read("pairs")])  # type: ignore[misc]
    tallied = by_key((k.decode(), _columns(value, "N", "C")) for k, value in await read("tallied"))
    check_tallied(v, "topic tallied", sent.numbers, tallied)  # type: ignore[arg-type]
    check_seconds(v, "topic seconds", by_key((k.decode(), json.loads(value)["C"]) for k, value in await read("seconds")))  # type: ignore[arg-type]
    placed = by_key((k.decode(), _columns(value, "N", "V")) for k, value in await read("placed"))
    check_placed(v, "topic placed", sent.numbers, sent.profiles, placed)  # type: ignore[arg-type]
    newest = {k.decode(): _columns(value, "OWNER", "A", "V") for k, value in await read("owned")}
    check_owned(v, "topic owned", owned(KEYS, sent.orders, sent.profiles), newest)  # type: ignore[arg-type]


def _columns(value: bytes, *names: str) -> tuple[object, ...]:
    row = json.loads(value)
    return tuple(row[name] for name in names)


async def _stores(v: Violations, log: Log, node: Node, plan: ResolvedPlan) -> None:
    for sub in plan.subs:
        for partition in range(sub.partitions if sub.stores else 0):
            path = Layout(node.data).task(plan.topology, plan.incarnation, sub.name, partition)
            state = LmdbTaskState.open(path, sub.stores, plan.incarnation)
            try:
                for spec in sub.stores:
                    replay: dict[bytes, bytes] = {}
                    for key, value in await _read_partition(log, TopicPartition(spec.changelog, partition)):
                        if value is None:
                            replay.pop(key, None)
                        else:
                            replay[key] = value
                    store = state.store(spec.name)
                    if isinstance(store, CachedWindowStore):  # an expired window leaves the store without a word in the changelog
                        replay = {key: value for key, value in replay.items() if store.time(key) >= store.expire_before}
                    stored = {key: store._pack(value) for key, value in store.range(b"", b"")}
                    check_equal_stores(v, f"{plan.topology}.{spec.name}[{partition}]", replay, stored)
            finally:
                state.close()


async def _read(log: Log, topic: str) -> list[tuple[bytes, bytes]]:
    info = (await log.topics([topic])).get(topic)
    out: list[tuple[bytes, bytes]] = []
    for partition in range(info.partitions if info else 0):
        out += await _read_partition(log, TopicPartition(topic, partition))
    return out


async def _read_partition(log: Log, tp: TopicPartition) -> list[tuple[bytes, bytes]]:
    position = (await log.earliest([tp]))[tp]
    end = (await log.ends([tp], committed=False))[tp]
    reader = log.reader()
    reader.add({tp: position})
    out: list[tuple[bytes, bytes]] = []
    stop = time.monotonic() + 30
    try:
        while position < end and time.monotonic() < stop:
            for chunk in await reader.poll(0.3):
                out += [(r.key, r.value) for r in chunk.records]
                position = chunk.next
    finally:
        await reader.close()
    if position < end:
        raise TimeoutError(f"{tp}: read to {position} of {end}: a transaction was left open")
    return out


async def _read_kafka(bootstrap: str, topic: str) -> list[tuple[bytes, bytes]]:
    """By the stock consumer, read committed."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        parts = [KafkaPartition(topic, p) for p in sorted(await _partitions(consumer, topic))]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        out: list[tuple[bytes, bytes]] = []
        stop = time.monotonic() + 40
        while time.monotonic() < stop and any([await consumer.position(p) < ends[p] for p in parts]):
            for records in (await consumer.getmany(timeout_ms=300)).values():
                out += [(r.key, r.value) for r in records]
        return out
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer._client._wait_on_metadata(topic)
    return consumer.partitions_for_topic(topic) or set()


def _ms(value: Any) -> int:
    return value if isinstance(value, int) else int(value.timestamp() * 1000)
