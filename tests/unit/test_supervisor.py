"""A node's life, with small children in the place of gateway and worker (node_child.py)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from penstock.config import ServeConfig
from penstock.node.process import Process

HERE = Path(__file__).parent


class Node:
    """A supervisor process under test."""

    def __init__(self, directory: Path, listen: str = "127.0.0.1:0", service: str = "plain", **settings: object) -> None:
        self.data = directory
        config = ServeConfig(listen=listen, data_dir=str(directory), workers=2, service_id=service, **settings)  # type: ignore[arg-type]
        self.process = subprocess.Popen([sys.executable, str(HERE / "node_child.py"), config.to_json()], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(HERE)})

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def pid(self, name: str) -> int:
        path = self.data / "run" / f"{name}.pid"
        wait_for(path.exists)
        found = [""]  # what was read whole; at another moment the file may be about to be written anew

        def whole() -> bool:
            found[0] = path.read_text()
            return found[0].endswith("\n")

        wait_for(whole)
        return int(found[0])

    def pids(self) -> list[int]:
        return [self.pid(n) for n in ("gateway", "w0", "w1")]

    def finish(self, seconds: float = 15) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    started: list[Node] = []

    def start(**settings: object) -> Node:
        node = Node(tmp_path / "data", **settings)  # type: ignore[arg-type]
        started.append(node)
        return node

    yield start
    for node in started:
        if node.process.poll() is None:
            node.process.send_signal(signal.SIGTERM)
            try:
                node.process.communicate(timeout=12)
            except subprocess.TimeoutExpired:
                node.process.kill()
                node.process.communicate()


def test_ready_then_stopped_in_order(nodes: Callable[..., Node], tmp_path: Path) -> None:
    node = nodes()
    assert node.line() == f"ready on 127.0.0.1:0, data in {tmp_path / 'data'}"
    pids = node.pids()
    node.process.send_signal(signal.SIGTERM)
    code, out, _ = node.finish()
    said = re.findall("gateway ended|w0 ended|w1 ended", out)  # the workers' lines may run into each other
    assert code == 0 and said[-1:] == ["gateway ended"], "the gateway ends last: meanwhile it tells others where to look"
    assert sorted(said) == ["gateway ended", "w0 ended", "w1 ended"]
    assert not [p for p in pids if alive(p)]
    stored = json.loads((tmp_path / "data" / "node.json").read_text())
    assert stored["format"] == 1 and stored["service_id"] == "plain"


def test_what_dies_is_started_again(nodes: Callable[..., Node]) -> None:
    node = nodes()
    node.line()
    for name in ("w1", "gateway"):
        old = node.pid(name)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda name=name, old=old: node.pid(name) != old and alive(node.pid(name)))
    node.process.send_signal(signal.SIGINT)
    code, _, err = node.finish()
    assert code == 0 and "w1 ended (signal 9)" in err and "gateway ended (signal 9)" in err


def test_a_loop_without_progress_is_killed(nodes: Callable[..., Node]) -> None:
    node = nodes(service="stalls")
    node.line()
    old = node.pid("w0")
    wait_for(lambda: node.pid("w0") != old)
    node.process.send_signal(signal.SIGTERM)
    _, _, err = node.finish()
    assert "w0 shows no sign of life" in err


def test_children_end_when_only_the_supervisor_is_killed(nodes: Callable[..., Node]) -> None:
    node = nodes()
    node.line()
    pids = node.pids()
    node.process.kill()
    successor = nodes()  # waits for the orphans
    assert successor.line().startswith("ready")
    assert not [p for p in pids if alive(p)]


@pytest.mark.slow
def test_what_clings_is_killed_within_ten_seconds(nodes: Callable[..., Node]) -> None:
    node = nodes(service="clings")
    node.line()
    pids = node.pids()
    began = time.monotonic()
    node.process.send_signal(signal.SIGTERM)
    code, _, _ = node.finish()
    assert code == 0 and time.monotonic() - began < 11 and not [p for p in pids if alive(p)]


def refused(node: Node, code: int, *words: str) -> None:
    found, out, err = node.finish(30)
    assert found == code and "ready" not in out
    line = err.strip().split("\n")[-1]
    assert line.startswith("penstock: ") and all(w in line for w in words), err


def test_a_directory_in_use_is_refused(nodes: Callable[..., Node]) -> None:
    first = nodes()
    first.line()
    refused(nodes(), 3, "in use by another node", str(first.process.pid))


def test_a_newer_directory_is_refused(nodes: Callable[..., Node], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "node.json").write_text('{"format": 2, "service_id": "plain", "node_id": "n1"}')
    refused(nodes(), 5, "newer version")


def test_a_directory_that_cannot_be_made_is_refused(nodes: Callable[..., Node], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    refused(nodes(), 4, "cannot be written")


def test_another_service_is_refused(nodes: Callable[..., Node], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "node.json").write_text('{"format": 1, "service_id": "other", "node_id": "n1"}')
    refused(nodes(), 2, "belongs to service other")


def test_a_taken_port_is_refused(nodes: Callable[..., Node]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(nodes(listen=f"127.0.0.1:{port}"), 6, f"port {port}", "taken")


def test_a_gateway_that_cannot_start_ends_the_node(nodes: Callable[..., Node]) -> None:
    refused(nodes(service="refuses"), 6, "the gateway does not start", "Address already in use")


def test_an_open_address_needs_insecure(nodes: Callable[..., Node]) -> None:
    refused(nodes(listen="0.0.0.0:0"), 2, "--insecure")


async def test_a_child_that_cannot_be_started_now_is_started_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    refused = [OSError(errno.EAGAIN, "no processes left")]
    gone = asyncio.Event()

    async def start(*_: object, **__: object) -> object:
        if refused:
            raise refused.pop()
        return SimpleNamespace(pid=4711, returncode=None, wait=gone.wait)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    child = Process("w0", "a.module", 1, lambda: ServeConfig(data_dir=str(tmp_path)), 0, tmp_path / "no such directory, or a full disk")
    async with asyncio.timeout(5):
        while child.pid is None:
            await asyncio.sleep(0.01)
    assert child.pid == 4711 and "it cannot be started: " in caplog.text
    gone.set()
    child.stop()
    await child.ended.wait()
