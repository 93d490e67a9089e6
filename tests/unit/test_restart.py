"""Every case of tests/cases gives the same when everything begins anew, with what a commit keeps, after each of its inputs: stores, stream
times and what else operators keep is complete."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from penstock.plan.resolved import Updates
from penstock.testing.cases import Case, do_step, driver_of, load_cases
from penstock.testing.driver import TopologyTestDriver

CASES = [case for case in load_cases(Path(__file__).parents[1] / "cases") if not case.data.get("error")]


FORGETS = ("steps", "ticks")
"""Plug-ins that count outside of their stores, or go by the clock: such schedules are made anew."""


def seen(driver: TopologyTestDriver, case: Case) -> dict[str, Any]:
    """All that a case can say of a run."""
    found: dict[str, Any] = {topic: driver.records(topic) for topic in driver._topics}
    found |= {p.name: driver.read_store(p.name) for p in driver.plan.published if p.store}
    letters = [(b.node, b.topic, b.record.offset, b.reason.partition("\n")[0]) for b in driver.dead_letters]
    return found | {"dead letters": letters, "late": Counter(driver.late), "errors": Counter(node for node, _ in driver.expression_errors)}


@pytest.mark.parametrize("case", CASES, ids=[f"{Path(c.file).stem}: {c.name}" for c in CASES])
def test_restart_after_each_input(case: Case) -> None:
    without, restarted = driver_of(case.data, Updates.EVERY), driver_of(case.data, Updates.EVERY)
    if any(getattr(n, "processor", "") in FORGETS for sub in without.plan.subs for n in sub.nodes):
        pytest.skip("the plug-in keeps something outside of its stores")
    for number, step in enumerate(case.data.get("inputs") or ()):
        for driver in (without, restarted):
            do_step(driver, step, number)
        restarted.restart()
    assert seen(restarted, case) == seen(without, case)
