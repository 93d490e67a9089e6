"""The faults: what may happen to nodes and brokers at any moment. What is to happen is drawn from the seed in one thread; what lasts is undone
by helpers, so that several faults are at work at once."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import kafka_topics
from broker import Broker
from changes import Changes
from checker import Violations
from fleet import Fleet, Node
from proxy import Proxy

CHANCES = (0.001, 0.003, 0.01)
"""That a process dies at one point of a commit. Five topologies on two workers pass some 500 points a second: at more, a node does little
else than start."""

SESSION_MS = 4_000

ALONE = ["worker"] * 4 + ["gateway"] * 2 + ["again"] + ["commit"] * 2 + ["zombie"] + ["update"] * 3 + ["replay"] * 2
TOGETHER = (["worker"] * 3 + ["gateway"] * 2 + ["node"] * 2 + ["end"] + ["absence"] + ["joining"] + ["commit"] * 2 + ["zombie"] * 2 + ["freeze"]
            + ["full"] + ["update"] * 2 + ["anew"] + ["replay"] * 2)
"""Of one node, and of several."""


class Storm:
    """done: how many of each fault. A node that ends without being told so is a violation."""

    def __init__(self, fleet: Fleet, broker: Broker | None, links: Sequence[Proxy], changes: Changes, rnd: random.Random, v: Violations) -> None:
        """links: between the last node and the brokers."""
        self.done: Counter[str] = Counter()
        self._fleet, self._broker, self._links, self._changes, self._rnd, self._v = fleet, broker, links, changes, rnd, v
        self._broker_away = False
        self._helpers: list[threading.Thread] = []

    def rage(self, seconds: float) -> None:
        """For so long; at its end everything is there again."""
        faults = ALONE if len(self._fleet) == 1 else TOGETHER
        if self._broker is not None:
            faults = faults + ["broker"] * (1 if len(self._broker.nodes) == 1 else 3)
        if self._links:
            faults = faults + ["cut", "slow", "dark"]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self._rnd.uniform(0.3, 2.5))
            fault = self._rnd.choice(faults)
            if getattr(self, fault)():
                self.done[fault] += 1
            self._look()
        for helper in self._helpers:
            helper.join()
        for link in self._links:
            link.reset()

    def _look(self) -> None:
        for node in self._fleet.here:
            if not node.running and node not in self._fleet.away:
                self._v.add("other", 1, f"{node.name} ended by itself with exit code {node.exit_code}")
                node.wait_gone()
                node.start()

    # ---- parts of a node
    def worker(self) -> bool:
        """kill -9; its supervisor starts it again."""
        return self._some().kill_one("w", self._rnd)

    def gateway(self) -> bool:
        """kill -9 likewise."""
        return self._some().kill_one("gateway", self._rnd)

    def zombie(self) -> bool:
        """A worker is stopped past its session, and wakes with work that others have done since."""
        node, seconds = self._some(), self._rnd.uniform(0.9, 2) * SESSION_MS / 1000
        pids = node.freeze_worker(self._rnd)
        self._later(seconds, lambda: node.thaw(pids))
        return bool(pids)

    def freeze(self) -> bool:
        """All processes of a node are stopped past their sessions."""
        return self._while_away(self._rnd.uniform(0.9, 2) * SESSION_MS / 1000, Node.freeze, lambda node: node.thaw(node.everything()))

    def full(self) -> bool:
        """A node's disk has no room."""
        return self._while_away(self._rnd.uniform(3, 8), lambda node: node.fill_disk(), lambda node: node.fill_disk(False))

    # ---- nodes
    def again(self) -> bool:
        """kill -9 of all processes, then a new start."""
        _again(self._some())
        return True

    def node(self) -> bool:
        """kill -9 of all processes; back after a while."""
        return self._while_away(self._rnd.uniform(0, 8), Node.kill, _back)

    def absence(self) -> bool:
        """The same for so long that others have the tasks and what is on its disk is old."""
        return self._while_away(self._rnd.uniform(14, 22), Node.kill, _back)

    def end(self) -> bool:
        """SIGTERM; back after a while."""
        return self._while_away(self._rnd.uniform(0, 8), self._stop, _back)

    def commit(self) -> bool:
        """Processes of a node die inside commits."""
        seconds, chance = self._rnd.uniform(2, 6), self._rnd.choice(CHANCES)
        if len(self._fleet) == 1:
            _again(self._some(), f"any:kill:{chance}")
            time.sleep(seconds)
            return True

        def begin(node: Node) -> None:
            node.kill()
            _back(node, f"any:kill:{chance}")

        def over(node: Node) -> None:
            node.kill()
            _back(node)

        return self._while_away(6 + seconds, begin, over)

    def joining(self) -> bool:
        """One node gives its tasks up in order and another one ends; then both join at the same time."""
        if len(self._fleet) < 3 or len(self._fleet.here) < 3:
            return False
        drained, ended = self._rnd.sample(self._fleet.here, 2)
        seconds = self._rnd.uniform(1, 8)
        self._fleet.away |= {drained, ended}

        def run() -> None:
            self._changes.drain(drained)
            self._stop(drained)
            self._stop(ended)
            time.sleep(seconds)
            for node in (drained, ended):
                _back(node)
            self._fleet.away -= {drained, ended}

        self._start(run)
        return True

    # ---- brokers, and the way to them
    def broker(self) -> bool:
        """kill -9 of a broker, the controller when it is that one; back after a while. One at a time."""
        assert self._broker is not None
        broker, number, seconds = self._broker, self._rnd.randrange(len(self._broker.nodes)), self._rnd.uniform(0.2, 6)
        if self._broker_away:
            return False
        if len(broker.nodes) == 1:
            seconds = min(seconds, 2)
        self._broker_away = True

        def run() -> None:
            broker.kill(number)
            time.sleep(seconds)
            broker.restart(number)
            kafka_topics.await_in_sync(broker.bootstrap)  # a second one away before that would be two for some partitions, too many for any write
            self._broker_away = False

        self._start(run)
        return True

    def cut(self) -> bool:
        """A node's connections to all brokers, or to one, break and are refused for a while."""
        seconds = self._rnd.uniform(0.1, 8)
        for link in self._chosen():
            link.refuse(seconds)
        return True

    def slow(self) -> bool:
        """What brokers answer a node comes late."""
        return self._link(lambda link: link.delay(self._rnd.uniform(0.05, 0.5)), lambda link: link.delay(0), self._rnd.uniform(2, 8))

    def dark(self) -> bool:
        """Nothing arrives any more on a node's connections, which stay open."""
        return self._link(lambda link: link.hold(), lambda link: link.hold(False), self._rnd.uniform(1, 8))

    def _link(self, begin: Callable[[Proxy], None], over: Callable[[Proxy], None], seconds: float) -> bool:
        chosen = self._chosen()
        for link in chosen:
            begin(link)
        self._later(seconds, lambda: [over(link) for link in chosen])
        return True

    def _chosen(self) -> list[Proxy]:
        return list(self._links) if self._rnd.random() < 0.5 else [self._rnd.choice(self._links)]

    # ---- changes that people make
    def update(self) -> bool:
        """A topology gets another definition, which the next fault may hit."""
        return self._changes.update()

    def replay(self) -> bool:
        """Dead letters are processed again."""
        return self._changes.replay()

    def anew(self) -> bool:
        """A topology is deleted and registered again under its name."""
        return self._changes.anew()

    # ---- how long
    def _some(self) -> Node:
        return self._rnd.choice(self._fleet.here)

    def _while_away(self, seconds: float, begin: Callable[[Node], object], over: Callable[[Node], object]) -> bool:
        """A node is hit, and after a while healed. One at least is spared."""
        if len(self._fleet.here) < 2:
            return False
        node = self._some()
        self._fleet.away.add(node)

        def run() -> None:
            begin(node)
            time.sleep(seconds)
            over(node)
            self._fleet.away.discard(node)

        self._start(run)
        return True

    def _stop(self, node: Node) -> None:
        code = node.stop()
        if code == -signal.SIGTERM and not node.ready:
            return  # the interpreter was still starting: nothing had begun that could end in order
        if code != 0:
            self._v.add("other", 1, f"{node.name} ended with exit code {code} on SIGTERM")

    def _later(self, seconds: float, what: Callable[[], object]) -> None:
        def run() -> None:
            time.sleep(seconds)
            what()

        self._start(run)

    def _start(self, run: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                run()
            except Exception as e:  # noqa: BLE001 (a fault that cannot be undone is a finding)
                self._v.add("other", 1, f"a fault could not be carried out: {type(e).__name__}: {e}")

        helper = threading.Thread(target=guarded)
        self._helpers.append(helper)
        helper.start()


def _again(node: Node, fault: str = "") -> None:
    node.kill()
    _back(node, fault)


def _back(node: Node, fault: str = "") -> None:
    node.wait_gone()
    node.start(fault)
