"""DATEADD and its kin: times moved by a number of units. The unit is a bare word, which the analyser hands over as text."""

from __future__ import annotations

from penstock.expr.functions.registry import scalar
from penstock.types import times

UNITS = {
    "MILLISECOND": 1, "MILLISECONDS": 1, "SECOND": 1000, "SECONDS": 1000, "MINUTE": 60_000, "MINUTES": 60_000, "HOUR": 3_600_000,
    "HOURS": 3_600_000, "DAY": times.DAY_MS, "DAYS": times.DAY_MS,
}
"""Milliseconds of each unit."""

UNIT_FUNCTIONS = frozenset({"DATEADD", "DATESUB", "TIMEADD", "TIMESUB", "TIMESTAMPADD", "TIMESTAMPSUB"})
_ARGUMENTS = ("unit", "amount", "value")


@scalar("DATEADD", "STRING, INT, DATE -> DATE", text="A date moved forward; what is less than a day is cut off.", arguments=_ARGUMENTS)
def date_add(unit: str, amount: int, days: int) -> int:
    moved = days * times.DAY_MS + amount * UNITS[unit]
    return moved // times.DAY_MS if moved >= 0 else -(-moved // times.DAY_MS)


@scalar("DATESUB", "STRING, INT, DATE -> DATE", text="A date moved back; what is less than a day is cut off.", arguments=_ARGUMENTS)
def date_sub(unit: str, amount: int, days: int) -> int:
    return date_add(unit, -amount, days)


@scalar("TIMEADD", "STRING, INT, TIME -> TIME", text="A time of day moved forward, around midnight.", arguments=_ARGUMENTS)
def time_add(unit: str, amount: int, ms: int) -> int:
    return (ms + amount * UNITS[unit]) % times.DAY_MS


@scalar("TIMESUB", "STRING, INT, TIME -> TIME", text="A time of day moved back, around midnight.", arguments=_ARGUMENTS)
def time_sub(unit: str, amount: int, ms: int) -> int:
    return time_add(unit, -amount, ms)


@scalar("TIMESTAMPADD", "STRING, INT, TIMESTAMP -> TIMESTAMP", text="A timestamp moved forward.", arguments=_ARGUMENTS)
def timestamp_add(unit: str, amount: int, ms: int) -> int:
    return ms + amount * UNITS[unit]


@scalar("TIMESTAMPSUB", "STRING, INT, TIMESTAMP -> TIMESTAMP", text="A timestamp moved back.", arguments=_ARGUMENTS)
def timestamp_sub(unit: str, amount: int, ms: int) -> int:
    return timestamp_add(unit, -amount, ms)
