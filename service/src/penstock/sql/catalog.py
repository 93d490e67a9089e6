"""What statements ask of the catalog beyond plan/relations.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from penstock.expr.ast import Ident
from penstock.expr.remote import RemoteFunction
from penstock.formats.schemas import Schemas
from penstock.plan.relations import RelationInfo, Relations
from penstock.sql.faults import folded, refuse
from penstock.sql.session import Session
from penstock.types.sqltype import SqlType


class SqlCatalog(Relations, Protocol):
    """Relations, and what only SQL made."""

    @property
    def types(self) -> Mapping[str, SqlType]:
        """Custom types by upper-case name."""

    def read_only(self, name: str) -> bool:
        """Whether a relation was created with SOURCE."""

    @property
    def schemas(self) -> Schemas:
        """The schema registry."""

    def setting(self, name: str) -> str:
        """A session property such as `ksql.persistence.default.format.key`, "" when not set."""


@dataclass(frozen=True, slots=True)
class QueryInfo:
    """A persistent query, or another topology. creates: the relation that it made and that is dropped with it, "" for INSERT INTO. reads and
    writes: names of relations. text: the statement, "" for a topology that no statement made. state: RUNNING, PAUSED, STARTING, FAILED."""

    id: str
    text: str
    creates: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    topic: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TopicEntry:
    """A topic of the log. internal: changelogs and the like."""

    name: str
    partitions: int
    replicas: int = 0
    internal: bool = False


class StatementCatalog(SqlCatalog, Protocol):
    """What executing statements asks beyond analysing them."""

    def queries(self) -> Sequence[QueryInfo]:
        """Every query in order of its creation, push queries left out."""

    def all_topics(self) -> Sequence[TopicEntry]:
        """Every topic by name."""

    def text_of(self, name: str) -> str:
        """The statement that made a relation, "" when none did."""

    def made_by_query(self, name: str) -> bool:
        """Whether CREATE ... AS SELECT made a relation, its query ended or not."""

    def next_number(self) -> int:
        """What the id of a query that begins now ends with."""


class InSession:
    """A catalog as one session sees it: its properties, everything else unchanged."""

    def __init__(self, catalog: StatementCatalog, session: Session) -> None:
        self._catalog = catalog
        self.session = session
        self.find, self.names, self.topic_partitions = catalog.find, catalog.names, catalog.topic_partitions
        self.topic_names = catalog.topic_names
        self.read_only, self.queries, self.all_topics = catalog.read_only, catalog.queries, catalog.all_topics
        self.text_of, self.made_by_query, self.next_number = catalog.text_of, catalog.made_by_query, catalog.next_number

    @property
    def functions(self) -> Mapping[str, RemoteFunction]:
        """As the catalog."""
        return self._catalog.functions

    @property
    def types(self) -> Mapping[str, SqlType]:
        """As the catalog."""
        return self._catalog.types

    @property
    def schemas(self) -> Schemas:
        """As the catalog."""
        return self._catalog.schemas

    def setting(self, name: str) -> str:
        """The session's, else the catalog's."""
        return self.session.setting(name) or self._catalog.setting(name)


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
