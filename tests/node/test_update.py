"""A topology is updated on a real node while its workers are killed: every record counts once, and what is kept goes on."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from pathlib import Path

from penstock_client import Topology
from penstock_client.declare import Binding
from penstock_client.errors import PenstockError
from real import RealNode, refused, wait_for

SHOPS = 7


def totals(step: int) -> Topology:
    """The same counts in every step; beside them a filter that moves, and a column and a table that come and stay."""
    t = Topology("totals")
    sales = t.stream("sales")
    more = {"S": "SUM(N)"} if step else {}
    sales.group_by("SHOP", name="by").aggregate(("COUNT(*)", "C"), *((text, name) for name, text in more.items()), name="counts").to("counts_out")
    sales.filter(f"N >= {step}", name="large").partition_by("SHOP", name="moved").to("moved_out")
    if step > 1:
        sales.group_by("K", name="by_key").count("C", name="keys").to("keys_out")
    return t


def test_kill_9_near_an_update(tmp_path: Path) -> None:
    chance = random.Random(7)
    with RealNode(tmp_path, workers=2) as node:
        client = node.client
        client.create_stream("sales", "K STRING KEY, SHOP STRING, N BIGINT", Binding(partitions=4))
        client.register_topology(totals(0), wait=20)
        sent: Counter[str] = Counter()
        numbers = iter(range(1, 1_000_000))
        stop = threading.Event()
        failures: list[BaseException] = []

        def write() -> None:
            try:
                while not stop.is_set():
                    rows = [{"K": f"k{n}", "SHOP": f"s{n % SHOPS}", "N": n} for n in (next(numbers) for _ in range(20))]
                    client.append("sales", rows, producer_id="till", sequence=rows[-1]["N"] // 20)
                    sent.update(str(r["SHOP"]) for r in rows)
                    stop.wait(0.01)
            except BaseException as e:
                failures.append(e)

        writer = threading.Thread(target=write)
        writer.start()
        for step in range(1, 7):
            victim = chance.choice(sorted(node.pids("w").values()))
            killing = threading.Timer(chance.uniform(0, 0.15), os.kill, (victim, signal.SIGKILL))
            killing.start()
            made = client.update_topology(totals(step), wait=30)
            killing.join()
            assert made.topology.version == step + 1 and not any(c.needs_leave for c in made.changes)
            wait_for(lambda: client.topology("totals").state == "RUNNING", 30, lambda: (client.topology("totals"), node.log[-3000:]))
        stop.set()
        writer.join()
        assert not failures, failures
        # a token would speak of the partitions of its rows only: wait for all of them. What is lost is waited for in vain, what is doubled too
        counted: dict[str, int] = {}
        wait_for(lambda: counted.update({r.SHOP: r.C for r in client.scan("counts_out")}) or counted == sent, 60, lambda: (counted, sent))
        # the stream beside it has what passed: each record once
        moved: list[int] = []

        def arrived() -> bool:
            moved[:] = [r.N for r in client.subscribe("moved_out", start="earliest", until="end")]
            return set(moved) >= set(range(7, sum(sent.values()) + 1))

        wait_for(arrived, 60, lambda: f"{len(set(moved))} of {sum(sent.values())}")
        assert len(moved) == len(set(moved))
        assert {r.C for r in client.scan("keys_out")} == {1}
        assert {r.SHOP: r.C for r in client.scan("counts_out")} == sent
        assert node.stop() == 0


def test_what_would_become_of_each_node(shared: RealNode) -> None:
    client = shared.client
    client.create_stream("visits", "K STRING KEY, SHOP STRING", Binding(partitions=2))
    t = Topology("visitors")
    t.stream("visits").group_by("SHOP", name="by").count("C", name="shops").to("shops_out")
    client.register_topology(t, wait=20)
    other = Topology("visitors")
    other.stream("visits").filter("SHOP <> 'x'", name="some").group_by("K", name="by").count("C", name="keys").to("visitors_out")
    said = client.update_topology(other, validate_only=True)
    assert said.topology.version == 1
    assert {c.node: (c.effect, c.needs_leave) for c in said.changes} == {
        "visits": ("KEPT", False), "some": ("ADDED", False), "by": ("KEPT", True), "keys": ("ADDED", False), "visitors_out_sink": ("ADDED", False),
        "shops": ("DROPPED", True), "shops_out_sink": ("DROPPED", True)}
    error = refused("UPDATE_NEEDS_LEAVE", lambda: client.update_topology(other))
    assert error.metadata["topology"] == "visitors" and "by" in error.metadata["nodes"]
    refused("UNKNOWN_TOPOLOGY", lambda: client.update_topology(Topology("nobody")))
    refused("ETAG_MISMATCH", lambda: client.update_topology(other, etag="another"))
    file = shared.data.parent / "visitors.yaml"
    file.write_text("topology: visitors\nnodes:\n  visits: {stream: visits}\n  some: {from: visits, filter: SHOP <> 'x'}\n  by: {from: some, group_by: SHOP}\n"
                    "  shops: {from: by, aggregate: {C: COUNT(*)}}\n  shops_out_sink: {from: shops, sink: shops_out}\n")
    shown = shared.cli("apply", "--update", "--dry-run", str(file))
    assert shown.returncode == 0 and "some" in shown.stdout and "ADDED" in shown.stdout, shown
    assert shared.cli("apply", "--update", str(file)).returncode == 0
    assert client.topology("visitors").version == 2
    assert isinstance(error, PenstockError)
    client.delete_topology("visitors", delete_topics=True)
