"""A storm over several nodes on one broker, then a recount: every record counts once, whatever was killed, frozen, restarted or added.

    python tests/cluster/storm.py --seed 7 --seconds 60 --nodes 3 --standbys 1

Faults: kill -9 of a node and of a worker, SIGTERM of a node, a worker stopped past its session and woken, the broker killed and started. What was
killed comes back after a while. The last line says how many shops are wrong; the exit code is 1 if any is.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "kafka")]

from broker import Broker  # noqa: E402
from counting import PARTITIONS, Load, Watch, declare, outcome  # noqa: E402
from nodes import ClusterNode, Nodes, several  # noqa: E402
from served import send, wait_for  # noqa: E402

SESSION_MS = 4_000


class Storm:
    """Faults one after the other, several of them at work at the same time."""

    def __init__(self, nodes: Nodes, broker: Broker, rnd: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._nodes, self._broker, self._rnd = nodes, broker, rnd
        self._away: set[ClusterNode] = set()  # come back by a helper
        self._helpers: list[threading.Thread] = []

    def rage(self, seconds: float) -> None:
        """For so long; at its end everything runs again."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self._rnd.uniform(0.5, 5))
            getattr(self, self._rnd.choice(["kill_node", "kill_worker", "kill_worker", "end_node", "freeze_worker", "freeze_worker", "kill_broker"]))()
        for helper in self._helpers:
            helper.join()

    def _here(self) -> list[ClusterNode]:
        return [n for n in self._nodes if n not in self._away]

    def kill_node(self) -> None:
        """kill -9 of all its processes."""
        self._take_away("node", ClusterNode.kill)

    def end_node(self) -> None:
        """SIGTERM."""
        self._take_away("term", ClusterNode.stop)

    def _take_away(self, what: str, how: object) -> None:
        here = self._here()
        if len(here) < 2:
            return
        node = self._rnd.choice(here)
        self._away.add(node)
        self.done[what] += 1
        self._later(self._rnd.uniform(0, 8), lambda: self._back(node), lambda: how(node))  # type: ignore[operator]

    def _back(self, node: ClusterNode) -> None:
        node.start()
        node.wait_ready()
        self._away.discard(node)

    def kill_worker(self) -> None:
        """kill -9; its supervisor starts it again."""
        for pid in self._workers():
            self.done["worker"] += send(pid, signal.SIGKILL)

    def freeze_worker(self) -> None:
        """SIGSTOP for up to two sessions."""
        for pid in self._workers():
            if send(pid, signal.SIGSTOP):
                self.done["freeze"] += 1
                self._later(self._rnd.uniform(0.5, 2 * SESSION_MS / 1000), lambda pid=pid: send(pid, signal.SIGCONT))

    def _workers(self) -> list[int]:
        found = [pid for node in self._here() for pid in node.pids("w").values()]
        return [self._rnd.choice(found)] if found else []

    def kill_broker(self) -> None:
        """kill -9 and start, seldom."""
        if self._rnd.random() < 0.4:
            self.done["broker"] += 1
            self._broker.kill()
            time.sleep(self._rnd.uniform(0, 1))
            self._broker.restart()

    def _later(self, seconds: float, what: object, first: object = None) -> None:
        def run() -> None:
            if first is not None:
                first()  # type: ignore[operator]
            time.sleep(seconds)
            what()  # type: ignore[operator]

        helper = threading.Thread(target=run)
        self._helpers.append(helper)
        helper.start()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--nodes", type=int, default=3)
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--standbys", type=int, default=1)
    args = options.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="penstock-storm-"))
    serve = ["--standbys", str(args.standbys)]
    with Broker(directory / "broker") as broker, several(directory, broker.bootstrap, "storm", args.nodes, *serve, workers=args.workers,
                                                         session_ms=SESSION_MS) as nodes:
        declare(nodes)
        watch, load = Watch(broker.bootstrap, outcome(nodes)), Load(list(nodes))
        storm = Storm(nodes, broker, random.Random(args.seed))
        storm.rage(args.seconds)
        sent = load.stop()
        watch.arrived(sent, 120)
        wait_for(lambda: len(nodes.running_tasks("counting")) == 2 * PARTITIONS, 60, lambda: nodes.running_tasks("counting"))
        print(f"seed {args.seed}: {sum(sent.values()):,} records, faults {dict(storm.done)}", flush=True)
        for node in nodes:
            print("traceback" if "Traceback" in node.log else "no traceback", Counter(
                word for word in ("USE", "REPLAY", "REBUILD", "EMPTY", "starts over", "membership lost") for _ in range(node.log.count(word))))
        watch.check(sent)
    shutil.rmtree(directory)
    print("0 shops are wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
