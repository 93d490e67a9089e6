"""What tests of clients in other languages share: a node each, and the rule for a language that is not installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "node"))

from real import RealNode

ROOT = Path(__file__).parents[2]


def without(language: str, missing: str) -> NoReturn:
    """Skip for want of a language's tools; where PENSTOCK_REQUIRE_CLIENTS is set (continuous integration) fail instead."""
    if os.environ.get("PENSTOCK_REQUIRE_CLIENTS"):
        pytest.fail(f"tests of the {language} client are required here, but {missing}", pytrace=False)
    pytest.skip(f"no {language} here: {missing}")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    """A node on the embedded log for each client: they play the same examples, under the same names."""
    with RealNode(tmp_path_factory.mktemp("clients")) as started:
        yield started
        assert started.stop() == 0
        assert "Traceback" not in started.log, started.log
