"""Reading JSON: a msgspec Struct of the columns for the usual record, the exact rules (json_coerce.py) for every other.

The Struct forbids unknown fields, so that a column spelled in another case is noticed. A record that fails goes the exact way, and
teaches: field names that are no column in any case become ignored fields of the next Struct, and a column that is spelled in another
case throughout is read under that name. So a usual record is decoded once, by C code, whatever else its producer puts into it. A name that
equals a column in another case is never ignored: that would read the column as null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from penstock.expr.code import Module
from penstock.formats.errors import FormatError
from penstock.formats.json_coerce import DAY_MS, Coerce, coercion, field_value, upper_fields
from penstock.types.java import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

LEARNED = 256
"""Ignored field names that a reader remembers; data with more (names made of values) goes the exact way."""
RESPELLED = 16
"""Times that a reader changes its mind on how columns are spelled."""

_untyped = msgspec.json.Decoder(float_hook=Decimal).decode
_int = Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)]
_long = Annotated[int, msgspec.Meta(ge=LONG_MIN, le=LONG_MAX)]
_SCALARS: dict[Kind, Any] = {
    Kind.BOOLEAN: bool, Kind.INT: _int, Kind.BIGINT: _long, Kind.DOUBLE: float, Kind.STRING: str, Kind.BYTES: bytes, Kind.DATE: _int,
    Kind.TIME: Annotated[int, msgspec.Meta(ge=0, lt=DAY_MS)], Kind.TIMESTAMP: _long,
}


def fast_type(of: SqlType) -> Any:
    """The type by which msgspec reads a value of this type strictly and completely; None for types that need the exact way."""
    if of.kind in _SCALARS:
        return _SCALARS[of.kind]
    element = None if of.element is None else fast_type(of.element)
    if element is None:
        return None
    return list[element | None] if of.kind is Kind.ARRAY else dict[str, element | None]  # type: ignore[valid-type]


class JsonReader:
    """An object with a field for each column (formats/port.py, Reader). `decode` is replaced as the reader learns."""

    __slots__ = ("decode", "_columns", "_coerce", "_names", "_spelled", "_ignored", "_respelled", "_fast")

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._coerce: tuple[Coerce, ...] = tuple(coercion(c.type) for c in columns)
        self._fast = tuple(fast_type(c.type) for c in columns)
        self._names = frozenset(c.name for c in columns)
        self._spelled = {c.name: c.name for c in columns}
        self._ignored: set[str] = set()
        self._respelled = 0
        self.decode: Callable[[bytes], Any] = self._decoder()

    def _decoder(self) -> Callable[[bytes], Any]:
        """The decoder for what is known of the data now."""
        fields: list[tuple[str, Any, Any]] = []
        rename: dict[str, str] = {}
        for n, (column, fast) in enumerate(zip(self._columns, self._fast, strict=True)):
            fields.append((f"c{n}", Any if fast is None else fast | None, None))
            rename[f"c{n}"] = self._spelled[column.name]
        for n, name in enumerate(sorted(self._ignored.difference(rename.values()))):
            fields.append((f"x{n}", Any, None))
            rename[f"x{n}"] = name
        record = msgspec.defstruct("Record", fields, gc=False, forbid_unknown_fields=True, rename=rename)
        hook = Decimal if None in self._fast else None
        return msgspec.json.Decoder(record, float_hook=hook).decode

    def code(self, module: Module, data: str, needed: Sequence[str], targets: Mapping[str, str]) -> tuple[str, ...]:
        reader, row = module.bind(self, "json"), module.fresh("row")
        wanted = [n for n, c in enumerate(self._columns) if c.name in needed]
        lines = ["try:", f"    {row} = {reader}.decode({data})"]
        for n in wanted:
            value = f"{row}.c{n}"
            if self._fast[n] is None:
                value = f"{module.bind(self._coerce[n], 'coerce')}({value})"
            lines.append(f"    {targets[self._columns[n].name]} = {value}")
        lines.append("except Exception:")
        slow = f"{module.bind(self.read, 'read_exactly')}({data})"
        if wanted:
            lines.append(f"    {row} = {slow}")
            lines += [f"    {targets[self._columns[n].name]} = {row}[{n}]" for n in wanted]
        else:
            lines.append(f"    {slow}")
        return tuple(lines)

    def read(self, data: bytes) -> tuple[object, ...]:
        try:
            document = _untyped(data)
        except Exception as e:  # whatever msgspec, the UTF-8 decoder or Decimal has against these bytes
            raise FormatError(f"malformed JSON: {e or type(e).__name__}") from e
        if type(document) is not dict:
            raise FormatError(f"a JSON object is expected, not {_kind(document)}")
        uppered: Mapping[str, object] = {} if self._names <= document.keys() else upper_fields(document)
        row = []
        for column, coerce in zip(self._columns, self._coerce, strict=True):
            try:
                row.append(coerce(field_value(document, column.name, uppered)))
            except (ValueError, RecursionError) as e:
                raise FormatError(f"column {column.name}: {e}") from e
        self._learn(document)
        return tuple(row)

    def _learn(self, document: Mapping[str, object]) -> None:
        """Make the next record like this one a usual one."""
        spelled, ignored = dict(self._spelled), set(self._ignored)
        for name in document:
            column = name if name in self._names else name.upper()
            if column not in self._names:
                ignored.add(name)
            elif name == column or column not in document:
                spelled[column] = name
        if spelled != self._spelled:
            self._respelled += 1
        if (spelled, ignored) != (self._spelled, self._ignored) and len(ignored) <= LEARNED and self._respelled <= RESPELLED:
            self._spelled, self._ignored = spelled, ignored
            self.decode = self._decoder()


class BareJsonReader:
    """One column without a name around it (formats/port.py, Reader)."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._coerce = coercion(column.type)
        fast = fast_type(column.type)
        self._decode: Callable[[bytes], object] = self._exactly if fast is None else msgspec.json.Decoder(fast | None).decode

    def _exactly(self, data: bytes) -> object:
        return self._coerce(_untyped(data))

    def code(self, module: Module, data: str, needed: Sequence[str], targets: Mapping[str, str]) -> tuple[str, ...]:
        wanted = self._column.name in needed
        target = targets[self._column.name] if wanted else module.fresh("unused")
        return (
            "try:", f"    {target} = {module.bind(self._decode, 'decode')}({data})",
            "except Exception:", f"    {target} = {module.bind(self.read, 'read_exactly')}({data})[0]",
        )

    def read(self, data: bytes) -> tuple[object, ...]:
        try:
            document = _untyped(data)
        except Exception as e:  # as above
            raise FormatError(f"malformed JSON: {e or type(e).__name__}") from e
        try:
            return (self._coerce(document),)
        except (ValueError, RecursionError) as e:
            raise FormatError(f"column {self._column.name}: {e}") from e


def _kind(document: object) -> str:
    return "null" if document is None else {list: "an array", str: "a text", bool: "a boolean"}.get(type(document), "a number")
