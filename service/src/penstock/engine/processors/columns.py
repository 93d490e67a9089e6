"""Rows of plug-ins: dicts by column name on one side, bytes and tuples on the other. What does not fit is refused where it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from penstock.formats.registry import reader, writer
from penstock.plan.nodes import Format
from penstock.types.schema import Column, Schema
from penstock.types.sqltype import Kind

PYTHON: Mapping[Kind, tuple[type, ...]] = {
    Kind.BOOLEAN: (bool,), Kind.INT: (int,), Kind.BIGINT: (int,), Kind.DOUBLE: (float, int), Kind.STRING: (str,), Kind.BYTES: (bytes,),
    Kind.DECIMAL: (Decimal,), Kind.DATE: (int,), Kind.TIME: (int,), Kind.TIMESTAMP: (int,), Kind.ARRAY: (list,), Kind.MAP: (dict,),
    Kind.STRUCT: (dict,)}


def checked(column: Column, value: Any) -> Any:
    """The value, when it may stand in the column. Raises TypeError."""
    if value is None:
        return None
    kind = column.type.kind
    fits = isinstance(value, PYTHON[kind]) and (kind is Kind.BOOLEAN or not isinstance(value, bool))
    if not fits:
        raise TypeError(f"column {column.name} is {column.type}, not {type(value).__name__}: {str(value):.60}")
    return float(value) if kind is Kind.DOUBLE else value


class Values:
    """Value columns: dict to tuple and back."""

    def __init__(self, what: str, columns: Sequence[Column]) -> None:
        """what: for messages, such as `store last of p`."""
        self._what = what
        self._columns = tuple(columns)
        self.names = tuple(c.name for c in columns)
        self._known = frozenset(self.names)

    def to_tuple(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Columns that are left out are null. Raises ValueError for an unknown one, TypeError."""
        if not row.keys() <= self._known:
            unknown = ", ".join(sorted(map(str, row.keys() - self._known)))
            raise ValueError(f"{self._what} has no column {unknown}; it has {', '.join(self.names) or 'none'}")
        return tuple(checked(c, row.get(c.name)) for c in self._columns)

    def to_dict(self, values: Sequence[Any]) -> dict[str, Any]:
        """Inverse of to_tuple."""
        return dict(zip(self.names, values, strict=True))


class Keys:
    """Key columns: a dict, or the value of the only column, to bytes and back. Other entries of the dict (a window's bounds) are not read."""

    def __init__(self, what: str, schema: Schema, fmt: Format) -> None:
        self._what = what
        self._values = Values(what, schema.key)
        self._read: Callable[[bytes], Sequence[Any]] = reader(fmt, schema.key, "key").read if schema.key else lambda data: ()
        self._write = writer(fmt, schema.key, "key").write if schema.key else None

    def to_tuple(self, key: object) -> tuple[Any, ...]:
        """Key columns, all null for None. Raises ValueError, TypeError."""
        names = self._values.names
        if key is None:
            return (None,) * len(names)
        if not isinstance(key, Mapping):
            if len(names) != 1:
                raise TypeError(f"{self._what} has the key columns {', '.join(names)}: give a dict of them")
            key = {names[0]: key}
        missing = [name for name in names if name not in key]
        if missing:
            raise ValueError(f"{self._what}: the key has no {', '.join(missing)}")
        return self._values.to_tuple({name: key[name] for name in names})

    def to_bytes(self, key: object) -> bytes | None:
        """None stays None. Raises as to_tuple."""
        return None if key is None or self._write is None else self._write(self.to_tuple(key))

    def written(self, values: Sequence[Any]) -> bytes | None:
        """Bytes of key columns that are of their types; None when one of them is."""
        return None if self._write is None or None in values else self._write(values)

    def needed(self, key: object) -> bytes:
        """As to_bytes, of a key that must not be null."""
        found = self.to_bytes(key)
        if found is None:
            raise ValueError(f"{self._what}: the key is None")
        return found

    def read(self, data: bytes) -> tuple[Any, ...]:
        """Inverse of written."""
        return tuple(self._read(data))

    def to_dict(self, data: bytes) -> dict[str, Any]:
        """Key columns of a key's bytes."""
        return self._values.to_dict(self.read(data))
