"""Readers and writers: the bytes of a record's key or value to columns and back, as generated code and as functions.

Nulls of the whole part are not theirs: bytes that are None (a null key, a tombstone) are never given to a reader, and a row that is null
is never given to a writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from penstock.expr.code import Code, Module

Part = Literal["key", "value"]


class Reader(Protocol):
    """Reads one part of the records of one topic."""

    def code(self, module: Module, data: str, needed: Sequence[str], targets: Mapping[str, str]) -> tuple[str, ...]:
        """Statements that set the local variable targets[c] of each needed column c from the bytes in local variable `data`, or raise
        FormatError. Columns that are not needed are checked all the same: a bad record is bad for everybody."""

    def read(self, data: bytes) -> tuple[object, ...]:
        """All columns in order. Raises FormatError."""


class Writer(Protocol):
    """Writes one part of the records of one topic."""

    def code(self, module: Module, values: Sequence[str]) -> Code:
        """Bytes, or None for a null part, from local variables, one a column in order."""

    def write(self, values: Sequence[object]) -> bytes | None:
        """Bytes of one row; None where the part as a whole is null (a bare column that is null)."""
