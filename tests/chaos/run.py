"""Chaos: nodes under load while their parts are killed, stopped, cut off and starved at random moments, then an independent recount.

    make chaos SEED=7 SECONDS=60 LOG=embedded|kafka            one node
    make chaos SEED=7 SECONDS=120 NODES=3 BROKERS=3            three nodes of two workers on three brokers

Topologies (topologies.py): echo, running aggregates, aggregates by another key through a repartition topic, with windows and without;
windows that leave when they are closed; joins of a stream with a stream, with a table and with a global one, and of tables by a foreign key;
a plug-in with a store and punctuations behind a source by pattern; a second topology behind the first, which is updated under way; one
that is deleted and registered anew; and one whose dead letters are replayed. Faults (faults.py): kill -9 of a worker, of the gateway, of
the whole node, of a process inside a commit;
workers and nodes stopped past the session timeout and woken; nodes that end, stay away, and join two at a time; a full disk; brokers killed
and started again; connections to brokers that break, are slow, or carry nothing. Probes (probes.py) ask while it storms. The recount
(checker.py) knows only what was acknowledged. The last line says what was violated; the exit code is 1 if anything was, and then the run
explains itself.
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
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "kafka"), str(HERE.parent / "conformance")]

import kafka_topics  # noqa: E402
import topologies  # noqa: E402
import verify  # noqa: E402
from broker import Broker  # noqa: E402
from changes import Changes  # noqa: E402
from checker import Violations  # noqa: E402
from faults import SESSION_MS, Storm  # noqa: E402
from fleet import Fleet  # noqa: E402
from guards import GUARDS  # noqa: E402
from load import Generator, Sent, Watcher  # noqa: E402
from pauses import Pauses, summary  # noqa: E402
from penstock_client import Client, PenstockError  # noqa: E402
from probes import Probes, not_in_order  # noqa: E402
from proxy import Proxy  # noqa: E402

SETTLE = 90.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run takes place. links: the last node's to the brokers."""

    fleet: Fleet
    broker: Broker | None
    links: list[Proxy]

    @property
    def kafka(self) -> str:
        """Bootstrap servers; empty on the embedded log."""
        return self.broker.bootstrap if self.broker else ""


def place(args: argparse.Namespace, directory: Path, stack: ExitStack) -> Place:
    """Brokers and nodes; the nodes are not started."""
    links: list[Proxy] = []
    if not args.brokers:
        return Place(Fleet(directory, [["--workers", str(args.workers)]]), None, links)

    def link(target: str) -> str:
        links.append(Proxy(target))
        stack.callback(links[-1].close)
        return links[-1].address

    broker = stack.enter_context(Broker(directory / "broker", brokers=args.brokers, aside=link if args.nodes > 1 else None))
    properties = directory / "kafka.properties"
    properties.write_text(f"session.timeout.ms={SESSION_MS}\n")
    common = ["--workers", str(args.workers), "--kafka-config", str(properties), "--standbys", str(args.standbys), "--schema-registry-listen", "none"]
    ways = [broker.bootstrap] * (args.nodes - 1) + [",".join(broker.aside) or broker.bootstrap]
    return Place(Fleet(directory, [["--kafka", way, *common] for way in ways]), broker, links)


def setup(at: Place, seed: int, gate: Path) -> Generator:
    """Declare and register, as soon as the nodes answer; the load, with its tables filled."""
    for node in at.fleet:
        await_answer(node.address)
    with Client(at.fleet[0].address, timeout=120) as client:
        asyncio.run(verify.make_topics(at.fleet, at.kafka, topologies.KEPT))
        topologies.declare(client)
        for topology in (*(made() for made in topologies.ALL), topologies.mending(str(gate))):
            info = client.register_topology(topology, wait=90)
            if info.state != "RUNNING":
                raise RuntimeError(f"topology {info.name} is {info.state}: {info.state_reason}")
        generator = Generator(at.fleet.addresses, seed)
        for position in generator.prepare():
            list(client.scan("owned", at_least=position, max_wait=60))
            list(client.scan("meeting.profiles", at_least=position, max_wait=60))
        return generator


def await_answer(address: str, seconds: float = 60) -> None:
    """Until the node answers and its log is there. A client of its own gives up within a second, a node takes longer to start."""
    end, last = time.monotonic() + seconds, "the log is not available"
    with Client(address, timeout=10) as client:
        while time.monotonic() < end:
            try:
                if client.cluster().log_available:
                    return
            except PenstockError as e:
                last = str(e)
            time.sleep(0.1)
    raise TimeoutError(f"the node at {address} does not answer within {seconds:.0f} s: {last}")


def settle(v: Violations, at: Place, sent: Sent, positions: dict[str, str]) -> None:
    """The storm is over: lookups with the tokens of the last appends must include everything, at any node; every task runs."""
    for node in at.fleet:
        await_answer(node.address)
    for node in at.fleet:
        with Client(node.address, timeout=SETTLE) as client:
            try:
                verify.lookups(v, client, sent, positions, SETTLE)
            except PenstockError as e:
                v.add("other", 1, f"lookups after the storm at {node.name}: {type(e).__name__}: {e}")
    with Client(at.fleet.addresses, timeout=10) as client:
        end = time.monotonic() + 30
        while (wrong := not_in_order(client.tasks(), [n.name for n in at.fleet])) and time.monotonic() < end:
            time.sleep(0.5)
        if wrong:
            v.add("other", len(wrong), f"not every task runs after the storm: {wrong[:4]}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--log", choices=("embedded", "kafka"), default="embedded", help="of one node; several are on Kafka")
    options.add_argument("--nodes", type=int, default=1)
    options.add_argument("--brokers", type=int, choices=(0, 1, 3), default=0)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--standbys", type=int, help="1 for several nodes, half of the seeds")
    options.add_argument("--calm", action="store_true", help="no faults: the same load and recount")
    options.add_argument("--unguarded", choices=GUARDS, default="", help="a calm run with a guard of the service switched off (guards.py), to see that it is found")
    options.add_argument("--keep", action="store_true", help="leave data and logs behind a clean run too")
    options.add_argument("--sabotage", action="store_true", help="write one record twice and one count wrong, to see that it is found")
    args = options.parse_args()
    guard = GUARDS.get(args.unguarded)
    args.brokers = args.brokers or (3 if args.nodes > 1 else 1 if args.log == "kafka" else 0)
    if args.standbys is None:
        args.standbys = args.seed % 2 if args.nodes > 1 else 0
    directory = Path(tempfile.mkdtemp(prefix="penstock-chaos-"))
    v = Violations()
    with ExitStack() as stack:
        at = place(args, directory, stack)
        for node in at.fleet:
            stack.callback(node.kill)
            node.start(guard.fault if guard else "", args.unguarded)
        try:
            storm_and_recount(args, at, v)
        except Exception:  # noqa: BLE001 (a run that cannot be finished is a finding, and is explained like any other)
            v.add("other", 1, f"the run broke off: {traceback.format_exc()}")
        if not v.clean:
            explain(at)
    for example in v.examples:
        print(example)
    if v.clean and not args.keep:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"kept for a look: {directory}")
    print(v.line, flush=True)
    return 0 if v.clean else 1


def explain(at: Place) -> None:
    """What somebody needs who was not there: the last lines of the logs, which processes live, what the tasks say."""
    for node in at.fleet:
        print(node.describe())
    if at.broker is not None:
        print(f"---- the brokers' logs, their last lines\n{at.broker.tail(25)}")
    try:
        with Client(at.fleet.addresses, timeout=5) as client:
            for task in client.tasks():
                print(f"task {task.topology}/{task.sub_topology}[{task.partition}] {task.state} {task.state_reason} lag {task.lag} on {task.node}")
    except PenstockError as e:
        print(f"no task states: {e}")


def storm_and_recount(args: argparse.Namespace, at: Place, v: Violations) -> None:
    gate = at.fleet[0].data.with_name("gate")
    generator = setup(at, args.seed, gate)
    echoes, running = Watcher(at.fleet.addresses, "echo", "earliest"), Watcher(at.fleet.addresses, "running", "snapshot")
    pauses = Pauses(at.kafka, "numbers", "echo", topologies.PARTITIONS) if at.kafka else None
    changes, probes = Changes(at.fleet, gate), Probes(at.fleet, generator, args.seed, v)
    storm = Storm(at.fleet, at.broker, at.links, changes, random.Random(args.seed), v)
    generator.start()
    probes.start()
    if args.unguarded:
        time.sleep(args.seconds / 2)
        if strike := GUARDS[args.unguarded].strike:
            strike(at.fleet, changes)
        time.sleep(args.seconds / 2)
    elif args.calm:
        time.sleep(args.seconds)
    else:
        storm.rage(args.seconds)
        if len(at.fleet) == 1:
            storm.again()
    probes.stop()
    positions = generator.finish()
    if generator.error:
        v.add("other", 1, f"the load ended: {generator.error}")
    if why := changes.settle():
        v.add("other", 1, f"the returning topology cannot be registered: {why}")
    sent = generator.sent
    print(f"seed {args.seed}, {args.nodes} nodes, {f'{args.brokers} brokers' if at.kafka else 'embedded log'}: {sent.total:,} records, "
          f"faults {dict(storm.done) or 'none'}, {dict(changes.done) or 'no changes'} answered, {probes.lookups} lookups with tokens", flush=True)
    settle(v, at, sent, positions)
    if why := changes.mend(sent.total):
        v.add("other", 1, f"dead letters are left: {why}")
    verify.pushes(v, sent.numbers, echoes, running)
    echoes.close()
    running.close()
    print(f"lookups unanswered: {summary(o.seconds for o in probes.outages)}; "
          f"tasks standing still: {summary(pauses.stop()) if pauses else 'not measured'}", flush=True)
    if probes.outages:
        print(f"the longest: {max(probes.outages, key=lambda o: o.seconds)}", flush=True)
    for node in at.fleet:
        node.end()
    for node in at.fleet:
        if (code := node.await_end()) != 0:
            v.add("other", 1, f"{node.name} stopped with exit code {code}")
    if args.sabotage:
        asyncio.run(verify.sabotage(at.fleet, at.kafka))
    if at.kafka:
        if found := kafka_topics.left_open(at.kafka):
            v.add("other", len(found), f"transactions left open: {found[:4]}")
        if undecided := asyncio.run(kafka_topics.undecided(at.kafka)):
            v.add("other", len(undecided), f"partitions that a transaction was left open on: {undecided[:4]}")
    asyncio.run(verify.topics_and_stores(v, at.fleet, at.kafka, sent))


if __name__ == "__main__":
    sys.exit(main())
