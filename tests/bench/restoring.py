"""How fast a worker builds state from changelogs when that is the most work: every key is another one and they come in no order, values of a hundred
bytes, so that nothing is written once instead of twice, and each write finds its place anew. Of a table, and of its windows, which come one after the
other, each with every key.

The tasks' own code runs here (runtime/restore.py) on a log that was filled before, as many tasks at a time as a worker restores. By wall clock, and
by this process's CPU, which a busy machine changes less.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Iterator
from pathlib import Path

from load import opened
from penstock.log.port import Log, TopicConfig, TopicPartition
from penstock.plan.nodes import StoreKind, StoreSpec
from penstock.runtime.context import RESTORES
from penstock.runtime.restore import replay
from penstock.state.keys import START_SIZE, window_key
from penstock.state.lmdb import FORMAT, LmdbTaskState, store_database
from penstock.state.port import Stamp
from serving import Line, Setting

RECORDS, PARTITIONS = 400_000, 4
KEY_BYTES, VALUE_BYTES = 24, 100
WINDOWS = 25
"""Of each key, where there are windows."""
CHANGELOGS = {StoreKind.KEY_VALUE: "bench-replay-changelog", StoreKind.WINDOW: "bench-replay-windows-changelog"}
OWNER = "bench"


def replaying(setting: Setting) -> Iterator[Line]:
    """Records a second, of distinct random keys."""
    for kind, what in ((StoreKind.KEY_VALUE, "replay"), (StoreKind.WINDOW, "replay windows")):
        stores = setting.directory / f"replayed-{kind.value}"
        stores.mkdir()
        wall, cpu = asyncio.run(_measure(setting, stores, kind))
        yield setting.line(what, RECORDS / wall, "records/s", 300_000, records=RECORDS, records_a_cpu_s=RECORDS / cpu)


async def _measure(setting: Setting, stores: Path, kind: StoreKind) -> tuple[float, float]:
    """Seconds of wall clock and of this process's CPU."""
    changelog = CHANGELOGS[kind]
    async with opened(setting.directory / "embedded", setting.bootstrap) as log:
        await _fill(log, kind)
        tps = [TopicPartition(changelog, p) for p in range(PARTITIONS)]
        ends = await log.ends(tps)
        spec = StoreSpec("s", kind, ("c",), 1, changelog=changelog, retention_ms=1 << 40)
        states = [LmdbTaskState.open(stores / str(p), [spec], 1) for p in range(PARTITIONS)]
        restores = asyncio.Semaphore(RESTORES)

        async def restore(tp: TopicPartition, state: LmdbTaskState) -> None:
            async with restores:
                state.take(OWNER)
                stamp = Stamp(1, FORMAT, OWNER, {}, {changelog: 0}, "boot", 1)
                await replay(log, state, {changelog: spec}, tp.partition, {changelog: (0, ends[tp])}, stamp, lambda *_: None)

        gc.set_threshold(100_000, 50, 50)  # as a worker does
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*map(restore, tps, states))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        found = 0
        for state in states:
            with state.env.begin() as txn:
                found += txn.stat(state.env.open_db(store_database("s"), txn=txn, create=False))["entries"]
            state.close()
    if found != RECORDS:
        raise RuntimeError(f"{found:,} of {RECORDS:,} keys were restored")
    return wall, cpu


async def _fill(log: Log, kind: StoreKind) -> None:
    """The changelog, key by key in no order."""
    changelog = CHANGELOGS[kind]
    await log.create_topic(changelog, TopicConfig(PARTITIONS, compact=True))
    source = random.Random(1)
    for partition in range(PARTITIONS):
        batch = log.builder(transactional=False)
        for n, key in enumerate(_keys(source, kind)):
            value = n.to_bytes(VALUE_BYTES, "big")
            if not batch.append(1, key, value, ()):
                await log.append(changelog, partition, batch)
                batch = log.builder(transactional=False)
                batch.append(1, key, value, ())
        await log.append(changelog, partition, batch)


def _keys(source: random.Random, kind: StoreKind) -> Iterator[bytes]:
    """Of one partition."""
    count = RECORDS // PARTITIONS
    if kind is StoreKind.KEY_VALUE:
        yield from (source.randbytes(KEY_BYTES) for _ in range(count))
        return
    keys = [source.randbytes(KEY_BYTES - START_SIZE) for _ in range(count // WINDOWS)]
    for n in range(WINDOWS):
        source.shuffle(keys)
        yield from (window_key(key, 60_000 * n) for key in keys)
