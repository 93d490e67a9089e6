"""The whole program: a calm run is clean, a seeded fault is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def chaos(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, str(Path(__file__).with_name("run.py")), *arguments], capture_output=True, text=True, timeout=150, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_seeded_fault_is_found_in_each_output() -> None:
    code, said = chaos("--seconds", "4", "--calm", "--sabotage")
    assert code == 1, said
    for output in ("echo", "finals", "enriched", "pairs", "tallied", "seconds", "placed"):
        assert f"doubled: topic {output}" in said, said
    assert "lost: topic owned" in said, said
    assert "the changelog says" in said, said
    assert said.rstrip().splitlines()[-1] == "1 lost, 7 doubled, 1 other violations", said
