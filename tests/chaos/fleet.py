"""Nodes under attack: started as users start them, killed, stopped, frozen and starved in parts."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from served import Served, send

PLUGINS = Path(__file__).parents[1] / "plugins"
UNGUARDED = Path(__file__).with_name("unguarded")
FULL_AT = 32 << 10
"""Bytes: no file of a node whose disk is full is written beyond."""


class Node(Served):
    """`penstock serve`, all that it says in its log file. gone_since: monotonic time at which it was killed or had ended; None while it
    runs, or is about to. ready: it has said that it is."""

    def __init__(self, directory: Path, name: str, options: Sequence[str]) -> None:
        directory.mkdir()
        self.name = name
        self.gone_since: float | None = None
        self.ready = False
        super().__init__(directory / "data", directory / "serve.log", ["--node-id", name, *options])

    def start(self, fault: str = "", unguarded: str = "") -> None:
        """Start it; PENSTOCK_FAULT makes its processes kill themselves inside commits. unguarded: what is switched off (unguarded/)."""
        environment = {k: v for k, v in os.environ.items() if k != "PENSTOCK_FAULT"} | ({"PENSTOCK_FAULT": fault} if fault else {})
        paths = (str(UNGUARDED) if unguarded else "", str(PLUGINS), os.environ.get("PYTHONPATH"))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        if unguarded:
            environment["PENSTOCK_UNGUARDED"] = unguarded
        self._note(f"---- start, fault {fault!r}\n")
        self.gone_since, self.ready = None, False
        process = self.launch(environment, errors=subprocess.STDOUT)  # a pipe has no size that a full disk could limit
        threading.Thread(target=self._copy, args=(process,), daemon=True).start()

    def _copy(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.ready = self.ready or line.startswith("ready on ")
            self._note(line)

    def _note(self, line: str) -> None:
        with self.log_file.open("a") as log:
            log.write(line)

    def describe(self, lines: int = 80) -> str:
        """The last lines of its log, and which of its processes live: for a run that failed."""
        lives = f"supervisor {'runs' if self.running else f'ended with {self.exit_code}'}, children {self.pids()}"
        return "\n".join([f"---- the log of {self.name}, {self.log_file}, its last lines", *self.log.splitlines()[-lines:], f"---- {lives}"])

    def kill(self) -> None:
        super().kill()
        self.gone_since = time.monotonic()

    def kill_one(self, kind: str, rnd: random.Random) -> bool:
        """kill -9 of one child whose name begins so."""
        found = list(self.pids(kind).values())
        return bool(found) and send(rnd.choice(found), signal.SIGKILL)

    def freeze_worker(self, rnd: random.Random) -> list[int]:
        """SIGSTOP of one worker; its process id, for `thaw`."""
        found = list(self.pids("w").values())
        return [pid for pid in ([rnd.choice(found)] if found else []) if send(pid, signal.SIGSTOP)]

    def freeze(self) -> list[int]:
        """SIGSTOP of all its processes."""
        return [pid for pid in self.everything() if send(pid, signal.SIGSTOP)]

    def everything(self) -> list[int]:
        """Its process ids, the supervisor's first."""
        assert self._process is not None
        return [self._process.pid, *self.pids().values()]

    @staticmethod
    def thaw(pids: Sequence[int]) -> None:
        """SIGCONT."""
        for pid in pids:
            send(pid, signal.SIGCONT)

    def fill_disk(self, full: bool = True) -> None:
        """No process of it writes a file beyond 32 KiB any more, or all may again."""
        assert self._process is not None
        limit = FULL_AT if full else resource.RLIM_INFINITY
        for pids in (lambda: [self._process.pid], lambda: list(self.pids().values())):  # the supervisor first: its children have its limit
            for pid in pids():
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def stop(self) -> int:
        """SIGTERM; the exit code, -9 when it had to be killed."""
        self.end()
        return self.await_end()

    def end(self) -> None:
        """SIGTERM, without waiting."""
        for pid in self.pids().values():
            send(pid, signal.SIGCONT)
        if self._process is not None:
            send(self._process.pid, signal.SIGTERM)

    def await_end(self) -> int:
        """The exit code, -9 when it had to be killed."""
        if self._process is None:
            return 0
        try:
            code = self._process.wait(25)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9
        self.gone_since = time.monotonic()
        return code


class Fleet:
    """The nodes of a run. options: more of `serve`, by node."""

    def __init__(self, directory: Path, options: Sequence[Sequence[str]]) -> None:
        self._nodes = [Node(directory / f"n{number}", f"n{number}", each) for number, each in enumerate(options)]
        self.away: set[Node] = set()
        """Nodes that a fault has taken and will bring back."""

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, number: int) -> Node:
        return self._nodes[number]

    @property
    def addresses(self) -> str:
        """As clients take them."""
        return ",".join(n.address for n in self._nodes)

    @property
    def here(self) -> list[Node]:
        """Nodes that no fault has taken."""
        return [n for n in self._nodes if n not in self.away]
