"""Dates and times as numbers: conversions, shifts by zones. DATE is days, TIME milliseconds of day, TIMESTAMP milliseconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from penstock.expr.functions.registry import scalar
from penstock.types import times


@scalar("FROM_DAYS", "INT! -> DATE", text="The date that many days after 1970-01-01.", arguments=("days",), inline="{0}")
def from_days(days: int) -> int:
    return days


@scalar("FROM_UNIXTIME", "BIGINT -> TIMESTAMP", text="The timestamp that many milliseconds after 1970.", arguments=("milliseconds",), inline="{0}",
        safe=True)
def from_unixtime(ms: int) -> int:
    return ms


@scalar("UNIX_TIMESTAMP", "-> BIGINT", text="Milliseconds since 1970, of a timestamp or of now.", arguments=("timestamp",), deterministic=False,
        safe=True)
def unix_timestamp_now() -> int:
    return time.time_ns() // 1_000_000


@scalar("UNIX_TIMESTAMP", "TIMESTAMP -> BIGINT", inline="{0}", safe=True)
def unix_timestamp(ms: int) -> int:
    return ms


@scalar("UNIX_DATE", "-> INT", text="Days since 1970, of a date or of today.", arguments=("date",), deterministic=False, safe=True)
def unix_date_now() -> int:
    return time.time_ns() // 1_000_000 // times.DAY_MS


@scalar("UNIX_DATE", "DATE -> INT", inline="{0}", safe=True)
def unix_date(days: int) -> int:
    return days


def zone(name: str) -> timezone | ZoneInfo:
    """A time zone by name or offset (`+02:00`); ValueError when unknown."""
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if name[:1] in "+-":
        digits = name[1:].replace(":", "")
        if digits.isdecimal() and len(digits) in (2, 4) and int(digits[2:] or 0) < 60 and int(digits[:2]) <= 18:
            shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
            return timezone(-shift if name[0] == "-" else shift)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}") from None


def zone_offset(ms: int, name: str) -> int:
    """Milliseconds by which the zone is ahead of UTC at that instant."""
    where = zone(name)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
        offset = moment.astimezone(where).utcoffset()
    except OverflowError:
        raise ValueError(f"{ms} ms is outside the years 1 to 9999") from None
    assert offset is not None
    return offset // timedelta(milliseconds=1)


@scalar("CONVERT_TZ", "TIMESTAMP, STRING, STRING -> TIMESTAMP", text="The timestamp moved from one time zone's clock to another's.",
        arguments=("timestamp", "from", "to"))
def convert_tz(ms: int, source: str, target: str) -> int:
    return ms + zone_offset(ms, target) - zone_offset(ms, source)
