"""Tasks spread over nodes, move, fail and come back under load; every record counts once."""

from __future__ import annotations

from pathlib import Path

from broker import Broker
from counting import PARTITIONS, Load, Watch, declare, outcome
from nodes import Nodes, several
from served import wait_for
from support import unique

TASKS = 2 * PARTITIONS
"""Of the two sub-topologies."""


def balanced(nodes: Nodes, count: int) -> bool:
    placed = list(nodes.running_tasks("counting").values())
    return len(placed) == TASKS and all(placed.count(n) >= TASKS // count - 1 for n in range(count))


def test_one_node_to_three_and_back(kafka_broker: Broker, tmp_path: Path) -> None:
    with several(tmp_path, kafka_broker.bootstrap, unique("s").replace("-", ""), 1) as nodes:
        declare(nodes)
        watch, load = Watch(kafka_broker.bootstrap, outcome(nodes)), Load(list(nodes))
        wait_for(lambda: len(watch.seen) > 5, 30)
        watch.mark()
        nodes.add(2)
        wait_for(lambda: balanced(nodes, 3), 40, lambda: nodes.running_tasks("counting"))
        joined = watch.mark()
        for gone in (nodes[2], nodes[1]):
            gone.stop()
        wait_for(lambda: len(nodes.running_tasks("counting")) == TASKS, 40, lambda: nodes.running_tasks("counting"))
        watch.check(load.stop())
        assert max(joined.values()) < 3, joined
