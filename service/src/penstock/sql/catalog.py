"""What statements ask of the catalog beyond plan/relations.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from penstock.expr.ast import Ident
from penstock.plan.relations import RelationInfo, Relations
from penstock.sql.faults import folded, refuse
from penstock.types.sqltype import SqlType


class SqlCatalog(Relations, Protocol):
    """Relations, and what only SQL made."""

    @property
    def types(self) -> Mapping[str, SqlType]:
        """Custom types by upper-case name."""

    def read_only(self, name: str) -> bool:
        """Whether a relation was created with SOURCE."""

    def setting(self, name: str) -> str:
        """A session property such as `ksql.persistence.default.format.key`, "" when not set."""


def lookup(catalog: SqlCatalog, name: Ident) -> RelationInfo | None:
    """The relation of exactly this name."""
    found = catalog.find(folded(name))
    return found if found is not None and found.name == folded(name) else None


def known(catalog: SqlCatalog, name: Ident) -> RelationInfo:
    """As lookup; refused when there is none."""
    found = lookup(catalog, name)
    if found is None:
        other = next((n for n in catalog.names() if n.upper() == name.text.upper()), None)
        hint = ""
        if other is not None:
            how = "wrap the source name in double quotes to make it case-sensitive" if not name.quoted else "try removing double quotes"
            hint = f'\nDid you mean "{other}"? Hint: {how}.'
        raise refuse(f"{folded(name)} does not exist.{hint}", name, "UNKNOWN_RELATION", relation=folded(name))
    return found
