"""Places where tests may kill or stop this process: set PENSTOCK_FAULT=point:action[:chance] (tests/chaos uses it).

Points are the gaps between the numbered steps of a commit. Actions: kill (SIGKILL), stop (SIGSTOP). Nothing happens without the variable.
"""

from __future__ import annotations

import os
import random
import signal

POINTS = ("before_send", "before_commit", "after_commit", "between_stores", "before_board")

_spec = os.environ.get("PENSTOCK_FAULT", "")
_parts = _spec.split(":") if _spec else []


def at(point: str) -> None:
    """A place between two steps."""
    if _parts and (_parts[0] == point or _parts[0] == "any") and random.random() < (float(_parts[2]) if len(_parts) > 2 else 1.0):
        os.kill(os.getpid(), signal.SIGSTOP if _parts[1] == "stop" else signal.SIGKILL)
