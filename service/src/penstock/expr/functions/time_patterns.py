"""Java's DateTimeFormatter patterns, the letters that data uses: y u M L d D E H h K k m s S a X x Z z VV, 'quotes' and [optional].

A pattern is read once into pieces; pieces give a regular expression for parsing and a list of writers for formatting.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from penstock.expr.functions.clocks import zone
from penstock.types import times

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DATE_LETTERS = frozenset("yuMLdDE")
TIME_LETTERS = frozenset("HhKkmsSa")
ZONE_LETTERS = frozenset("XxZzV")
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
        return "|".join(_MONTHS) if count > 3 else "|".join(m[:3] for m in _MONTHS)
    match letter:
        case "E":
            return "|".join(_DAYS) if count > 3 else "|".join(d[:3] for d in _DAYS)
        case "a":
            return "AM|PM"
        case "X" | "x" | "Z":
            return r"Z|[+-]\d{2}(?::?\d{2})?"
        case "z" | "V":
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
    moment = datetime(day.year, day.month, day.day, _hour(found), int(found.get("m", 0)), int(found.get("s", 0)))
    ms = int((found.get("S", "0") + "000")[:3])
    where = _zone(found, zone_name)
    return (moment.replace(tzinfo=where) - _EPOCH) // timedelta(milliseconds=1) + ms


def _date(found: dict[str, str], lengths: dict[str, int]) -> date:
    letter = "y" if "y" in found else "u"
    year = int(found.get(letter, "1970")) + (2000 if lengths.get(letter) == 2 else 0)
    if "D" in found:
        day = date(year, 1, 1) + timedelta(days=int(found["D"]) - 1)
        if day.year != year or found["D"] == "0":
            raise ValueError(f"the year {year} has no day {found['D']}")
    else:
        day = date(year, _month(found.get("M", found.get("L", "1"))), int(found.get("d", 1)))
    if "E" in found and not _DAYS[day.weekday()].lower().startswith(found["E"].lower()):
        raise ValueError(f"{day} is a {_DAYS[day.weekday()]}, not {found['E']}")
    return day


def _month(text: str) -> int:
    return int(text) if text.isdecimal() else next(i for i, m in enumerate(_MONTHS, 1) if m.lower().startswith(text.lower()))


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


def _zone(found: dict[str, str], default: str) -> tzinfo:
    if "z" in found:
        return zone(_REGIONS.get(found["z"].upper(), found["z"]))
    return zone(next((found[letter] for letter in "XxZV" if letter in found), default))


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
            return _MONTHS[moment.month - 1] if count > 3 else _MONTHS[moment.month - 1][:3]
        case "E":
            return _DAYS[moment.weekday()] if count > 3 else _DAYS[moment.weekday()][:3]
        case "a":
            return "PM" if moment.hour >= 12 else "AM"
        case "S":
            return f"{moment.microsecond * 1000:09}"[:count].ljust(count, "0")
        case "X" | "x" | "Z":
            return _offset_text(letter, count, moment)
        case "z" | "V":
            return moment.tzname() or zone_name if letter == "z" else zone_name
    number = {
        "M": moment.month, "L": moment.month, "d": moment.day, "D": moment.timetuple().tm_yday, "H": moment.hour, "k": moment.hour or 24,
        "h": moment.hour % 12 or 12, "K": moment.hour % 12, "m": moment.minute, "s": moment.second,
    }[letter]
    return f"{number:0{count}}"


def _offset_text(letter: str, count: int, moment: datetime) -> str:
    offset = moment.utcoffset()
    minutes = 0 if offset is None else offset // timedelta(minutes=1)
    if letter == "X" and minutes == 0:
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
