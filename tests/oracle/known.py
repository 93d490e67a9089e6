"""Differences from Kafka Streams 4.1.0 that stay: its known bugs, which are not copied. Each has its ticket and a case in tests/cases.

Three are in no ticket that could be found. All are of the old value that a table sends along with a new one, and with each a table behind it
counts what it should not: it takes away what was never added, or adds twice. That is no choice of semantics which one could share, so they are
not copied either. One more is asserted by its case alone, since Kafka Streams ends with it: a record without a key in a left join with grace
(NullPointerException, "key cannot be null"; tests/cases/versioned_tables.yaml).
"""

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


def _old_of_sliding(case: Mapping[str, Any], differences: Sequence[str]) -> bool:
    return _old_rows_used(case, "sliding")


def _old_of_moment(case: Mapping[str, Any], differences: Sequence[str]) -> bool:
    times = [record["at"] for record in case["inputs"]]
    return len(set(times)) < len(times) and _old_rows_used(case, "session")


def _old_rows_used(case: Mapping[str, Any], what: str, part: str = "window") -> bool:
    """Whether old rows of tables of a kind are used: such a table is grouped, filtered or joined."""
    nodes = case["topology"]["nodes"]
    tables = {name for name, node in nodes.items() if what in str(node.get(part, ""))}
    for name, node in nodes.items():  # inputs come first
        given = node.get("from", [])
        if tables & set(given if isinstance(given, list) else [given]):
            if "group_by" in node or "filter" in node or "table_table_join" in node:
                return True
            if "select" in node or "suppress" in node:
                tables.add(name)
    return False


def _old_of_suppressed(case: Mapping[str, Any], differences: Sequence[str]) -> bool:
    return _old_rows_used(case, "until", "suppress")


def _ms(text: str) -> int:
    return int(text.removesuffix("ms"))


KNOWN: tuple[Known, ...] = (
    Known("KAFKA-19536", "a left, right or full join of streams sends an out-of-order record on as unmatched at once, though its grace is "
          "not over and a match may come (case: an unmatched record waits for its grace)", _early_unmatched),
    Known("no ticket found: old value of a new sliding window", "a sliding window that is made of another sends that other's aggregate (or "
          "the initial one) on as its own old value, so that a table behind it takes away what was never added (case: a new sliding window "
          "has no old value)", _old_of_sliding),
    Known("no ticket found: old value of a session of one moment", "a second record at the moment of a session that is but that moment updates "
          "it without its old value, so that a table behind it adds the session twice (case: a session of one moment is updated with its "
          "old value)", _old_of_moment),
    Known("no ticket found: old value behind a suppress", "what a suppress lets go has as its old value the row before the last that was held "
          "back, which nobody has seen, so that a table behind it takes away what was never added (case: the old row is the one that left "
          "last)", _old_of_suppressed),
)


def listed(case: Mapping[str, Any], differences: Sequence[str]) -> str:
    """The ticket of a listed difference, empty for any other."""
    return next((k.ticket for k in KNOWN if k.matches(case, differences)), "")
