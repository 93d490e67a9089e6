"""Fixtures shared by all tests."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "kafka"))
sys.path.insert(0, str(Path(__file__).parent / "plugins"))

import broker
from broker import NO_KAFKA, Broker, available, without_kafka
from processes import GroupScheduling, in_order

# how long an example takes says nothing on a busy machine
hypothesis.settings.register_profile("penstock", deadline=None)
hypothesis.settings.load_profile("penstock")


# tests write records of the year 1970, which a broker deletes when it looks for old ones: every five minutes, if it is left to
KEEPS_ALL = "log.initial.task.delay.ms=86400000\n"


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One real Kafka broker for all tests of the session; tests that stop or kill it restart it. Skips without Java."""
    if reason := available():
        without_kafka(reason)
    with Broker(tmp_path_factory.mktemp("kafka"), extra=KEEPS_ALL) as broker:
        yield broker


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Of several processes (`-n 2`): processes.py."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In one of several processes: the order in which groups of tests are given out."""
    if hasattr(config, "workerinput"):
        in_order(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Every test that is skipped for want of Kafka is skipped at one place, so that the summary has one line for all of them."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and NO_KAFKA in report.longrepr[2]:
        report.longrepr = (broker.__file__, without_kafka.__code__.co_firstlineno, report.longrepr[2])
    return report
