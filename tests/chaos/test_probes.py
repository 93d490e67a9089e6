"""What the run learns while it storms must be told from what is as it should be."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "conformance")]
import pytest  # noqa: E402
import verify  # noqa: E402
from broker import Broker  # noqa: E402
from checker import Violations, running  # noqa: E402
from kafka_topics import left_open  # noqa: E402
from pauses import Pauses, summary  # noqa: E402
from penstock_client.model import Task  # noqa: E402
from probes import TOLD_AFTER, not_in_order, shown_on_the_gone  # noqa: E402


def task(partition: int, state: str = "RUNNING", node: str = "n0") -> Task:
    return Task("storm", "numbers", partition, state, "", "w0", 0, None, None, node)


def test_status() -> None:
    tasks = [task(0), task(1, node="n1"), task(2, "RESTORING", "n1")]
    assert shown_on_the_gone(tasks, {"n2": 0.0}, 100) == []
    assert shown_on_the_gone(tasks, {"n1": 90.0}, 90 + TOLD_AFTER) == [], "nobody can know yet"
    assert shown_on_the_gone(tasks, {"n1": 90.0}, 91 + TOLD_AFTER) == ["storm/numbers[1] on n1"]
    assert not_in_order(tasks[:2], ["n0", "n1"]) == []
    assert len(not_in_order(tasks, ["n0", "n1"])) == 1
    assert len(not_in_order(tasks[:2], ["n0"])) == 1, "nobody runs on a node that is gone"
    assert len(not_in_order([task(0), task(0, node="n1")], ["n0", "n1"])) == 1, "nor on two"


@dataclass
class Subscribed:
    rows: list[object] = field(default_factory=list)
    error: str = ""


def pushed(*numbers: int) -> tuple[int, int]:
    v = Violations()
    table = Subscribed([SimpleNamespace(K="a", C=c, S=s, LO=low, HI=high, deleted=False) for c, s, low, high in running("a", 3)])
    verify.pushes(v, {"a": 3}, Subscribed([SimpleNamespace(K="a", N=n) for n in numbers]), table, 0.1)
    assert not v.other
    return v.lost, v.doubled


def test_pushes() -> None:
    assert pushed(1, 2, 3) == (0, 0)
    assert pushed(1, 3) == (1, 0), "a gap"
    assert pushed(1, 2, 2, 3) == (0, 1), "a repeat"
    assert pushed(1, 2) == (1, 0), "an end that never comes"


def test_pauses() -> None:
    pauses = object.__new__(Pauses)
    Pauses._forget(pauses)
    for at, is_input in [(0.0, True), (0.1, False), (1.0, True), (1.5, True), (4.0, False), (4.0, False), (5.0, False), (5.1, True), (6.0, True), (6.1, False)]:
        pauses._take(0, is_input, at)
    assert pauses.lengths == [3.0], "from the oldest record that waits to its output; an output may be read before its input"
    assert summary([3.0, 1.0]) == "2 (p50 3.0 s, p99 3.0 s, longest 3.0 s)" and summary([]) == "none"


@pytest.mark.kafka
def test_a_transaction_that_is_left_open_is_found(kafka_broker: Broker) -> None:
    import asyncio

    from support import batch, kafka, new_topic, unique

    async def leave_open(name: str) -> list[str]:
        async with kafka(kafka_broker.bootstrap) as log:
            tps = await new_topic(log)
            writer = await log.writer(name)
            await writer.send(*tps[0], batch(log, "a"))
            for _ in range(100):
                if found := await asyncio.to_thread(left_open, kafka_broker.bootstrap, 0.0):
                    return found
            return []

    name = unique("left")
    assert any(name in line for line in asyncio.run(leave_open(name)))
