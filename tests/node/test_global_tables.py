"""A global table on a node of two workers: each has all of it, and has it again after it was killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from penstock_client import Topology
from penstock_client.declare import Binding
from real import RealNode, wait_for


def test_every_worker_has_the_whole_table_also_after_a_kill(tmp_path: Path) -> None:
    with RealNode(tmp_path, workers=2) as node:
        client = node.client
        client.create_table("places", "CODE STRING KEY, NAME STRING", Binding(partitions=3))
        client.create_stream("visits", "K STRING KEY, PLACE STRING, N BIGINT", Binding(partitions=4))
        t = Topology("seen")
        t.stream("visits").join_global(t.global_table("places", name="copy"), "N", "NAME", keys="PLACE", name="seen").to("seen_out")
        client.append("places", [{"CODE": f"p{i}", "NAME": "first"} for i in range(300)])
        client.register_topology(t, wait=20)

        def visit(first: int) -> None:
            client.append("visits", [{"K": f"k{n}", "PLACE": f"p{n % 300}", "N": n} for n in range(first, first + 300)])

        def seen(count: int) -> dict[int, str]:
            rows: list[tuple[int, str]] = []

            def whole() -> bool:
                rows[:] = [(r.N, r.NAME) for r in client.subscribe("seen_out", start="earliest", until="end")]
                return len(rows) >= count

            wait_for(whole, 30, lambda: f"{count} rows, {len(rows)} are there")
            assert len(rows) == count == len({n for n, _ in rows})
            return dict(rows)

        visit(0)
        assert set(seen(300).values()) == {"first"}
        os.kill(node.pids("w0")["w0"], signal.SIGKILL)
        token = client.append("places", [{"CODE": f"p{i}", "NAME": "second"} for i in range(300)]).position
        # The lookup waits for the copy that answers, the other one may be a moment behind; both have read on after half a second of quiet.
        assert client.get("seen.copy", "p7", at_least=token, max_wait=20).NAME == "second"  # type: ignore[union-attr]
        wait_for(lambda: {s for s, _ in node.task_states("seen").values()} == {"RUNNING"}, 20, "the tasks to run")
        for n in range(100):
            visit(300 * (n + 1))
            if all(seen(300 * (n + 2))[m] == "second" for m in range(300 * (n + 1), 300 * (n + 2))):
                break
        else:
            raise AssertionError("a worker never saw the second rows")
        assert node.stop() == 0
