"""Copies of tasks on other nodes: a restart moves nothing, and a node that is lost is replaced by its standbys."""

from __future__ import annotations

import time
from pathlib import Path

from broker import Broker
from counting import PARTITIONS, Load, Watch, declare, outcome
from nodes import ClusterNode, Nodes, own_tasks, several
from penstock.runtime.board_port import TaskState
from served import wait_for
from support import unique

STILL = 8.0
"""Seconds without a move after which tasks lie where they are to lie: rebalances that warm copies ask for come sooner."""


def standbys(node: ClusterNode) -> set[int]:
    """Partitions whose counts a node has a nearly complete copy of."""
    return {t.partition for t in own_tasks(node, "counting") if t.state is TaskState.STANDBY and t.lag < 1_000}


def owners(nodes: Nodes) -> dict[tuple[str, int], int]:
    return nodes.running_tasks("counting")


def copied(nodes: Nodes) -> bool:
    """Whether every task runs and each that has state has its standby."""
    return sum(len(standbys(n)) for n in nodes if n.running) == PARTITIONS and len(owners(nodes)) == 2 * PARTITIONS


def settled(nodes: Nodes) -> dict[tuple[str, int], int]:
    """Who has the tasks, once each has its standby and none has moved for a while: those that came first give some up to those that are warm."""
    at, since = owners(nodes), time.monotonic()

    def still() -> bool:
        nonlocal at, since
        if (now := owners(nodes)) != at or not copied(nodes):
            at, since = now, time.monotonic()
        return time.monotonic() - since > STILL

    wait_for(still, 60, lambda: owners(nodes))
    return at


def test_a_rolling_restart_moves_nothing(kafka_broker: Broker, tmp_path: Path) -> None:
    with several(tmp_path, kafka_broker.bootstrap, unique("s").replace("-", ""), 2, "--standbys", "1", session_ms=45_000) as nodes:
        declare(nodes)
        watch, load = Watch(kafka_broker.bootstrap, outcome(nodes)), Load(list(nodes))
        before = settled(nodes)
        for node in nodes:
            assert node.stop() == 0
            node.start()
            node.wait_ready()
            wait_for(lambda: copied(nodes), 30, lambda: owners(nodes))
        assert owners(nodes) == before
        watch.check(load.stop())
        assert not any(word in n.log for n in nodes for word in ("REBUILD", "restoring", "starts over"))


def test_a_lost_node_is_replaced_by_its_standbys(kafka_broker: Broker, tmp_path: Path) -> None:
    session = 4.0
    with several(tmp_path, kafka_broker.bootstrap, unique("s").replace("-", ""), 2, session_ms=int(session * 1000)) as nodes:
        declare(nodes, standbys=1)
        watch, load = Watch(kafka_broker.bootstrap, outcome(nodes)), Load([nodes[1]])
        wait_for(lambda: copied(nodes) and len(watch.seen) > 5, 30, lambda: owners(nodes))
        watch.mark()
        nodes[0].kill()
        wait_for(lambda: set(owners(nodes).values()) == {1} and len(owners(nodes)) == 2 * PARTITIONS, session + 10, lambda: owners(nodes))
        time.sleep(0.5)
        pauses = watch.mark()
        watch.check(load.stop())
        assert "REBUILD" not in nodes[1].log and "restoring" not in nodes[1].log
        assert max(pauses.values()) < session + 2, pauses
