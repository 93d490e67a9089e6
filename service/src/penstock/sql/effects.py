"""What a statement does, decided and not yet done: values that a node, or a test without one, carries out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.ast import Ast
from penstock.plan.relations import RelationInfo
from penstock.sql.catalog import StatementCatalog
from penstock.sql.session import Session
from penstock.sql.tree import Query
from penstock.types.schema import Column
from penstock.types.sqltype import SqlType


@dataclass(frozen=True, slots=True)
class Effect:
    """Base of all effects. message says for people what was done."""

    message: str


@dataclass(frozen=True, slots=True)
class Nothing(Effect):
    """Nothing has to be done."""


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to make. partitions 0: the log's default; replicas 0 and retention_ms None: likewise."""

    partitions: int
    replicas: int = 0
    retention_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Declare(Effect):
    """Put a relation into the catalog. create: its topic, when it must be made. replaces: one of the name is there. source: read only,
    and a table is materialised for pull queries by a topology `query_id`."""

    info: RelationInfo
    create: NewTopic | None
    replaces: bool
    source: bool
    query_id: str


@dataclass(frozen=True, slots=True)
class Start(Effect):
    """Plan and run a topology, which is named by its query's id. publishes: the relation that it makes, "" for INSERT INTO. replaces: the
    running query that goes on with this definition, its state kept; "" for a new one. forgets: a relation of the name that no query writes
    any more, and that gives way. trees: of its expressions, with their places in the statement, by text."""

    query_id: str
    definition: topology_pb2.Topology
    publishes: str
    replaces: str = ""
    forgets: str = ""
    trees: Mapping[str, Ast] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop(Effect):
    """Forget a relation, and end the query that makes it ("": none)."""

    relation: str
    query: str
    delete_topic: bool


@dataclass(frozen=True, slots=True)
class Terminate(Effect):
    """End queries; what they wrote stays, their relations too."""

    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Desire(Effect):
    """Pause queries or let them go on."""

    queries: tuple[str, ...]
    paused: bool


@dataclass(frozen=True, slots=True)
class Insert(Effect):
    """Append one row. key None: no key; value by column name; timestamp None: now."""

    info: RelationInfo
    key: tuple[object, ...] | None
    value: Mapping[str, object]
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class PutType(Effect):
    """Register a custom type, or forget it (type None)."""

    name: str
    type: SqlType | None


@dataclass(frozen=True, slots=True)
class Listing(Effect):
    """Rows to show."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Describe(Effect):
    """Show a relation; extended: with its queries and what is known at run time."""

    relation: str
    extended: bool


@dataclass(frozen=True, slots=True)
class DescribeFunction(Effect):
    """Show a function's documentation."""

    name: str


@dataclass(frozen=True, slots=True)
class Explain(Effect):
    """Show a plan: of a running query, or of a definition that is not registered. trees: as those of Start."""

    query: str
    definition: topology_pb2.Topology | None
    trees: Mapping[str, Ast] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExplainQuery(Effect):
    """Say how a SELECT would be answered."""

    query: Query


@dataclass(frozen=True, slots=True)
class Changed(Effect):
    """The session of later statements."""

    session: Session


@dataclass(frozen=True, slots=True)
class Await(Effect):
    """Wait until `complaint` has none, at most timeout_ms; then fail with the last one."""

    timeout_ms: int
    complaint: Callable[[StatementCatalog], str]


@dataclass(frozen=True, slots=True)
class AwaitSchema(Effect):
    """Wait until the schema registry has (or has no) schema of this subject and id."""

    subject: str
    schema_id: int
    exists: bool
    timeout_ms: int
