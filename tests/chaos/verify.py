"""Reads what the nodes left behind, and checks it. Kafka is read with a stock client, the embedded log with its own reader."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import kafka_topics
from checker import (
    Violations,
    amount,
    by_key,
    check_echo,
    check_enriched,
    check_equal_stores,
    check_finals,
    check_mended,
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
from fleet import Fleet
from kafka_topics import Read
from load import KEYS, Sent
from penstock.catalog.registry import open_registry
from penstock.config import ServeConfig
from penstock.log.open import open_log
from penstock.log.port import Log, TopicConfig, TopicPartition
from penstock.plan.resolved import ResolvedPlan
from penstock.runtime.layout import Layout
from penstock.runtime.recovery import newest, read_metadata
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
    check_table(v, "returned", keys, {r.K: (r.C, r.S) for r in client.scan("returned", **numbers)})
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
    """The subscriptions that lived through the storm: no gap, no repeat."""
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
            elif last >= row.N:
                v.add("doubled", 1, f"push of echo {row.K}: {row.N} came after {last}")
            else:
                v.add("lost", row.N - last - 1, f"push of echo {row.K}: {row.N} came after {last}")
                seen[row.K] = row.N
        time.sleep(0.05)
    if (missing := total - sum(seen.values())) > 0:
        v.add("lost", missing, f"push of echo: {missing} of {total} never came; the subscription says {echoes.error or 'nothing'}")
    wanted = {k: running(k, n)[-1] for k, n in sent.items() if n}
    while (newest := {r.K: (r.C, r.S, r.LO, r.HI) for r in list(table.rows) if not r.deleted}) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    if newest == wanted:
        return
    wrong = [k for k in wanted if newest.get(k) != wanted[k]]
    v.add("lost", len(wrong), f"push of running: {wrong[:4]} are not the newest; the subscription says {table.error or 'nothing'}")


async def make_topics(fleet: Fleet, kafka: str, names: tuple[str, ...]) -> None:
    """Topics that keep every record."""
    log = await open_log(_config(fleet, kafka), "verify")
    try:
        for name in names:
            await log.create_topic(name, TopicConfig(4, retention_ms=-1))
    finally:
        await log.close()


def _config(fleet: Fleet, kafka: str) -> ServeConfig:
    return ServeConfig(data_dir=str(fleet[0].data), kafka=kafka)


async def sabotage(fleet: Fleet, kafka: str) -> None:
    """Seeded faults: one more record in each output that is checked, and a changelog record that no store has."""
    log = await open_log(_config(fleet, kafka), "verify")
    try:
        for topic in ("echo", "finals", "enriched", "pairs", "tallied", "seconds", "placed", "mended"):
            key, value = (await _read(log, topic))[-1]
            await _add(log, topic, key, value)
        key, value = (await _read(log, "owned"))[-1]
        await _add(log, "owned", key, json.dumps(json.loads(value) | {"A": 0}).encode())
        changelog = next(t for t in await log.topics() if t.endswith("-running-changelog"))
        last = (await _read_partition(log, TopicPartition(changelog, 0)))[-1]
        await _add(log, changelog, last.key, last.value[:-1] + bytes([last.value[-1] ^ 1]))
    finally:
        await log.close()


async def _add(log: Log, topic: str, key: bytes, value: bytes) -> None:
    """To the partition where that key is."""
    batch = log.builder(transactional=False)
    batch.append(int(time.time() * 1000), key, value, [])
    await log.append(topic, await _place(log, topic, key), batch)


async def _place(log: Log, topic: str, key: bytes) -> int:
    for partition in range((await log.topics([topic]))[topic].partitions):
        if any(r.key == key for r in await _read_partition(log, TopicPartition(topic, partition))):
            return partition
    raise LookupError(f"{topic} has no record of {key!r}")


async def topics_and_stores(v: Violations, fleet: Fleet, kafka: str, sent: Sent) -> None:
    """The topics themselves, read committed, and the stores against their changelogs."""
    config = _config(fleet, kafka)
    log = await open_log(config, "verify")
    try:
        async def read(topic: str) -> list[tuple[bytes, bytes]]:
            return [(r.key, r.value) for r in await (kafka_topics.read(kafka, topic) if kafka else _read_log(log, topic))]

        await _outputs(v, read, sent)
        inputs = [await _read_partition(log, TopicPartition("numbers", p)) for p in range(PARTITIONS)]
        closed = closed_windows([[(r.key.decode(), json.loads(r.value)["N"]) for r in i] for i in inputs], FINAL_SIZE * 1000, FINAL_GRACE * 1000)
        finals = [((k[:-8].decode(), int.from_bytes(k[-8:], "big")), _columns(value, "C", "S")) for k, value in await read("finals")]
        check_finals(v, "topic finals", closed, finals)  # type: ignore[arg-type]
        registry = await open_registry(log, config.service_id)
        try:
            for entry in registry.state.topologies.values():
                await _stores(v, log, fleet, entry.plan, kafka)
                letters = await read(entry.plan.dead_letter_topic) if await log.topics([entry.plan.dead_letter_topic]) else []
                if letters and entry.name != "mending":
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
    returned = by_key((k.decode(), _columns(value, "C", "S", "LO", "HI")) for k, value in await read("returned"))
    check_running(v, "topic returned", sent.numbers, returned)  # type: ignore[arg-type]
    enriched = by_key((k.decode(), _columns(value, "N", "V")) for k, value in await read("enriched"))
    check_enriched(v, "topic enriched", sent.numbers, sent.profiles, enriched)  # type: ignore[arg-type]
    check_pairs(v, "topic pairs", sent.numbers, [(k.decode(), _columns(value, "N", "M")) for k, value in await read("pairs")])  # type: ignore[misc]
    tallied = by_key((k.decode(), _columns(value, "N", "C")) for k, value in await read("tallied"))
    check_tallied(v, "topic tallied", sent.numbers, tallied)  # type: ignore[arg-type]
    check_seconds(v, "topic seconds", by_key((k.decode(), json.loads(value)["C"]) for k, value in await read("seconds")))  # type: ignore[arg-type]
    placed = by_key((k.decode(), _columns(value, "N", "V")) for k, value in await read("placed"))
    check_placed(v, "topic placed", sent.numbers, sent.profiles, placed)  # type: ignore[arg-type]
    check_mended(v, "topic mended", sent.numbers, [(k.decode(), json.loads(value)["N"]) for k, value in await read("mended")])
    newest = {k.decode(): _columns(value, "OWNER", "A", "V") for k, value in await read("owned")}
    check_owned(v, "topic owned", owned(KEYS, sent.orders, sent.profiles), newest)  # type: ignore[arg-type]


def _columns(value: bytes, *names: str) -> tuple[object, ...]:
    row = json.loads(value)
    return tuple(row[name] for name in names)


async def _stores(v: Violations, log: Log, fleet: Fleet, plan: ResolvedPlan, kafka: str) -> None:
    """Every copy of a task's state, on whichever node, equals the changelog up to where it says that it is; and one at least is where the
    group's committed offsets say."""
    every = [TopicPartition(t.name, p) for t in (await log.topics()).values() for p in range(t.partitions)]
    committed = await log.committed(plan.group, every)
    for sub in (s for s in plan.subs if s.stores):
        changelogs = {spec.changelog: await (kafka_topics.read(kafka, spec.changelog) if kafka else _read_log(log, spec.changelog)) for spec in sub.stores}
        for partition in range(sub.partitions):
            where = f"{plan.topology}/{sub.name}[{partition}]"
            said = [read_metadata(c.metadata) for tp, c in committed.items() if tp.partition == partition]
            target = newest([m for m in said if m is not None and m.changelogs and m.changelogs.keys() <= changelogs.keys()])
            for topic, at in target.changelogs.items() if target is not None else ():
                if beyond := [r.key for r in changelogs[topic] if r.partition == partition and r.offset >= at]:
                    v.add("other", 1, f"{where}: the changelog says more than was committed, of {beyond[:4]}")
            complete = []
            for node in fleet:
                path = Layout(node.data).task(plan.topology, plan.incarnation, sub.name, partition)
                if not path.exists():
                    continue
                state = LmdbTaskState.open(path, sub.stores, plan.incarnation)
                try:
                    reached = stamp.changelogs if (stamp := state.stamp()) is not None else {}
                    for spec in sub.stores:
                        log_of_task = [r for r in changelogs[spec.changelog] if r.partition == partition and r.offset < reached.get(spec.changelog, 0)]
                        _compare(v, f"{where}.{spec.name} on {node.name}", log_of_task, state.store(spec.name))
                    if target is not None and all(reached.get(topic, 0) == at for topic, at in target.changelogs.items()):
                        complete.append(node.name)
                finally:
                    state.close()
            if target is not None and not complete:
                v.add("lost", 1, f"{where}: no node has the state that was committed, {target.changelogs}")


def _compare(v: Violations, where: str, changelog: Sequence[Read], store: Any) -> None:
    replay: dict[bytes, bytes] = {}
    for r in changelog:
        if r.value is None:
            replay.pop(r.key, None)
        else:
            replay[r.key] = r.value
    if isinstance(store, CachedWindowStore):  # an expired window leaves the store without a word in the changelog
        replay = {key: value for key, value in replay.items() if store.time(key) >= store.expire_before}
    check_equal_stores(v, where, replay, {key: store._pack(value) for key, value in store.range(b"", b"")})


async def _read(log: Log, topic: str) -> list[tuple[bytes, bytes]]:
    return [(r.key, r.value) for r in await _read_log(log, topic)]


async def _read_log(log: Log, topic: str) -> list[Read]:
    info = (await log.topics([topic])).get(topic)
    return [r for partition in range(info.partitions if info else 0) for r in await _read_partition(log, TopicPartition(topic, partition))]


async def _read_partition(log: Log, tp: TopicPartition) -> list[Read]:
    position = (await log.earliest([tp]))[tp]
    end = (await log.ends([tp], committed=False))[tp]
    reader = log.reader()
    reader.add({tp: position})
    out: list[Read] = []
    stop = time.monotonic() + 30
    try:
        while position < end and time.monotonic() < stop:
            for chunk in await reader.poll(0.3):
                out += [Read(tp.partition, r.offset, r.key, r.value) for r in chunk.records]
                position = chunk.next
    finally:
        await reader.close()
    if position < end:
        raise TimeoutError(f"{tp}: read to {position} of {end}: a transaction was left open")
    return out


def _ms(value: Any) -> int:
    return value if isinstance(value, int) else int(value.timestamp() * 1000)
