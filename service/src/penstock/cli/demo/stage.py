"""A service for one demo: started in a temporary directory, spoken to by the client, killed in parts, stopped at the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from penstock_client import Client
from penstock_client.gen.penstock.v1 import relation_pb2
from rich.console import Console
from rich.table import Table

from penstock.planner.definition import load_documents

READY_SECONDS = 30.0


class StageError(Exception):
    """The demo cannot go on."""


class Follower:
    """A subscription in a thread of its own: counts rows and keeps the first few for showing."""

    def __init__(self, client: Client, relation: str, **options: Any) -> None:
        self.relation = relation
        self.rows: list[Any] = []
        self._subscription = client.subscribe(relation, **options)
        self._thread = threading.Thread(target=self._follow, daemon=True, name=f"follow-{relation}")
        self._thread.start()

    def _follow(self) -> None:
        for row in self._subscription:
            self.rows.append(row)

    @property
    def upserts(self) -> list[Any]:
        """What came so far without the deleted rows."""
        return [row for row in list(self.rows) if not row.deleted]

    def close(self) -> None:
        """End the subscription."""
        self._subscription.close()


class Stage:
    """See the module docstring."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.console = Console(highlight=False, width=max(110, Console().width))
        self._directory = tempfile.TemporaryDirectory(prefix=f"penstock-demo-{name}-")
        self.data = Path(self._directory.name)
        self._log = self.data / "serve.log"
        self._node: subprocess.Popen[str] | None = None
        self.address = f"127.0.0.1:{_free_port()}"
        self.client: Client

    def __enter__(self) -> Self:
        self.say("starting a service: one gateway, two workers, the embedded log")
        self.start()
        self.client = Client(self.address)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if hasattr(self, "client"):
            self.client.close()
        self.stop()
        self._directory.cleanup()

    def start(self) -> None:
        """Start the node and wait until it is ready."""
        command = [sys.executable, "-m", "penstock.cli.main", "serve", "--listen", self.address, "--data", str(self.data / "data"), "--workers", "2",
                   "--schema-registry-listen", "none"]  # no demo has schemas there, and the port beside may be taken
        with self._log.open("a") as log:
            self._node = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        assert self._node.stdout is not None
        line = _first_line(self._node, READY_SECONDS)
        if not line.startswith("ready"):
            self.stop()
            raise StageError(f"the service did not start: {line.strip() or 'no answer'}\n{self._log.read_text()[-2000:]}")
        self.say(line.strip().replace(str(self.data), "<temporary directory>"))

    def stop(self) -> None:
        """In order; a node that does not end in time is killed."""
        if self._node is None or self._node.poll() is not None:
            return
        self._node.send_signal(signal.SIGTERM)
        try:
            self._node.wait(15)
        except subprocess.TimeoutExpired:
            self.kill_node()

    def kill_node(self) -> None:
        """kill -9 of every process of the node at once."""
        assert self._node is not None
        for pid in [*(pid for pid, _ in self.children()), self._node.pid]:
            _kill(pid)
        self._node.wait()

    def children(self) -> Iterator[tuple[int, str]]:
        """(pid, command line) of the node's processes."""
        assert self._node is not None
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _parent(entry) == self._node.pid:
                yield int(entry.name), _command(entry)

    def kill_worker(self) -> str:
        """kill -9 of one worker; its process id as text."""
        workers = [pid for pid, command in self.children() if "penstock.node.worker" in command]
        if not workers:
            raise StageError("no worker process found")
        _kill(workers[0])
        return str(workers[0])

    def apply(self, example: str) -> str:
        """Declare and register what an example file holds; the position of the last registration."""
        position = ""
        for document in load_documents(files("penstock.examples").joinpath(example).read_text()):
            if isinstance(document, relation_pb2.Relation):
                self.say(f"declared {self.client.create_relation(document).name}")
            else:
                info = self.client.register_topology(document, wait=30)
                if info.state != "RUNNING":
                    raise StageError(f"topology {info.name} is {info.state}: {info.state_reason}")
                position = info.position
                self.say(f"registered topology {info.name}: publishes {', '.join(info.relations)}")
        return position

    def follow(self, relation: str, **options: Any) -> Follower:
        """Subscribe in the background."""
        return Follower(self.client, relation, **options)

    def say(self, text: str) -> None:
        """One line of progress."""
        self.console.print(f"[bold cyan]*[/] {text}", soft_wrap=True)

    def show(self, title: str, rows: list[Any], limit: int = 4) -> None:
        """A few rows as a table."""
        if not rows:
            return
        names = [name for name in rows[0].schema.names if name != "ROWTIME"]
        table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
        for name in names:
            table.add_column(name)
        for row in rows[:limit]:
            table.add_row(*(_cell(row[name]) for name in names))
        self.console.print(table)

    def wait(self, what: str, done: Callable[[], bool], seconds: float = 30.0) -> bool:
        """Until done or the time is over; says so when it is over."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                self.say(f"[red]still waiting for {what} after {seconds:.0f} s[/]")
                return False
            time.sleep(0.05)
        return True


def _cell(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "strftime") else str(value)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _first_line(process: subprocess.Popen[str], seconds: float) -> str:
    line: list[str] = []
    assert process.stdout is not None
    stdout = process.stdout
    reader = threading.Thread(target=lambda: line.append(stdout.readline()), daemon=True)
    reader.start()
    reader.join(seconds)
    return line[0] if line else ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return -1


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
