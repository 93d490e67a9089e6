"""A topology that is reset or deleted while a node is down leaves nothing behind, there neither; two nodes that were given one id are told of."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from broker import Broker
from counting import PARTITIONS, declare, outcome
from nodes import ClusterNode, own_tasks, several
from penstock.log.kafka.log import open_kafka
from penstock.log.port import TopicPartition
from penstock_client import Client
from penstock_client.errors import NotServingError
from served import PENSTOCK, wait_for
from support import run, unique


def stores(node: ClusterNode) -> list[str]:
    """Directories of topologies' state."""
    root = node.data / "state"
    return sorted(p.name for p in root.iterdir()) if root.exists() else []


def test_what_is_reset_or_deleted_while_a_node_is_down_is_gone_everywhere(kafka_broker: Broker, tmp_path: Path) -> None:
    with several(tmp_path, kafka_broker.bootstrap, unique("g").replace("-", ""), 2) as nodes:
        declare(nodes)
        wait_for(lambda: all(stores(n) for n in nodes), 40, lambda: nodes.running_tasks("counting"))
        for n in range(200):
            nodes[0].client.append("sales", {"K": f"k{n}", "SHOP": f"s{n % 7}"})
        group = stores(nodes[0])[0].replace("counting", f"{nodes.service_id}-counting")
        left = f"sales-{nodes.service_id}", outcome(nodes)
        assert committed(kafka_broker, group, left[0]) > 0
        nodes[1].kill()
        client = nodes[0].client
        client.pause_topology("counting")
        client.reset_topology("counting")
        client.resume_topology("counting")
        old = stores(nodes[1])[0]
        wait_for(lambda: counted(client) == 200, 40, lambda: f"{counted(client)} rows of 200 are counted anew")
        wait_for(lambda: committed(kafka_broker, group, left[0]) == 0, 20, "the old group is gone, once the session of the node that is down is over")
        assert old not in stores(nodes[0]) and not any(old in t for t in topics(kafka_broker, nodes.service_id))
        client.delete_topology("counting")
        wait_for(lambda: not stores(nodes[0]) and topics(kafka_broker, nodes.service_id) == set(left), 20, lambda: topics(kafka_broker, nodes.service_id))
        assert stores(nodes[1]) == [old]
        nodes[1].start()
        nodes[1].wait_ready()
        wait_for(lambda: not stores(nodes[1]), 10, lambda: stores(nodes[1]))
        assert own_tasks(nodes[1], "counting") == []


def counted(client: Client) -> int:
    """Records in the counts, of what can be read now."""
    try:
        return sum(r.C for r in client.scan("counting.counts"))
    except NotServingError:
        return -1


def topics(broker: Broker, service: str) -> set[str]:
    """Those of users and of topologies."""
    found: set[str] = set()

    async def look() -> None:
        log = await open_kafka(broker.bootstrap, {}, process="look")
        found.update(t for t in await log.topics() if service in t and t.removeprefix(f"{service}-") not in ("registry", "schemas", "nodes", "append"))
        await log.close()

    run(look())
    return found


def committed(broker: Broker, group: str, topic: str) -> int:
    """Partitions of which the group has an offset."""
    found = []

    async def look() -> None:
        log = await open_kafka(broker.bootstrap, {}, process="look")
        offsets = await log.committed(group, [TopicPartition(topic, p) for p in range(PARTITIONS)], stable=False)
        found.append(sum(o.offset >= 0 for o in offsets.values()))
        await log.close()

    run(look())
    return found[0]


def test_two_nodes_of_one_id_are_told_of(kafka_broker: Broker, tmp_path: Path) -> None:
    with several(tmp_path, kafka_broker.bootstrap, unique("t").replace("-", ""), 2, "--node-id", "twin") as nodes:
        for node in nodes:
            wait_for(lambda node=node: "another node runs as twin" in node.log, 20, lambda node=node: node.log[-500:])
            seen = {n.address for n in node.client.cluster().nodes}
            assert seen == {n.address for n in nodes}
            status = subprocess.run([*PENSTOCK, "status"], capture_output=True, text=True, timeout=30, check=True,
                                    env={**os.environ, "PENSTOCK_ADDRESS": node.address}).stdout
            assert "node twin runs twice, at " in status and "give it a --node-id" in status
