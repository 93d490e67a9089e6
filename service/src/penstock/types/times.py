"""Text of DATE, TIME and TIMESTAMP: ISO 8601 with ksqlDB's partial forms. UTC unless the text says otherwise."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_ORDINAL = date(1970, 1, 1).toordinal()

_DATE = r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?"
_TIME = r"(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?"
_ZONE = r"(Z|[+-]\d{2}(?::?\d{2})?)?"
_TIMESTAMP_TEXT = re.compile(rf"{_DATE}(?:[T ](?:{_TIME})?)?\s*{_ZONE}", re.ASCII | re.IGNORECASE)
_DATE_TEXT = re.compile(_DATE, re.ASCII)
_TIME_TEXT = re.compile(_TIME, re.ASCII)


def parse_timestamp(text: str) -> int:
    """Milliseconds since 1970. `2020`, `2020-05`, `2020-05-26T23:59:58.123+0200`; ValueError otherwise."""
    m = _TIMESTAMP_TEXT.fullmatch(text.strip())
    if m is None:
        raise ValueError(f"{text!r} is not a timestamp such as 2020-05-26T23:59:58.123")
    day = date(int(m[1]), int(m[2] or 1), int(m[3] or 1)).toordinal() - _ORDINAL
    if m[4] == "24" and not any(int(part or 0) for part in (m[5], m[6], m[7])):  # the end of the day
        return (day + 1) * DAY_MS - _offset(m[8])
    return day * DAY_MS + _clock(m[4], m[5], m[6], m[7]) - _offset(m[8])


def _clock(hour: str | None, minute: str | None, second: str | None, fraction: str | None) -> int:
    h, m, s = int(hour or 0), int(minute or 0), int(second or 0)
    if h > 23 or m > 59 or s > 59:
        raise ValueError(f"{h:02}:{m:02}:{s:02} is not a time of day")
    return ((h * 60 + m) * 60 + s) * 1000 + int(((fraction or "") + "000")[:3])


def _offset(zone: str | None) -> int:
    if not zone or zone in "Zz":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0)
    return (-minutes if zone[0] == "-" else minutes) * 60_000


def parse_date(text: str) -> int:
    """Days since 1970; `2020` and `2020-05` mean the first day; ValueError otherwise."""
    m = _DATE_TEXT.fullmatch(text.strip())
    if m is None:
        raise ValueError(f"{text!r} is not a date such as 2020-05-26")
    return date(int(m[1]), int(m[2] or 1), int(m[3] or 1)).toordinal() - _ORDINAL


def parse_time(text: str) -> int:
    """Milliseconds since midnight; `12`, `12:34`, `12:34:56.789`; ValueError otherwise."""
    m = _TIME_TEXT.fullmatch(text.strip())
    if m is None:
        raise ValueError(f"{text!r} is not a time such as 12:34:56")
    return _clock(m[1], m[2], m[3], m[4])


def timestamp_text(ms: int) -> str:
    """`yyyy-MM-dd'T'HH:mm:ss.SSS`; ValueError outside the years 1-9999."""
    moment = _at(ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}" if moment.year > 999 else moment.isoformat(timespec="milliseconds")[:23]


def _at(ms: int) -> datetime:
    try:
        return _EPOCH + _MS * ms
    except OverflowError:
        raise ValueError(f"{ms} ms is outside the years 1 to 9999") from None


def date_text(days: int) -> str:
    """`yyyy-MM-dd`."""
    return _at(days * DAY_MS).date().isoformat()


def time_text(ms: int) -> str:
    """`HH:mm`, or `HH:mm:ss` where the seconds are not 0: milliseconds are lost."""
    seconds = ms // 1000
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text
