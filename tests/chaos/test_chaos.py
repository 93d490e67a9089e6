"""The whole program: a calm run is clean, a seeded fault is found, on one node and on several."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from broker import available, without_kafka


def chaos(*arguments: str) -> tuple[int, str, str]:
    """Exit code, all that it said, its last line."""
    done = subprocess.run([sys.executable, str(Path(__file__).with_name("run.py")), *arguments], capture_output=True, text=True, timeout=200, check=False)
    return done.returncode, done.stdout + done.stderr, done.stdout.rstrip().splitlines()[-1]


@pytest.mark.parametrize("where", [(), pytest.param(("--nodes", "2", "--brokers", "3", "--standbys", "1"), marks=pytest.mark.kafka)], ids=["one", "several"])
@pytest.mark.timeout(240)
def test_a_seeded_fault_is_found_in_each_output(where: tuple[str, ...]) -> None:
    if where and (reason := available()):
        without_kafka(reason)
    code, said, last = chaos("--seconds", "4", "--calm", "--sabotage", *where)
    assert code == 1, said
    for output in ("echo", "finals", "enriched", "pairs", "tallied", "seconds", "placed", "mended"):
        assert f"doubled: topic {output}" in said, said
    assert "lost: topic owned" in said, said
    assert "the changelog says" in said, said
    assert last == "1 lost, 8 doubled, 1 other violations", said
