"""A deadline holds, on a service that answers late: see spec.md."""

from __future__ import annotations

import time

from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    hasty = run.connect(timeout=1)
    while reason(hasty.cluster) != "OK":
        pass
    run.ask("delay", ms=6_000)
    began = time.monotonic()
    why = reason(hasty.cluster)
    in_time = time.monotonic() - began < 4
    run.ask("delay", ms=0)
    return {"reason": why, "in_time": in_time, "then": reason(run.connect(timeout=20).cluster)}
