"""DELIMITED: one line of separated fields, quoted as Apache commons-csv's default format does. An empty field is null."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.expr.code import Code, Module
from penstock.formats.errors import FormatError
from penstock.formats.java_text import parse_decimal, parse_double, parse_int, parse_long
from penstock.types.cast import bytes_of_base64
from penstock.types.java import double_text
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

DELIMITERS = {"SPACE": " ", "TAB": "\t"}
"""Delimiters by name; any other is one character."""


def _time(text: str) -> int:
    ms = parse_long(text)
    if not 0 <= ms < 86_400_000:
        raise ValueError(f"{ms} is not a time of day in milliseconds")
    return ms


_PARSE: dict[Kind, Callable[[str], object]] = {
    Kind.BOOLEAN: lambda text: text.lower() == "true", Kind.INT: parse_int, Kind.BIGINT: parse_long, Kind.DOUBLE: parse_double,
    Kind.STRING: str, Kind.BYTES: bytes_of_base64, Kind.DATE: parse_long, Kind.TIME: _time, Kind.TIMESTAMP: parse_long,
}
_TEXT: dict[Kind, Callable[[Any], str]] = {
    Kind.BOOLEAN: lambda value: "true" if value else "false", Kind.DOUBLE: double_text, Kind.DECIMAL: lambda value: format(value, "f"),
    Kind.BYTES: lambda value: base64.b64encode(value).decode(),
}


def _parser(of: SqlType) -> Callable[[str], object]:
    return (lambda text: parse_decimal(text, of)) if of.kind is Kind.DECIMAL else _PARSE[of.kind]


class DelimitedReader:
    """Reads one field a column (formats/port.py, Reader)."""

    def __init__(self, columns: Sequence[Column], delimiter: str) -> None:
        self._columns = tuple(columns)
        self._parse = tuple(_parser(c.type) for c in columns)
        self._delimiter = delimiter

    def code(self, module: Module, data: str, needed: Sequence[str], targets: Mapping[str, str]) -> tuple[str, ...]:
        row = module.fresh("fields")
        lines = [f"{row} = {module.bind(self.read, 'read_delimited')}({data})"]
        lines += [f"{targets[c.name]} = {row}[{n}]" for n, c in enumerate(self._columns) if c.name in needed]
        return tuple(lines)

    def read(self, data: bytes) -> tuple[object, ...]:
        fields = self._fields(data.decode("utf-8", "replace"))
        if len(fields) != len(self._columns):
            raise FormatError(f"{len(self._columns)} fields are expected, not {len(fields)}")
        row: list[object] = []
        for column, parse, field in zip(self._columns, self._parse, fields, strict=True):
            try:
                row.append(parse(field) if field else None)
            except ValueError as e:
                raise FormatError(f"column {column.name}: {e}") from e
        return tuple(row)

    def _fields(self, text: str) -> list[str]:
        """The first record of the text that is not an empty line."""
        if text and '"' not in text and "\n" not in text and "\r" not in text:
            return text.split(self._delimiter)
        try:
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter, strict=True)
            found = next((line for line in lines if line), None)
        except csv.Error as e:
            raise FormatError(f"malformed delimited text: {e}") from e
        if found is None:
            raise FormatError("an empty text holds no fields")
        return found


class DelimitedWriter:
    """Writes one field a column (formats/port.py, Writer)."""

    def __init__(self, columns: Sequence[Column], delimiter: str, bare_null: bool) -> None:
        """bare_null: a single column that is null makes the part null (keys)."""
        self._text = tuple(_TEXT.get(c.type.kind, str) for c in columns)
        self._delimiter = delimiter
        self._special = frozenset((delimiter, '"', "\r", "\n"))
        self._bare_null = bare_null and len(columns) == 1

    def code(self, module: Module, values: Sequence[str]) -> Code:
        given = "".join(f"{v}, " for v in values)
        return Code((), f"{module.bind(self.write, 'to_delimited')}(({given}))")

    def write(self, values: Sequence[object]) -> bytes | None:
        if self._bare_null and values[0] is None:
            return None
        fields = ["" if v is None else self._quoted(to_text(v), not n) for n, (v, to_text) in enumerate(zip(values, self._text, strict=True))]
        return self._delimiter.join(fields).encode("utf-8", "replace")

    def _quoted(self, text: str, first: bool) -> str:
        if not text:
            return '""' if first else ""
        if text[0] <= "#" or first and not ("0" <= text[0] <= "9" or "A" <= text[0] <= "Z" or "a" <= text[0] <= "z") or text[-1] <= " " or not self._special.isdisjoint(text):
            return '"' + text.replace('"', '""') + '"'
        return text
