"""What is asked of the service while it storms: that it reads what it was given, that it says who runs, and how long nobody answers."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checker import Violations, amount
from fleet import Fleet
from load import PROBED, TAKEN_WITHIN, Generator, mark, number
from penstock_client import Client, PenstockError
from penstock_client.errors import DeadlineExceededError, PositionNotReachedError
from penstock_client.model import Task
from penstock_client.retry import NO_RETRY, transient

READ = ("running", "echoed")
"""Tables with the same rows: of the topology that reads what is written, and of one that reads its output, whose tasks are elsewhere."""
WRITERS = 4
PATIENCE = 15.0
"""Seconds that a lookup with a token waits at one node: tasks stand still for that long when much fails at once."""
TOLD_AFTER = 14.0
"""Seconds after which no status may show a task as RUNNING on a node that is gone: 10 without a sign of life, and some for a busy machine."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Lookups of a key from the first one without an answer, at `since` of the clock, to the next answer. said: why not, and how often."""

    key: str
    since: str
    seconds: float
    said: Mapping[str, int]

    def __str__(self) -> str:
        return f"{self.key} from {self.since} for {self.seconds:.1f} s: {'; '.join(f'{n} x {text}' for text, n in self.said.items())}"


class Probes:
    """Threads, from `start` to `stop`. outages: of lookups without a token. lookups: with a token, all answered right if there is no violation."""

    def __init__(self, fleet: Fleet, generator: Generator, seed: int, v: Violations) -> None:
        self.outages: list[Outage] = []
        self.lookups = 0
        self._fleet, self._generator, self._seed, self._v = fleet, generator, seed, v
        self._stop, self._counting = threading.Event(), threading.Lock()
        bodies = [self._watch_status, *((lambda n=n: self._read_writes(n)) for n in range(WRITERS)), *((lambda k=key: self._ask(k)) for key in PROBED[:4])]
        self._threads = [threading.Thread(target=self._guarded, args=(body,), daemon=True) for body in bodies]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TAKEN_WITHIN + 10)

    def _guarded(self, body: Any) -> None:
        try:
            body()
        except Exception as e:  # noqa: BLE001 (whatever ends a probe is a finding)
            self._v.add("other", 1, f"a probe ended: {type(e).__name__}: {e}")

    def _read_writes(self, which: int) -> None:
        """Append one record, then look it up with its token, at any node that is there, in both tables in turn: the row must include exactly what
        was sent. Each writer has keys of its own."""
        keys = PROBED[which::WRITERS]
        counts: Counter[str] = Counter()
        with Client(self._fleet.addresses, timeout=60) as client:
            while not self._stop.wait(0.05):
                row = number(self._generator.sent, keys[counts["numbers"] % len(keys)])
                position = self._append(client, which, "numbers", [row], counts)
                if marks := mark(row):
                    self._append(client, which, "marks", marks, counts)
                self._look_up(READ[counts["numbers"] // len(keys) % 2], row, position)

    def _append(self, client: Client, which: int, relation: str, rows: Sequence[Mapping[str, Any]], counts: Counter[str]) -> str:
        """Until it is acknowledged. Each relation's rows are numbered by a producer of their own, without a gap. counts: of the batches so far."""
        counts[relation] += 1
        end = time.monotonic() + TAKEN_WITHIN
        while True:
            try:
                return client.append(relation, rows, producer_id=f"probe-{self._seed}-{which}-{relation}", sequence=counts[relation]).position
            except PenstockError as e:
                if time.monotonic() > end or not _excused(e):
                    raise

    def _look_up(self, table: str, row: Mapping[str, Any], position: str) -> None:
        key, n = row["K"], row["N"]
        wanted = (n, sum(amount(key, i) for i in range(1, n + 1)))
        for node in self._fleet.here:
            try:
                with Client(node.address, timeout=PATIENCE + 1, retry=NO_RETRY) as client:
                    found = client.get(table, key, at_least=position, max_wait=PATIENCE)
            except PenstockError as e:
                if not _excused(e):
                    self._v.add("other", 1, f"lookup of {key} in {table} with a token at {node.name}: {type(e).__name__}: {e}")
                continue
            with self._counting:
                self.lookups += 1
            if found is None or found.C < n:
                self._v.add("lost", 1, f"lookup of {key} in {table} at {node.name} with the token of {n}: {found}")
            elif (found.C, found.S) != wanted:
                self._v.add("doubled", 1, f"lookup of {key} in {table} at {node.name}: {found} instead of {wanted}")
            return

    def _watch_status(self) -> None:
        with Client(self._fleet.addresses, timeout=3, retry=NO_RETRY) as client:
            while not self._stop.wait(1):
                gone = {n.name: n.gone_since for n in self._fleet if n.gone_since is not None}
                asked = time.monotonic()
                try:
                    tasks = client.tasks()
                except PenstockError as e:
                    if not _excused(e):
                        raise
                    continue
                if untrue := shown_on_the_gone(tasks, gone, asked):
                    self._v.add("other", 1, f"the status shows as RUNNING on a node that is gone: {untrue[:3]}")

    def _ask(self, key: str) -> None:
        """The same key again and again: how long nobody answers."""
        began, since, said = 0.0, "", Counter[str]()
        with Client(self._fleet.addresses, timeout=1, retry=NO_RETRY) as client:
            while not self._stop.wait(0.2):
                asked = time.monotonic()
                try:
                    client.get("running", key)
                except PenstockError as e:
                    if not _excused(e):
                        raise
                    if not said:
                        began, since = asked, time.strftime("%T")
                    said[f"{type(e).__name__}: {e}"] += 1
                    continue
                if said:
                    self.outages.append(Outage(key, since, time.monotonic() - began, dict(said)))
                    said.clear()
        if said:
            self.outages.append(Outage(key, since, time.monotonic() - began, dict(said)))


def shown_on_the_gone(tasks: Sequence[Task], gone: Mapping[str, float], now: float) -> list[str]:
    """Tasks that are shown as running on nodes that have been gone for long. gone: since when, by node."""
    return [f"{t.topology}/{t.sub_topology}[{t.partition}] on {t.node}" for t in tasks
            if t.state == "RUNNING" and t.node in gone and now - gone[t.node] > TOLD_AFTER]


def not_in_order(tasks: Sequence[Task], nodes: Sequence[str]) -> list[str]:
    """At the end each task runs, once, on a node that is there."""
    found: dict[tuple[str, str, int], list[Task]] = defaultdict(list)
    for task in tasks:
        found[task.topology, task.sub_topology, task.partition].append(task)
    return [f"{t}/{s}[{p}]: {[(x.state, x.node, x.state_reason) for x in seen]}" for (t, s, p), seen in found.items()
            if len(seen) != 1 or seen[0].state != "RUNNING" or seen[0].node not in nodes]


def _excused(e: PenstockError) -> bool:
    """An answer that a service under attack may give: later, or elsewhere."""
    return transient(e) or isinstance(e, DeadlineExceededError | PositionNotReachedError)
