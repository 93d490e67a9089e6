"""Regular expressions. Patterns are Java's; they are translated where Python's differ."""

from __future__ import annotations

import functools
import re

from penstock.expr.functions.registry import scalar

_CLASSES = {
    "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9", "Upper": "A-Z", "Lower": "a-z", "Space": r"\s", "XDigit": "0-9a-fA-F",
    "Punct": r"!-/:-@\[-`{-~", "Blank": r" \t", "ASCII": r"\x00-\x7f",
}
_TOKEN = re.compile(r"\\Q(.*?)(?:\\E|$)|\\p\{(\w+)\}|\\(z|h|R)|(\\.)|\(\?<(?=[A-Za-z])|(\[\^?\]?)|(\])|(\.)", re.DOTALL)


@functools.lru_cache(512)
def java_pattern(pattern: str) -> re.Pattern[str]:
    """A Java pattern compiled; ValueError where it is wrong or uses what Python cannot do."""
    depth, dot_all = 0, pattern.startswith("(?s)")

    def translate(m: re.Match[str]) -> str:
        nonlocal depth
        quoted, known, special, escape, opens, closes, dot = m.groups()
        if quoted is not None:
            return re.escape(quoted)
        if known:
            if known not in _CLASSES:
                raise ValueError(f"\\p{{{known}}} is not supported in a pattern")
            return _CLASSES[known] if depth else f"[{_CLASSES[known]}]"
        if special:
            return {"z": r"\Z", "h": r"[ \t\xa0]", "R": r"(?:\r\n|[\n\r\x0b\x0c\x85\u2028\u2029])"}[special]
        if opens:
            depth = 1
            return opens if depth else re.escape(opens)
        if closes:
            depth = 0
            return closes
        if dot:
            return "." if depth or dot_all else r"[^\n\r\x85\u2028\u2029]"
        return escape or "(?P<"

    try:
        return re.compile(_TOKEN.sub(translate, pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"bad pattern {pattern!r}: {error}") from None


@scalar("REGEXP_EXTRACT", "STRING, STRING -> STRING", "STRING, STRING, INT -> STRING", arguments=("pattern", "text", "group"),
        text="What the first match of the pattern, or one of its groups, captured; null without a match.")
def regexp_extract(pattern: str, text: str, group: int = 0) -> str | None:
    compiled = java_pattern(pattern)
    if not 0 <= group <= compiled.groups:
        return None
    found = compiled.search(text)
    return found[group] if found else None


@scalar("REGEXP_EXTRACT_ALL", "STRING, STRING -> ARRAY<STRING>", "STRING, STRING, INT -> ARRAY<STRING>",
        arguments=("pattern", "text", "group"), text="What each match of the pattern, or one of its groups, captured.")
def regexp_extract_all(pattern: str, text: str, group: int = 0) -> list[str | None] | None:
    compiled = java_pattern(pattern)
    if not 0 <= group <= compiled.groups:
        return None
    return [m[group] for m in compiled.finditer(text)]


def _replacement(new: str, groups: int) -> list[str | int]:
    """Java's replacement text: `$1` is a group, `\\x` is x."""
    parts: list[str | int] = []
    at = 0
    while at < len(new):
        sign = new[at]
        if sign == "\\":
            if at + 1 == len(new):
                raise ValueError("the replacement ends with a backslash")
            parts.append(new[at + 1])
            at += 2
        elif sign == "$":
            digits = re.match(r"[0-9]", new[at + 1:at + 2])
            if digits is None or int(digits[0]) > groups:
                raise ValueError(f"no such group in the replacement {new!r}")
            number, at = int(digits[0]), at + 2
            while at < len(new) and new[at].isdecimal() and number * 10 + int(new[at]) <= groups:
                number, at = number * 10 + int(new[at]), at + 1
            parts.append(number)
        else:
            parts.append(sign)
            at += 1
    return parts


@scalar("REGEXP_REPLACE", "STRING, STRING, STRING -> STRING", arguments=("text", "pattern", "new"),
        text="The text with all matches replaced; $1 in the replacement is a group.")
def regexp_replace(text: str, pattern: str, new: str) -> str:
    compiled = java_pattern(pattern)
    parts = _replacement(new, compiled.groups)
    return compiled.sub(lambda m: "".join(p if isinstance(p, str) else m[p] or "" for p in parts), text)


@scalar("REGEXP_SPLIT_TO_ARRAY", "STRING, STRING -> ARRAY<STRING>", arguments=("text", "pattern"),
        text="Parts between matches of the pattern; an empty pattern gives single characters.")
def regexp_split_to_array(text: str, pattern: str) -> list[str]:
    if not pattern:
        return list(text) or [""]
    parts, start = [], 0
    for m in java_pattern(pattern).finditer(text):
        if m.end() == 0 or m.start() == m.end() == len(text):
            continue
        parts.append(text[start:m.start()])
        start = m.end()
    return [*parts, text[start:]]
