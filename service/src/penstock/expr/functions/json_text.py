"""JSON in STRING columns."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from penstock.expr.functions.registry import scalar

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]|\['([^']*)'\]")


class _Number(str):
    """A number, kept as it was written."""


def _read(text: str) -> Any:
    """The document; ValueError when it is no JSON."""
    try:
        return json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _compact(value: Any) -> str:
    match value:
        case _Number():
            return str(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_compact(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    """Text values unquoted, the rest as compact JSON."""
    return str(value) if isinstance(value, str) else _compact(value)


@functools.lru_cache(512)
def _path(path: str) -> tuple[str | int, ...]:
    if not path.startswith("$"):
        raise ValueError(f"a JSON path starts with $, unlike {path!r}")
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        m = _STEP.match(path, at)
        if m is None:
            raise ValueError(f"bad JSON path {path!r} at character {at}")
        steps.append(int(m[2]) if m[2] is not None else next(g for g in (m[1], m[3], m[4]) if g is not None))
        at = m.end()
    return tuple(steps)


@scalar("EXTRACTJSONFIELD", "STRING, STRING -> STRING", text="What a path such as $.a[0] leads to in a JSON text; null when it is missing.",
        arguments=("json", "path"))
def extract_json_field(text: str, path: str) -> str | None:
    value = _read(text)
    for step in _path(path):
        value = _member(value, step)
        if value is _MISSING:
            return None
    return _text(value)


_MISSING = object()


def _member(value: Any, step: str | int) -> Any:
    """One step of a path; _MISSING where it leads nowhere."""
    if isinstance(value, list):
        return value[step] if isinstance(step, int) and step < len(value) else _MISSING
    return value.get(step, _MISSING) if isinstance(value, dict) and isinstance(step, str) else _MISSING


@scalar("IS_JSON_STRING", "STRING -> BOOLEAN", text="Whether the text is valid JSON.", arguments=("text",), nulls=True, safe=True)
def is_json_string(text: str | None) -> bool:
    if not text:
        return False
    try:
        _read(text)
    except ValueError:
        return False
    return True


@scalar("JSON_ARRAY_LENGTH", "STRING -> INT", text="Number of elements of a JSON array; null for anything else.", arguments=("json",))
def json_array_length(text: str) -> int | None:
    value = _read(text)
    return len(value) if isinstance(value, list) else None


@scalar("JSON_KEYS", "STRING -> ARRAY<STRING>", text="Names in a JSON object; null for anything else.", arguments=("json",))
def json_keys(text: str) -> list[str] | None:
    value = _read(text)
    return list(value) if isinstance(value, dict) else None


@scalar("JSON_RECORDS", "STRING -> MAP<STRING, STRING>", text="Names and values of a JSON object; null for anything else.", arguments=("json",))
def json_records(text: str) -> dict[str, str] | None:
    value = _read(text)
    return {k: _text(v) for k, v in value.items()} if isinstance(value, dict) else None


@scalar("JSON_ITEMS", "STRING -> ARRAY<STRING>", text="The elements of a JSON array as JSON texts.", arguments=("json",))
def json_items(text: str) -> list[str]:
    value = _read(text)
    if not isinstance(value, list):
        raise ValueError("not a JSON array")
    return [_compact(v) for v in value]
