"""Writing JSON: a msgspec Struct encoded by C code; Python touches only the values that Java prints differently.

DOUBLE is Double.toString: msgspec prints the same from 0.001 up to 10,000,000, other values go through double_text. DECIMAL is a number
with all digits of its scale. A column that is null is written as null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from penstock.expr.code import Code, Module
from penstock.types.java import double_text
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

Convert = Callable[[Any], object]
_encode = msgspec.json.Encoder().encode


def odd_double(value: float) -> object:
    """What msgspec is given for a double outside of the range that it prints as Java does."""
    text = double_text(value)
    return text if text[-1] in "Ny" else msgspec.Raw(text)  # NaN and infinities are texts


def _double(value: float) -> object:
    return value if 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3 or value == 0.0 else odd_double(value)


def _decimal(value: Decimal) -> object:
    return msgspec.Raw(format(value, "f"))


def conversion(of: SqlType) -> Convert | None:
    """What to do with a value (not null) before msgspec encodes it; None: nothing."""
    if of.kind is Kind.DOUBLE:
        return _double
    if of.kind is Kind.DECIMAL:
        return _decimal
    if of.kind is Kind.STRUCT:
        return _struct(of)
    inner = None if of.element is None else conversion(of.element)
    if of.kind is Kind.MAP:
        return _map(inner)
    if inner is None:
        return None
    convert = inner
    return lambda value: [None if v is None else convert(v) for v in value]


def _map(inner: Convert | None) -> Convert:
    """A null key is written as `null`, as Java's maps are."""

    def named(value: dict[str | None, object]) -> object:
        return {("null" if k is None else k): v for k, v in value.items()} if None in value else value

    if inner is None:
        return named
    convert = inner
    return lambda value: named({k: None if v is None else convert(v) for k, v in value.items()})


def _struct(of: SqlType) -> Convert | None:
    fields = [(name, conversion(t)) for name, t in of.fields]
    if all(convert is None for _, convert in fields):
        return None

    def convert_struct(value: dict[str, object]) -> object:
        return {name: v if (v := value.get(name)) is None or convert is None else convert(v) for name, convert in fields}

    return convert_struct


def _prepared(module: Module, of: SqlType, value: str) -> str:
    """Expression of what msgspec is given for the value in this local variable."""
    if of.kind is Kind.DOUBLE:  # inlined: most doubles are in the plain range
        odd = module.bind(odd_double, "odd_double")
        plain = f"{value} is None or 1e-3 <= {value} < 1e7 or -1e7 < {value} <= -1e-3 or {value} == 0.0"
        return f"({value} if {plain} else {odd}({value}))"
    convert = conversion(of)
    return value if convert is None else f"(None if {value} is None else {module.bind(convert, 'json_value')}({value}))"


class JsonWriter:
    """An object with a field for each column (formats/port.py, Writer)."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        fields = [(f"c{n}", Any) for n in range(len(columns))]
        self._record: Any = msgspec.defstruct("Record", fields, gc=False, rename={f"c{n}": c.name for n, c in enumerate(columns)})
        self._convert = tuple(conversion(c.type) for c in columns)

    def code(self, module: Module, values: Sequence[str]) -> Code:
        given = ", ".join(_prepared(module, c.type, v) for c, v in zip(self._columns, values, strict=True))
        return Code((), f"{module.bind(_encode, 'to_json')}({module.bind(self._record, 'Record')}({given}))")

    def write(self, values: Sequence[object]) -> bytes | None:
        return _encode(self._record(*(v if v is None or f is None else f(v) for v, f in zip(values, self._convert, strict=True))))


class BareJsonWriter:
    """One column without a name around it (formats/port.py, Writer); null is a null part."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._convert = conversion(column.type)

    def code(self, module: Module, values: Sequence[str]) -> Code:
        (value,) = values
        return Code((), f"None if {value} is None else {module.bind(_encode, 'to_json')}({_prepared(module, self._column.type, value)})")

    def write(self, values: Sequence[object]) -> bytes | None:
        (value,) = values
        if value is None:
            return None
        return _encode(value if self._convert is None else self._convert(value))
