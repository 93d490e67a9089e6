"""A real node as a stage: its processes can be killed and held, its log can fail, and it can be ended."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
import urllib.request
from typing import Any

from penstock.log.embedded import open_embedded
from penstock.log.port import TopicPartition
from penstock_client import UnreachableError
from real import RealNode, metric, wait_for
from served import send
from stage import Stage

_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class NodeStage(Stage):
    """One node. metrics: where it serves them."""

    def __init__(self, node: RealNode, settings: dict[str, str], metrics: str) -> None:
        super().__init__(node.address, settings)
        self._node = node
        self._metrics = metrics
        self._held: list[int] = []
        self._log_fails = False
        self.answers |= {
            "kill_gateway": self._kill_gateway, "kill_worker": self._kill_worker, "hold_worker": self._hold_worker, "release_worker": self._release_worker,
            "fail_log": self._fail_log, "mend_log": self._mend_log, "expire": self._expire, "ended": self._ended, "subscriptions": self._subscriptions,
            "append": self._append,
        }  # fmt: skip

    @property
    def running(self) -> bool:
        """Whether the node has not ended."""
        return self._node.running

    def close(self) -> None:
        """Stop the node, which must end in order."""
        super().close()
        self._node.client.close()
        if self.running and (code := self._node.stop()):
            raise SystemExit(f"the node ended with {code}: {self._node.log[-3000:]}")

    def reset(self) -> None:
        """After a scenario: no fault is left over, and the node serves, if it is there."""
        super().reset()
        self._release_worker({})
        if self.running:
            self._mend_log({})
            wait_for(self._serves, 60, "the node")

    def _serves(self) -> bool:
        try:
            return self._node.client.cluster().log_available
        except UnreachableError:  # a gateway that was killed takes its time on a busy machine
            return False

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

    def _hold_worker(self, _: dict[str, Any]) -> dict[str, Any]:
        (pid,) = self._node.pids("w").values()
        os.kill(pid, signal.SIGSTOP)
        self._held.append(pid)
        return {}

    def _release_worker(self, _: dict[str, Any]) -> dict[str, Any]:
        while self._held:
            send(self._held.pop(), signal.SIGCONT)  # its supervisor may have replaced one that was silent for so long
        return {}

    def _fail_log(self, _: dict[str, Any]) -> dict[str, Any]:
        """No file of the gateway may grow: what it appends fails, as on a disk that does not take any more."""
        self._limit((1, resource.RLIM_INFINITY))
        self._log_fails = True
        return {}

    def _mend_log(self, _: dict[str, Any]) -> dict[str, Any]:
        if self._log_fails:
            self._limit(_UNLIMITED)
            self._log_fails = False
        return {}

    def _limit(self, sizes: tuple[int, int]) -> None:
        for pid in self._node.pids("gateway").values():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, sizes)

    def _expire(self, asked: dict[str, Any]) -> dict[str, Any]:
        asyncio.run(self._forget(asked["topic"]))
        return {}

    async def _forget(self, topic: str) -> None:
        """As when the time is over for which the topic keeps records."""
        log = await open_embedded(self._node.data / "log", process="conformance")
        try:
            info = (await log.topics([topic]))[topic]
            await log.delete_records(await log.ends([TopicPartition(topic, p) for p in range(info.partitions)]))
        finally:
            await log.close()

    def _ended(self, _: dict[str, Any]) -> dict[str, Any]:
        wait_for(lambda: not self.running, 30, "the end of the node")
        return {"code": self._node.exit_code}

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
