"""The Python driver: runs one scenario, or prints those that it has. See README.md."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from support import Run

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def main(arguments: list[str]) -> None:
    """Command line of the driver."""
    if not arguments:
        print(json.dumps(sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.py"))))
        return
    name, address, prefix, *settings = arguments
    spec = importlib.util.spec_from_file_location(name, SCENARIOS / name / "scenario.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with Run(address, prefix, dict(one.split("=", 1) for one in settings)) as run:
        facts = module.scenario(run)
    print(json.dumps({"facts": facts}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
