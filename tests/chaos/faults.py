"""The faults: what may happen to a node and its broker at any moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from broker import Broker
from checker import Violations
from node import Node

CHANCES = (0.001, 0.003, 0.01)
"""That a process dies at one point of a commit. Five topologies on two workers pass some 500 points a second: at more, a node does little
else than start."""


def attack(node: Node, broker: Broker | None, rnd: random.Random, until: float, v: Violations, update: Callable[[], None]) -> dict[str, int]:
    """Random faults until the time (monotonic) is over; how many of each. A node that ends without being killed is a violation. update:
    gives a topology another definition, which the next fault may hit."""
    done: dict[str, int] = {}
    faults = ["worker"] * 4 + ["gateway"] * 2 + ["node"] + ["commit"] * 2 + ["pause"] + ["update"] * 3 + (["broker"] if broker else [])
    while time.monotonic() < until:
        time.sleep(rnd.uniform(0.3, 2.5))
        fault = rnd.choice(faults)
        done[fault] = done.get(fault, 0) + 1
        if fault == "worker":
            node.kill_one("w", rnd)
        elif fault == "gateway":
            node.kill_one("gateway", rnd)
        elif fault == "node":
            again(node)
        elif fault == "update":
            update()
        elif fault == "commit":
            again(node, fault=f"any:kill:{rnd.choice(CHANCES)}")
            time.sleep(rnd.uniform(2, 4))
        elif fault == "pause":
            pid = node.pause_worker(rnd)
            time.sleep(rnd.uniform(3.5, 6))
            if pid is not None:
                node.resume(pid)
        elif broker is not None:
            broker.kill()
            time.sleep(rnd.uniform(0.2, 2))
            broker.restart()
        if not node.running:
            v.add("other", 1, f"the node ended by itself with exit code {node.exit_code}")
            node.wait_gone()
            node.start()
    return done


def again(node: Node, fault: str = "") -> None:
    """kill -9 of the whole node, then a new start. fault: see Node.start."""
    node.kill()
    node.wait_gone()
    node.start(fault)
