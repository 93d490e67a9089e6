"""Dates read as Java's SimpleDateFormat reads them, by which PARSE_DATE goes: lenient. A number may have more digits than letters stand for it,
a thirteenth month is January of the next year, white space before a field and text behind the last one are passed over.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from penstock.expr.functions.clocks import zone_offset
from penstock.expr.functions.time_patterns import DAYS, MONTHS, region
from penstock.types import times

_LETTERS = frozenset("GyYMLwWDdFEuaHkKhmsSzZX")
_WORDS: Mapping[str, tuple[str, ...]] = {"E": DAYS, "a": ("AM", "PM"), "G": ("BC", "AD")}
_PIECE = re.compile(r"'((?:''|[^'])*)'|([A-Za-z])\2*|([^A-Za-z']+)")
_BLANK = re.compile(r"[ \t]*")
_NUMBER = re.compile(r"-?\d+", re.ASCII)
_ZONE = re.compile(r"Z|(?:GMT)?[+-]\d{1,2}(?::?\d{2})?|[A-Za-z][A-Za-z0-9_/]*", re.ASCII)
_HOUR_MS, _MINUTE_MS, _SECOND_MS = 3_600_000, 60_000, 1000


@dataclass(frozen=True, slots=True)
class _Part:
    """letter "": the text itself. fixed: as many digits as letters, since another number follows at once."""

    letter: str
    text: str
    fixed: bool

    @property
    def number(self) -> bool:
        return _is_number(self.letter, len(self.text))


def parse(text: str, pattern: str, this_year: int) -> int:
    """Milliseconds since 1970, GMT where the text has no zone. this_year: a year of two digits lies less than 80 years before it and at most
    20 behind it. ValueError where the text does not fit."""
    found: dict[str, int] = {}
    at, shift = 0, 0
    for part in _parts(pattern):
        if not part.letter:
            if not text.startswith(part.text, at):
                raise ValueError(f"{text!r} does not fit the pattern {pattern!r}")
            at += len(part.text)
            continue
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]
        if part.letter in "zZX":
            at, shift = _zone(text, at)
        elif part.number:
            end, found[part.letter] = _digits(text, at, len(part.text) if part.fixed else 0)
            if part.letter == "y" and len(part.text) <= 2 and re.fullmatch(r"\d\d", text[at:end], re.ASCII):
                found["y"] = _century(found["y"], this_year)
            at = end
        else:
            at, found["M" if part.letter == "L" else part.letter] = _word(text, at, part.letter)
    return _day(found) * times.DAY_MS + _time(found) - shift


@functools.lru_cache(256)
def _parts(pattern: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    at = 0
    while at < len(pattern):
        m = _PIECE.match(pattern, at)
        if m is None or m[2] and m[2] not in _LETTERS:
            raise ValueError(f"bad pattern {pattern!r} at character {at}")
        if m[2]:
            if parts and parts[-1].number and _is_number(m[2], len(m[0])):
                parts[-1] = _Part(parts[-1].letter, parts[-1].text, True)
            parts.append(_Part(m[2], m[0], False))
        else:
            parts.append(_Part("", m[3] if m[1] is None else m[1].replace("''", "'") or "'", False))
        at = m.end()
    return tuple(parts)


def _is_number(letter: str, count: int) -> bool:
    return letter != "" and letter not in "EaGzZX" and (letter not in "ML" or count <= 2)


def _digits(text: str, at: int, count: int) -> tuple[int, int]:
    """(end, value) of a number, of `count` digits if that is not 0."""
    m = _NUMBER.match(text, at, at + count if count else len(text))
    if m is None or count and len(text) < at + count or m.end() - at > 9:
        raise ValueError(f"{text!r} has no number at character {at}")
    return m.end(), int(m[0])


def _word(text: str, at: int, letter: str) -> tuple[int, int]:
    """(end, number) of a name, whole or in three letters; months count from 1, days from Monday as 1, others from 0."""
    names = MONTHS if letter in "ML" else _WORDS[letter]
    begun = text[at:].lower()
    for long in (True, False):
        for number, name in enumerate(names):
            wanted = (name if long else name[:3]).lower()
            if begun.startswith(wanted):
                return at + len(wanted), number + (letter in "MLE")
    raise ValueError(f"{text!r} has no name at character {at}")


def _zone(text: str, at: int) -> tuple[int, int]:
    """(end, milliseconds ahead of GMT) of a zone."""
    m = _ZONE.match(text, at)
    if m is None:
        raise ValueError(f"{text!r} has no time zone at character {at}")
    name = m[0].removeprefix("GMT") or "GMT"
    if name[0] in "+-":
        hours, _, minutes = name[1:].partition(":") if ":" in name else (name[1:3], "", name[3:])
        return m.end(), (-1 if name[0] == "-" else 1) * (int(hours) * _HOUR_MS + int(minutes or 0) * _MINUTE_MS)
    return m.end(), zone_offset(0, region(name))


def _century(two: int, this_year: int) -> int:
    """The year of two digits that lies from 80 years before to 20 years behind."""
    first = this_year - 80
    return first + (two - first) % 100


def _day(found: Mapping[str, int]) -> int:
    """Days since 1970; what is too large goes on in the next larger unit."""
    months = found.get("y", 1970) * 12 + found.get("M", found.get("L", 1)) - 1
    if found.get("G") == 0:
        raise ValueError("years before 1 are not supported")
    try:
        if "D" in found:
            first, days = date(months // 12, 1, 1), found["D"] - 1
        else:
            first, days = date(months // 12, months % 12 + 1, 1), found.get("d", 1) - 1
        return (first + timedelta(days=days) - date(1970, 1, 1)).days
    except OverflowError:
        raise ValueError("the date is outside the years 1 to 9999") from None


def _time(found: Mapping[str, int]) -> int:
    hour = found.get("H", found.get("k", 24) % 24 if "k" in found else found.get("h", found.get("K", 0)) % 12 + 12 * found.get("a", 0))
    return hour * _HOUR_MS + found.get("m", 0) * _MINUTE_MS + found.get("s", 0) * _SECOND_MS + found.get("S", 0)
