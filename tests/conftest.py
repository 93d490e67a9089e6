"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).parent / "kafka"))

from broker import Broker, available


def without_kafka(reason: str) -> NoReturn:
    """Skip; where PENSTOCK_REQUIRE_KAFKA is set (continuous integration) fail instead."""
    if os.environ.get("PENSTOCK_REQUIRE_KAFKA"):
        pytest.fail(f"tests on Kafka are required here, but there is none: {reason}", pytrace=False)
    pytest.skip(f"no Kafka here: {reason}")


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One real Kafka broker for all tests of the session; tests that stop or kill it restart it. Skips without Java."""
    if reason := available():
        without_kafka(reason)
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker
