"""Chaos: a node under load while its parts are killed and stopped at random moments, then an independent recount.

    make chaos SEED=7 SECONDS=60 LOG=embedded|kafka

Topologies (topologies.py): echo, running aggregates, aggregates by another key through a repartition topic, with windows and without;
windows that leave when they are closed; joins of a stream with a stream, with a table and with a global one, and of tables by a foreign key;
a plug-in with a store and punctuations behind a source by pattern; and a second topology behind the first, which is updated under way. Faults (faults.py): kill -9 of a worker, of the gateway, of the whole node, of a process inside a commit; a
worker stopped past the session timeout and woken; the broker killed and started again. The recount (checker.py) knows only what was
acknowledged. The last line says what was violated; the exit code is 1 if anything was, and then the run explains itself.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
import traceback
from contextlib import nullcontext
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "kafka")]

import topologies  # noqa: E402
import verify  # noqa: E402
from broker import Broker  # noqa: E402
from checker import Violations  # noqa: E402
from faults import again, attack  # noqa: E402
from load import Generator, Sent, Watcher  # noqa: E402
from node import Node  # noqa: E402
from penstock_client import Client, PenstockError  # noqa: E402

SETTLE = 90.0


def setup(node: Node, kafka: str, seed: int) -> Generator:
    """Declare and register, as soon as the node answers; the load, with its tables filled."""
    with Client(node.address, timeout=60) as client:
        await_answer(client)
        asyncio.run(verify.make_topics(node, kafka, topologies.KEPT))
        topologies.declare(client)
        for topology in topologies.ALL:
            info = client.register_topology(topology(), wait=40)
            if info.state != "RUNNING":
                raise RuntimeError(f"topology {info.name} is {info.state}: {info.state_reason}")
        generator = Generator(node.address, seed)
        for position in generator.prepare():
            list(client.scan("owned", at_least=position, max_wait=60))
            list(client.scan("meeting.profiles", at_least=position, max_wait=60))
        return generator


class Updates:
    """Gives the second topology one definition after the other. done: how many were answered; a node that is being killed may not answer."""

    def __init__(self, address: str) -> None:
        self.done = 0
        self._address, self._odd = address, False

    def __call__(self) -> None:
        self._odd = not self._odd
        try:
            with Client(self._address, timeout=5) as client:
                client.update_topology(topologies.second(self._odd))
            self.done += 1
        except PenstockError:
            pass


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


def settle(v: Violations, node: Node, sent: Sent, positions: dict[str, str]) -> None:
    """The storm is over: lookups with the tokens of the last appends must include everything."""
    with Client(node.address, timeout=SETTLE) as client:
        await_answer(client)
        try:
            verify.lookups(v, client, sent, positions, SETTLE)
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
        node.kill()
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
    kafka = broker.bootstrap if broker else ""
    generator = setup(node, kafka, args.seed)
    echoes, running = Watcher(node.address, "echo", "earliest"), Watcher(node.address, "running", "snapshot")
    generator.start()
    until = time.monotonic() + args.seconds
    updates = Updates(node.address)
    if args.calm:
        time.sleep(args.seconds)
        done: dict[str, int] = {}
    else:
        done = attack(node, broker, rnd, until, v, updates)
        again(node)
    positions = generator.finish()
    if generator.error:
        v.add("other", 1, f"the load ended: {generator.error}")
    sent = generator.sent
    print(f"seed {args.seed}, {args.log}: {sent.total:,} records, faults {done or 'none'}, {updates.done} updates answered", flush=True)
    settle(v, node, sent, positions)
    verify.pushes(v, sent.numbers, echoes, running)
    echoes.close()
    running.close()
    code = node.stop()
    if code != 0:
        v.add("other", 1, f"the node stopped with exit code {code}")
    if args.sabotage:
        asyncio.run(verify.sabotage(node, kafka))
    asyncio.run(verify.topics_and_stores(v, node, kafka, sent))


if __name__ == "__main__":
    sys.exit(main())
