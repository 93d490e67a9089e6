"""Dates and times between Python's types and the API's numbers (days, milliseconds)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST_DAY, _LAST_DAY = date.min.toordinal() - _EPOCH_DAY, date.max.toordinal() - _EPOCH_DAY
_DAY_MS = 86_400_000
_FIRST_MS, _LAST_MS = _FIRST_DAY * _DAY_MS, (_LAST_DAY + 1) * _DAY_MS - 1


def to_date(days: int) -> date | int:
    """Days since 1970-01-01 as a date; the number itself outside the years 1 to 9999."""
    return date.fromordinal(days + _EPOCH_DAY) if _FIRST_DAY <= days <= _LAST_DAY else days


def from_date(value: date | int) -> int:
    """Days since 1970-01-01. TypeError for another type, a datetime included."""
    if isinstance(value, datetime) or not isinstance(value, date):
        return _number(value, "date")
    return value.toordinal() - _EPOCH_DAY


def to_time(ms: int) -> time | int:
    """Milliseconds since midnight as a time of day; the number itself when it is none."""
    if not 0 <= ms < _DAY_MS:
        return ms
    seconds, rest = divmod(ms, 1000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, rest * 1000)


def from_time(value: time | int) -> int:
    """Milliseconds since midnight; microseconds are cut."""
    if not isinstance(value, time):
        return _number(value, "time")
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000


def to_timestamp(ms: int) -> datetime | int:
    """Milliseconds since 1970 as an aware datetime in UTC; the number itself outside the years 1 to 9999."""
    if not _FIRST_MS <= ms <= _LAST_MS:
        return ms
    seconds, rest = divmod(ms, 1000)
    # Seconds and milliseconds apart: a float of them together would round.
    return _EPOCH + timedelta(seconds=seconds, milliseconds=rest)


def from_timestamp(value: datetime | int) -> int:
    """Milliseconds since 1970; microseconds are cut. ValueError for a datetime without a time zone, which names no instant."""
    if not isinstance(value, datetime):
        return _number(value, "datetime")
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; use datetime(..., tzinfo=UTC)")
    return (value - _EPOCH) // timedelta(milliseconds=1)


def _number(value: object, wanted: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"expected {wanted} or int, not {type(value).__name__}")
