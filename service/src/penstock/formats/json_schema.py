"""The JSON Schema that follows from columns, with Kafka Connect's annotations, so that types survive the way through a registry.

Wrapped columns are an object whose properties may be null; a bare column is its type or null.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

Schema = dict[str, object]
CONNECT = "org.apache.kafka.connect.data."
_SCALARS: dict[Kind, Schema] = {
    Kind.BOOLEAN: {"type": "boolean"}, Kind.INT: {"type": "integer", "connect.type": "int32"}, Kind.STRING: {"type": "string"},
    Kind.BIGINT: {"type": "integer", "connect.type": "int64"}, Kind.DOUBLE: {"type": "number", "connect.type": "float64"},
    Kind.BYTES: {"type": "string", "connect.type": "bytes"},
}
_TIMES = {Kind.DATE: ("Date", "int32"), Kind.TIME: ("Time", "int32"), Kind.TIMESTAMP: ("Timestamp", "int64")}


def text_of(columns: Sequence[Column], bare: bool) -> str:
    """The schema as text."""
    made = _nullable(columns[0].type) if bare else _object([(c.name, c.type) for c in columns])
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False)


def _object(fields: Sequence[tuple[str, SqlType]]) -> Schema:
    return {"type": "object", "properties": {name: {"connect.index": n, **_nullable(of)} for n, (name, of) in enumerate(fields)}}


def _nullable(of: SqlType) -> Schema:
    return {"oneOf": [{"type": "null"}, _type(of)]}


def _type(of: SqlType) -> Schema:
    match of.kind:
        case Kind.DECIMAL:
            parameters = {"scale": str(of.scale), "connect.decimal.precision": str(of.precision)}
            return {"type": "number", "title": f"{CONNECT}Decimal", "connect.version": 1, "connect.type": "bytes", "connect.parameters": parameters}
        case Kind.ARRAY:
            assert of.element is not None
            return {"type": "array", "items": _nullable(of.element)}
        case Kind.MAP:
            assert of.element is not None
            return {"type": "object", "connect.type": "map", "additionalProperties": _nullable(of.element)}
        case Kind.STRUCT:
            return _object(of.fields)
    if of.kind in _TIMES:
        name, base = _TIMES[of.kind]
        return {"type": "integer", "title": f"{CONNECT}{name}", "connect.version": 1, "connect.type": base}
    return dict(_SCALARS[of.kind])
