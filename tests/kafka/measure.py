"""What the log on Kafka costs by itself: CPU seconds per million records for fetch and decode, for build and send, and commit latency.

    python tests/kafka/measure.py [--bootstrap H:P] [--records N]

Starts a broker of its own without --bootstrap. The CPU is this process's alone. One JSON line at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import statistics
import tempfile
import time

from broker import Broker
from penstock.log.kafka.log import open_kafka
from penstock.log.port import CommittedOffset, Log, TopicConfig, TopicPartition
from support import unique

PARTITIONS = 4
VALUE = b'{"user_id":"user_00012345","amount":123456789012,"price":123.45,"card":"1234-5678-9012-3456","city":"Berlin","zip":12345,"tags":"aaaa"}'


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def write(log: Log, topic: str, records: int) -> dict[str, float]:
    """Rows into four partitions, committed every 20,000 records."""
    writer = await log.writer(unique("measure"))
    keys = [f"user_{i:08d}".encode() for i in range(1000)]
    started, before, commits = time.perf_counter(), cpu(), []
    sent = 0
    while sent < records:
        for partition in range(PARTITIONS):
            batch = log.builder()
            append = batch.append
            for i in range(5000):
                if not append(1_700_000_000_000, keys[i % 1000], VALUE, []):
                    await writer.send(topic, partition, batch)
                    batch = log.builder()
                    append = batch.append
                    append(1_700_000_000_000, keys[i % 1000], VALUE, [])
            await writer.send(topic, partition, batch)
        sent += 5000 * PARTITIONS
        at = time.perf_counter()
        await writer.commit("", None, lambda _: {})
        commits.append(time.perf_counter() - at)
    seconds = time.perf_counter() - started
    await writer.close()
    return {"write_records_per_s": round(sent / seconds), "write_cpu_s_per_million": round((cpu() - before) / sent * 1e6, 3),
            "commit_with_data_p50_ms": round(statistics.median(commits) * 1000, 2)}


async def read(log: Log, topic: str, records: int) -> dict[str, float]:
    reader = log.reader()
    started, before = time.perf_counter(), cpu()
    reader.add({TopicPartition(topic, p): 0 for p in range(PARTITIONS)})
    count = 0
    while count < records:
        for chunk in await reader.poll(1.0):
            count += len(chunk.records)
        await asyncio.sleep(0)
    seconds = time.perf_counter() - started
    await reader.close()
    return {"read_records_per_s": round(count / seconds), "read_cpu_s_per_million": round((cpu() - before) / count * 1e6, 3)}


async def latency(log: Log, topic: str) -> dict[str, float]:
    """Small transactions, 50 ms apart: one record to each partition, and offsets."""
    writer = await log.writer(unique("measure"))
    group, times = unique("measure"), []
    for i in range(60):
        at = time.perf_counter()
        for partition in range(PARTITIONS):
            batch = log.builder()
            batch.append(1_700_000_000_000, b"k", b"v", [])
            await writer.send(topic, partition, batch)
        await writer.commit(group, None, lambda _, i=i: {TopicPartition(topic, 0): CommittedOffset(i)})  # type: ignore[misc]
        times.append(time.perf_counter() - at)
        await asyncio.sleep(0.05)
    await writer.close()
    times.sort()
    plain = []
    for _ in range(100):
        batch = log.builder(transactional=False)
        batch.append(1_700_000_000_000, b"k", b"v", [])
        at = time.perf_counter()
        await log.append(topic, 0, batch)
        plain.append(time.perf_counter() - at)
    return {"commit_p50_ms": round(times[30] * 1000, 2), "commit_p90_ms": round(times[54] * 1000, 2),
            "append_p50_ms": round(statistics.median(plain) * 1000, 2)}


async def measure(bootstrap: str, records: int) -> dict[str, float]:
    log = await open_kafka(bootstrap, {}, process="measure", service="measure")
    topic = unique("measure")
    await log.create_topic(topic, TopicConfig(PARTITIONS, retention_ms=-1))
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    result = await write(log, topic, records)
    result |= await read(log, topic, records)
    result |= await latency(log, topic)
    idle = cpu()
    reader = log.reader()
    reader.add(await log.ends([TopicPartition(topic, p) for p in range(PARTITIONS)]))
    await asyncio.sleep(3)
    result["idle_reader_percent"] = round((cpu() - idle) / 3 * 100, 2)
    await reader.close()
    await log.delete_topics([topic])
    await log.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", default="")
    parser.add_argument("--records", type=int, default=1_000_000)
    options = parser.parse_args()
    if options.bootstrap:
        print(json.dumps(asyncio.run(measure(options.bootstrap, options.records))))
        return
    with tempfile.TemporaryDirectory() as directory, Broker(directory) as broker:
        print(json.dumps(asyncio.run(measure(broker.bootstrap, options.records))))


if __name__ == "__main__":
    main()
