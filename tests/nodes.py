"""Several nodes of one service on one broker, each as users start it: `penstock serve --kafka` with a data directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock.runtime.board import NodeBoard
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.runtime.layout import Layout
from penstock_client import Client
from served import Served


class ClusterNode(Served):
    """One node. client: of its gateway."""

    def __init__(self, directory: Path, options: list[str]) -> None:
        directory.mkdir()
        super().__init__(directory / "data", directory / "serve.log", options)
        self.client = Client(self.address, timeout=20)

    def start(self) -> None:
        """Start it without waiting; `wait_ready` does."""
        self.begin()

    def wait_ready(self) -> None:
        """Until it says that it is ready, and has its workers."""
        self.await_ready(90)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(20)


class Nodes:
    """nodes by number. session_ms: how long a silent worker keeps its tasks."""

    def __init__(self, directory: Path, bootstrap: str, service_id: str, *options: str, workers: int = 1, session_ms: int = 4000) -> None:
        """options: more of `serve`, of every node."""
        self.service_id = service_id
        self._directory = directory
        properties = directory / "kafka.properties"
        properties.write_text(f"session.timeout.ms={session_ms}\n")
        self._options = ["--kafka", bootstrap, "--kafka-config", str(properties), "--service-id", service_id, "--workers", str(workers),
                         "--schema-registry-listen", "none", *options]
        self._nodes: list[ClusterNode] = []

    def __getitem__(self, number: int) -> ClusterNode:
        return self._nodes[number]

    def __iter__(self) -> Iterator[ClusterNode]:
        return iter(self._nodes)

    def add(self, count: int = 1, *options: str) -> list[ClusterNode]:
        """More nodes, started at the same time and ready."""
        fresh = [ClusterNode(self._directory / f"node-{len(self._nodes) + i}", [*self._options, *options]) for i in range(count)]
        self._nodes += fresh
        for node in fresh:
            node.start()
        for node in fresh:
            node.wait_ready()
        return fresh

    def running_tasks(self, topology: str) -> dict[tuple[str, int], int]:
        """Number of the node that runs it, by sub-topology and partition, as each node says itself."""
        found: dict[tuple[str, int], int] = {}
        for number, node in enumerate(self._nodes):
            if node.running:
                found |= {(t.sub, t.partition): number for t in own_tasks(node, topology) if t.state is TaskState.RUNNING}
        return found

    def end(self) -> None:
        """Kill all that run."""
        for node in self._nodes:
            node.client.close()
            if node.running:
                node.kill()


def own_tasks(node: ClusterNode, topology: str) -> list[TaskEntry]:
    """Tasks and copies of tasks that are on this very node, by its board."""
    board = NodeBoard(Layout(node.data).boards())
    try:
        return board.tasks(topology)
    finally:
        board.close()


@contextmanager
def several(directory: Path, bootstrap: str, service_id: str, count: int, *options: str, workers: int = 1, session_ms: int = 4000) -> Iterator[Nodes]:
    """Nodes for a test, killed at its end; the ends of their logs are printed when it fails."""
    nodes = Nodes(directory, bootstrap, service_id, *options, workers=workers, session_ms=session_ms)
    try:
        nodes.add(count)
        yield nodes
    except BaseException:
        for number, node in enumerate(nodes):
            print(f"---- node {number} at {node.address}\n{node.log[-4000:]}")
        raise
    finally:
        nodes.end()
