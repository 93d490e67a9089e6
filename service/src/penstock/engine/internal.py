"""Values of internal topics: msgpack arrays, typed when read so that DECIMAL and BYTES come back as what they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypedDict

import msgspec

from penstock.formats.errors import FormatError
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

encode_row: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode
"""A row (a tuple of column values) or a change (a pair of rows or None)."""

_PLAIN: dict[Kind, Any] = {
    Kind.BOOLEAN: bool, Kind.INT: int, Kind.BIGINT: int, Kind.DOUBLE: float, Kind.DECIMAL: Decimal, Kind.STRING: str, Kind.BYTES: bytes,
    Kind.DATE: int, Kind.TIME: int, Kind.TIMESTAMP: int,
}


def python_type(kind: SqlType) -> Any:
    """The Python type that msgspec reads a value of this SQL type as; null is allowed everywhere."""
    match kind.kind:
        case Kind.ARRAY:
            assert kind.element is not None
            return list[python_type(kind.element)] | None  # type: ignore[misc]
        case Kind.MAP:
            assert kind.element is not None and kind.key is not None
            return dict[python_type(kind.key), python_type(kind.element)] | None  # type: ignore[misc]
        case Kind.STRUCT:
            if not _has_decimal_or_bytes(kind):
                return dict[str, Any] | None
            fields = {name: python_type(t) for name, t in kind.fields}
            return TypedDict("Fields", fields) | None  # type: ignore[operator]
        case other:
            return _PLAIN[other] | None


def _has_decimal_or_bytes(kind: SqlType) -> bool:
    inner = [t for _, t in kind.fields] + [t for t in (kind.element, kind.key) if t is not None]
    return kind.kind in (Kind.DECIMAL, Kind.BYTES) or any(_has_decimal_or_bytes(t) for t in inner)


def row_decoder(columns: Sequence[Column]) -> Callable[[bytes], tuple[object, ...]]:
    """Reads what encode_row wrote of one row."""
    return _decoder(_row_type(columns))


def change_decoder(columns: Sequence[Column]) -> Callable[[bytes], tuple[tuple[object, ...] | None, tuple[object, ...] | None]]:
    """Reads what encode_row wrote of a pair (old, new)."""
    row: Any = _row_type(columns) | None
    return _decoder(tuple[row, row])  # type: ignore[valid-type]


def _row_type(columns: Sequence[Column]) -> Any:
    return tuple[tuple(python_type(c.type) for c in columns)] if columns else tuple[()]  # type: ignore[misc]


def _decoder(kind: Any) -> Callable[[bytes], Any]:
    decode = msgspec.msgpack.Decoder(kind).decode

    def read(data: bytes) -> Any:
        try:
            return decode(data)
        except msgspec.MsgspecError as error:
            raise FormatError(f"not a record of this topology: {error}") from error

    return read
