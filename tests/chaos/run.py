"""Chaos: a node under load while its parts are killed and stopped at random moments, then an independent recount.

    make chaos SEED=7 SECONDS=60 LOG=embedded|kafka

Topologies: echo of every record; running count, sum, min and max of each key, every update; count and sum by another key through a
repartition topic; the same in one-minute windows; and a second topology that counts the echoes. Faults: kill -9 of a worker, of the
gateway, of the whole node, of a process inside a commit; a worker stopped past the session timeout and woken; the broker killed and
started again. The last line says what was violated; the exit code is 1 if anything was.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import threading
import time
import traceback
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "kafka")]

import verify  # noqa: E402
from broker import Broker  # noqa: E402
from checker import Violations, amount, group, rowtime  # noqa: E402
from node import Node  # noqa: E402
from penstock_client import Client, PenstockError, Topology, tumbling  # noqa: E402
from penstock_client.declare import Binding  # noqa: E402

KEYS = [f"key{i:02d}" for i in range(40)]
BATCH = 40
PAUSE = 0.02
SETTLE = 90.0
YEAR = 365 * 86_400


def storm() -> Topology:
    """Everything in one topology: two sub-topologies, four stores."""
    t = Topology("storm", updates="EVERY")
    numbers = t.stream("numbers")
    numbers.select("N", "AMOUNT", "G").to("echo")
    numbers.group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), ("MIN(AMOUNT)", "LO"), ("MAX(AMOUNT)", "HI"), name="running").to("running")
    numbers.group_by("G", name="by_g").aggregate(("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), name="groups").to("groups")
    numbers.group_by("G", name="by_g_minute").window(tumbling(minutes=1, grace=YEAR, retention=2 * YEAR)).aggregate(
        ("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), name="minutes").to("minutes")
    return t


def second() -> Topology:
    """A topology that reads another's output; the newest value a commit."""
    t = Topology("second")
    t.stream("echo").group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), name="echoed").to("echoed")
    return t


class Generator:
    """Appends numbers 1, 2, 3... of each key through one exactly-once producer."""

    def __init__(self, address: str, seed: int) -> None:
        self.sent = dict.fromkeys(KEYS, 0)
        self.error = ""
        self._client = Client(address, timeout=60)
        self._stop = threading.Event()
        self._appender = self._client.appender("numbers", producer_id=f"chaos-{seed}")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._rnd = random.Random(seed)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._appender.append([self._row(self._rnd.choice(KEYS)) for _ in range(BATCH)])
                time.sleep(PAUSE)
        except Exception as e:  # noqa: BLE001 (whatever ends the load is a finding)
            self.error = f"{type(e).__name__}: {e}"

    def _row(self, key: str) -> dict[str, Any]:
        n = self.sent[key] = self.sent[key] + 1
        return {"K": key, "N": n, "AMOUNT": amount(key, n), "G": group(key, n), "ROWTIME": datetime.fromtimestamp(rowtime(n) / 1000, UTC)}

    def finish(self) -> str:
        """Stop, wait until all is acknowledged; the position of the last append."""
        self._stop.set()
        self._thread.join(60)
        if self.error:
            return ""
        position = self._appender.flush(60)
        self._client.close()
        return position


class Watcher:
    """A subscription through the storm: the client resumes it by itself."""

    def __init__(self, address: str, relation: str, start: str) -> None:
        self.rows: list[Any] = []
        self._client = Client(address, timeout=60)
        self.error = ""
        self._subscription = self._client.subscribe(relation, start=start)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for row in self._subscription:
                self.rows.append(row)
        except Exception as e:  # noqa: BLE001
            self.error = f"{type(e).__name__}: {e}"

    def close(self) -> None:
        self._client.close()
        self._thread.join(5)


def attack(node: Node, broker: Broker | None, rnd: random.Random, until: float, v: Violations) -> dict[str, int]:
    """Random faults until the time is over; how many of each. A node that ends without being killed is a violation."""
    done: dict[str, int] = {}
    faults = ["worker"] * 4 + ["gateway"] * 2 + ["node"] + ["commit"] * 2 + ["pause"] + (["broker"] if broker else [])
    while time.monotonic() < until:
        time.sleep(rnd.uniform(0.3, 2.5))
        fault = rnd.choice(faults)
        done[fault] = done.get(fault, 0) + 1
        if fault == "worker":
            node.kill("penstock.node.worker", rnd)
        elif fault == "gateway":
            node.kill("penstock.node.gateway", rnd)
        elif fault == "node":
            node.kill_all()
            node.wait_gone()
            node.start()
        elif fault == "commit":
            node.kill_all()
            node.wait_gone()
            node.start(fault=f"any:kill:{rnd.choice((0.003, 0.01, 0.03))}")
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


def setup(node: Node, kafka: str) -> None:
    """Declare and register, as soon as the node answers. The topic of every update must not be compacted, as a table's would be."""
    with Client(node.address, timeout=60) as client:
        await_answer(client)
        asyncio.run(verify.make_topics(node, kafka, ("running",)))
        client.create_stream("numbers", "K STRING KEY, N BIGINT, AMOUNT BIGINT, G STRING", Binding(partitions=4))
        for topology in (storm(), second()):
            info = client.register_topology(topology, wait=40)
            if info.state != "RUNNING":
                raise SystemExit(f"topology {info.name} is {info.state}: {info.state_reason}")


def await_answer(client: Client, seconds: float = 60) -> None:
    """Until the node answers and its log is there. A client of its own gives up within a second, a node takes longer to start."""
    end, last = time.monotonic() + seconds, "the log is not available"
    while time.monotonic() < end:
        try:
            if client.cluster().log_available:
                return
        except PenstockError as e:
            last = str(e)
        time.sleep(0.1)
    raise TimeoutError(f"the node does not answer within {seconds:.0f} s: {last}")


def settle(v: Violations, node: Node, sent: dict[str, int], position: str) -> None:
    """The storm is over: lookups with the token of the last append must include everything."""
    with Client(node.address, timeout=SETTLE) as client:
        await_answer(client)
        try:
            verify.lookups(v, client, sent, position, SETTLE)
        except PenstockError as e:
            v.add("other", 1, f"lookups after the storm: {type(e).__name__}: {e}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--log", choices=("embedded", "kafka"), default="embedded")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--calm", action="store_true", help="no faults: the same load and recount")
    options.add_argument("--sabotage", action="store_true", help="write one record twice and one count wrong, to see that it is found")
    args = options.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="penstock-chaos-"))
    v = Violations()
    with Broker(directory / "broker") if args.log == "kafka" else nullcontext() as broker:
        node = Node(directory, args.workers, broker.bootstrap if broker else "")
        node.start()
        try:
            storm_and_recount(args, random.Random(args.seed), node, broker, v)
        except Exception:  # noqa: BLE001 (a run that cannot be finished is a finding, and is explained like any other)
            v.add("other", 1, f"the run broke off: {traceback.format_exc()}")
        if not v.clean:
            explain(node, broker)
        if node.running:
            node.kill_all()
    for example in v.examples:
        print(example)
    if v.clean:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"kept for a look: {directory}")
    print(v.line, flush=True)
    return 0 if v.clean else 1


def explain(node: Node, broker: Broker | None) -> None:
    """What somebody needs who was not there: the last lines of the logs, which processes live, what the tasks say."""
    print(node.describe())
    if broker is not None:
        print(f"---- the broker's log, its last lines\n{broker.tail(25)}")
    try:
        with Client(node.address, timeout=5) as client:
            for task in client.tasks():
                print(f"task {task.topology}/{task.sub_topology}[{task.partition}] {task.state} {task.state_reason} lag {task.lag}")
    except PenstockError as e:
        print(f"no task states: {e}")


def storm_and_recount(args: argparse.Namespace, rnd: random.Random, node: Node, broker: Broker | None, v: Violations) -> None:
    setup(node, broker.bootstrap if broker else "")
    generator = Generator(node.address, args.seed)
    echoes, running = Watcher(node.address, "echo", "earliest"), Watcher(node.address, "running", "snapshot")
    generator.start()
    until = time.monotonic() + args.seconds
    if args.calm:
        time.sleep(args.seconds)
        done: dict[str, int] = {}
    else:
        done = attack(node, broker, rnd, until, v)
        node.kill_all()
        node.wait_gone()
        node.start()
    position = generator.finish()
    if generator.error:
        v.add("other", 1, f"the load ended: {generator.error}")
    total = sum(generator.sent.values())
    print(f"seed {args.seed}, {args.log}: {total:,} records, faults {done or 'none'}", flush=True)
    settle(v, node, generator.sent, position)
    verify.pushes(v, generator.sent, echoes, running)
    echoes.close()
    running.close()
    code = node.stop()
    if code != 0:
        v.add("other", 1, f"the node stopped with exit code {code}")
    if args.sabotage:
        asyncio.run(verify.sabotage(node, broker.bootstrap if broker else ""))
    asyncio.run(verify.topics_and_stores(v, node, broker.bootstrap if broker else "", generator.sent))


if __name__ == "__main__":
    sys.exit(main())
