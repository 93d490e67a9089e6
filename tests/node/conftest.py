"""One node for all tests that do not break it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hanging import HangingNode
from ports import free_ports
from real import RealNode


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The watchdogs of this directory's tests are their own waits; the slowest wait for a process to be found hanging."""
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture(scope="session")
def metrics_port() -> int:
    """Of the shared node's gateway; its worker answers on the next one."""
    return free_ports(2)[0]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, metrics_port: int) -> Iterator[RealNode]:
    """A node on the embedded log; tests use names of their own."""
    with RealNode(tmp_path_factory.mktemp("shared"), "--metrics", f"127.0.0.1:{metrics_port}") as node:
        yield node
        assert node.stop() == 0
        assert "Traceback" not in node.log, node.log


@pytest.fixture(autouse=True)
def begin_hanging(request: pytest.FixtureRequest) -> None:
    """The first test without a broker starts the node that hangs, if the last file is to look at it in this session; tests on a broker may
    run in another process."""
    if request.node.get_closest_marker("kafka") is None and any(item.path.name == "test_worker_hangs.py" for item in request.session.items):
        request.getfixturevalue("hanging")


@pytest.fixture(scope="session")
def hanging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HangingNode]:
    """A node whose workers hang from the beginning of the session, since the watchdog takes its time; test_worker_hangs.py, the last file, looks
    at what became of it."""
    with HangingNode(tmp_path_factory.mktemp("hanging")) as node:
        yield node
