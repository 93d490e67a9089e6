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
from known import KNOWN, NULL_KEY, RIGHT_WITH_CACHE, RIGHT_WITHOUT_CACHE, Known
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


@pytest.mark.parametrize(("known", "name"), [(known, name) for known in KNOWN for name in known.cases],
                         ids=lambda given: given.ticket if isinstance(given, Known) else "")
def test_a_listed_difference_is_one(judge: Judge, known: Known, name: str) -> None:
    """When Kafka Streams has mended it, the list is shorter by one."""
    case = case_named(name, "every")
    found = differences(case, frozenset(), judge.ask(request(case)))
    assert found and known.matches(case, found)


@pytest.mark.parametrize(("name", "agrees", "differs"), [*((name, "latest", "every") for name in RIGHT_WITH_CACHE),
                                                         *((name, "every", "latest") for name in RIGHT_WITHOUT_CACHE)])
def test_a_cache_changes_what_kafka_streams_gives(judge: Judge, name: str, agrees: str, differs: str) -> None:
    """Where it differs from itself, ours is what is said in known.py."""
    case, other = case_named(name, agrees), case_named(name, differs)
    assert not differences(case, frozenset(), judge.ask(request(case)))
    assert differences(other, frozenset(), judge.ask(request(other)))


def test_a_left_join_with_grace_ends_kafka_streams_at_a_null_key(judge: Judge) -> None:
    """So its case has no other judge."""
    with pytest.raises(JudgeError, match="NullPointerException: key cannot be null"):
        judge.ask(request(case_named(NULL_KEY, "every")))
