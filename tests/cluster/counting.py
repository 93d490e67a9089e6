"""A load whose every record is told apart in the outcome: running counts by shop, each update of which must appear once and in order."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from nodes import ClusterNode, Nodes
from penstock.errors import LogUnavailable
from penstock.log.kafka.log import open_kafka
from penstock.log.port import Chunk, LogReader, TopicPartition
from penstock_client import Client, Topology
from penstock_client.declare import Binding
from penstock_client.errors import PenstockError
from served import wait_for

SHOPS = 23
PARTITIONS = 4


def outcome(nodes: Nodes) -> str:
    """The topic of the counts."""
    return f"counts-{nodes.service_id}"


def declare(nodes: Nodes, standbys: int | None = None) -> None:
    """The input, and counts by shop with each update in a topic, running. standbys: as the topology says."""
    t = Topology("counting", updates="EVERY", commit_interval=0.1, standbys=standbys)
    t.stream("sales").group_by("SHOP", name="by").count("C", name="counts").to("counts_out", binding=Binding(topic=outcome(nodes)))
    nodes[0].client.create_stream("sales", "K STRING KEY, SHOP STRING", Binding(topic=f"sales-{nodes.service_id}", partitions=PARTITIONS))
    nodes[0].client.register_topology(t)
    wait_for(lambda: len(nodes.running_tasks("counting")) == 2 * PARTITIONS, 30, lambda: nodes.running_tasks("counting"))


class Load:
    """Appends through one node or, when that fails, the next, until stopped. sent: acknowledged records by shop."""

    def __init__(self, nodes: Sequence[ClusterNode], pause: float = 0.02) -> None:
        self.sent: Counter[str] = Counter()
        self._nodes, self._pause = nodes, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        clients = {node: Client(node.address, timeout=3) for node in self._nodes}
        sequence = number = 0
        try:
            while not self._stop.is_set():
                sequence += 1
                rows = [{"K": f"k{n}", "SHOP": f"s{n % SHOPS}"} for n in range(number, number + 20)]
                number += 20
                if not self._append(clients, rows, sequence):
                    return
                self.sent.update(r["SHOP"] for r in rows)
                self._stop.wait(self._pause)
        finally:
            for client in clients.values():
                client.close()

    def _append(self, clients: Mapping[ClusterNode, Client], rows: Sequence[Mapping[str, str]], sequence: int) -> bool:
        """Through one node after the other until one answers; False when stopped before. Its number makes a repeat harmless."""
        while not self._stop.is_set() or any(n.running for n in clients):
            for node, client in clients.items():
                if node.running:
                    try:
                        client.append("sales", rows, producer_id="till", sequence=sequence)
                        return True
                    except PenstockError:
                        continue
            self._stop.wait(0.1)
        return False

    def stop(self) -> Counter[str]:
        """What was acknowledged."""
        self._stop.set()
        self._thread.join()
        return self.sent


class Watch:
    """Reads the outcome as it comes, on Kafka itself. pauses: the longest time without an update, by partition, since the last `mark`."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.seen: dict[str, list[int]] = defaultdict(list)
        self.pauses: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._bootstrap, self._topic = bootstrap, topic
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    async def _run(self) -> None:
        log = await open_kafka(self._bootstrap, {}, process="watch", service="watch")
        while self._topic not in (topics := await log.topics([self._topic])):
            await asyncio.sleep(0.1)
        reader = log.reader(0.05)
        reader.add({TopicPartition(self._topic, p): 0 for p in range(topics[self._topic].partitions)})
        while not self._stop.is_set():
            for chunk in await self._poll(reader):
                for r in chunk.records:
                    self.seen[(r.key or b"").decode()].append(json.loads(r.value or b"")["C"])
                if chunk.records:
                    self._tick(chunk.tp.partition)
        await reader.close()
        await log.close()

    @staticmethod
    async def _poll(reader: LogReader) -> Sequence[Chunk]:
        try:
            return await reader.poll(0.05)
        except LogUnavailable:  # the broker is away
            await asyncio.sleep(0.1)
            return ()

    def _tick(self, partition: int) -> None:
        now = time.monotonic()
        self.pauses[partition] = max(self.pauses.get(partition, 0.0), now - self._last.get(partition, now))
        self._last[partition] = now

    def mark(self) -> dict[int, float]:
        """The longest pauses so far; they are measured anew."""
        now = time.monotonic()
        said = {p: max(pause, now - self._last[p]) for p, pause in self.pauses.items()}
        self.pauses = {}
        self._last = dict.fromkeys(self._last, now)
        return said

    def arrived(self, sent: Counter[str], seconds: float) -> None:
        """Wait until everything has come, so long at most."""
        end = time.monotonic() + seconds
        while any(len(self.seen[shop]) < count for shop, count in sent.items()) and time.monotonic() < end:
            time.sleep(0.05)

    def check(self, sent: Counter[str], seconds: float = 30) -> None:
        """Every record counts exactly once: the counts of each shop are 1, 2, 3 to what was sent."""
        self.arrived(sent, seconds)
        time.sleep(0.3)  # what comes twice comes now
        self._stop.set()
        self._thread.join()
        wrong = {shop: (self.seen[shop][-3:], count) for shop, count in sent.items() if self.seen[shop] != list(range(1, count + 1))}
        assert not wrong, f"{len(wrong)} of {len(sent)} shops are wrong, such as {dict(list(wrong.items())[:3])}"
