"""What a scenario plays on: a service behind a proxy, and what a driver may ask of both."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from proxy import Proxy

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class Stage:
    """A service's address and the proxy before it. settings: for the driver's command line."""

    def __init__(self, address: str, settings: dict[str, str]) -> None:
        self.proxy = Proxy(address)
        self.settings = settings
        self.address = self.proxy.address
        self.answers: dict[str, Answer] = {"cut": self._cut, "refuse": self._refuse, "accept": self._accept, "delay": self._delay}

    def close(self) -> None:
        """Stop all of it."""
        self.proxy.close()

    def reset(self) -> None:
        """After a scenario: no fault is left over."""
        self.proxy.reset()

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what a driver asks. KeyError for something unknown."""
        return self.answers[asked["ask"]](asked)

    def converse(self, process: subprocess.Popen[str], seconds: float) -> Any:
        """Answer what a driver asks; its facts, None without any. One that takes longer is killed."""
        assert process.stdin is not None and process.stdout is not None
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            for line in process.stdout:
                said = json.loads(line)
                if "facts" in said:
                    return said["facts"]
                process.stdin.write(json.dumps({"ok": True, **self.answer(said)}) + "\n")
                process.stdin.flush()
            return None
        finally:
            timer.cancel()

    def _cut(self, _: dict[str, Any]) -> dict[str, Any]:
        self.proxy.cut()
        return {}

    def _refuse(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.proxy.refuse(asked.get("for_ms", 0) / 1000)
        return {}

    def _accept(self, _: dict[str, Any]) -> dict[str, Any]:
        self.proxy.accept()
        return {}

    def _delay(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.proxy.delay(asked["ms"] / 1000)
        return {}
