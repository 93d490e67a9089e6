"""Time, passed in wherever it is read, so that tests own it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall clock and a monotonic one."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z."""

    def monotonic(self) -> float:
        """Seconds, never going back."""


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that moves when told to."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._now_ms / 1000

    def advance(self, ms: int) -> None:
        """Move forward by ms milliseconds."""
        self._now_ms += ms
