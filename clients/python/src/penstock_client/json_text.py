"""Rows as JSON text. The standard encoder cannot write a Decimal as a number with all its digits; nothing else is special."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any


def json_text(value: Any) -> str:
    """Compact JSON: decimals as numbers, dates and times in ISO 8601 (a datetime in UTC), bytes in base64. TypeError for another type,
    ValueError for a number that JSON does not have."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case Decimal():
            return format(value, "f") if value.is_finite() else _no(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"{value!r} has no time zone")
            return f'"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")}Z"'
        case date() | time():
            return f'"{value.isoformat()}"'
        case bytes():
            return f'"{b64encode(value).decode()}"'
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(k), ensure_ascii=False)}:{json_text(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(json_text, value)) + "]"
        case _:
            raise TypeError(f"no JSON for {type(value).__name__}")


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else _no(value)


def _no(value: object) -> str:
    raise ValueError(f"JSON has no {value}")
