"""A node under attack: started as users start it, killed and stopped in parts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
from pathlib import Path

from served import Served, send

PLUGINS = Path(__file__).parents[1] / "plugins"


class Node(Served):
    """`penstock serve`, its standard output in the log too."""

    def __init__(self, directory: Path, workers: int, kafka: str = "", session_ms: int = 3_000) -> None:
        options = ["--workers", str(workers)]
        if kafka:
            properties = directory / "kafka.properties"
            properties.write_text(f"session.timeout.ms={session_ms}\n")
            options += ["--kafka", kafka, "--kafka-config", str(properties)]
        super().__init__(directory / "data", directory / "serve.log", options)

    def start(self, fault: str = "") -> None:
        """Start it; PENSTOCK_FAULT makes its processes kill themselves inside commits."""
        environment = {k: v for k, v in os.environ.items() if k != "PENSTOCK_FAULT"} | ({"PENSTOCK_FAULT": fault} if fault else {})
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(PLUGINS), os.environ.get("PYTHONPATH"))))
        self._note(f"---- start, fault {fault!r}\n")
        process = self.launch(environment)
        threading.Thread(target=self._copy, args=(process,), daemon=True).start()

    def _copy(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._note(line)

    def _note(self, line: str) -> None:
        with self.log_file.open("a") as log:
            log.write(line)

    def describe(self, lines: int = 80) -> str:
        """The last lines of its log, and which of its processes live: for a run that failed."""
        lives = f"supervisor {'runs' if self.running else f'ended with {self.exit_code}'}, children {self.pids()}"
        return "\n".join([f"---- the node's log {self.log_file}, its last lines", *self.log.splitlines()[-lines:], f"---- {lives}"])

    def kill_one(self, kind: str, rnd: random.Random) -> bool:
        """kill -9 of one child whose name begins so."""
        found = list(self.pids(kind).values())
        return bool(found) and send(rnd.choice(found), signal.SIGKILL)

    def pause_worker(self, rnd: random.Random) -> int | None:
        """SIGSTOP of one worker; its process id."""
        found = list(self.pids("w").values())
        if not found:
            return None
        pid = rnd.choice(found)
        return pid if send(pid, signal.SIGSTOP) else None

    @staticmethod
    def resume(pid: int) -> None:
        """SIGCONT."""
        send(pid, signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM; the exit code, -9 when it had to be killed."""
        if self._process is None:
            return 0
        for pid in self.pids().values():
            send(pid, signal.SIGCONT)
        send(self._process.pid, signal.SIGTERM)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9
