"""Plug-ins on a real node: processors and functions that are installed beside it, dead letters replayed, and a plug-in that blocks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from penstock_client import Topology
from penstock_client.declare import Binding
from real import RealNode, refused, wait_for

PLUGINS = Path(__file__).parents[1] / "plugins"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that opens the plug-in's gate when it is there."""
    return tmp_path_factory.mktemp("gate") / "open"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, gate: Path) -> Iterator[RealNode]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(PLUGINS), os.environ.get("PYTHONPATH")))))
        with RealNode(tmp_path_factory.mktemp("plugins")) as started:
            client = started.client
            client.create_stream("doings", "K STRING KEY, V BIGINT, T STRING", Binding(partitions=1))
            t = Topology("doing")
            done = t.stream("doings").process("faulty", config={"gate": str(gate)}, name="faulty")["out"]
            done.select("V", who="INITIALS(K)").to("done")
            client.register_topology(t, wait=20)
            yield started


def test_functions_are_listed_and_take_part(node: RealNode) -> None:
    (found,) = [f for f in node.client.functions() if f.name == "INITIALS"]
    assert (found.kind, found.description) == ("SCALAR", "The first letter of each word.")
    node.client.append("doings", [{"K": "red green", "T": "abc"}])
    (row,) = list(node.client.subscribe("done", start="earliest", limit=1))
    assert (row.K, row.V, row.WHO) == ("red green", 3, "rg")


def test_letters_are_replayed_by_the_command(node: RealNode, gate: Path) -> None:
    node.client.append("doings", [{"K": "a", "T": "closed"}, {"K": "b", "T": "raise"}, {"K": "c", "T": "closed"}])
    letters = node.dead_letters("doing", 3)
    assert all("Traceback" in letter.REASON for letter in letters)
    assert len(node.cli("dead-letters", "doing", "--reason", "gate is closed", "--json").stdout.splitlines()) == 2
    gate.touch()
    said = node.cli("replay", "doing", "--reason", "gate is closed", "--dry-run")
    assert said.stdout == "2 would be replayed, 0 had been before\n", said.stderr
    said = node.cli("replay", "doing", "--where", "RECORD_TIME > '2020-01-01'", "--reason", "gate is closed")
    assert said.stdout == "2 replayed, 0 had been before\n", said.stderr
    wait_for(lambda: {r.K for r in node.client.subscribe("done", start="earliest", until="end")} >= {"a", "c"}, 20, "the replayed records")
    again = json.loads(node.cli("replay", "doing", "--reason", "closed", "--json").stdout)
    assert again == {"topology": "doing", "replayed": 0, "before": 2, "impossible": 0}
    assert [r.K for r in node.client.subscribe("done", start="earliest", until="end")].count("a") == 1


def test_refusals(node: RealNode) -> None:
    refused("UNKNOWN_TOPOLOGY", lambda: node.client.replay_dead_letters("nothing"))
    error = refused("UNKNOWN_COLUMN", lambda: node.client.replay_dead_letters("doing", where="REASONS = 'x'"))
    assert error.metadata["column"] == "REASONS"
    t = Topology("unknown")
    t.stream("doings").process("no_such_processor")
    refused("UNKNOWN_PROCESSOR", lambda: node.client.register_topology(t))


def test_a_task_whose_plug_in_blocks_is_shown_as_stuck(node: RealNode) -> None:
    """The last test: it leaves the worker as it is."""
    node.client.append("doings", [{"K": "a", "T": "sleep"}])
    wait_for(lambda: any(state == "STUCK" and reason.endswith("in node faulty") for state, reason in node.task_states("doing").values()), 15,
             lambda: f"a stuck task, there are {node.task_states('doing')}")
    assert "is STUCK stuck for" in node.client.topology("doing").state_reason
