"""Which schema may follow which, by type and level."""

from __future__ import annotations

import json
from typing import Any

import pytest
from penstock.formats.schemas import SchemaType, WrittenSchema
from penstock.schemas.compatibility import Level, problems


def record(*fields: Any, **more: Any) -> str:
    return json.dumps({"type": "record", "name": "R", "fields": [f if isinstance(f, dict) else {"name": f[0], "type": f[1]} for f in fields], **more})


def field(name: str, of: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": of, **more}


def obj(properties: Any, **more: Any) -> str:
    return json.dumps({"type": "object", "properties": properties, **more})


def proto(body: str, head: str = 'syntax = "proto3";') -> str:
    return f"{head} {body}"


AVRO = [  # (reader, writer, readable)
    (record(("a", "long")), record(("a", "int")), True), (record(("a", "int")), record(("a", "long")), False),
    (record(("a", "int"), ("b", "int")), record(("a", "int")), False), (record(("a", "int"), field("b", "int", default=1)), record(("a", "int")), True),
    (record(("a", "int")), record(("a", "int"), ("b", "int")), True), (record(("a", ["null", "int"])), record(("a", "int")), True),
    (record(("a", "int")), record(("a", ["null", "int"])), False), (record(("a", "string")), record(("a", "bytes")), True),
    (record(field("c", "int", aliases=["a"])), record(("a", "int")), True), (record(("a", {"type": "array", "items": "long"})), record(("a", {"type": "array", "items": "int"})), True),
    (record(("a", {"type": "map", "values": "int"})), record(("a", {"type": "map", "values": "string"})), False),
    (record(("a", {"type": "enum", "name": "E", "symbols": ["X"]})), record(("a", {"type": "enum", "name": "E", "symbols": ["X", "Y"]})), False),
    (record(("a", {"type": "enum", "name": "E", "symbols": ["X"], "default": "X"})), record(("a", {"type": "enum", "name": "E", "symbols": ["X", "Y"]})), True),
    (record(("a", {"type": "fixed", "name": "F", "size": 2})), record(("a", {"type": "fixed", "name": "F", "size": 3})), False),
    (record(("n", ["null", "R"])), record(("n", ["null", "R"])), True), ('"int"', '"int"', True), ('"string"', '"int"', False),
]
PROTOBUF = [
    (proto("message A { int64 x = 1; }"), proto("message A { int32 x = 1; }"), True), (proto("message A { string x = 1; }"), proto("message A { int32 x = 1; }"), False),
    (proto("message A { int32 renamed = 1; }"), proto("message A { int32 x = 1; }"), True), (proto("message A { }"), proto("message A { int32 x = 1; }"), True),
    (proto("message A { int32 x = 1; int32 y = 2; }"), proto("message A { int32 x = 1; }"), True), (proto("message B { }"), proto("message A { }"), False),
    (proto("message A { sint32 x = 1; }"), proto("message A { int32 x = 1; }"), False), (proto("message A { repeated int32 x = 1; }"), proto("message A { int32 x = 1; }"), False),
    (proto("message A { message I { int32 y = 1; } I x = 1; }"), proto("message A { message I { string y = 1; } I x = 1; }"), False),
    (proto("message A { required int32 x = 1; }", 'syntax = "proto2";'), proto("message A { }", 'syntax = "proto2";'), False),
    (proto("message A { A next = 1; }"), proto("message A { A next = 1; }"), True),
    (proto("message A { oneof o { int32 x = 1; } }"), proto("message A { oneof o { int32 x = 1; string y = 2; } }"), False),
    (proto("message A { oneof o { int32 x = 1; string y = 2; bool z = 3; } }"), proto("message A { oneof o { int32 x = 1; string y = 2; } }"), True),
    (proto("message A { }"), proto("message A { oneof o { int32 x = 1; string y = 2; } }"), True),
    (proto("message A { oneof o { int32 x = 1; string y = 2; } }"), proto("message A { int32 x = 1; string y = 2; }"), False),
    (proto("message A { oneof o { int32 x = 1; string y = 2; } }"), proto("message A { int32 x = 1; }"), True), (proto("message A { }"), proto("message A { optional int32 x = 1; }"), True),
]
JSON = [
    (obj({"a": {"type": "number"}}), obj({"a": {"type": "integer"}}), True), (obj({"a": {"type": "integer"}}), obj({"a": {"type": "number"}}), False),
    (obj({"a": {"type": "string"}}, additionalProperties=False), obj({"a": {"type": "string"}, "b": {"type": "string"}}, additionalProperties=False), False),
    (obj({"a": {"type": "string"}, "b": {"type": "string"}}, additionalProperties=False), obj({"a": {"type": "string"}}, additionalProperties=False), True),
    (obj({"a": {"type": "string"}, "b": {"type": "string"}}), obj({"a": {"type": "string"}}), False), (obj({"a": {"type": "string"}}), obj({"a": {"type": "string"}, "b": {"type": "string"}}), True),
    (obj({"a": {"type": "string"}}, required=["a"]), obj({"a": {"type": "string"}}), False), (obj({"a": {"type": "string", "default": "x"}}, required=["a"]), obj({"a": {"type": "string"}}), True),
    (obj({"a": {"type": "string", "maxLength": 3}}), obj({"a": {"type": "string", "maxLength": 5}}), False), (obj({"a": {"type": "integer", "minimum": 0}}), obj({"a": {"type": "integer", "minimum": 1}}), True),
    (obj({"a": {"enum": ["x", "y"]}}), obj({"a": {"enum": ["x"]}}), True), (obj({"a": {"enum": ["x"]}}), obj({"a": {"enum": ["x", "y"]}}), False),
    (obj({"a": {"oneOf": [{"type": "null"}, {"type": "string"}]}}), obj({"a": {"type": "string"}}), True), (obj({"a": {"type": "string"}}), obj({"a": {"type": ["null", "string"]}}), False),
    (obj({"a": {"type": "array", "items": {"type": "string"}}}), obj({"a": {"type": "array", "items": {"type": "integer"}}}), False), ("true", obj({}), True),
    (obj({"a": {"$ref": "#/definitions/A"}}, definitions={"A": {"type": "string"}}), obj({"a": {"type": "string"}}), True),
]
CASES: list[tuple[SchemaType, str, str, bool]] = [(of, *case) for of, cases in (("AVRO", AVRO), ("PROTOBUF", PROTOBUF), ("JSON", JSON)) for case in cases]  # type: ignore[misc]


@pytest.mark.parametrize(("of", "reader", "writer", "readable"), CASES)
def test_backward_and_forward(of: SchemaType, reader: str, writer: str, readable: bool) -> None:
    mine, theirs = WrittenSchema(of, reader), WrittenSchema(of, writer)
    assert (not problems(mine, theirs, "BACKWARD")) is readable
    assert (not problems(theirs, mine, "FORWARD")) is readable
    assert problems(mine, theirs, "NONE") == []


@pytest.mark.parametrize("level", ["FULL", "FULL_TRANSITIVE"])
def test_full_is_both(level: Level) -> None:
    wide, narrow = WrittenSchema("AVRO", record(("a", "long"))), WrittenSchema("AVRO", record(("a", "int")))
    assert problems(wide, narrow, level) and problems(narrow, wide, level) and not problems(wide, wide, level)


def test_types_do_not_mix() -> None:
    assert problems(WrittenSchema("JSON", "{}"), WrittenSchema("AVRO", '"int"'), "BACKWARD") == ["the schema is JSON, the earlier one AVRO"]
