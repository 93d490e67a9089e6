"""Records of SQL cases: JSON values to a topic's bytes and back, and whether what came out is what was expected."""

from __future__ import annotations

import base64
import json
import struct
from decimal import Decimal
from typing import Any

from penstock.plan.nodes import Format, Window
from penstock.types.java import double_text
from penstock.types.schema import Schema
from penstock.types.sqltype import Kind

TOLERANCE = Decimal("0.000001")


class Undecodable(ValueError):
    """Bytes that the format cannot be told from."""


def json_text(value: Any) -> str:
    """JSON with the numbers' own digits, exponents written out."""
    match value:
        case Decimal():
            return format(value, "f")
        case dict():
            return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{json_text(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(map(json_text, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def encode(value: Any, fmt: Format, kind: Kind | None) -> bytes | None:
    """A key or a value as a case writes it. kind: of the single column of a KAFKA part."""
    if value is None:
        return None
    match fmt.name:
        case "NONE":
            return None
        case "JSON":
            return json_text(value).encode()
        case "DELIMITED":
            return str(value).encode()
        case "KAFKA":
            return _kafka(value, kind)
    raise Undecodable(f"format {fmt.name}")


def _kafka(value: Any, kind: Kind | None) -> bytes:
    match kind:
        case Kind.INT:
            return struct.pack(">i", int(value))
        case Kind.BIGINT:
            return struct.pack(">q", int(value))
        case Kind.DOUBLE:
            return struct.pack(">d", float(value))
    return (value if isinstance(value, str) else json_text(value)).encode()


def decode(data: bytes | None, fmt: Format, kind: Kind | None) -> Any:
    """Exact JSON-like value: whole numbers int, others Decimal with their digits."""
    if data is None:
        return None
    match fmt.name:
        case "JSON":
            return json.loads(data, parse_float=Decimal)
        case "DELIMITED":
            return data.decode()
        case "KAFKA":
            return _of_kafka(data, kind)
    raise Undecodable(f"format {fmt.name}")


def _of_kafka(data: bytes, kind: Kind | None) -> Any:
    match kind:
        case Kind.INT:
            return struct.unpack(">i", data)[0]
        case Kind.BIGINT:
            return struct.unpack(">q", data)[0]
        case Kind.DOUBLE:
            return Decimal(double_text(struct.unpack(">d", data)[0]))
        case Kind.BYTES:
            return data
    return data.decode()


def equal(expected: Any, actual: Any, exact: bool = True) -> bool:
    """The comparison that the kind of the expected JSON asks for."""
    match expected:
        case None:
            return actual is None or actual == b""
        case bool():
            return isinstance(actual, bool) and actual == expected
        case str():
            return _same_text(expected, actual)
        case int() | Decimal():
            return _same_number(expected, actual, exact)
        case list():
            return isinstance(actual, list) and len(actual) == len(expected) and all(equal(e, a, exact) for e, a in zip(expected, actual, strict=True))
        case dict():
            return isinstance(actual, dict) and len(actual) == len(expected) and all(
                equal(v, actual[k] if actual.get(k) is not None else actual.get(k.upper()), exact) for k, v in expected.items())
    return False


def _same_text(expected: str, actual: Any) -> bool:
    if isinstance(actual, bytes):
        return base64.b64encode(actual).decode() == expected or actual.decode("utf-8", "replace") == expected
    if isinstance(actual, Decimal):
        return str(actual) == expected
    return bool(actual == expected)


def _same_number(expected: int | Decimal, actual: Any, exact: bool) -> bool:
    if isinstance(actual, float):
        return abs(float(expected) - actual) < float(TOLERANCE)
    if isinstance(actual, bool) or not isinstance(actual, int | Decimal):
        return False
    if isinstance(actual, int):
        return int(expected) == actual
    if not exact:
        return abs(Decimal(expected) - actual) < TOLERANCE
    scale = -int(actual.as_tuple().exponent)
    if isinstance(expected, int):
        return scale <= 0 and actual == expected
    return actual == expected and scale == -int(expected.as_tuple().exponent)


# ---- keys with windows

def windowed_key(key: bytes | None, window: dict[str, Any] | None) -> bytes | None:
    """Key bytes as Kafka Streams' windowed serdes write them."""
    if window is None or key is None:
        return key
    start, end = int(window["start"]).to_bytes(8, "big"), int(window["end"]).to_bytes(8, "big")
    return key + end + start if str(window["type"]).lower() == "session" else key + start


def split_key(key: bytes | None, window: Window | None) -> tuple[bytes | None, dict[str, Any] | None]:
    """The inner key and the window of a windowed key."""
    if key is None or window is None:
        return key, None
    start = int.from_bytes(key[-8:], "big")
    if window.kind.name == "SESSION":
        return key[:-16], {"start": start, "end": int.from_bytes(key[-16:-8], "big"), "type": "session"}
    return key[:-8], {"start": start, "end": start + window.size_ms, "type": "time"}


def key_kind(schema: Schema) -> Kind | None:
    """Type of the single key column."""
    return schema.key[0].type.kind if len(schema.key) == 1 else None


def value_kind(schema: Schema) -> Kind | None:
    """Type of the single value column."""
    return schema.value[0].type.kind if len(schema.value) == 1 else None


