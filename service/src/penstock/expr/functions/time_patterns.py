"""Java's DateTimeFormatter patterns: all letters but B (periods of the day) and g (modified Julian days), 'quotes' and [optional]. Texts and
weeks are those of the United States: a week begins on Sunday, and the week of January 1 is the first. Weeks are written and not read.

A pattern is read once into pieces; pieces give a regular expression for parsing and a list of writers for formatting.
"""

from __future__ import annotations

import functools
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from penstock.expr.functions.clocks import zone
from penstock.types import times

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DATE_LETTERS = frozenset("GyuMLdDEQqYwWecF")
TIME_LETTERS = frozenset("HhKkmsSanNA")
ZONE_LETTERS = frozenset("XxZzVvO")
_WRITTEN_ONLY = frozenset("YwWF")
_MOST = dict.fromkeys("HhKkmsdwV", 2) | dict.fromkeys("WFa", 1) | {"D": 3} | dict.fromkeys("OvzZXx", 5) | dict.fromkeys("yuYSnNA", 19)
"""Letters in a row; 5 where nothing is said."""
_PIECE = re.compile(r"'((?:''|[^'])*)'|([A-Za-z])\2*|(\[|\])|([^A-Za-z'\[\]]+)")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern: (letter, count) of fields, ("", n) with texts[n] for literal text, ("[", 0) and ("]", 0) for optional parts."""

    pieces: tuple[tuple[str, int], ...]
    texts: tuple[str, ...]
    regex: re.Pattern[str]
    letters: frozenset[str]

    def require(self, allowed: frozenset[str], what: str) -> None:
        """ValueError when the pattern has fields that such a value does not have."""
        if extra := self.letters - allowed:
            raise ValueError(f"a {what} has no field {', '.join(sorted(extra))}")


@functools.lru_cache(512)
def compiled(pattern: str) -> Pattern:
    """The pattern read; ValueError where it is wrong."""
    pieces: list[tuple[str, int]] = []
    texts: list[str] = []
    at = 0
    while at < len(pattern):
        m = _PIECE.match(pattern, at)
        if m is None:
            raise ValueError(f"bad pattern {pattern!r} at character {at}")
        quoted, letter, bracket, literal = m.groups()
        if letter:
            if letter not in DATE_LETTERS | TIME_LETTERS | ZONE_LETTERS:
                raise ValueError(f"letter {letter} of pattern {pattern!r} is not supported")
            if len(m[0]) > _MOST.get(letter, 5):
                raise ValueError(f"too many {letter} in pattern {pattern!r}")
            pieces.append((letter, len(m[0])))
        elif bracket:
            pieces.append((bracket, 0))
        else:
            pieces.append(("", len(texts)))
            texts.append(literal if quoted is None else quoted.replace("''", "'") or "'")
        at = m.end()
    if not pieces:
        raise ValueError("an empty pattern reads nothing")
    letters = frozenset(p for p, _ in pieces if p and p not in "[]")
    return Pattern(tuple(pieces), tuple(texts), _regex(pieces, texts, pattern), letters)


def _regex(pieces: list[tuple[str, int]], texts: list[str], pattern: str) -> re.Pattern[str]:
    out = []
    for number, (letter, count) in enumerate(pieces):
        if letter == "":
            out.append(re.escape(texts[count]))
        elif letter in "[]":
            out.append("(?:" if letter == "[" else ")?")
        else:
            out.append(f"(?P<{letter}{number}>{_field(letter, count)})")
    try:
        return re.compile("".join(out), re.IGNORECASE | re.ASCII)
    except re.error:
        raise ValueError(f"brackets of pattern {pattern!r} do not match") from None


def _field(letter: str, count: int) -> str:
    if letter in "ML" and count >= 3:
        return "|".join(MONTHS) if count > 3 else "|".join(m[:3] for m in MONTHS)
    match letter:
        case "E" | "e" | "c" if letter == "E" or count >= 3:
            return "|".join(DAYS) if count == 4 else "|".join(d[:3] for d in DAYS)
        case "e" | "c":
            return r"0?[1-7]"
        case "G":
            return "AD|BC|CE|BCE" if count < 4 else "Anno Domini|Before Christ"
        case "Q" | "q":
            return r"0?[1-4]" if count < 3 else r"Q[1-4]" if count == 3 else "1st quarter|2nd quarter|3rd quarter|4th quarter"
        case "n" | "N" | "A":
            return rf"\d{{{count},18}}"
        case "O" | "Z" if letter == "O" or count == 4:
            return r"GMT(?:[+-]\d{1,2}(?::\d{2})?)?"
        case "a":
            return "AM|PM"
        case "X" | "x" | "Z":
            return r"Z|[+-]\d{2}(?::?\d{2})?"
        case "z" | "V" | "v":
            return r"[A-Za-z][A-Za-z0-9_/+-]*|[+-]\d{2}:?\d{2}"
        case "y" | "u":
            return r"\d{2}" if count == 2 else r"\d{4}" if count == 4 else rf"\d{{{count},9}}"
        case "S":
            return rf"\d{{{count}}}"
        case "D":
            return rf"\d{{{count},3}}"
        case _:
            return r"\d{1,2}" if count == 1 else rf"\d{{{count}}}"


def parse(text: str, pattern: str, zone_name: str = "UTC") -> int:
    """Milliseconds since 1970 of text; missing fields are those of 1970-01-01T00:00. A zone in the text wins."""
    known = compiled(pattern)
    m = known.regex.fullmatch(text)
    if m is None:
        raise ValueError(f"{text!r} does not fit the pattern {pattern!r}")
    found = {name[0]: value for name, value in m.groupdict().items() if value is not None}
    lengths = dict(known.pieces)
    day = _date(found, lengths)
    if found.get("H") == "24" and not any(int(found.get(letter, 0)) for letter in "msSn"):
        day, found["H"] = day + timedelta(days=found.keys() >= {"d"}), "0"  # the end of the day, of none where no day is named
    whole = _of_day(found)
    if whole is None:
        moment = datetime(day.year, day.month, day.day, _hour(found), int(found.get("m", 0)), int(found.get("s", 0)))
        ms = int(found["n"]) // 1_000_000 if "n" in found else int((found.get("S", "0") + "000")[:3])
    else:
        moment, ms = datetime(day.year, day.month, day.day) + timedelta(milliseconds=whole // 1000 * 1000), whole % 1000
    where = _zone(found, zone_name)
    return (moment.replace(tzinfo=where) - _EPOCH) // timedelta(milliseconds=1) + ms


def _of_day(found: dict[str, str]) -> int | None:
    """Milliseconds of the day where a pattern counts them, or nanoseconds, in one number."""
    if "N" not in found and "A" not in found:
        return None
    ms = int(found["A"]) if "A" in found else int(found["N"]) // 1_000_000
    if ms >= times.DAY_MS:
        raise ValueError(f"a day has no millisecond {ms}")
    return ms


def _date(found: dict[str, str], lengths: dict[str, int]) -> date:
    if unread := _WRITTEN_ONLY & found.keys():
        raise ValueError(f"the letter {min(unread)} is written and not read")
    letter = "y" if "y" in found else "u"
    year = int(found.get(letter, "1970")) + (2000 if lengths.get(letter) == 2 else 0)
    if "D" in found:
        day = date(year, 1, 1) + timedelta(days=int(found["D"]) - 1)
        if day.year != year or found["D"] == "0":
            raise ValueError(f"the year {year} has no day {found['D']}")
    else:
        day = _of_month(year, _month(found.get("M", found.get("L", "1"))), int(found.get("d", 1)))
    whole = "D" in found or "d" in found and bool(found.keys() & {"M", "L"})
    for letter in ("Q", "q"):
        if whole and letter in found and (day.month + 2) // 3 != int(re.sub(r"\D", "", found[letter])):
            raise ValueError(f"{day} is not in quarter {found[letter]}")
    if found.get("G", "A")[0].upper() != "A" and found["G"].upper() != "CE":
        raise ValueError("years before 1 are not supported")
    if whole and "E" in found and not DAYS[day.weekday()].lower().startswith(found["E"].lower()):
        raise ValueError(f"{day} is a {DAYS[day.weekday()]}, not {found['E']}")
    return day


def _of_month(year: int, month: int, day: int) -> date:
    """The day, or the last one of a month that is shorter: Java's resolver style SMART."""
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        raise ValueError(f"there is no day {day} of month {month}")
    return date(year, month, min(day, monthrange(year, month)[1]))


def _month(text: str) -> int:
    return int(text) if text.isdecimal() else next(i for i, m in enumerate(MONTHS, 1) if m.lower().startswith(text.lower()))


def _hour(found: dict[str, str]) -> int:
    """From the 24-hour letters, or from the 12-hour ones with AM or PM."""
    if "H" in found:
        return int(found["H"])
    if "k" in found:
        return int(found["k"]) % 24
    twelve = int(found.get("h", found.get("K", "0")))
    if twelve > 12:
        raise ValueError(f"{twelve} is not an hour of a half day")
    return twelve % 12 + (12 if found.get("a", "AM").upper() == "PM" else 0)


_ZONE_NAMES = {
    "America/Los_Angeles": "PST PDT PT", "America/Denver": "MDT MT", "America/Chicago": "CST CDT CT", "America/New_York": "EDT ET",
    "America/Anchorage": "AKST AKDT AKT", "America/Halifax": "AST ADT AT", "America/St_Johns": "NST NDT NT", "America/Sao_Paulo": "BRT BRST",
    "America/Argentina/Buenos_Aires": "ART", "Europe/London": "BST", "Europe/Paris": "CEST", "Europe/Bucharest": "EEST", "Europe/Lisbon": "WEST",
    "Europe/Moscow": "MSK MSD", "Asia/Kolkata": "IST", "Asia/Tokyo": "JST", "Asia/Seoul": "KST", "Asia/Singapore": "SGT", "Asia/Hong_Kong": "HKT",
    "Asia/Karachi": "PKT", "Asia/Dhaka": "BDT", "Africa/Johannesburg": "SAST", "Africa/Nairobi": "EAT", "Africa/Lagos": "WAT",
    "Australia/Sydney": "AEST AEDT", "Australia/Adelaide": "ACST ACDT", "Australia/Perth": "AWST", "Pacific/Auckland": "NZST NZDT",
}
_REGIONS = {short: region for region, names in _ZONE_NAMES.items() for short in names.split()} | {"EST": "America/New_York", "MST": "America/Denver"}
"""Short names of zones in texts, each for the region that Java takes first: as there, the region's summer time counts whichever of its names
is written."""


def region(name: str) -> str:
    """The zone that a short name in a text means."""
    return _REGIONS.get(name.upper(), name)


def _zone(found: dict[str, str], default: str) -> tzinfo:
    if "z" in found:
        return zone(region(found["z"]))
    for letter in ("O", "Z"):
        if found.get(letter, "").upper().startswith("GMT"):
            hours, _, minutes = found[letter][4:].partition(":")
            return zone(f"{found[letter][3]}{int(hours):02}{minutes or '00'}" if hours else "UTC")
    return zone(next((found[letter] for letter in "XxZVv" if letter in found), default))


def write(ms: int, pattern: str, zone_name: str = "UTC") -> str:
    """The text of an instant as the zone's clock shows it."""
    known = compiled(pattern)
    where: timezone | ZoneInfo = zone(zone_name)
    try:
        moment = (_EPOCH + timedelta(milliseconds=ms)).astimezone(where)
    except OverflowError:
        raise ValueError(f"{ms} ms is outside the years 1 to 9999") from None
    return "".join(known.texts[count] if letter == "" else _written(letter, count, moment, zone_name) for letter, count in known.pieces)


def _written(letter: str, count: int, moment: datetime, zone_name: str) -> str:
    match letter:
        case "[" | "]":
            return ""
        case "y" | "u":
            return f"{moment.year % 100:02}" if count == 2 else f"{moment.year:0{count}}"
        case "M" | "L" if count >= 3:
            return MONTHS[moment.month - 1] if count > 3 else MONTHS[moment.month - 1][:3]
        case "E" | "e" | "c" if letter == "E" or count >= 3:
            name = DAYS[moment.weekday()]
            return name if count == 4 else name[:1] if count == 5 else name[:3]
        case "G":
            return {4: "Anno Domini", 5: "A"}.get(count, "AD")
        case "Q" | "q" if count >= 3:
            number = (moment.month + 2) // 3
            return f"Q{number}" if count == 3 else str(number) if count == 5 else f"{number}{('st', 'nd', 'rd', 'th')[number - 1]} quarter"
        case "Y":
            year = _week(moment)[0]
            return f"{year % 100:02}" if count == 2 else f"{year:0{count}}"
        case "O" | "Z" if letter == "O" or count == 4:
            return _localized_offset(count, moment)
        case "a":
            return "PM" if moment.hour >= 12 else "AM"
        case "S":
            return f"{moment.microsecond * 1000:09}"[:count].ljust(count, "0")
        case "X" | "x" | "Z":
            return _offset_text(letter, count, moment)
        case "z" | "V" | "v":
            return zone_name if letter == "V" or moment.tzinfo is UTC or isinstance(moment.tzinfo, timezone) else moment.tzname() or zone_name
    of_day = (moment.hour * 3600 + moment.minute * 60 + moment.second) * 1000 + moment.microsecond // 1000
    number = {
        "n": moment.microsecond * 1000, "N": of_day * 1_000_000, "A": of_day, "Q": (moment.month + 2) // 3, "q": (moment.month + 2) // 3,
        "e": moment.isoweekday() % 7 + 1, "c": moment.isoweekday() % 7 + 1, "w": _week(moment)[1], "W": _week_of_month(moment),
        "F": (moment.day - 1) % 7 + 1,
        "M": moment.month, "L": moment.month, "d": moment.day, "D": moment.timetuple().tm_yday, "H": moment.hour, "k": moment.hour or 24,
        "h": moment.hour % 12 or 12, "K": moment.hour % 12, "m": moment.minute, "s": moment.second,
    }[letter]
    return f"{number:0{count}}"


def _week(moment: datetime) -> tuple[int, int]:
    """(year, week) of the United States: weeks begin on Sunday, and the one with January 1 is the first."""
    day = moment.date()
    sunday = day - timedelta(days=day.isoweekday() % 7)
    year = (sunday + timedelta(days=6)).year
    first = date(year, 1, 1)
    return year, (sunday - (first - timedelta(days=first.isoweekday() % 7))).days // 7 + 1


def _week_of_month(moment: datetime) -> int:
    first = moment.date().replace(day=1)
    return (moment.day - 1 + first.isoweekday() % 7) // 7 + 1


def _localized_offset(count: int, moment: datetime) -> str:
    """GMT, GMT+8, GMT+08:00."""
    offset = moment.utcoffset()
    minutes = 0 if offset is None else offset // timedelta(minutes=1)
    if not minutes:
        return "GMT"
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    if count == 4:
        return f"GMT{sign}{hours:02}:{rest:02}"
    return f"GMT{sign}{hours}{f':{rest:02}' if rest else ''}"


def _offset_text(letter: str, count: int, moment: datetime) -> str:
    offset = moment.utcoffset()
    minutes = 0 if offset is None else offset // timedelta(minutes=1)
    if minutes == 0 and (letter == "X" or letter == "Z" and count == 5):
        return "Z"
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    if letter == "Z":
        return f"{sign}{hours:02}{rest:02}" if count < 4 else f"{sign}{hours:02}:{rest:02}"
    if count == 1:
        return f"{sign}{hours:02}{rest:02}" if rest else f"{sign}{hours:02}"
    return f"{sign}{hours:02}{':' if count % 2 else ''}{rest:02}"


def day_of(ms: int) -> int:
    """Whole days; ValueError when ms has a time of day."""
    days, rest = divmod(ms, times.DAY_MS)
    if rest:
        raise ValueError("a date has no time of day")
    return days
