"""SHOW and LIST: tables of what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from penstock.expr.catalog import list_functions
from penstock.plan.nodes import RelationKind
from penstock.plan.relations import RelationInfo
from penstock.sql.catalog import InSession, QueryInfo
from penstock.sql.effects import Listing
from penstock.sql.faults import refuse
from penstock.sql.settings import SETTINGS
from penstock.sql.tree import Admin
from penstock.types import sqltype as t
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import SqlType, quote


def listing(statement: Admin, catalog: InSession) -> Listing:
    """The rows of one SHOW or LIST."""
    words = [w for w in statement.words[1:] if w]
    match words:
        case ["STREAMS" | "TABLES" as kind, *rest]:
            return _relations(RelationKind.STREAM if kind == "STREAMS" else RelationKind.TABLE, catalog, bool(rest))
        case [*front, "TOPICS"] | [*front, "TOPICS", "EXTENDED"]:
            return _topics(catalog, bool(front), words[-1] == "EXTENDED")
        case ["QUERIES", *rest]:
            return _queries(catalog, bool(rest))
        case ["FUNCTIONS"]:
            return _listing(("NAME", "TYPE", "CATEGORY"), [(f.name, f.kind, f.category) for f in list_functions()])
        case ["TYPES"]:
            return _listing(("NAME", "TYPE"), [(name, str(of)) for name, of in sorted(catalog.types.items())])
        case ["VARIABLES"]:
            return _listing(("NAME", "VALUE"), sorted(catalog.session.variables.items()))
        case ["PROPERTIES"]:
            return _properties(catalog)
    raise refuse(f"SHOW {' '.join(words)} does not exist", statement)


def schema_text(schema: Schema) -> str:
    """Columns as a statement declares them."""
    marks = {Role.KEY: " KEY", Role.HEADER: " HEADERS"}
    return ", ".join(f"{quote(c.name)} {c.type}{marks.get(c.role, '') if not c.header else f' HEADER({c.header!r})'}" for c in schema)


def _relations(kind: RelationKind, catalog: InSession, extended: bool) -> Listing:
    found = sorted((i for i in map(catalog.find, catalog.names()) if i is not None and i.kind is kind and "." not in i.name), key=lambda i: i.name)
    names = ("NAME", "TOPIC", "KEY_FORMAT", "VALUE_FORMAT", "WINDOWED")
    rows: list[tuple[object, ...]] = [(i.name, i.topic.topic, i.topic.key_format.name, i.topic.value_format.name, i.window is not None) for i in found]
    if not extended:
        return _listing(names, rows, WINDOWED=t.BOOLEAN)
    queries = catalog.queries()
    more = [(schema_text(i.schema), *_using(i, queries), catalog.text_of(i.name)) for i in found]
    return _listing((*names, "COLUMNS", "READ_BY", "WRITTEN_BY", "STATEMENT"), [(*a, *b) for a, b in zip(rows, more, strict=True)], WINDOWED=t.BOOLEAN)


def _using(info: RelationInfo, queries: Sequence[QueryInfo]) -> tuple[str, str]:
    return (", ".join(q.id for q in queries if info.name in q.reads), ", ".join(q.id for q in queries if info.name in q.writes))


def _topics(catalog: InSession, everything: bool, extended: bool) -> Listing:
    users: dict[str, list[str]] = {}
    for name in catalog.names():
        info = catalog.find(name) if "." not in name else None
        if info is not None:
            users.setdefault(info.topic.topic, []).append(info.name)
    found = [x for x in catalog.all_topics() if everything or not x.internal]
    rows: list[tuple[object, ...]] = [(x.name, x.partitions, x.replicas or None) for x in found]
    names: tuple[str, ...] = ("TOPIC", "PARTITIONS", "REPLICAS")
    if extended:
        readers: dict[str, list[str]] = {}
        for q in catalog.queries():
            for relation in q.reads:
                info = catalog.find(relation)
                if info is not None:
                    readers.setdefault(info.topic.topic, []).append(q.id)
        names = (*names, "RELATIONS", "CONSUMER_GROUPS", "READ_BY")
        rows = [(*r, ", ".join(sorted(users.get(str(r[0]), ()))), len(readers.get(str(r[0]), ())), ", ".join(readers.get(str(r[0]), ()))) for r in rows]
    return _listing(names, rows, PARTITIONS=t.INT, REPLICAS=t.INT, CONSUMER_GROUPS=t.INT)


def _queries(catalog: InSession, extended: bool) -> Listing:
    found = catalog.queries()
    names: tuple[str, ...] = ("QUERY_ID", "TYPE", "STATUS", "SINK", "SINK_TOPIC", "QUERY")
    rows: list[tuple[object, ...]] = [(q.id, "PERSISTENT", q.state, ", ".join(q.writes), q.topic, q.text) for q in found]
    if extended:
        names = (*names, "READS", "REASON")
        rows = [(*r, ", ".join(q.reads), q.reason) for r, q in zip(rows, found, strict=True)]
    return _listing(names, rows)


def _properties(catalog: InSession) -> Listing:
    own = catalog.session.properties
    rows = [(s.name, own.get(s.name, s.default), s.default, s.name in own, s.text) for s in SETTINGS]
    rows += [(name, value, "", True, "") for name, value in sorted(own.items()) if all(s.name != name for s in SETTINGS)]
    return _listing(("PROPERTY", "VALUE", "DEFAULT", "SET", "DESCRIPTION"), rows, SET=t.BOOLEAN)


def _listing(names: tuple[str, ...], rows: Iterable[tuple[object, ...]], **types: SqlType) -> Listing:
    return Listing("", tuple(Column(n, types.get(n, t.STRING)) for n in names), tuple(rows))
