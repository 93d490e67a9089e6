"""What the code generator knows of a row at one place of the generated function: which local variables hold what.

A Row is a record on its way through streams, or one side of a table's change. `columns` holds only those columns, key and pseudo
columns included, that something downstream needs. A Change is what flows on the edges of tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from penstock.plan.nodes import Format, Window
from penstock.types.schema import Column
from penstock.types.sqltype import SqlType

ALWAYS = "True"
NEVER = "False"

PSEUDO = frozenset({"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"})
"""Columns that exist by rule and stand in no schema."""


NAMED = ("JSON", "JSON_SR")
"""Formats in which the names of several key columns stand in the bytes."""


@dataclass(frozen=True, slots=True)
class KeyForm:
    """How key bytes came to be. window_bytes: what a window adds at their end: 0, 8 for its start, 16 for a session's end and start.
    canonical: equal keys have equal bytes (a JSON key written by others may be spelled in many ways). names: of the columns where they
    stand in the bytes."""

    format: Format
    types: tuple[SqlType, ...]
    window_bytes: int
    canonical: bool
    names: tuple[str, ...] = ()

    def same_bytes(self, other: KeyForm) -> bool:
        """Whether bytes of this form are readable where the other form is expected."""
        return self.format == other.format and self.types == other.types and self.names == other.names and self.window_bytes == other.window_bytes


def window_bytes(window: Window | None) -> int:
    """What these windows add to a key."""
    return 0 if window is None else window.key_bytes


def key_form(fmt: Format, columns: tuple[Column, ...], window_bytes: int, own: bool) -> KeyForm:
    """Form of the keys of a topic or store; own: written by this service, so spelled in one way only."""
    return KeyForm(fmt, tuple(c.type for c in columns), window_bytes, own or fmt.name in ("KAFKA", "NONE"),
                   tuple(c.name for c in columns) if fmt.name in NAMED and len(columns) > 1 else ())


@dataclass(frozen=True, slots=True)
class Row:
    """Where things are.

    columns: column name -> variable or expression without effects; None there is NULL.
    key: variable with the key's bytes (None for a null key), empty when the key is new and not yet serialised. form: of these bytes.
    ts: rowtime, ms. headers: expression of the headers. record: expression of the record that is blamed for a failure.
    present: condition under which the row exists at all; ALWAYS, NEVER or a variable. A stream's row that is not present is a
        record with a null value.
    window_start: variable with the window's start; empty for rows without a window. window_end: variable with a session's end; empty
        for rows of other windows, whose end follows from their start.
    """

    columns: Mapping[str, str]
    key: str
    form: KeyForm | None
    ts: str
    headers: str
    record: str
    present: str = ALWAYS
    window_start: str = ""
    window_end: str = ""

    def with_columns(self, columns: Mapping[str, str]) -> Row:
        """The same row with other columns."""
        return replace(self, columns=columns)

    def only_if(self, present: str) -> Row:
        """The same row, present under another condition."""
        return replace(self, present=present)

    def moved(self, moved: Mapping[str, str]) -> Row:
        """The row under other column names: new name -> old name; pseudo columns stay."""
        own = {new: self.columns[old] for new, old in moved.items() if old in self.columns}
        return replace(self, columns={**self.pseudo(), **own})

    def pseudo(self) -> dict[str, str]:
        """The pseudo columns that are known."""
        return {name: var for name, var in self.columns.items() if name in PSEUDO}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a table: the new row, and the old one where something downstream tracks it. Both have the same key and time. newest:
    condition under which the new row is the present one, not one of a versioned table's history."""

    new: Row
    old: Row | None
    newest: str = ALWAYS

    @property
    def sides(self) -> tuple[Row, ...]:
        """The rows that are known."""
        return (self.new,) if self.old is None else (self.new, self.old)
