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


def _early_unmatched(case: Mapping[str, Any], differences: Sequence[str]) -> bool:
    """A join that keeps unmatched rows, with grace, and a record whose window ends before the newest time seen."""
    joins = [node["stream_stream_join"] for node in case["topology"]["nodes"].values() if "stream_stream_join" in node]
    reaches = [min(_ms(j["before"]), _ms(j["after"])) for j in joins if j.get("kind", "inner") != "inner" and _ms(j["grace"]) > 0]
    newest = -1
    for record in case["inputs"]:
        if any(record["at"] + reach < newest for reach in reaches):
            return True
        newest = max(newest, record["at"])
    return False


def _ms(text: str) -> int:
    return int(text.removesuffix("ms"))


KNOWN: tuple[Known, ...] = (
    Known("KAFKA-19536", "a left, right or full join of streams sends an out-of-order record on as unmatched at once, though its grace is "
          "not over and a match may come (case: an unmatched record waits for its grace)", _early_unmatched),
)


def listed(case: Mapping[str, Any], differences: Sequence[str]) -> str:
    """The ticket of a listed difference, empty for any other."""
    return next((k.ticket for k in KNOWN if k.matches(case, differences)), "")
