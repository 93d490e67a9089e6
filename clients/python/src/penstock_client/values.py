"""Python values as Value messages: keys and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from penstock_client import times
from penstock_client.gen.penstock.v1 import types_pb2


def to_value(value: Any) -> types_pb2.Value:
    """The message of a Python value, by its type; None is NULL. TypeError for a type without a message."""
    match value:
        case None:
            return types_pb2.Value()
        case bool():
            return types_pb2.Value(boolean=value)
        case int():
            return types_pb2.Value(integer=value)
        case float():
            return types_pb2.Value(floating=value)
        case str():
            return types_pb2.Value(text=value)
        case Decimal():
            return types_pb2.Value(text=format(value, "f"))
        case bytes():
            return types_pb2.Value(binary=value)
        case datetime():
            return types_pb2.Value(integer=times.from_timestamp(value))
        case date():
            return types_pb2.Value(integer=times.from_date(value))
        case time():
            return types_pb2.Value(integer=times.from_time(value))
        case Mapping():
            return types_pb2.Value(
                entries=types_pb2.ValueEntries(keys=list(map(to_value, value)), values=list(map(to_value, value.values())))
            )
        case Sequence():
            return types_pb2.Value(list=types_pb2.ValueList(values=list(map(to_value, value))))
        case _:
            raise TypeError(f"no SQL value for {type(value).__name__}")


def to_values(key: Any) -> list[types_pb2.Value]:
    """A key as one value for each key column: a tuple has several, anything else is the only one."""
    return [to_value(v) for v in key] if isinstance(key, tuple) else [to_value(key)]


def parameters(values: Mapping[str, Any] | None) -> dict[str, types_pb2.Value]:
    """Values of `:name`, by name."""
    return {name.removeprefix(":"): to_value(v) for name, v in (values or {}).items()}
