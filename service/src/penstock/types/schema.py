"""Columns and schemas of relations and of node outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from penstock.types.sqltype import SqlType


class Role(Enum):
    """Where a column lives in a record; names equal ColumnRole of the proto without its prefix."""

    KEY = "KEY"
    VALUE = "VALUE"
    HEADER = "HEADER"
    WINDOW = "WINDOW"
    META = "META"


@dataclass(frozen=True, slots=True)
class Column:
    """One named column; case is kept, names are unique in a schema."""

    name: str
    type: SqlType
    role: Role = Role.VALUE
    header: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """Key columns first, then value columns, then headers. WINDOW and META columns are not stored here: a windowed relation
    has WINDOWSTART and WINDOWEND, every relation has ROWTIME, ROWPARTITION and ROWOFFSET, by rule."""

    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[Column, ...]:
        """Key columns in order."""
        return tuple(c for c in self.columns if c.role is Role.KEY)

    @property
    def value(self) -> tuple[Column, ...]:
        """Value columns in order."""
        return tuple(c for c in self.columns if c.role is Role.VALUE)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns in order."""
        return tuple(c.name for c in self.columns)

    def get(self, name: str) -> Column | None:
        """The column of exactly this name."""
        return next((c for c in self.columns if c.name == name), None)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)
