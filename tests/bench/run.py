"""Penstock's speed beside Kafka Streams, on one worker, exactly once, every update written.

    python tests/bench/run.py [--only throughput,formats,rest,latency,append,lookup,push,restore,replay,clients,remote,moving,idle,workers,joining] [--records N] [--moving-records N] [--workers-records N] [--topologies N] [--workloads w1,w2,w2-1k,w3,w4,w5]
                              [--log embedded,kafka] [--json] [--no-streams]

The formats beside each other (formats.py), the figures of serving (serving.py) and those of the clients (clients.py) come after the throughput, then runs over moving time (moving.py), then three nodes with many topologies at rest (idle.py), three workers beside one (workers.py), and a node that joins two others (joining.py). There each line is one run: {workload, log, peer, records, records_per_s, cpu_s_per_million, half2_cpu_s_per_million, rss_mb, target,
ratio_to_kafka_streams}. cpu is of the worker alone, from the last moment at which nothing was committed to the commit of the last record; half2 is of
the second half of the records, past most of a JVM's compiling. The ratio is Penstock's cpu_s_per_million over Kafka Streams' half2, and
the target is for that on Kafka. Every output is read back and checked, each record exactly once; a wrong one ends the program with code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "kafka"))

import broker as kafka_broker
import clients
import formats
import idle
import joining
import kafka_streams
import moving
import restoring
import serving
import workers
from load import ends, load, opened, read
from measure import Figures
from penstock.log.port import TopicConfig
from penstock_client import Client
from penstock_client.declare import Binding
from penstock_node import node
from transactions import RECORDS
from workloads import PARTITIONS, WORKLOADS, Workload

Line = dict[str, Any]
FIGURES = {**serving.FIGURES, "replay": restoring.replaying, **clients.FIGURES}
PARTS = ("throughput", "formats", *FIGURES, "moving", "idle", "workers", "joining")


class WrongOutput(Exception):
    """A run whose output is not exactly right."""


async def prepare(directory: Path, bootstrap: str, workload: Workload, records: int) -> tuple[list[str], dict[str, int]]:
    """Load the workload's inputs once; their topics, and their ends by "topic[partition]"."""
    topics = [f"{i.data.topic}-{records}" for i in workload.inputs]
    at: dict[str, int] = {}
    async with opened(directory, bootstrap) as log:
        for topic, source in zip(topics, workload.inputs, strict=True):
            await load(log, topic, source.data.rows(records), PARTITIONS)
            at |= {f"{tp.topic}[{tp.partition}]": end for tp, end in (await ends(log, topic)).items()}
    return topics, at


async def verify(directory: Path, bootstrap: str, workload: Workload, output: str, expected: int) -> None:
    """Raise WrongOutput unless the output is exactly right."""
    async with opened(directory, bootstrap) as log:
        found = [row async for row in read(log, output)]
    if wrong := workload.check(found, expected):
        raise WrongOutput(f"{workload.name}, {output}: {wrong}")


def penstock(directory: Path, bootstrap: str, workload: Workload, records: int) -> Figures:
    """One run of Penstock on a log."""
    topics, at = asyncio.run(prepare(directory, bootstrap, workload, records))
    expected = workload.expected(records)
    name = f"bench_{workload.name.replace('-', '_')}"
    relations, output = [f"{i.relation}_{name}" for i in workload.inputs], f"{name}_out"
    asyncio.run(_create(directory, bootstrap, output))
    with node(directory / "data", bootstrap) as running:
        with Client(running.address) as client:
            for source, relation, topic in zip(workload.inputs, relations, topics, strict=True):
                create = client.create_table if source.table else client.create_stream
                create(relation, source.columns, Binding(topic, create=False, key_format="KAFKA", value_format="JSON"))
        found = running.run(workload.topology(name, relations, output), at)
        running.delete(name)
    asyncio.run(verify(directory, bootstrap, workload, output, expected))
    return found


def streams(directory: Path, bootstrap: str, workload: Workload, records: int) -> Figures:
    """One run of the Kafka Streams program."""
    topics, at = asyncio.run(prepare(directory, bootstrap, workload, records))
    expected = workload.expected(records)
    output = f"streams-{workload.name}-out"
    asyncio.run(_create(directory, bootstrap, output))
    found = kafka_streams.run(bootstrap, workload.streams_name, ",".join(topics), output, directory, sum(at.values()),
                              lambda: asyncio.run(_settled(directory, bootstrap, output, expected)))
    asyncio.run(verify(directory, bootstrap, workload, output, expected))
    return found


async def _create(directory: Path, bootstrap: str, topic: str) -> None:
    """Results have the payments' timestamps, which are long past: the topic keeps them for ever."""
    async with opened(directory, bootstrap) as log:
        await log.create_topic(topic, TopicConfig(PARTITIONS, retention_ms=-1))


async def _settled(directory: Path, bootstrap: str, topic: str, expected: int) -> None:
    """Wait until at least as many offsets are committed as there are results, and no more come for a second."""
    async with opened(directory, bootstrap) as log:
        last, since = -1, time.monotonic()
        while last < expected or time.monotonic() - since < 1.0:
            if time.monotonic() - since > 60.0:
                raise WrongOutput(f"{topic}: {last} of {expected} results")
            now = sum((await ends(log, topic)).values())
            if now != last:
                last, since = now, time.monotonic()
            await asyncio.sleep(0.1)


def line(workload: Workload, log: str, peer: str, found: Figures, beside: Figures | None) -> Line:
    """What is printed of a run; beside: Kafka Streams' figures."""
    ratio = None if beside is None else round(found.cpu_s_per_million / beside.half2_cpu_s_per_million, 3)
    return {
        "workload": workload.name, "log": log, "peer": peer, "records": found.records, "records_per_s": round(found.records_per_s),
        "cpu_s_per_million": round(found.cpu_s_per_million, 2), "half2_cpu_s_per_million": round(found.half2_cpu_s_per_million, 2),
        "rss_mb": round(found.rss_mb), "target": workload.target if peer == "penstock" and log == "kafka" else None,
        "ratio_to_kafka_streams": ratio,
    }


def as_text(found: Line) -> str:
    """A line for people."""
    if "figure" in found:
        return serving.as_text(found)
    ratio = found["ratio_to_kafka_streams"]
    beside = "" if ratio is None else f"   {ratio:.2f} of Kafka Streams" + (f" (target {found['target']})" if found["target"] else "")
    return (f"{found['workload']:6} {found['log']:8} {found['peer']:13} {found['records_per_s']:>9,} records/s  {found['cpu_s_per_million']:>6.2f} "
            f"CPU s/M  {found['half2_cpu_s_per_million']:>6.2f} in the second half  {found['rss_mb']:>5} MB{beside}")


def bench(workloads: Sequence[Workload], logs: Sequence[str], records: int, with_streams: bool, show: Callable[[Line], None]) -> None:
    """Run everything; each log has one data directory and, for Kafka, one broker."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-bench-")))
        bootstrap = ""
        if "kafka" in logs or with_streams:
            bootstrap = stack.enter_context(kafka_broker.Broker(directory / "broker")).bootstrap
        for workload in workloads:
            beside, n = None, min(records, workload.whole)
            if with_streams:
                beside = streams(_below(directory, "streams"), bootstrap, workload, n)
                show(line(workload, "kafka", "kafka-streams", beside, None))
            for log in logs:
                found = penstock(_below(directory, log), bootstrap if log == "kafka" else "", workload, n)
                show(line(workload, log, "penstock", found, beside))


def bench_serving(figures: Sequence[str], logs: Sequence[str], records: int, show: Callable[[Line], None]) -> None:
    """Print the figures of serving on each log."""
    for log in logs if figures else ():
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-bench-")))
            bootstrap = stack.enter_context(kafka_broker.Broker(directory / "broker")).bootstrap if log == "kafka" else ""
            (source,), at = asyncio.run(prepare(_below(directory, "embedded"), bootstrap, WORKLOADS["w2"], records))
            setting = serving.Setting(log, directory, bootstrap, source, at)
            for name in figures:
                for found in FIGURES[name](setting):
                    show(found)


def bench_moving(logs: Sequence[str], records: int, show: Callable[[Line], None]) -> None:
    """Print how memory and stores grow over moving time on each log."""
    for log in logs:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-bench-")))
            bootstrap = stack.enter_context(kafka_broker.Broker(directory / "broker")).bootstrap if log == "kafka" else ""
            for found in moving.run(serving.Setting(log, directory, bootstrap, "", {}), records):
                show(found)


def bench_idle(topologies: int, show: Callable[[Line], None]) -> None:
    """Print what many topologies at rest cost on Kafka."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-bench-")))
        bootstrap = stack.enter_context(kafka_broker.Broker(directory / "broker")).bootstrap
        for found in idle.run(serving.Setting("kafka", directory, bootstrap, "", {}), topologies):
            show(found)


def bench_workers(records: int, show: Callable[[Line], None]) -> None:
    """Print what a record costs with several workers, on Kafka."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-bench-")))
        bootstrap = stack.enter_context(kafka_broker.Broker(directory / "broker")).bootstrap
        for found in workers.run(serving.Setting("kafka", directory, bootstrap, "", {}), records):
            show(found)


def bench_joining(show: Callable[[Line], None]) -> None:
    """Print what tasks notice of a node that joins, on Kafka."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-bench-")))
        bootstrap = stack.enter_context(kafka_broker.Broker(directory / "broker")).bootstrap
        for found in joining.run(serving.Setting("kafka", directory, bootstrap, "", {})):
            show(found)


def _below(directory: Path, name: str) -> Path:
    path = directory / name
    path.mkdir(exist_ok=True)
    return path


def chosen(text: str, known: Iterable[str]) -> list[str]:
    """The names of a comma-separated list."""
    names = [n for n in text.split(",") if n]
    if unknown := [n for n in names if n not in known]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
    return names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=RECORDS, help=f"at most {RECORDS}, the default")
    parser.add_argument("--moving-records", type=int, default=1_000_000, help="of each run over moving time; 20000000 for the long one")
    parser.add_argument("--workers-records", type=int, default=200_000, help="of each turn of a node with one worker and one with three")
    parser.add_argument("--topologies", type=int, default=60, help="at rest on three nodes; 300 for the long run")
    parser.add_argument("--only", type=lambda t: chosen(t, PARTS), default=list(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--workloads", type=lambda t: chosen(t, WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--log", type=lambda t: chosen(t, ("embedded", "kafka")), default=["embedded", "kafka"])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--no-streams", action="store_true", help="leave Kafka Streams out")
    options = parser.parse_args()
    logs, with_streams = list(options.log), not options.no_streams and "throughput" in options.only
    if reason := kafka_broker.available():
        print(f"without Kafka: {reason}", file=sys.stderr)
        logs, with_streams = [n for n in logs if n != "kafka"], False
    if with_streams and (reason := kafka_streams.missing()):
        print(f"without Kafka Streams: {reason}", file=sys.stderr)
        with_streams = False
    if with_streams:
        kafka_streams.build()

    def show(found: Line) -> None:
        print(json.dumps(found) if options.json else as_text(found), flush=True)

    try:
        if "throughput" in options.only:
            bench([WORKLOADS[n] for n in options.workloads], logs, min(options.records, RECORDS), with_streams, show)
        if "formats" in options.only:
            for found in formats.figures():
                show(found)
        bench_serving([n for n in options.only if n in FIGURES], logs, min(options.records, RECORDS), show)
        if "moving" in options.only:
            bench_moving(logs, options.moving_records, show)
        if "idle" in options.only and "kafka" in logs:
            bench_idle(options.topologies, show)
        if "workers" in options.only and "kafka" in logs:
            bench_workers(options.workers_records, show)
        if "joining" in options.only and "kafka" in logs:
            bench_joining(show)
    except WrongOutput as e:
        print(f"WRONG OUTPUT: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
