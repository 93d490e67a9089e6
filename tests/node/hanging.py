"""A node with two workers: one gets a record whose regular expression does not end, the other is stopped (SIGSTOP)."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Self

from penstock_client import Topology
from penstock_client.declare import Binding
from real import RealNode, wait_for

ENDLESS = "a" * 60 + "!"
ROWS = 30


class HangingNode(RealNode):
    """RealNode, made to hang when it is entered."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, workers=2)

    def __enter__(self) -> Self:
        super().__enter__()
        client = self.client
        client.create_stream("texts", "K STRING KEY, T STRING", Binding(partitions=1))
        client.create_stream("others", "K STRING KEY, N BIGINT", Binding(partitions=2))
        t = Topology("endless")
        searched = t.stream("texts").select("T", found="REGEXP_EXTRACT('(a+)+$', T)", name="search")
        searched.to("texts_searched")
        searched.group_by("K").count("C", name="c").to("texts_counted")
        client.register_topology(t, wait=20)
        t = Topology("steady")
        t.stream("others").group_by("K").count("C", name="c").to("others_counted")
        client.register_topology(t, wait=20)
        (victim,) = {task.worker for task in client.tasks("endless")}
        self.victim_pid = self.pids(victim)[victim]
        (other,) = {"w0", "w1"} - {victim}
        self.stopped_pid = self.pids(other)[other]
        self.last = client.append("texts", [{"K": f"k{n % 3}", "T": ENDLESS if n == ROWS // 2 else f"text {n}"} for n in range(ROWS)]).position
        time.sleep(0.3)
        os.kill(self.stopped_pid, signal.SIGSTOP)
        self.others = client.append("others", [{"K": f"k{n % 5}", "N": n} for n in range(50)]).position
        return self

    def wait_replaced(self, pid: int, seconds: float) -> None:
        """Until the watchdog has killed this worker."""
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), seconds, f"the watchdog to kill {pid}")
