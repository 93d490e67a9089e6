"""What a scenario plays on: a real node behind a proxy, and what a driver may ask of both."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from certificates import Authority
from penstock.security.tokens import new_token
from penstock_client import UnreachableError
from ports import free_ports
from proxy import Proxy
from real import RealNode, metric, wait_for


class Stage:
    """One node and the proxy before it. settings: for the driver's command line."""

    def __init__(self, node: RealNode, settings: dict[str, str], metrics: str) -> None:
        self._node = node
        self._metrics = metrics
        self._proxy = Proxy(node.address)
        self.settings = settings
        self.address = self._proxy.address
        self._answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "kill_gateway": self._kill_gateway, "kill_worker": self._kill_worker, "cut": self._cut, "refuse": self._refuse, "accept": self._accept, "delay": self._delay,
            "subscriptions": self._subscriptions, "append": self._append,
        }

    def close(self) -> None:
        """Stop the node, which must end in order."""
        self._proxy.close()
        self._node.client.close()
        if code := self._node.stop():
            raise SystemExit(f"the node ended with {code}: {self._node.log[-3000:]}")

    def reset(self) -> None:
        """After a scenario: no fault is left over, and the node serves."""
        self._proxy.reset()
        wait_for(self._serves, 60, "the node")

    def _serves(self) -> bool:
        try:
            return self._node.client.cluster().log_available
        except UnreachableError:  # a gateway that was killed takes its time on a busy machine
            return False

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what a driver asks. KeyError for something unknown."""
        return self._answers[asked["ask"]](asked)

    @contextlib.contextmanager
    def watchdog(self, process: subprocess.Popen[str], seconds: float) -> Iterator[None]:
        """Kill a process that takes longer."""
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _kill_gateway(self, _: dict[str, Any]) -> dict[str, Any]:
        for pid in self._node.pids("gateway").values():
            os.kill(pid, signal.SIGKILL)
            self._node.wait_stopped(pid)
        return {}

    def _kill_worker(self, _: dict[str, Any]) -> dict[str, Any]:
        (pid,) = self._node.pids("w").values()
        os.kill(pid, signal.SIGKILL)
        self._node.wait_stopped(pid)
        return {}

    def _cut(self, _: dict[str, Any]) -> dict[str, Any]:
        self._proxy.cut()
        return {}

    def _refuse(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._proxy.refuse(asked.get("for_ms", 0) / 1000)
        return {}

    def _accept(self, _: dict[str, Any]) -> dict[str, Any]:
        self._proxy.accept()
        return {}

    def _delay(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._proxy.delay(asked["ms"] / 1000)
        return {}

    def _append(self, asked: dict[str, Any]) -> dict[str, Any]:
        wait_for(self._serves, 60, "the node")
        return {"position": self._node.client.append(asked["relation"], asked["rows"], as_json=True).position}

    def _subscriptions(self, asked: dict[str, Any]) -> dict[str, Any]:
        end = time.monotonic() + 5
        while (count := self._open_subscriptions()) != asked["count"] and time.monotonic() < end:
            time.sleep(0.05)
        return {"count": count}

    def _open_subscriptions(self) -> int:
        with urllib.request.urlopen(f"http://{self._metrics}/metrics", timeout=5) as answer:
            return int(metric(answer.read().decode(), "penstock_subscriptions"))


class Stages:
    """The plain node and the secured one, each started when it is first needed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stages: dict[bool, Stage] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            for stage in self._stages.values():
                stage.close()
        self._open.close()

    def of(self, secured: bool) -> Stage:
        """The stage of a kind."""
        if secured not in self._stages:
            self._stages[secured] = self._secured() if secured else self._plain()
        return self._stages[secured]

    def _start(self, name: str, options: list[str], settings: dict[str, str]) -> Stage:
        folder = self._directory / name
        folder.mkdir(exist_ok=True)
        metrics = f"127.0.0.1:{free_ports(2)[0]}"
        node = RealNode(folder, "--metrics", metrics, *options)
        if settings:
            from penstock_client import Client, Tls

            node.client = Client(node.address, tls=Tls(settings["ca"]), token=settings["token"])
        return Stage(self._open.enter_context(node), settings, metrics)

    def _plain(self) -> Stage:
        return self._start("plain", [], {})

    def _secured(self) -> Stage:
        folder = self._directory / "secured"
        folder.mkdir()
        authority = Authority(folder)
        own = authority.issue("localhost", "server")
        roles = {"root": "admin:*", "guest": "reader:*"}
        tokens = {name: new_token(name) for name in roles}
        (folder / "tokens").write_text("".join(f"{name} {tokens[name][1]} {role}\n" for name, role in roles.items()))
        settings = {"ca": str(authority.path), "token": tokens["root"][0], "reader": tokens["guest"][0]}
        return self._start("secured", ["--tls-cert", str(own.cert), "--tls-key", str(own.key), "--tokens", str(folder / "tokens")], settings)
