"""Differences from Kafka Streams 4.1.0 that stay: its known bugs, which are not copied. Each has its ticket and a case in tests/cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Known:
    """A listed difference. matches: whether differences of a case are its doing."""

    ticket: str
    what: str
    matches: Callable[[Mapping[str, Any], Sequence[str]], bool]


KNOWN: tuple[Known, ...] = ()


def listed(case: Mapping[str, Any], differences: Sequence[str]) -> str:
    """The ticket of a listed difference, empty for any other."""
    return next((k.ticket for k in KNOWN if k.matches(case, differences)), "")
