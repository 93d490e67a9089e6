"""What people change while it storms: definitions, registrations, where a node's tasks are. A service under attack may refuse any of it."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import topologies
from fleet import Fleet, Node
from load import Watcher
from penstock_client import Client, PenstockError
from penstock_client.errors import UnknownTopologyError


class Changes:
    """done: how many were answered. gate: the file that `mending` wants."""

    def __init__(self, fleet: Fleet, gate: Path) -> None:
        self.done: Counter[str] = Counter()
        self._gate = gate
        self._fleet, self._odd = fleet, False

    def update(self) -> bool:
        """The second topology gets its other definition."""
        self._odd = not self._odd
        try:
            with self._client() as client:
                client.update_topology(topologies.second(self._odd))
            self.done["update"] += 1
        except PenstockError:
            pass
        return True

    def anew(self) -> bool:
        """The returning topology and its topic are deleted; then it is registered again, at once or when `settle` does."""
        with self._client() as client:
            try:
                with suppress(UnknownTopologyError):  # an earlier deletion was carried out though nobody heard the answer
                    client.delete_topology("returning", delete_topics=True)
                client.register_topology(topologies.returning())
                self.done["anew"] += 1
            except PenstockError:
                pass
        return True

    def replay(self) -> bool:
        """The gate opens or is closed; dead letters are processed again, and fail again or do not."""
        if self._gate.exists():
            self._gate.unlink()
        else:
            self._gate.touch()
        try:
            with self._client() as client:
                client.replay_dead_letters("mending")
            self.done["replay"] += 1
        except PenstockError:
            pass
        return True

    def mend(self, total: int, seconds: float = 90) -> str:
        """The last letters are replayed until every number has come; else why not."""
        self._gate.touch()
        mended, last = Watcher(self._fleet.addresses, "mended", "earliest"), ""
        end = time.monotonic() + seconds
        with Client(self._fleet.addresses, timeout=10) as client:
            while len(mended.rows) < total and time.monotonic() < end:
                try:
                    client.replay_dead_letters("mending")
                except PenstockError as e:
                    last = f", {e}"
                time.sleep(1)
        mended.close()
        return "" if len(mended.rows) >= total else f"{len(mended.rows)} of {total} have come{last}"

    def drain(self, node: Node) -> None:
        """Its tasks go to others, then it ends by itself; when that is refused or takes long, whoever asked stops it."""
        try:
            with self._client() as client:
                client.drain_node(node.name)
            self.done["drain"] += 1
        except PenstockError:
            return
        end = time.monotonic() + 20
        while node.running and time.monotonic() < end:
            time.sleep(0.1)

    def settle(self, seconds: float = 60) -> str:
        """The returning topology is registered; else why not."""
        end, last = time.monotonic() + seconds, ""
        with Client(self._fleet.addresses, timeout=10) as client:
            while time.monotonic() < end:
                try:
                    if any(t.name == "returning" for t in client.topologies()):
                        return ""
                    client.register_topology(topologies.returning())
                except PenstockError as e:
                    last = str(e)
                    time.sleep(0.2)
        return last or "it does not appear"

    def _client(self) -> Client:
        return Client(self._fleet.addresses, timeout=5)
