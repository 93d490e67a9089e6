"""Reading by one function that gives all columns: for formats that decode a part as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from penstock.expr.code import Module
from penstock.types.schema import Column

Decode = Callable[[bytes], tuple[object, ...]]
"""From a part's bytes to all columns in order. Raises FormatError."""


class RowReader:
    """Reads all columns by one function (formats/port.py, Reader)."""

    def __init__(self, columns: Sequence[Column], decode: Decode) -> None:
        self._columns = tuple(columns)
        self._decode = decode

    def code(self, module: Module, data: str, needed: Sequence[str], targets: Mapping[str, str]) -> tuple[str, ...]:
        row = module.fresh("row")
        lines = [f"{row} = {module.bind(self._decode, 'read_row')}({data})"]
        return (*lines, *(f"{targets[c.name]} = {row}[{n}]" for n, c in enumerate(self._columns) if c.name in needed))

    def read(self, data: bytes) -> tuple[object, ...]:
        return self._decode(data)
