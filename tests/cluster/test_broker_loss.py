"""One of three brokers is lost under load: nothing is lost with it, and nodes go on with the other two."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from broker import Broker
from counting import PARTITIONS, Load, Watch, declare, outcome
from nodes import Nodes, several
from served import wait_for


async def replicas(bootstrap: str) -> dict[str, set[int]]:
    """How many replicas the partitions of each topic have."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return {t["topic"]: {len(p["replicas"]) for p in t["partitions"]} for t in await admin.describe_topics()}
    finally:
        await admin.close()


def goes_on(watch: Watch, nodes: Nodes) -> None:
    """Each partition's counts advance, and every task runs."""
    seen = {shop: len(counts) for shop, counts in watch.seen.items()}
    wait_for(lambda: seen and all(len(watch.seen[shop]) > count for shop, count in seen.items()), 30, "counts of every shop")
    wait_for(lambda: len(nodes.running_tasks("counting")) == 2 * PARTITIONS, 30, lambda: nodes.running_tasks("counting"))


def test_a_broker_is_lost(kafka_broker: Broker, tmp_path: Path) -> None:
    with Broker(tmp_path / "brokers", brokers=3) as broker, several(tmp_path, broker.bootstrap, "loss", 2, session_ms=6_000) as nodes:
        declare(nodes)
        made = {t: n for t, n in asyncio.run(replicas(broker.bootstrap)).items() if not t.startswith("__")}
        assert made and set().union(*made.values()) == {3}, made
        watch, load = Watch(broker.bootstrap, outcome(nodes)), Load(list(nodes))
        wait_for(lambda: len(watch.seen) > 5, 30)
        for lost in (0, 1):  # leaders, coordinators and, of two out of three, most likely the controller
            broker.kill(lost)
            time.sleep(1)
            goes_on(watch, nodes)
            broker.restart(lost)
            time.sleep(4)  # its replicas catch up, else two of them would be away
        watch.check(load.stop())
