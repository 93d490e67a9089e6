"""Penstock as a peer: a node with one worker, started as a user starts it, with one topology at a time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from measure import Figures, Sample, cpu_seconds, figures, peak_rss_mb
from penstock.runtime.board import NodeBoard
from penstock.runtime.layout import Layout
from penstock_client import Client
from penstock_client.builder import Topology

INTERVAL = 0.02
TIMEOUT = 600.0
START_SECONDS = 60.0


class Node:
    """A running node."""

    def __init__(self, process: subprocess.Popen[str], address: str, data: Path) -> None:
        self.process, self.address, self.data = process, address, data

    @property
    def worker(self) -> int:
        """Process id of its only worker."""
        return int((Layout(self.data).run / "w0.pid").read_text().split()[0])

    def run(self, topology: Topology, ends: Mapping[str, int]) -> Figures:
        """Register it and sample the worker until it has committed all of its input. ends: end of the input by "topic[partition]"."""
        total, worker, board = sum(ends.values()), self.worker, NodeBoard(Layout(self.data).boards())
        samples = [Sample(0, time.monotonic(), cpu_seconds(worker))]
        try:
            with Client(self.address) as client:
                client.register_topology(topology)
                while samples[-1].records < total:
                    time.sleep(INTERVAL)
                    now = Sample(_done(board, topology.name, ends), time.monotonic(), cpu_seconds(worker))
                    if now.records:
                        samples.append(now)
                    else:
                        samples = [now]
                    self._check(worker, samples[0].at)
                rss = peak_rss_mb(worker)
        finally:
            board.close()
        return figures(samples, rss)

    def delete(self, topology: str) -> None:
        """Delete a topology and its state."""
        with Client(self.address) as client:
            client.delete_topology(topology)

    def _check(self, worker: int, began: float) -> None:
        if self.worker != worker:
            raise RuntimeError(f"the worker died during the run, see {self.data.parent / 'node.log'}")
        if time.monotonic() > began + TIMEOUT:
            raise RuntimeError(f"not done after {TIMEOUT:.0f} s, see {self.data.parent / 'node.log'}")


def _done(board: NodeBoard, topology: str, ends: Mapping[str, int]) -> int:
    """Input records that are committed."""
    at: dict[str, int] = {}
    for task in board.tasks(topology):
        for source, offset in task.inputs.items():
            if source in ends:
                at[source] = max(at.get(source, 0), offset)
    return sum(min(offset, ends[source]) for source, offset in at.items())


@contextmanager
def node(data: Path, kafka: str = "", *options: str) -> Iterator[Node]:
    """Start a node on this directory, and stop it in order at the end. options: more of `serve`; without them it has one worker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [str(Path(sys.executable).with_name("penstock")), "serve", "--listen", address, "--data", str(data), "--workers", "1", *options]
    if kafka:
        command += ["--kafka", kafka]
    with open(data.parent / "node.log", "a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True,
                                   env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready"):
            raise RuntimeError(f"the node does not start, see {data.parent / 'node.log'}: {line.strip()}")
        yield Node(process, address, data)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_SECONDS)
