"""JSON in STRING columns."""

from __future__ import annotations

import base64
import functools
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from penstock.expr.functions.registry import scalar
from penstock.types import sqltype
from penstock.types.cast import to_text
from penstock.types.sqltype import Kind, SqlType

_STEP = re.compile(r"\.([^.\[\]\s]+)|\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]|\['([^']*)'\]")


class _Number(str):
    """A number: whole ones as they were written, others as BigDecimal.toString writes them."""


def _fraction(text: str) -> _Number:
    return _Number(Decimal(text))


def _read(text: str) -> Any:
    """The document at the start of the text (what follows it is not looked at); ValueError when there is none."""
    try:
        return _DECODER.raw_decode(text.lstrip(" \t\r\n"))[0]
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_fraction, parse_int=_Number, parse_constant=_refuse)


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


@scalar("JSON_CONCAT", "STRING... -> STRING", text="JSON objects merged (the last wins), or else JSON arrays and values appended.", arguments=("json",))
def json_concat(*texts: str) -> str:
    values = [_read(text) for text in texts]
    if all(isinstance(v, dict) for v in values):
        return _compact({k: v for value in values for k, v in value.items()})
    return _compact([v for value in values for v in (value if isinstance(value, list) else [value])])


def _writer(kind: SqlType) -> Callable[[Any], str]:
    """How TO_JSON_STRING writes values of a type that are not null."""
    match kind.kind:
        case Kind.STRING:
            return lambda value: json.dumps(value, ensure_ascii=False)
        case Kind.BOOLEAN | Kind.INT | Kind.BIGINT | Kind.DECIMAL:
            return lambda value: to_text(value, kind)
        case Kind.DOUBLE:
            return lambda value: to_text(value, kind) if math.isfinite(value) else f'"{to_text(value, kind)}"'
        case Kind.BYTES:
            return lambda value: f'"{base64.b64encode(value).decode()}"'
        case Kind.ARRAY:
            element = _part_writer(kind.element)
            return lambda value: "[" + ",".join(map(element, value)) + "]"
        case Kind.MAP:
            entry = _part_writer(kind.element)
            return lambda value: "{" + ",".join(f"{json.dumps(str(k), ensure_ascii=False)}:{entry(value[k])}" for k in sorted(value)) + "}"
        case Kind.STRUCT:
            fields = [(name, json.dumps(name, ensure_ascii=False), _part_writer(field)) for name, field in sorted(kind.fields)]
            return lambda value: "{" + ",".join(f"{shown}:{write(value.get(name))}" for name, shown, write in fields) + "}"
        case _:
            return lambda value: f'"{to_text(value, kind)}"'


def _part_writer(kind: SqlType | None) -> Callable[[Any], str]:
    assert kind is not None
    write = _writer(kind)
    return lambda value: "null" if value is None else write(value)


@scalar("TO_JSON_STRING", "T -> STRING", text="The value as compact JSON; fields and keys sorted by name.", arguments=("value",), nulls=True, factory=True)
def to_json_string(types: tuple[SqlType, ...]) -> Callable[[Any], str]:
    return _part_writer(types[0]) if types else lambda value: "null"


_KINDS = {Kind.BOOLEAN: bool, Kind.STRING: str, Kind.INT: _Number, Kind.BIGINT: _Number, Kind.DOUBLE: _Number, Kind.DECIMAL: _Number}


def _same(item: Any, value: Any, kind: Kind) -> bool:
    """Whether a JSON value is of the type's kind and equal; a DOUBLE only equals a number with a fraction."""
    if type(item) is not _KINDS[kind]:
        return False
    if not isinstance(item, _Number):
        return bool(item == value)
    fraction = any(sign in item for sign in ".eE")
    return fraction == (kind in (Kind.DOUBLE, Kind.DECIMAL)) and Decimal(item) == Decimal(str(value))


def _contains_result(types: tuple[SqlType, ...]) -> SqlType:
    if any(kind.kind not in _KINDS for kind in types):
        raise TypeError(f"JSON_ARRAY_CONTAINS does not look for {types[-1]}")
    return sqltype.BOOLEAN


@scalar("JSON_ARRAY_CONTAINS", "STRING, T -> BOOLEAN", text="Whether a JSON array has a value of that kind; false for anything else.",
        arguments=("json", "value"), result=_contains_result, nulls=True, factory=True)
def json_array_contains(types: tuple[SqlType, ...]) -> Callable[[str | None, Any], bool]:
    def apply(text: str | None, value: Any) -> bool:
        try:
            items = None if text is None else _read(text)
        except ValueError:
            return False
        if not isinstance(items, list):
            return False
        return None in items if value is None else any(_same(item, value, types[1].kind) for item in items)

    return apply
