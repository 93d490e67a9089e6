"""Dates and times to text and back by pattern (time_patterns.py)."""

from __future__ import annotations

from datetime import UTC, datetime

from penstock.expr.functions import simple_dates
from penstock.expr.functions import time_patterns as patterns
from penstock.expr.functions.registry import scalar
from penstock.types import times

_PATTERN = ("value", "pattern")


@scalar("FORMAT_DATE", "DATE, STRING -> STRING", text="A date as text, such as 'dd.MM.yyyy'.", arguments=_PATTERN)
def format_date(days: int, pattern: str) -> str:
    patterns.compiled(pattern).require(patterns.DATE_LETTERS, "DATE")
    return patterns.write(days * times.DAY_MS, pattern)


@scalar("FORMAT_TIME", "TIME, STRING -> STRING", text="A time of day as text, such as 'HH:mm'.", arguments=_PATTERN)
def format_time(ms: int, pattern: str) -> str:
    patterns.compiled(pattern).require(patterns.TIME_LETTERS, "TIME")
    return patterns.write(ms, pattern)


@scalar("FORMAT_TIMESTAMP", "TIMESTAMP, STRING -> STRING", "TIMESTAMP, STRING, STRING -> STRING", arguments=("value", "pattern", "zone"),
        text="A timestamp as text, such as 'yyyy-MM-dd HH:mm:ss', on a zone's clock (GMT by default).")
def format_timestamp(ms: int, pattern: str, zone: str = "GMT") -> str:
    return patterns.write(ms, pattern, zone)


@scalar("TIMESTAMPTOSTRING", "BIGINT!, STRING -> STRING", "BIGINT!, STRING, STRING -> STRING", arguments=("milliseconds", "pattern", "zone"),
        text="Milliseconds since 1970 as text; FORMAT_TIMESTAMP is newer.")
def timestamp_to_string(ms: int, pattern: str, zone: str = "UTC") -> str:
    return patterns.write(ms, pattern, zone)


@scalar("DATETOSTRING", "INT!, STRING -> STRING", text="Days since 1970 as text; FORMAT_DATE is newer.", arguments=("days", "pattern"))
def date_to_string(days: int, pattern: str) -> str:
    return format_date(days, pattern)


@scalar("PARSE_DATE", "STRING, STRING -> DATE", text="A date read by a pattern.", arguments=_PATTERN)
def parse_date(text: str, pattern: str) -> int:
    return patterns.day_of(simple_dates.parse(text, pattern, datetime.now(UTC).year))


@scalar("STRINGTODATE", "STRING, STRING -> INT", text="Days since 1970 of a date read by a pattern; PARSE_DATE is newer.", arguments=_PATTERN)
def string_to_date(text: str, pattern: str) -> int:
    return patterns.parse(text, pattern) // times.DAY_MS


@scalar("PARSE_TIME", "STRING, STRING -> TIME", text="A time of day read by a pattern.", arguments=_PATTERN)
def parse_time(text: str, pattern: str) -> int:
    known = patterns.compiled(pattern)
    known.require(patterns.TIME_LETTERS, "TIME")
    if not known.letters & frozenset("HkNA") and ("a" not in known.letters or not known.letters & frozenset("hK")):
        raise ValueError(f"pattern {pattern!r} does not say which hour")
    return patterns.parse(text, pattern) % times.DAY_MS


_ZONED = ("value", "pattern", "zone")


@scalar("PARSE_TIMESTAMP", "STRING, STRING -> TIMESTAMP", "STRING, STRING, STRING -> TIMESTAMP", arguments=_ZONED,
        text="A timestamp read by a pattern; a zone in the text wins over the given one (UTC by default).")
def parse_timestamp(text: str, pattern: str, zone: str = "UTC") -> int:
    return patterns.parse(text, pattern, zone)


@scalar("STRINGTOTIMESTAMP", "STRING, STRING -> BIGINT", "STRING, STRING, STRING -> BIGINT", arguments=_ZONED,
        text="Milliseconds since 1970 read by a pattern; PARSE_TIMESTAMP is newer.")
def string_to_timestamp(text: str, pattern: str, zone: str = "UTC") -> int:
    return patterns.parse(text, pattern, zone)
