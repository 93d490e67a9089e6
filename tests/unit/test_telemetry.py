"""Metrics: declared once, read when asked, exported for Prometheus."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass

from penstock import metrics
from penstock.config import ServeConfig
from penstock.node import telemetry
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.runtime.context import Counters
from ports import free_ports


def test_every_metric_has_one_name_and_a_meaning() -> None:
    assert len({m.name for m in metrics.ALL}) == len(metrics.ALL) > 10
    assert all(m.name.startswith("penstock.") and m.meaning for m in metrics.ALL)


def test_nothing_is_started_unless_asked_for() -> None:
    telemetry.start(ServeConfig(), "gateway", 0)()


@dataclass
class Board:
    """Two tasks of one topology."""

    lag: int = 5

    def tasks(self) -> list[TaskEntry]:
        return [TaskEntry("telemetry", 1, "s0", p, TaskState.RUNNING, lag=self.lag) for p in range(2)]


def test_values_reach_prometheus() -> None:
    counters = Counters(records_in=41, commit_seconds=1.5)
    ends = [metrics.watch_counters(counters, "telemetry"), metrics.watch_tasks(Board().tasks),
            metrics.watch(metrics.SUBSCRIPTIONS, lambda: [(3.0, {"of": "telemetry"})])]
    base = free_ports(2)[0]
    stop = telemetry.start(ServeConfig(metrics=f"127.0.0.1:{base}", node_id="n1"), "w0", 1)
    counters.records_in += 1
    with urllib.request.urlopen(f"http://127.0.0.1:{base + 1}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    stop()
    for end in ends:
        end()
    lines = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.split("\n") if line and line[0] != "#"}
    assert _one(lines, "penstock_records_in_total") == 42
    assert _one(lines, "penstock_subscriptions") == 3
    assert sum(v for k, v in lines.items() if k.startswith("penstock_task_lag{") and 'topology="telemetry"' in k) == 10
    assert sum(v for k, v in lines.items() if k.startswith("penstock_tasks{") and 'topology="telemetry"' in k and 'state="RUNNING"' in k) == 2


def _one(values: dict[str, float], name: str) -> float:
    (value,) = [v for k, v in values.items() if k.split("{")[0] == name and '"telemetry"' in k]
    return value
