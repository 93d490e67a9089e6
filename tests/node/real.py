"""A real node under test: `penstock serve` as users start it, in a directory and a process group of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from penstock_client import Client
from penstock_client.errors import PenstockError
from penstock_client.gen.penstock.v1 import append_service_pb2 as pb
from served import PENSTOCK, Served, wait_for


class RealNode(Served):
    """Start it with `with`; it is stopped in order at the end, or killed.

    options: more of `serve`. limits: called in the new process before it becomes the service (resource.setrlimit).
    """

    def __init__(self, directory: Path, *options: str, data: Path | None = None, workers: int = 1,
                 limits: Callable[[], None] | None = None) -> None:
        super().__init__(data or directory / "data", directory / "serve.log", ["--workers", str(workers), "--partitions", "2", *options])
        self._limits = limits
        self.client = Client(self.address, timeout=20)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.close()
        if error is not None:
            print(self.log[-6000:])
        if self.running:
            self.kill()

    def start(self, ready: bool = True) -> None:
        """Start, and wait for its "ready" line unless told not to."""
        self.begin(self._limits)
        if ready:
            self.await_ready(60)

    def stop(self, within: float = 10.0) -> int:
        """SIGTERM; the exit code. Fails when it takes longer."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(within + 5)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"not stopped within {within + 5} s: {self.log[-2000:]}") from None
        assert time.monotonic() - began < within
        return code

    def wait_stopped(self, pid: int) -> None:
        """Until a killed process is gone."""
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), 10, f"the end of {pid}")

    def cli(self, *arguments: str, stdin: str = "", timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against this node."""
        return subprocess.run([*PENSTOCK, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
                              env={**os.environ, "PENSTOCK_ADDRESS": self.address, "COLUMNS": "200"})

    # what tests ask again and again
    def raw(self, relation: str, *records: tuple[bytes | None, bytes | None], partition: int | None = None) -> str:
        """Append bytes; the position."""
        return self.client.append_records(relation, [pb.RawRecord(key=k, value=v, partition=partition) for k, v in records]).position

    def dead_letters(self, topology: str, count: int, seconds: float = 20) -> list[Any]:
        """The first `count` dead letters, in order of their appearance; fails when fewer come."""
        def letters() -> list[Any]:
            return list(self.client.subscribe(f"{topology}.dead_letter", start="earliest", until="end"))

        wait_for(lambda: len(letters()) >= count, seconds, lambda: f"{count} dead letters of {topology}, there are {letters()}")
        return letters()

    def task_states(self, topology: str) -> dict[tuple[str, int], tuple[str, str]]:
        """(state, reason) by sub-topology and partition."""
        return {(t.sub_topology, t.partition): (t.state, t.state_reason) for t in self.client.tasks(topology)}


def refused(reason: str, call: Callable[[], Any]) -> PenstockError:
    """The refusal of this reason that the call raises."""
    try:
        result = call()
    except PenstockError as error:
        assert error.reason == reason, f"{error.reason}: {error.message} {error.metadata}"
        return error
    raise AssertionError(f"no {reason}: {result}")


def metric(text: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels in Prometheus' text."""
    found = [line for line in text.splitlines() if re.match(rf"{name}(_total)?({{| )", line)
             and all(f'{k}="{v}"' in line for k, v in labels.items())]
    assert found, f"no {name} {labels} in\n{text[:3000]}"
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)
