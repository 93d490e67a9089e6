"""A node under attack: started as users start it, killed and stopped in parts."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Node:
    """`penstock serve` in a process group of its own."""

    def __init__(self, directory: Path, workers: int, kafka: str = "", session_ms: int = 3_000) -> None:
        self.data = directory / "data"
        self.log = directory / "serve.log"
        self.address = f"127.0.0.1:{free_port()}"
        self._options = ["--workers", str(workers), "--listen", self.address, "--data", str(self.data)]
        if kafka:
            properties = directory / "kafka.properties"
            properties.write_text(f"session.timeout.ms={session_ms}\n")
            self._options += ["--kafka", kafka, "--kafka-config", str(properties)]
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped: list[int] = []

    def start(self, fault: str = "") -> None:
        """Start it; PENSTOCK_FAULT makes its processes kill themselves inside commits."""
        environment = {**os.environ, "PENSTOCK_FAULT": fault} if fault else {k: v for k, v in os.environ.items() if k != "PENSTOCK_FAULT"}
        with self.log.open("ab") as log:
            log.write(f"---- start, fault {fault!r}\n".encode())
            log.flush()
            self._process = subprocess.Popen([sys.executable, "-m", "penstock.cli.main", "serve", *self._options], stdout=log, stderr=log,
                                             env=environment, start_new_session=True)

    @property
    def running(self) -> bool:
        """Whether the supervisor lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Of the supervisor, when it has ended."""
        return None if self._process is None else self._process.poll()

    def describe(self, lines: int = 80) -> str:
        """The last lines of its log, and which of its processes live: for a run that failed."""
        text = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        lives = f"supervisor {'runs' if self.running else f'ended with {self.exit_code}'}"
        children = f"workers {self.processes('penstock.node.worker')}, gateway {self.processes('penstock.node.gateway')}"
        return "\n".join([f"---- the node's log {self.log}, its last lines", *text[-lines:], f"---- {lives}, {children}"])

    def processes(self, module: str) -> list[int]:
        """Process ids of children that run this module."""
        if self._process is None:
            return []
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    if parent == self._process.pid and module.encode() in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
                except (OSError, IndexError, ValueError):
                    continue
        return sorted(found)

    def kill(self, module: str, rnd: random.Random) -> bool:
        """kill -9 of one such child."""
        found = self.processes(module)
        return bool(found) and _signal(rnd.choice(found), signal.SIGKILL)

    def pause_worker(self, rnd: random.Random) -> int | None:
        """SIGSTOP of one worker; its process id."""
        found = self.processes("penstock.node.worker")
        if not found:
            return None
        pid = rnd.choice(found)
        return pid if _signal(pid, signal.SIGSTOP) else None

    @staticmethod
    def resume(pid: int) -> None:
        """SIGCONT."""
        _signal(pid, signal.SIGCONT)

    def kill_all(self) -> None:
        """kill -9 of the whole node."""
        if self._process is None:
            return
        for pid in [*self.processes("penstock.node"), self._process.pid]:
            _signal(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code, -9 when it had to be killed."""
        if self._process is None:
            return 0
        for pid in self.processes("penstock.node"):
            _signal(pid, signal.SIGCONT)
        _signal(self._process.pid, signal.SIGTERM)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill_all()
            return -9

    def wait_gone(self) -> None:
        """Until every process of the node has ended (children of a killed supervisor end by themselves)."""
        needle = str(self.data).encode()
        end = time.monotonic() + 15
        while time.monotonic() < end:
            alive = False
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    try:
                        command = (entry / "cmdline").read_bytes()
                    except OSError:
                        continue
                    alive = alive or (b"penstock.node" in command and needle in command)
            if not alive:
                return
            time.sleep(0.1)


def _signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
