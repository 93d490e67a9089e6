"""A short form of `make oracle`: the same 300 random topologies every time, against Kafka Streams."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from broker import without_kafka
from explore import explore
from judge import available


@pytest.mark.kafka
@pytest.mark.slow
def test_agrees_with_kafka_streams(capsys: pytest.CaptureFixture[str]) -> None:
    """Every difference that is not listed is printed as a case."""
    if reason := available():
        without_kafka(reason)
    tally = explore(seed=1, seconds=120, runs=300)
    assert tally.runs > 0 and sum(tally.agreed.values()) > 0, capsys.readouterr().out
    assert not tally.differed, "\n".join([*tally.cases, tally.table()])
