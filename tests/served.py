"""A node as users start it: `penstock serve` in a process group of its own, found and killed by its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from lifetimes import with_us
from ports import free_ports

T = TypeVar("T")

PENSTOCK = [sys.executable, "-m", "penstock.cli.main"]
_MODULES = b"penstock.node."


def wait_for(condition: Callable[[], T], seconds: float = 20, what: object = "") -> T:
    """The first true answer; fails after the time, saying what was waited for."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain for {what() if callable(what) else what or condition}"
        time.sleep(0.05)
    return found


class Served:
    """One node, started again and again on the same data and address. log_file: what it writes to standard error."""

    def __init__(self, data: Path, log_file: Path, options: Sequence[str]) -> None:
        """options: more of `serve`."""
        self.data = data
        self.log_file = log_file
        self.address = f"127.0.0.1:{free_ports(2)[0]}"  # the next one is the schema registry's
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.said: list[str] = []

    def launch(self, environment: Mapping[str, str] | None = None, limits: Callable[[], None] | None = None,
               errors: int | None = None) -> subprocess.Popen[str]:
        """Start it, without waiting. Standard output is a pipe, which somebody must read. limits: called in the new process first. errors:
        where standard error goes, the log file if not given."""
        with self.log_file.open("a") as log:
            self._process = subprocess.Popen(
                [*with_us(signal.SIGTERM), *PENSTOCK, "serve", "--listen", self.address, "--data", str(self.data), *self._options], stdout=subprocess.PIPE, stderr=log if errors is None else errors,
                text=True, start_new_session=True, env=environment, preexec_fn=limits)
        return self._process

    def begin(self, limits: Callable[[], None] | None = None) -> None:
        """Start it, without waiting; what it says on standard output is in `said`."""
        process, said = self.launch(limits=limits), list[str]()
        self.said = said
        assert process.stdout is not None
        threading.Thread(target=said.extend, args=(process.stdout,), daemon=True).start()

    def await_ready(self, seconds: float) -> None:
        """Until it says that it is ready."""
        wait_for(lambda: self.said or not self.running, seconds, "ready")
        assert self.said and self.said[0].startswith("ready on "), f"{self.said} {self.log[-3000:]}"

    @property
    def running(self) -> bool:
        """Whether the supervisor lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Of the supervisor, when it has ended."""
        return None if self._process is None else self._process.poll()

    @property
    def log(self) -> str:
        """What it has written to standard error so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def pids(self, kind: str = "") -> dict[str, int]:
        """Living processes by their names: gateway, w0, w1... kind: the beginning of the name. Also those whose supervisor is gone."""
        return dict(sorted((name, pid) for name, pid in self._children() if name.startswith(kind)))

    def _children(self) -> list[tuple[str, int]]:
        """(name, process id); a name twice while one follows the other."""
        entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [(name, int(entry.name)) for entry in entries if (name := self._name(entry))]

    def _name(self, entry: Path) -> str:
        """What a process of this node is called; empty for any other process."""
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return ""
        if len(words) < 4 or not words[2].startswith(_MODULES):
            return ""
        try:
            child = json.loads(words[3])
        except ValueError:  # a process that is about to become another one
            return ""
        return str(child["name"]) if json.loads(child["config"])["data_dir"] == str(self.data) else ""

    def kill(self) -> None:
        """kill -9 of all its processes at once, stopped ones too."""
        if self._process is None:
            return
        for pid in [*(pid for _, pid in self._children()), self._process.pid]:
            send(pid, signal.SIGKILL)
        self._process.wait()

    def wait_gone(self, seconds: float = 15) -> None:
        """Until every process of the node has ended (children of a killed supervisor end by themselves). TimeoutError."""
        end = time.monotonic() + seconds
        while alive := self._children():
            if time.monotonic() > end:
                raise TimeoutError(f"still there after {seconds:.0f} s: {alive}")
            time.sleep(0.05)


def send(pid: int, number: int) -> bool:
    """Signal a process; False when it is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
