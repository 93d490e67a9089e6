"""The syntax tree of statements. start and end count code points of the whole text."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.expr.ast import Ast, Ident


@dataclass(frozen=True, slots=True)
class Statement(Ast):
    """Base of all statements."""


@dataclass(frozen=True, slots=True)
class Property(Ast):
    """One entry of WITH. name is upper-case; value is text, number or truth as written; quoted: it was a STRING."""

    name: str
    value: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Element(Ast):
    """One declared column. constraint: "", KEY, PRIMARY KEY, HEADERS or HEADER."""

    name: Ident
    type_text: str
    type_start: int
    constraint: str = ""
    header: str = ""


@dataclass(frozen=True, slots=True)
class Source(Ast):
    """A relation in FROM or JOIN."""

    name: Ident
    alias: Ident | None


@dataclass(frozen=True, slots=True)
class Within(Ast):
    """Milliseconds before and after; grace_ms None: not said."""

    before_ms: int
    after_ms: int
    grace_ms: int | None


@dataclass(frozen=True, slots=True)
class Join(Ast):
    """kind: INNER, LEFT, RIGHT or FULL."""

    kind: str
    source: Source
    within: Within | None
    condition: Ast


@dataclass(frozen=True, slots=True)
class WindowSpec(Ast):
    """kind: TUMBLING, HOPPING or SESSION. size_ms is a session's gap."""

    kind: str
    size_ms: int
    advance_ms: int
    retention_ms: int | None
    grace_ms: int | None


@dataclass(frozen=True, slots=True)
class Order(Ast):
    """One key of ORDER BY."""

    by: Ast
    descending: bool


@dataclass(frozen=True, slots=True)
class Query(Statement):
    """A SELECT. group_by and partition_by are None where absent; emit is "", CHANGES or FINAL. order_by is empty where absent."""

    items: tuple[Ast, ...]
    source: Source
    joins: tuple[Join, ...]
    window: WindowSpec | None
    where: Ast | None
    group_by: tuple[Ast, ...] | None
    partition_by: tuple[Ast, ...] | None
    having: Ast | None
    emit: str
    limit: int | None
    order_by: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Create(Statement):
    """CREATE STREAM or TABLE: declared (query None) or AS SELECT. elements None: no list of columns."""

    kind: str
    name: Ident
    replace: bool
    source: bool
    if_not_exists: bool
    elements: tuple[Element, ...] | None
    properties: tuple[Property, ...]
    query: Query | None


@dataclass(frozen=True, slots=True)
class CreateType(Statement):
    """CREATE TYPE name AS type."""

    name: Ident
    if_not_exists: bool
    type_text: str
    type_start: int


@dataclass(frozen=True, slots=True)
class Alter(Statement):
    """ALTER STREAM or TABLE name ADD column, ..."""

    kind: str
    name: Ident
    additions: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    """DROP STREAM, TABLE or TYPE."""

    kind: str
    name: Ident
    if_exists: bool
    delete_topic: bool


@dataclass(frozen=True, slots=True)
class InsertSelect(Statement):
    """INSERT INTO name SELECT ..."""

    name: Ident
    properties: tuple[Property, ...]
    query: Query


@dataclass(frozen=True, slots=True)
class InsertValues(Statement):
    """INSERT INTO name (columns) VALUES (...). columns None: all."""

    name: Ident
    columns: tuple[Ident, ...] | None
    values: tuple[Ast, ...]


@dataclass(frozen=True, slots=True)
class Admin(Statement):
    """SHOW, DESCRIBE, EXPLAIN, TERMINATE, SET, ...: the words in order, names and numbers as written, texts without quotes; `statement`
    for EXPLAIN of one."""

    words: tuple[str, ...]
    statement: Statement | None = None


@dataclass(frozen=True, slots=True)
class Print(Statement):
    """PRINT topic. topic: as written, case kept. every: each how manieth record is shown, 1: all. limit None: none."""

    topic: str
    beginning: bool
    every: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Assert(Statement):
    """ASSERT ...; what: VALUES, NULL, RELATION, TOPIC or SCHEMA. exists: False for NOT EXISTS. timeout_ms None: not said. name of a SCHEMA is its
    subject, empty when not said; schema_id 0: not said."""

    what: str
    name: Ident
    columns: tuple[Ident, ...] | None = None
    values: tuple[Ast, ...] = ()
    kind: str = ""
    elements: tuple[Element, ...] | None = None
    properties: tuple[Property, ...] = ()
    exists: bool = True
    timeout_ms: int | None = None
    schema_id: int = 0
