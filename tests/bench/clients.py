"""The figures of the clients in each language that is installed, all by the same programs (clients/load.*) against one gateway.

push: rows a second received by one subscriber. lookup: point lookups a second with 64 in flight. stop: how much memory a client takes that has stopped
reading. remote: rows a second through one program that adds a column to all payments, from its first bundle to the last.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import cpu_seconds, rss_mb
from penstock.runtime.board import NodeBoard
from penstock.runtime.layout import Layout
from penstock_client import Client
from penstock_client.builder import Topology
from penstock_client.declare import Binding
from penstock_node import Node
from serving import LOOKUP_SECONDS, RELATION, TABLE, TIMEOUT, USERS, Line, Setting, counted, gateway_of, until
from workloads import PARTITIONS

sys.path.append(str(Path(__file__).resolve().parents[1] / "conformance"))

from languages import ROOT, build_go, build_typescript_client, java_classpath, missing_tools

PROGRAMS = Path(__file__).with_name("clients")
IN_FLIGHT = 64
STOPPED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Language:
    """One language. build: makes the program and gives its command. remote: rows a second that are wanted of its remote processor."""

    name: str
    tools: tuple[str, ...]
    build: Callable[[], list[str]]
    remote: int


def _typescript() -> list[str]:
    build_typescript_client()
    return ["node", str(PROGRAMS / "load.mjs")]


def _java() -> list[str]:
    return ["java", "-cp", java_classpath([PROGRAMS / "Load.java"], ROOT / ".cache/bench/java-load"), "Load"]


LANGUAGES = (
    Language("python", (), lambda: [sys.executable, str(PROGRAMS / "load.py")], 50_000),
    Language("typescript", ("node", "npm"), _typescript, 50_000),
    Language("go", ("go",), lambda: build_go(".", PROGRAMS, ROOT / ".cache/bench/go-load"), 100_000),
    Language("java", ("java", "javac", "mvn"), _java, 100_000),
)


def _built() -> Iterator[tuple[Language, list[str]]]:
    for language in LANGUAGES:
        if missing := missing_tools(*language.tools):
            print(f"{language.name} is left out: {missing}", file=sys.stderr)
        else:
            yield language, language.build()


def _load(command: list[str], *arguments: str) -> Line:
    """What a program saw, and the CPU seconds that it took: as it says itself, else all, its start included."""
    before = _children_cpu()
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, text=True, check=True, timeout=TIMEOUT)
    found: Line = json.loads(done.stdout)
    return {"cpu": _children_cpu() - before, **found}


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def clients(setting: Setting) -> Iterator[Line]:
    """push, lookup and stop in each language."""
    languages = list(_built())
    with counted(setting) as (running, _):
        gateway = gateway_of(running)
        for language, command in languages:
            before = cpu_seconds(gateway)
            found = _load(command, "push", running.address, RELATION)
            used = cpu_seconds(gateway) - before
            yield setting.line(f"push_{language.name}", found["rows"] / found["seconds"], "rows/s", 100_000, rows=found["rows"], gateway_cpu_us=1e6 * used / found["rows"],
                               program_cpu_us=1e6 * found["cpu"] / found["rows"])
        for language, command in languages:
            found = _load(command, "lookup", running.address, TABLE, str(USERS), f"{LOOKUP_SECONDS:.0f}", str(IN_FLIGHT))
            yield setting.line(f"lookup_{language.name}", found["calls"] / found["seconds"], "lookups/s", None, in_flight=IN_FLIGHT, p50_ms=found["p50_ms"],
                               p99_ms=found["p99_ms"], missing=found["missing"],
                               program_cpu_us=1e6 * found["cpu"] / found["calls"])
        for language, command in languages:
            more, resident = _stopped(command, running.address)
            yield setting.line(f"stop_{language.name}", more, "MB more", 64, less=True, resident_mb=resident)


def _stopped(command: list[str], address: str) -> tuple[float, float]:
    """MB that a client takes more after some seconds in which it does not read, since its first batch; and all that is resident then."""
    with subprocess.Popen([*command, "stop", address, RELATION], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        json.loads(program.stdout.readline())
        before = rss_mb(program.pid)
        time.sleep(STOPPED_SECONDS)
        after = rss_mb(program.pid)
        program.kill()
    return after - before, after


def remote(setting: Setting) -> Iterator[Line]:
    """remote in each language."""
    languages = list(_built())
    with counted(setting) as (running, client):
        for language, command in languages:
            yield _remote(setting, running, client, language, command)


def _remote(setting: Setting, running: Node, client: Client, language: Language, command: list[str]) -> Line:
    name = f"bench_remote_{language.name}"
    topology = Topology(name)
    payments = topology.stream(RELATION, start="earliest")
    numbered = payments.process_remotely(name, {"out": "k STRING KEY, id BIGINT, n BIGINT"}, keeps_key=True, name="p")["out"]
    numbered.to(f"{name}_out", binding=Binding(f"{name}-out", PARTITIONS))
    client.register_topology(topology, wait=30.0)
    total = sum(setting.ends.values())

    board = NodeBoard(Layout(running.data).boards())  # without a call of the gateway, whose CPU is measured

    def left() -> int:
        return sum(t.lag for t in board.tasks(name) if t.sub.startswith("p-"))

    until(lambda: left() >= total, "all payments to wait for the program")
    program = subprocess.Popen([*command, "process", running.address, name], stdin=subprocess.PIPE)
    try:
        until(lambda: left() < total, "the first bundle")
        pids = (gateway_of(running), running.worker, program.pid)
        first, began, before = left(), time.monotonic(), [cpu_seconds(pid) for pid in pids]
        until(lambda: left() == 0, "the last bundle")
        wall = time.monotonic() - began
        gateway, worker, own = (1e6 * (cpu_seconds(pid) - used) / first for pid, used in zip(pids, before, strict=True))
    finally:
        program.kill()
        program.wait()
    board.close()
    client.delete_topology(name, delete_topics=True)
    return setting.line(f"remote_{language.name}", first / wall, "rows/s", language.remote, rows=first, gateway_cpu_us=gateway, worker_cpu_us=worker, program_cpu_us=own)


FIGURES: dict[str, Callable[[Setting], Iterator[Line]]] = {"clients": clients, "remote": remote}
