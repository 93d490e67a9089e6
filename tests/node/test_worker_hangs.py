"""Workers that hang are killed and replaced; the record that does it goes to the dead letter and costs nothing else."""

from __future__ import annotations

import pytest
from hanging import ENDLESS, ROWS, HangingNode


@pytest.mark.timeout(180)
def test_a_stopped_worker_is_replaced_and_nothing_is_lost(hanging: HangingNode) -> None:
    hanging.wait_replaced(hanging.stopped_pid, 60)
    rows = {r.K: r.C for r in hanging.client.scan("others_counted", at_least=hanging.others, max_wait=60)}
    assert rows == {f"k{n}": 10 for n in range(5)}
    assert "shows no sign of life" in hanging.log


@pytest.mark.timeout(180)
def test_an_endless_expression_is_found_and_its_record_put_aside(hanging: HangingNode) -> None:
    hanging.wait_replaced(hanging.victim_pid, 60)
    letters = hanging.dead_letters("endless", 1, 120)
    assert [(r.TOPIC, r.PARTITION, r.OFFSET) for r in letters] == [("texts", 0, ROWS // 2)]
    assert "died twice" in letters[0].REASON and ENDLESS.encode() in letters[0].RECORD_VALUE
    rows = {r.K: r.C for r in hanging.client.scan("texts_counted", at_least=hanging.last, max_wait=20)}
    expected = {f"k{k}": sum(n % 3 == k and n != ROWS // 2 for n in range(ROWS)) for k in range(3)}
    assert rows == expected
    assert {state for state, _ in hanging.task_states("endless").values()} == {"RUNNING"}
