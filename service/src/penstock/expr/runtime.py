"""What generated expressions call."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import NoReturn

_ANY = "[^\\n\\r\\x85\\u2028\\u2029]"
"""The dot of a Java regular expression: no line ends."""


def null_boolean() -> NoReturn:
    """AND, OR, NOT and WHEN met a null."""
    raise ValueError("null where a BOOLEAN is needed")


def null_argument() -> NoReturn:
    """A primitive parameter got a null."""
    raise ValueError("null for an argument that must not be null")


@functools.cache
def unit(scale: int) -> Decimal:
    """10 ** -scale, one object a scale."""
    return Decimal(1).scaleb(-scale)


@functools.lru_cache(512)
def like_pattern(pattern: str, escape: str) -> re.Pattern[str]:
    """A LIKE pattern as a regular expression for the whole text."""
    out, signs = [], iter(pattern)
    for sign in signs:
        if escape and sign == escape:
            out.append(re.escape(next(signs, escape)))
        elif sign == "%":
            out.append(_ANY + "*")
        else:
            out.append(_ANY if sign == "_" else re.escape(sign))
    return re.compile("".join(out))


def like(text: str, pattern: str, escape: str) -> bool:
    """text LIKE pattern; TypeError for a null."""
    if text is None or pattern is None:
        raise TypeError("null in LIKE")
    return like_pattern(pattern, escape).fullmatch(text) is not None


def element(array: list[object], index: int) -> object:
    """array[index]: from 1, negative from the end; 0 and out of range are null."""
    if index > 0:
        return array[index - 1] if index <= len(array) else None
    return array[index] if index and -index <= len(array) else None
