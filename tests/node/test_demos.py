"""Each demo is an acceptance test: it recounts what it published, with a worker or the node killed in the middle."""

from __future__ import annotations

import subprocess
import sys

import pytest
from penstock.cli.demo import DEMOS


@pytest.mark.slow
@pytest.mark.parametrize("name", DEMOS)
def test_a_demo(name: str) -> None:
    made = subprocess.run([sys.executable, "-m", "penstock.cli.main", "demo", name], capture_output=True, text=True, timeout=150, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.splitlines()[-1] == "0 lost, 0 doubled"
