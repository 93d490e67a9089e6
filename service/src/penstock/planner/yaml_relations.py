"""Declarations of streams and tables in YAML, alone or inline in a source node."""

from __future__ import annotations

import re
from typing import Any

from penstock_client.gen.penstock.v1 import relation_pb2

from penstock.planner.yaml_parts import Source, parse, rejoined

DECLARATION = ("columns", "schema", "topic", "partitions", "replicas", "retention", "create", "key_format", "value_format", "format",
               "timestamp", "timestamp_column", "timestamp_format", "window")
"""Entries that declare a relation."""

_COLUMN = re.compile(
    r"""\s*(?:`(?P<back>[^`]+)`|"(?P<double>[^"]+)"|(?P<bare>[^\s`"]+))\s+(?P<type>.+?)"""
    r"""(?:\s+(?P<key>(?:PRIMARY\s+)?KEY)|\s+(?P<headers>HEADERS)|\s+HEADER\s*\(\s*'(?P<header>[^']*)'\s*\))?\s*""", re.IGNORECASE | re.DOTALL)


def relation(source: Source) -> relation_pb2.Relation:
    """`stream: NAME` or `table: NAME` with a declaration, or ProtoJSON's name, kind, schema, topic."""
    source.only("stream", "table", "name", "kind", *DECLARATION)
    kind = next((k for k in ("stream", "table") if k in source.data), "") or source.text("kind").removeprefix("RELATION_KIND_")
    name = source.text("stream") or source.text("table") or source.text("name")
    if not name or not kind:
        raise source.wrong("a relation needs its kind and name: `stream: NAME` or `table: NAME`")
    data = {"name": name, "kind": f"RELATION_KIND_{kind.upper()}", **declaration(source, name)}
    return parse(data, relation_pb2.Relation(), source)


def declaration(source: Source, name: str) -> dict[str, Any]:
    """ProtoJSON of `schema` and `topic`. The topic is named as the relation unless it says more."""
    if "columns" not in source.data and "schema" not in source.data:
        raise source.wrong("a declaration needs columns")
    schema = source.data["schema"] if "schema" in source.data else {"columns": columns(source)}
    window = {"window": _window(source)} if "window" in source.data else {}
    return {"schema": schema, "topic": topic(source, name), **window}


def _window(source: Source) -> dict[str, Any]:
    """`{tumbling: 1m}`, `{hopping: 10m}`, `session`, or ProtoJSON."""
    given = source.data["window"]
    if isinstance(given, dict) and "kind" in given:
        return given
    kinds = given if isinstance(given, dict) else {given: None}
    if len(kinds) != 1 or str(next(iter(kinds))).lower() not in ("tumbling", "hopping", "session"):
        raise source.wrong("the window of keys is tumbling or hopping with its size, or session", "window")
    (kind, size), = kinds.items()
    return {"kind": f"WINDOW_KIND_{str(kind).upper()}", **({} if size is None else {"size": source.child("window").duration(str(kind))})}


def columns(source: Source) -> list[dict[str, Any]]:
    """`- NAME TYPE [KEY]`, or ProtoJSON's columns."""
    given = source.data["columns"]
    if not isinstance(given, list):
        raise source.wrong("columns is a list of NAME TYPE [KEY]", "columns")
    return [_column(source, item, i) for i, item in enumerate(rejoined(source, "columns", given, "()<>"))]


def _column(source: Source, item: Any, i: int) -> dict[str, Any]:
    if isinstance(item, dict):
        kind = item.get("type")
        role = str(item.get("role", "VALUE")).upper().removeprefix("COLUMN_ROLE_")
        return {**item, "type": {"sql": kind} if isinstance(kind, str) else kind, "role": f"COLUMN_ROLE_{role}"}
    found = _COLUMN.fullmatch(str(item))
    if found is None:
        raise source.wrong(f"columns[{i}]: {item!r} is not NAME TYPE [KEY]", "columns")
    role = "KEY" if found["key"] else "HEADER" if found["headers"] or found["header"] is not None else "VALUE"
    return {"name": found["back"] or found["double"] or found["bare"], "type": {"sql": found["type"]}, "role": f"COLUMN_ROLE_{role}",
            "header": found["header"] or ""}


def topic(source: Source, name: str) -> dict[str, Any]:
    """A TopicBinding from flat entries, or ProtoJSON's under `topic`."""
    given = source.data.get("topic")
    binding: dict[str, Any] = {}
    here = source
    if isinstance(given, dict):
        binding, here = dict(given), source.child("topic")
    elif given is not None or name:
        binding = {"topic": source.text("topic") or name}
    for key in ("key_format", "value_format"):
        if (value := _first(here, source, key)) is not None or "format" in source.data:
            binding[key] = _format(source, source.data["format"] if value is None else value, key)
    if column := source.text("timestamp") or source.text("timestamp_column"):
        binding["timestamp_column"] = column
    if pattern := source.text("timestamp_format"):
        binding["timestamp_format"] = pattern
    if (create := _create(source, _first(here, source, "create"))) is not None:
        binding["create"] = create
    return binding


def _first(here: Source, source: Source, key: str) -> Any:
    return here.data.get(key, source.data.get(key))


def _create(source: Source, given: Any) -> dict[str, Any] | None:
    """`create: true`, a TopicSpec, or just its entries."""
    spec: dict[str, Any] = {}
    where = source
    if isinstance(given, dict):
        where = Source(given, source.lines)
    for key in ("partitions", "replicas"):
        if key in where.data:
            spec[key] = where.data[key]
    if "retention" in where.data:
        spec["retention"] = where.duration("retention")
    return spec if spec or given else None


def _format(source: Source, value: Any, key: str) -> dict[str, Any]:
    """`JSON`, or a mapping of the name and properties."""
    if not isinstance(value, dict):
        return {"name": str(value)}
    if isinstance(value.get("properties"), dict):
        return value
    properties = {k: ("true" if v else "false") if isinstance(v, bool) else str(v) for k, v in value.items() if k != "name"}
    return {"name": str(value.get("name", "")), "properties": properties}
