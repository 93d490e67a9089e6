"""ROWTIME from a value column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.errors import RequestError
from penstock.expr.functions.registry import compile_call
from penstock.formats.errors import FormatError
from penstock.types.sqltype import Kind, SqlType
from penstock.types.times import parse_timestamp


def time_of(kind: SqlType, pattern: str, column: str) -> Callable[[Any], int]:
    """Function from the column's value to milliseconds since 1970; a value without a time is a bad record."""
    parse = _parser(kind, pattern, column)

    def read(value: Any) -> int:
        if value is None:
            raise FormatError(f"timestamp column {column} is null")
        try:
            found = parse(value)
        except ValueError as error:
            raise FormatError(f"timestamp column {column}: {error}") from error
        if found is None or found < 0:
            raise FormatError(f"timestamp column {column}: no time after 1970")
        return found

    return read


def time_or(read: Callable[[Any], int], notify: Callable[[FormatError], None] = lambda error: None) -> Callable[[Any, Any], Any]:
    """Function from the column's value and what stands in for a time to one of them; notify is told of values without a time."""

    def found(value: Any, other: Any) -> Any:
        try:
            return read(value)
        except FormatError as error:
            notify(error)
            return other

    return found


def _parser(kind: SqlType, pattern: str, column: str) -> Callable[[Any], int | None]:
    if kind.kind in (Kind.BIGINT, Kind.TIMESTAMP) and not pattern:
        return int
    if kind.kind is Kind.STRING:
        return compile_call("PARSE_TIMESTAMP", pattern) if pattern else parse_timestamp
    raise RequestError("INVALID_SCHEMA", f"timestamp column {column} must be BIGINT, TIMESTAMP or STRING")
