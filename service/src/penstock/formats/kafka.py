"""KAFKA: one column in the bytes of Kafka's own serializers; big endian, UTF-8 text, raw bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.expr.code import Code, Module
from penstock.formats.errors import FormatError
from penstock.types.schema import Column
from penstock.types.sqltype import Kind

NUMBERS = {Kind.INT: struct.Struct(">i"), Kind.BIGINT: struct.Struct(">q"), Kind.DOUBLE: struct.Struct(">d")}
KINDS = frozenset((*NUMBERS, Kind.STRING, Kind.BYTES))


def text(data: bytes) -> str:
    """StringDeserializer: what is no UTF-8 becomes U+FFFD."""
    return data.decode("utf-8", "replace")


def to_bytes(value: str) -> bytes:
    """StringSerializer: what is no Unicode text (a lone surrogate) becomes a question mark."""
    return value.encode("utf-8", "replace")


def wrong_size(column: Column, found: int) -> FormatError:
    """The error for bytes of another length than the type's."""
    return FormatError(f"column {column.name}: {column.type} takes {NUMBERS[column.type.kind].size} bytes, not {found}")


SERIALIZE: dict[Kind, Callable[[Any], bytes]] = {
    Kind.STRING: to_bytes, Kind.BYTES: bytes, **{kind: number.pack for kind, number in NUMBERS.items()},
}


class KafkaReader:
    """Reads the only column (formats/port.py, Reader)."""

    def __init__(self, column: Column) -> None:
        self._column = column

    def code(self, module: Module, data: str, needed: Sequence[str], targets: Mapping[str, str]) -> tuple[str, ...]:
        kind, target = self._column.type.kind, targets.get(self._column.name, "") if self._column.name in needed else ""
        lines: list[str] = []
        if kind in NUMBERS:
            column, error = module.bind(self._column, "column"), module.bind(wrong_size, "wrong_size")
            lines.append(f"if len({data}) != {NUMBERS[kind].size}: raise {error}({column}, len({data}))")
        if target:
            lines.append(f"{target} = {self._value(module, data)}")
        return tuple(lines)

    def _value(self, module: Module, data: str) -> str:
        kind = self._column.type.kind
        if kind is Kind.BYTES:
            return data
        if kind is Kind.STRING:
            return f"{data}.decode('utf-8', 'replace')"  # text, without the call
        return f"{module.bind(NUMBERS[kind].unpack, 'unpack')}({data})[0]"

    def read(self, data: bytes) -> tuple[object, ...]:
        kind = self._column.type.kind
        if kind is Kind.BYTES:
            return (data,)
        if kind is Kind.STRING:
            return (text(data),)
        if len(data) != NUMBERS[kind].size:
            raise wrong_size(self._column, len(data))
        return NUMBERS[kind].unpack(data)


class KafkaWriter:
    """Writes the only column (formats/port.py, Writer); null is a null part."""

    def __init__(self, column: Column) -> None:
        kind = column.type.kind
        self._kind = kind
        self._serialize: Callable[[Any], bytes] = SERIALIZE[kind]

    def code(self, module: Module, values: Sequence[str]) -> Code:
        (value,) = values
        if self._kind is Kind.BYTES:
            return Code((), value)
        made = f"{value}.encode('utf-8', 'replace')" if self._kind is Kind.STRING else f"{module.bind(self._serialize, 'pack')}({value})"
        return Code((), f"None if {value} is None else {made}")

    def write(self, values: Sequence[object]) -> bytes | None:
        (value,) = values
        return None if value is None else self._serialize(value)


class EmptyReader:
    """A part without columns: any bytes will do (NONE, and KAFKA of no column)."""

    def code(self, module: Module, data: str, needed: Sequence[str], targets: Mapping[str, str]) -> tuple[str, ...]:
        return ()

    def read(self, data: bytes) -> tuple[object, ...]:
        return ()


class EmptyWriter:
    """A part without columns is null."""

    def code(self, module: Module, values: Sequence[str]) -> Code:
        return Code((), "None")

    def write(self, values: Sequence[object]) -> bytes | None:
        return None
