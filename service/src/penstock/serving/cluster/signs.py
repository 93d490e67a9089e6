"""When a node's signs of life were given, by this process's clock.

They are read late while the log or this node is slow, and each says when it was written by the clock of the machine that wrote it, which may be
wrong. The one that came soonest of the last ones of a node tells how far: nothing is read before it is written.
"""

from __future__ import annotations

import time
from collections import deque

from penstock.clock import Clock

_LAST = 30
"""Signs, one a second, after which a clock that was set counts as it is."""


class Signs:
    """See the module docstring. Until `live` is called what is read is history, whose clocks are taken at their word: a node that starts must not
    take the last words of a dead one for a sign of life."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._live = False
        self._ages: dict[str, deque[float]] = {}

    def live(self) -> None:
        """The history is read."""
        self._live = True

    def heard(self, node: str, written_ms: int) -> float:
        """The monotonic time at which a sign was given that is read now. written_ms: the wall clock in it."""
        age = (self._clock.now_ms() - written_ms) / 1000
        wrong = 0.0
        if self._live:
            ages = self._ages.setdefault(node, deque(maxlen=_LAST))
            ages.append(age)
            wrong = min(ages)
        return time.monotonic() - max(0.0, age - wrong)
