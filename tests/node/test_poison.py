"""A record that kills its worker: found by its second death, put aside, and everything else processed exactly once."""

from __future__ import annotations

import resource
from pathlib import Path

from penstock_client import Topology
from penstock_client.declare import Binding
from real import RealNode, wait_for

ROWS, PARTS = 40, 4


def little_memory() -> None:
    """A gigabyte of its own for each process (LMDB's maps do not count)."""
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))


def test_a_record_that_takes_all_memory(tmp_path: Path) -> None:
    with RealNode(tmp_path, limits=little_memory) as node:
        client = node.client
        client.create_stream("jobs", "K STRING KEY, N BIGINT", Binding(partitions=1))
        t = Topology("greedy", updates="EVERY")
        t.stream("jobs").select("N", size="LEN(LPAD(K, CAST(N AS INT), 'xy'))", name="pad").to("padded")
        t.stream("jobs", name="again").group_by("K").aggregate(("COUNT(*)", "C"), ("MAX(N)", "M"), name="c").to("jobs_counted")
        client.register_topology(t, wait=20)
        t = Topology("modest")
        t.stream("jobs").group_by("K").count("C", name="c").to("jobs_counted_too")
        client.register_topology(t, wait=20)
        worker = node.pids("w0")["w0"]
        last = client.append("jobs", [{"K": f"k{n % PARTS}", "N": 2_000_000_000 if n == 17 else n} for n in range(ROWS)]).position
        letters = node.dead_letters("greedy", 1, 60)
        assert [(r.TOPIC, r.PARTITION, r.OFFSET, r.RECORD_KEY) for r in letters] == [("jobs", 0, 17, b"k1")]
        assert "died twice" in letters[0].REASON
        assert node.pids("w0")["w0"] != worker and node.log.count("out of memory") == 3
        rows = {r.K: (r.C, r.M) for r in client.scan("jobs_counted", at_least=last, max_wait=20)}
        assert rows == {f"k{k}": (ROWS // PARTS - (k == 1), ROWS - PARTS + k) for k in range(PARTS)}
        assert [r.N for r in client.subscribe("padded", start="earliest", until="end")] == [n for n in range(ROWS) if n != 17]
        counted = {r.K: r.C for r in client.scan("jobs_counted_too", at_least=last, max_wait=20)}
        assert counted == {f"k{k}": ROWS // PARTS for k in range(PARTS)}
        wait_for(lambda: {s for s, _ in node.task_states("greedy").values()} == {"RUNNING"}, 10, "the tasks to run")
        assert node.stop() == 0


