"""How fast a worker builds state from changelogs when that is the most work: every key is another one and they come in no order, values of a hundred
bytes, so that nothing is written once instead of twice, and each write finds its place anew.

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
from penstock.state.lmdb import FORMAT, LmdbTaskState, store_database
from penstock.state.port import Stamp
from serving import Line, Setting

RECORDS, PARTITIONS = 400_000, 4
KEY_BYTES, VALUE_BYTES = 24, 100
CHANGELOG = "bench-replay-changelog"
OWNER = "bench"


def replaying(setting: Setting) -> Iterator[Line]:
    """Records a second, of distinct random keys."""
    stores = setting.directory / "replayed"
    stores.mkdir()
    wall, cpu = asyncio.run(_measure(setting, stores))
    yield setting.line("replay", RECORDS / wall, "records/s", 300_000, records=RECORDS, records_a_cpu_s=RECORDS / cpu)


async def _measure(setting: Setting, stores: Path) -> tuple[float, float]:
    """Seconds of wall clock and of this process's CPU."""
    async with opened(setting.directory / "embedded", setting.bootstrap) as log:
        await _fill(log)
        tps = [TopicPartition(CHANGELOG, p) for p in range(PARTITIONS)]
        ends = await log.ends(tps)
        spec = StoreSpec("s", StoreKind.KEY_VALUE, ("c",), 1, changelog=CHANGELOG)
        states = [LmdbTaskState.open(stores / str(p), [spec], 1) for p in range(PARTITIONS)]
        restores = asyncio.Semaphore(RESTORES)

        async def restore(tp: TopicPartition, state: LmdbTaskState) -> None:
            async with restores:
                state.take(OWNER)
                stamp = Stamp(1, FORMAT, OWNER, {}, {CHANGELOG: 0}, "boot", 1)
                await replay(log, state, {CHANGELOG: spec}, tp.partition, {CHANGELOG: (0, ends[tp])}, stamp, lambda *_: None)

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


async def _fill(log: Log) -> None:
    """The changelog, key by key in no order."""
    await log.create_topic(CHANGELOG, TopicConfig(PARTITIONS, compact=True))
    keys = random.Random(1)
    for partition in range(PARTITIONS):
        batch = log.builder(transactional=False)
        for n in range(RECORDS // PARTITIONS):
            key, value = keys.randbytes(KEY_BYTES), n.to_bytes(VALUE_BYTES, "big")
            if not batch.append(1, key, value, ()):
                await log.append(CHANGELOG, partition, batch)
                batch = log.builder(transactional=False)
                batch.append(1, key, value, ())
        await log.append(CHANGELOG, partition, batch)
