"""Texts and bytes: joining, cutting, searching, case. Positions count UTF-16 units from 1, as in Java."""

from __future__ import annotations

import re

from penstock.expr.functions.registry import scalar
from penstock.types import java


@scalar("CONCAT", "STRING... -> STRING", text="Joins texts or bytes; nulls are skipped.", arguments=("part",), nulls=True, safe=True)
def concat(*parts: str | None) -> str:
    return "".join(parts) if None not in parts else "".join([p for p in parts if p is not None])  # type: ignore[arg-type]


@scalar("CONCAT", "BYTES... -> BYTES", nulls=True, safe=True)
def concat_bytes(*parts: bytes | None) -> bytes:
    return b"".join(p for p in parts if p is not None)


@scalar("UCASE", "STRING -> STRING", text="The text in upper case.", arguments=("text",), inline="{0}.upper()", safe=True)
def ucase(text: str) -> str:
    return text.upper()


@scalar("LCASE", "STRING -> STRING", text="The text in lower case.", arguments=("text",), inline="{0}.lower()", safe=True)
def lcase(text: str) -> str:
    return text.lower()


@scalar("LEN", "STRING -> INT", text="Length in UTF-16 units, or in bytes.", arguments=("text",), safe=True)
def length(text: str) -> int:
    return java.utf16_length(text)


@scalar("LEN", "BYTES -> INT", inline="len({0})", safe=True)
def length_bytes(value: bytes) -> int:
    return len(value)


@scalar("CONCAT_WS", "STRING, STRING, STRING... -> STRING", "STRING, STRING -> STRING", nulls=True, arguments=("separator", "part"), safe=True,
        text="Joins texts with a separator between them; null parts are skipped.")
def concat_ws(separator: str | None, *parts: str | None) -> str | None:
    return None if separator is None else separator.join(p for p in parts if p is not None)


@scalar("CONCAT_WS", "BYTES, BYTES, BYTES... -> BYTES", "BYTES, BYTES -> BYTES", nulls=True, safe=True)
def concat_ws_bytes(separator: bytes | None, *parts: bytes | None) -> bytes | None:
    return None if separator is None else separator.join(p for p in parts if p is not None)


_BLANK = "".join(map(chr, range(33)))


@scalar("TRIM", "STRING -> STRING", text="The text without white space and control characters at both ends.", arguments=("text",), safe=True)
def trim(text: str) -> str:
    return text.strip(_BLANK)


@scalar("INITCAP", "STRING -> STRING", text="Each word with a capital first letter, the rest in lower case.", arguments=("text",), safe=True)
def initcap(text: str) -> str:
    return re.sub(r"\S+", lambda m: _capital(m[0][0]) + m[0][1:], text.lower().lstrip())


def _capital(sign: str) -> str:
    """One character for one, as Character.toTitleCase: ß stays."""
    title = sign.title()
    return title if len(title) == 1 else sign


def _slice(size: int, position: int, count: int | None) -> slice:
    """SUBSTRING's place as a slice: position from 1, 0 acts like 1, negative from the end (clamped to the start)."""
    start = max(position - 1, 0) if position >= 0 else max(size + position, 0)
    return slice(start, None if count is None else start + max(count, 0))


@scalar("SUBSTRING", "STRING, INT -> STRING", "STRING, INT, INT -> STRING", arguments=("text", "position", "length"), safe=True,
        text="Part of a text or of bytes from a position, counted from 1 or, if negative, from the end.")
def substring(text: str, position: int, count: int | None = None) -> str:
    if text.isascii():  # a character is a unit
        if count is None:
            return text[position:] if position < 0 else text[position - 1:] if position else text
        start = position - 1 if position > 0 else 0 if position == 0 else max(len(text) + position, 0)
        return text[start:start + count] if count > 0 else ""
    units = java.to_units(text)
    return java.from_units(units[_slice(len(units), position, count)])


@scalar("SUBSTRING", "BYTES, INT -> BYTES", "BYTES, INT, INT -> BYTES", safe=True)
def substring_bytes(value: bytes, position: int, count: int | None = None) -> bytes:
    return value[_slice(len(value), position, count)]


def _padding(size: int, wanted: int, pad: int) -> tuple[int, int]:
    """How many whole pads and how many characters of another one are missing."""
    return divmod(max(wanted - size, 0), pad)


@scalar("LPAD", "STRING, INT, STRING -> STRING", "BYTES, INT, BYTES -> BYTES", arguments=("text", "length", "padding"),
        text="Fills up on the left to a length; longer texts are cut to their first characters.")
def lpad(text: str, wanted: int, pad: str) -> str | None:
    if wanted < 0 or not pad:
        return None
    whole, rest = _padding(len(text), wanted, len(pad))
    return (pad * whole + pad[:rest] + text)[:wanted] if whole or rest else text[:wanted]


@scalar("RPAD", "STRING, INT, STRING -> STRING", "BYTES, INT, BYTES -> BYTES", arguments=("text", "length", "padding"),
        text="Fills up on the right to a length; longer texts are cut to their first characters.")
def rpad(text: str, wanted: int, pad: str) -> str | None:
    if wanted < 0 or not pad:
        return None
    whole, rest = _padding(len(text), wanted, len(pad))
    return (text + pad * whole + pad[:rest])[:wanted]


@scalar("REPLACE", "STRING, STRING, STRING -> STRING", text="The text with all occurrences replaced.", arguments=("text", "old", "new"),
        inline="{0}.replace({1}, {2})")
def replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new)


@scalar("INSTR", "STRING, STRING -> INT", "STRING, STRING, INT! -> INT", "STRING, STRING, INT!, INT! -> INT", nulls=True,
        arguments=("text", "part", "position", "occurrence"), safe=True,
        text="Position of a part, 0 if it is not there. A negative position searches backwards from there.")
def instr(text: str | None, part: str | None, position: int = 1, occurrence: int = 1) -> int:
    if text is None or part is None or position == 0 or occurrence < 1:
        return 0
    units, sub = java.to_units(text), java.to_units(part)
    if abs(position) > len(units):
        return 0
    at = position - 1 if position > 0 else len(units) + position
    for _ in range(occurrence):
        found = units.find(sub, at) if position > 0 else units.rfind(sub, 0, at + len(sub)) if at >= 0 else -1
        if found < 0:
            return 0
        at = found + 1 if position > 0 else found - 1
    return found + 1


@scalar("SPLIT", "STRING, STRING -> ARRAY<STRING>", text="Parts between delimiters; an empty delimiter gives single characters.",
        arguments=("text", "delimiter"), safe=True)
def split(text: str, delimiter: str) -> list[str]:
    return text.split(delimiter) if delimiter else list(text) or [""]


@scalar("SPLIT", "BYTES, BYTES -> ARRAY<BYTES>", safe=True)
def split_bytes(value: bytes, delimiter: bytes) -> list[bytes]:
    return value.split(delimiter) if delimiter else [value[i:i + 1] for i in range(len(value))]


@scalar("SPLIT_TO_MAP", "STRING, STRING, STRING -> MAP<STRING, STRING>", arguments=("text", "entry_delimiter", "value_delimiter"),
        text="A map from text such as `a:1/b:2`; entries without a value delimiter are dropped.", safe=True)
def split_to_map(text: str, between: str, inside: str) -> dict[str, str] | None:
    if not between or not inside or between == inside:
        return None
    parts = (entry.split(inside) for entry in text.split(between))
    return {p[0]: p[1] for p in parts if len(p) > 1}


@scalar("ELT", "INT!, STRING... -> STRING", text="The n-th of the texts, null out of range.", arguments=("n", "text"), nulls=True)
def elt(n: int, *texts: str | None) -> str | None:
    return texts[n - 1] if 1 <= n <= len(texts) else None


@scalar("FIELD", "STRING, STRING... -> INT", text="Position of the text among the others, 0 if it is not there.", nulls=True,
        arguments=("text", "other"), safe=True)
def field(text: str | None, *others: str | None) -> int:
    return others.index(text) + 1 if text is not None and text in others else 0


@scalar("CHR", "INT -> STRING", text="The character of a code point, or of `\\uXXXX`.", arguments=("code",), safe=True)
def chr_code(code: int) -> str | None:
    return chr(code) if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else None


@scalar("CHR", "STRING -> STRING")
def chr_escape(text: str) -> str | None:
    if len(text) < 6 or not text.startswith("\\u"):
        return None
    return java.from_units(re.sub(r"\\u([0-9A-Fa-f]{4})", lambda m: chr(int(m[1], 16)), text))
