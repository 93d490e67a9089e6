"""JOIN clauses: which nodes they become, and the key of the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.sql.faults import unsupported

if TYPE_CHECKING:
    from penstock.sql.columns import Columns
    from penstock.sql.select import Key, Selected
    from penstock.sql.tree import Query


def add_joins(query: Query, columns: Columns, made: Selected) -> list[Key]:
    """Not built."""
    raise unsupported("JOIN", query.joins[0])
