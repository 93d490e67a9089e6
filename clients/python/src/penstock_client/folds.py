"""Columns of an aggregate that expressions fold, for the builder. Expressions name the group's columns `acc.x`, the row's `row.x` and, where two
sessions become one, the other session's `other.x`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fold:
    """init: the value without rows, an expression without columns; empty: the group's first row gives it as it is. add: with one more row.
    undo: without one, needed for tables. merge: of two sessions, needed for session windows."""

    init: str
    add: str
    undo: str = ""
    merge: str = ""


@dataclass(frozen=True, slots=True)
class Cofold:
    """As Fold, of a cogroup: an add for each of its streams, in their order; an empty one leaves the value."""

    init: str
    add: tuple[str, ...]
    merge: str = ""
