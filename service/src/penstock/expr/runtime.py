"""What generated expressions call."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

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


def ends_escaped(pattern: str, escape: str) -> bool:
    """Whether nothing stands behind the last escape character: ksqlDB finds that out when it reads a row."""
    return bool(escape) and (len(pattern) - len(pattern.rstrip(escape))) % 2 == 1


def like(text: str, pattern: str, escape: str) -> bool:
    """text LIKE pattern; TypeError for a null, ValueError for a pattern that ends with its escape character."""
    if text is None or pattern is None:
        raise TypeError("null in LIKE")
    if ends_escaped(pattern, escape):
        raise ValueError("a LIKE pattern must not end with its escape character")
    return like_pattern(pattern, escape).fullmatch(text) is not None


def element(array: list[object], index: int) -> object:
    """array[index]: from 1, negative from the end; 0 and out of range are null."""
    if index > 0:
        return array[index - 1] if index <= len(array) else None
    return array[index] if index and -index <= len(array) else None


# ---- lambdas

Each = Callable[..., Any]


def transform_array(array: list[object] | None, each: Each) -> list[object] | None:
    """TRANSFORM(array, x => y)."""
    return None if array is None else [each(v) for v in array]


def transform_map(entries: dict[object, object] | None, new_key: Each, new_value: Each) -> dict[object, object] | None:
    """TRANSFORM(map, (k, v) => key, (k, v) => value); ValueError for two equal keys or a null value."""
    if entries is None:
        return None
    made: dict[object, object] = {}
    for key, value in entries.items():
        fresh, content = new_key(key, value), new_value(key, value)
        if fresh in made or content is None:
            raise ValueError(f"the key {fresh!r} comes twice" if fresh in made else f"the new value of {key!r} is null")
        made[fresh] = content
    return made


def _holds(answer: object) -> bool:
    if answer is None:
        null_boolean()
    return bool(answer)


def filter_array(array: list[object] | None, keep: Each) -> list[object] | None:
    """FILTER(array, x => condition)."""
    return None if array is None else [v for v in array if _holds(keep(v))]


def filter_map(entries: dict[object, object] | None, keep: Each) -> dict[object, object] | None:
    """FILTER(map, (k, v) => condition)."""
    return None if entries is None else {k: v for k, v in entries.items() if _holds(keep(k, v))}


def reduce_array(array: list[object] | None, start: object, step: Each) -> object:
    """REDUCE(array, start, (s, x) => s); a null start gives null."""
    if array is None or start is None:
        return start
    for value in array:
        start = step(start, value)
    return start


def reduce_map(entries: dict[object, object] | None, start: object, step: Each) -> object:
    """REDUCE(map, start, (s, k, v) => s)."""
    if entries is None or start is None:
        return start
    for key, value in entries.items():
        start = step(start, key, value)
    return start
