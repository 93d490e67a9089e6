"""The Avro schema that follows from columns, named as ksqlDB names it so that equal relations get equal ids in a registry.

| column | Avro |
|---|---|
| BOOLEAN INT BIGINT DOUBLE STRING BYTES | boolean int long double string bytes |
| DECIMAL | bytes, logical type decimal |
| DATE TIME TIMESTAMP | int date, int time-millis, long timestamp-millis |
| ARRAY STRUCT | array of nullable items, record |
| MAP | array of records {key, value}, as Kafka Connect has maps whose keys may be null |

Fields and items are nullable with null as default; a bare column is its plain type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from penstock.errors import RequestError
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

NAMESPACE = "io.confluent.ksql.avro_schemas"
"""ksqlDB's, since consumers in other languages have classes of that name."""
VALUE_NAME = f"{NAMESPACE}.KsqlDataSourceSchema"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCALARS = {Kind.BOOLEAN: "boolean", Kind.INT: "int", Kind.BIGINT: "long", Kind.DOUBLE: "double", Kind.STRING: "string", Kind.BYTES: "bytes"}
_TIMES = {Kind.DATE: ("int", "date", "Date"), Kind.TIME: ("int", "time-millis", "Time"), Kind.TIMESTAMP: ("long", "timestamp-millis", "Timestamp")}

Avro = object
"""A schema as JSON has it."""


def key_name(relation: str) -> str:
    """Full name of the schema of a relation's key: OUTPUT_ROWS has OutputRowsKey."""
    words = [w for w in re.split(r"[^A-Za-z0-9]+", relation) if w]
    return f"{NAMESPACE}.{''.join(w[:1].upper() + w[1:].lower() for w in words)}Key"


def schema_of(columns: Sequence[Column], bare: bool, name: str = "") -> Avro:
    """The schema, a record unless it is of one bare column. RequestError INVALID_FORMAT for names and types that Avro does not have."""
    full = name or VALUE_NAME
    namespace, _, simple = full.rpartition(".")
    for part in (*namespace.split("."), simple) if namespace else (simple,):
        _check(part)
    if bare:
        return _type(columns[0].type, simple, namespace, True)
    return _record([(c.name, c.type) for c in columns], simple, namespace, True)


def text_of(columns: Sequence[Column], bare: bool, name: str = "") -> str:
    """The schema as text."""
    return json.dumps(schema_of(columns, bare, name), separators=(",", ":"))


def _check(name: str) -> None:
    if not name or not _NAME.match(name):
        raise RequestError("INVALID_FORMAT", f"Schema is not compatible with Avro: Illegal initial character: {name}", {"format": "AVRO"})
    if not _NAME.fullmatch(name):
        raise RequestError("INVALID_FORMAT", f"Schema is not compatible with Avro: Illegal character in: {name}", {"format": "AVRO"})


def _record(fields: Sequence[tuple[str, SqlType]], name: str, namespace: str, outermost: bool) -> dict[str, Avro]:
    made: dict[str, Avro] = {"type": "record", "name": name}
    if outermost and namespace:
        made["namespace"] = namespace
    for n, _ in fields:
        _check(n)
    made["fields"] = [{"name": n, "type": ["null", _type(t, f"{name}_{n}", namespace, False)], "default": None} for n, t in fields]
    made["connect.name"] = f"{namespace}.{name}" if namespace else name
    return made


def _type(of: SqlType, name: str, namespace: str, outermost: bool) -> Avro:
    match of.kind:
        case Kind.DECIMAL:
            parameters = {"scale": str(of.scale), "connect.decimal.precision": str(of.precision)}
            return {"type": "bytes", "scale": of.scale, "precision": of.precision, "connect.version": 1, "connect.parameters": parameters,
                    "connect.name": "org.apache.kafka.connect.data.Decimal", "logicalType": "decimal"}
        case Kind.ARRAY:
            assert of.element is not None
            return {"type": "array", "items": ["null", _type(of.element, name, namespace, outermost)]}
        case Kind.MAP:
            assert of.element is not None
            entry = _record([("key", SqlType(Kind.STRING)), ("value", of.element)], name, namespace, outermost)
            entry["connect.internal.type"] = "MapEntry"
            return {"type": "array", "items": entry, "connect.internal.type": "MapEntry"}
        case Kind.STRUCT:
            return _record(of.fields, name, namespace, outermost)
    if of.kind in _TIMES:
        base, logical, connect = _TIMES[of.kind]
        return {"type": base, "connect.version": 1, "connect.name": f"org.apache.kafka.connect.data.{connect}", "logicalType": logical}
    return _SCALARS[of.kind]
