"""Session properties: which there are, what they mean, their defaults, and which values they take."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from penstock.errors import RequestError

OFFSET_RESET = "auto.offset.reset"
EXTENDED_PULL = "penstock.pull.extended"
TABLE_SCAN = "ksql.query.pull.table.scan.enabled"
KEY_FORMAT = "ksql.persistence.default.format.key"
VALUE_FORMAT = "ksql.persistence.default.format.value"
WRAP = "ksql.persistence.wrap.single.values"
PREFIX = "ksql.output.topic.name.prefix"

Check = Callable[[str], str]
"""The complaint about a value, "" when it is right."""


def _truth(value: str) -> str:
    return "" if value.lower() in ("true", "false") else "it is true or false"


def _one_of(*words: str) -> Check:
    return lambda value: "" if value.lower() in words else f"it is {' or '.join(words)}"


def _any(value: str) -> str:
    return ""


def _number(value: str) -> str:
    return "" if value.isdecimal() else "it is a whole number"


@dataclass(frozen=True, slots=True)
class Setting:
    """One property. effect: False where another server's property is taken and changes nothing here."""

    name: str
    default: str
    text: str
    complaint: Check = _any
    effect: bool = True


SETTINGS = (
    Setting(OFFSET_RESET, "", "Where a query begins to read streams: earliest or latest. Persistent queries begin at earliest and push queries at "
            "latest when it is not set; a push query over a table then begins with its present rows.", _one_of("earliest", "latest", "none")),
    Setting(EXTENDED_PULL, "false", "Pull queries may group, aggregate, sort and join, and read tables that no query made.", _truth),
    Setting(TABLE_SCAN, "true", "Pull queries may read a whole table when the key is not fixed.", _truth),
    Setting("ksql.query.push.v2.enabled", "true", "Push queries with filter and projection share one reader.", _truth, effect=False),
    Setting("ksql.query.pull.stream.enabled", "true", "Pull queries on streams.", _truth, effect=False),
    Setting(KEY_FORMAT, "KAFKA", "The key format of CREATE without KEY_FORMAT and FORMAT."),
    Setting(VALUE_FORMAT, "", "The value format of CREATE without VALUE_FORMAT and FORMAT."),
    Setting(WRAP, "true", "Whether a single value column is written as an object.", _truth),
    Setting(PREFIX, "", "What the topic names of CREATE ... AS SELECT begin with."),
    Setting("ksql.nested.error.set.null", "true", "Errors inside a call's arguments give null.", _truth, effect=False),
    Setting("ksql.timestamp.throw.on.invalid", "false", "Bad timestamps go to the dead letter in any case.", _truth, effect=False),
    Setting("ksql.create.or.replace.enabled", "true", "CREATE OR REPLACE is always there.", _truth, effect=False),
    Setting("ksql.new.query.planner.enabled", "false", "There is one planner.", effect=False),
    Setting("ksql.sink.partitions", "", "Use PARTITIONS.", effect=False),
    Setting("ksql.sink.replicas", "", "Use REPLICAS.", effect=False),
    Setting("ksql.windowed.session.key.legacy", "false", "Not built.", effect=False),
    Setting("ksql.fail.on.deserialization.error", "false", "Bad records go to the dead letter.", _truth, effect=False),
    Setting("ksql.headers.columns.enabled", "true", "Header columns are always there.", _truth, effect=False),
    Setting("processing.guarantee", "exactly_once_v2", "Always exactly once.", effect=False),
    Setting("commit.interval.ms", "", "Topologies commit every 100 ms.", _number, effect=False),
    Setting("cache.max.bytes.buffering", "", "Aggregates send the newest value of a key at each commit.", _number, effect=False),
)
"""Properties by name, in the order of SHOW PROPERTIES: the ones that change something, then those of other servers that are taken so that scripts run."""

_KNOWN = {s.name: s for s in SETTINGS}
_FAMILIES = ("ksql.functions.", "ksql.streams.", "ksql.query.pull.", "ksql.query.push.", "consumer.", "producer.", "use.exact.")
"""Beginnings of names that are taken; what stands behind ksql.functions. is read by the functions."""


def plain(name: str) -> str:
    """The name under which a property is kept."""
    lower = name.lower()
    return lower.removeprefix("ksql.streams.") if lower.removeprefix("ksql.streams.") in _KNOWN else lower


def default(name: str) -> str:
    """The default, "" when there is none."""
    found = _KNOWN.get(plain(name))
    return "" if found is None else found.default


def check(name: str, value: str | None) -> None:
    """Raise INVALID_ARGUMENT for a property that does not exist, or that does not take this value (None: any)."""
    found = _KNOWN.get(plain(name))
    if found is None:
        if name.lower().startswith(_FAMILIES):
            return
        near = difflib.get_close_matches(plain(name), _KNOWN, n=3, cutoff=0.6)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; SHOW PROPERTIES lists what can be set"
        raise RequestError("INVALID_ARGUMENT", f"Unknown property: {name}{hint}", {"field": name})
    complaint = "" if value is None else found.complaint(value)
    if complaint:
        raise RequestError("INVALID_ARGUMENT", f"Invalid value '{value}' for property {name}: {complaint}", {"field": name})
