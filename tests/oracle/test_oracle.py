"""A short form of `make oracle`: the same 300 random topologies every time, against Kafka Streams; and what is listed as a difference is one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from broker import without_kafka
from compare import differences, request
from explore import explore
from judge import Judge, JudgeError, available
from known import CACHED, KNOWN, NULL_KEY, Known
from penstock.testing.cases import load_cases

CASES = Path(__file__).parents[1] / "cases"

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    if reason := available():
        without_kafka(reason)
    with Judge() as made:
        yield made


def case_named(name: str, updates: str) -> dict[str, Any]:
    (data,) = [case.data for case in load_cases(CASES) if case.name == name]
    return {**data, "updates": updates}


def test_agrees_with_kafka_streams(judge: Judge, capsys: pytest.CaptureFixture[str]) -> None:
    """Every difference that is not listed is printed as a case."""
    tally = explore(seed="1", seconds=120, judge=judge, runs=300)
    assert tally.runs > 0 and sum(tally.agreed.values()) > 0, capsys.readouterr().out
    assert not tally.differed, "\n".join([*tally.cases, tally.table()])


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.ticket)
def test_a_listed_difference_is_one(judge: Judge, known: Known) -> None:
    """When Kafka Streams has mended it, the list is shorter by one."""
    case = case_named(known.case, "every")
    found = differences(case, frozenset(), judge.ask(request(case)))
    assert found and known.matches(case, found)


@pytest.mark.parametrize("name", CACHED)
def test_old_rows_of_windows_are_those_of_a_cache(judge: Judge, name: str) -> None:
    """Without one Kafka Streams sends others on."""
    every, latest = case_named(name, "every"), case_named(name, "latest")
    assert differences(every, frozenset(), judge.ask(request(every)))
    assert not differences(latest, frozenset(), judge.ask(request(latest)))


def test_a_left_join_with_grace_ends_kafka_streams_at_a_null_key(judge: Judge) -> None:
    """So its case has no other judge."""
    with pytest.raises(JudgeError, match="NullPointerException: key cannot be null"):
        judge.ask(request(case_named(NULL_KEY, "every")))
