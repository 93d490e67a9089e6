"""Differences from Kafka Streams 4.1.0 that stay: its known bugs, which are not copied. Each has its ticket and a case in tests/cases.

Where Kafka Streams differs from itself with a cache, one of the two is followed; the cases are asserted both ways. Without a cache it
sends wrong old rows of two kinds of windows, with a cache (its default) the right ones, which are what was sent last: CachingWindowStore
and CachingSessionStore ask the store for them. So those are judged with a cache (needs_cache):
- KStreamSlidingWindowAggregate.updateWindowAndForward sends the aggregate that a new window is made of (or the initial one) as that
  window's own old row; a table behind it takes away what was never added.
- KStreamSessionWindowAggregate sends a session of one moment that a second record updates without its old row; a table behind it adds
  the session twice.
With a cache it has windows that its store has forgotten, for as long as there is room in the cache and whatever the retention is. Ours
are forgotten by retention, as in its stores (KAFKA-8289); so windows that are judged with a cache have a long one (generate.py).

One more is asserted by its case alone, since Kafka Streams ends with it: a record without a key in a left join with grace
(NullPointerException, "key cannot be null", though by KAFKA-12317 such a record joins nothing; tests/cases/versioned_tables.yaml).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Known:
    """A listed difference. cases: its cases in tests/cases. matches: whether differences of a case are its doing."""

    ticket: str
    what: str
    cases: tuple[str, ...]
    matches: Callable[[Mapping[str, Any], Sequence[str]], bool]


def _early_unmatched(case: Mapping[str, Any], differences: Sequence[str]) -> bool:
    """A join that keeps unmatched rows, with grace, and a row whose window ends before the newest time seen: a record, or what a node
    before the join has sent on later than its time."""
    nodes = case["topology"]["nodes"]
    joins = {name: node["stream_stream_join"] for name, node in nodes.items() if "stream_stream_join" in node}
    waiting = {name: j for name, j in joins.items() if j.get("kind", "inner") != "inner" and _ms(j["grace"]) > 0}
    if any(_delays(before) for name in waiting for before in _before(nodes, name)):
        return True
    columns = {name: r["timestamp"] for r in case["relations"] for name in (r.get("stream"), r.get("table")) if name and "timestamp" in r}
    newest = -1
    for record in case["inputs"]:
        at = record["at"] if record["value"] is None else record["value"].get(columns.get(record["to"]), record["at"])
        if any(at + min(_ms(j["before"]), _ms(j["after"])) < newest for j in waiting.values()):
            return True
        newest = max(newest, at)
    return False


def _before(nodes: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """All nodes before a node."""
    given = nodes[name].get("from", [])
    names = [i.partition(".")[0] for i in (given if isinstance(given, list) else [given])]
    return [found for i in names for found in (nodes[i], *_before(nodes, i))]


def _delays(node: Mapping[str, Any]) -> bool:
    """Whether rows leave it later than they came, with the time at which they came."""
    body = node.get("aggregate")
    return ("suppress" in node or node.get("stream_stream_join", {}).get("kind", "inner") != "inner" or "grace" in node.get("join", {})
            or isinstance(body, dict) and "emit" in body)


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


def needs_cache(case: Mapping[str, Any]) -> bool:
    """Whether old rows of sliding windows or sessions are used."""
    return _old_rows_used(case, "sliding") or _old_rows_used(case, "session")


def _old_of_suppressed(case: Mapping[str, Any], differences: Sequence[str]) -> bool:
    return _old_rows_used(case, "until", "suppress")


def _ms(text: str) -> int:
    return int(text.removesuffix("ms"))


RIGHT_WITH_CACHE = ("a new sliding window has no old value, where Kafka Streams takes the one that it is made of",
                    "a session of one moment is updated with its old value, which Kafka Streams leaves out")
"""Cases in which Kafka Streams gives our results with a cache, and others without."""

RIGHT_WITHOUT_CACHE = ("a session that ended a gap and grace ago is forgotten, which a cache of Kafka Streams still has",
                       "a window that one input of a cogroup takes to be open begins anew where the other one let it be forgotten, but for a cache of "
                       "Kafka Streams")
"""The other way round."""

NULL_KEY = "in a left join with grace a row without a key does not wait, where Kafka Streams ends with a NullPointerException"

KNOWN: tuple[Known, ...] = (
    Known("KAFKA-19536", "a left, right or full join of streams sends an out-of-order record on as unmatched at once, though its grace is "
          "not over and a match may come", ("an unmatched record waits for its grace, where KAFKA-19536 sends it at once",
                                                  "so does one with the time of a column"), _early_unmatched),
    Known("KAFKA-8199", "since that ticket a suppress is read as the rows that it has let go; but what it lets go has as its old row the last "
          "one that it held back (InMemoryTimeOrderedKeyValueChangeBuffer.evictWhile takes oldValue, not priorValue), which nobody has seen, so "
          "that a table behind it takes away what was never added", ("the old row is the one that left last, where Kafka Streams takes one that "
          "never left",), _old_of_suppressed),
)


def listed(case: Mapping[str, Any], differences: Sequence[str]) -> str:
    """The ticket of a listed difference, empty for any other."""
    return next((k.ticket for k in KNOWN if k.matches(case, differences)), "")
