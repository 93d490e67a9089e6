"""SELECTs that give rows to a client: what they show, and whether one relation's own rows answer them or a topology must.

A query over one relation with WHERE and a projection (`plain`) is a view of that relation's rows. Anything richer becomes a topology, whose
result holds the items under names of their own (`rich`), and the query is a view of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.errors import ExpressionError, RequestError
from penstock.expr import aggregates, ast
from penstock.expr.analyze import TABLE_FUNCTIONS, analyze, expect_boolean
from penstock.expr.ast import Ast
from penstock.expr.scope import Scope
from penstock.plan.nodes import RelationKind
from penstock.plan.relations import RelationInfo
from penstock.sql.catalog import InSession, known
from penstock.sql.columns import Columns, From
from penstock.sql.faults import folded, refuse
from penstock.sql.parts import calls_of, columns_in
from penstock.sql.select import Numbers, node_name, select
from penstock.sql.tree import Query
from penstock.types import sqltype as t
from penstock.types.schema import Column, Role
from penstock.types.sqltype import Kind, SqlType, quoted

BOUNDS = ("WINDOWSTART", "WINDOWEND")
PLACES = ("ROWPARTITION", "ROWOFFSET")
ITEM = "KSQL_ITEM_"


@dataclass(frozen=True, slots=True)
class RowQuery:
    """A view of a relation's rows. columns are the result's, in order; items the expressions over the relation's columns and pseudo columns
    that give them, where the condition ("": none), as text with exact names. types: custom ones, for both."""

    relation: str
    columns: tuple[Column, ...]
    items: tuple[str, ...]
    where: str
    limit: int
    types: Mapping[str, SqlType]


@dataclass(frozen=True, slots=True)
class RichQuery:
    """A query that needs a topology. definition has one sink, which publishes the relation `rows.relation`. trees: of its expressions, with their
    places in the statement, by text."""

    definition: topology_pb2.Topology
    rows: RowQuery
    trees: Mapping[str, Ast]


def is_plain(query: Query) -> bool:
    """Whether one relation's rows answer the query."""
    trees = [*query.items, *([query.where] if query.where is not None else ())]
    names = {*TABLE_FUNCTIONS, *aggregates.NAMES}
    return not (query.joins or query.window or query.group_by is not None or query.partition_by is not None or query.having is not None
                or query.order_by or any(calls_of(tree, names) for tree in trees))


def _refuse_remote(query: Query, catalog: InSession) -> None:
    """What programs compute is not waited for in an answer to a client."""
    functions = catalog.functions
    for tree in (*query.items, *([query.where] if query.where is not None else ()), *([query.having] if query.having is not None else ())):
        for call in calls_of(tree, functions):
            name = call.name.text.upper()
            raise refuse(f"{name} is computed by programs, which the answer to a client does not wait for: write CREATE STREAM ... AS SELECT with it, "
                         "and select from that stream", tree, "UNSUPPORTED", function=name)


def plain(query: Query, catalog: InSession, parameters: Mapping[str, SqlType | None] | None = None) -> RowQuery:
    """The view of a query that is_plain. parameters: types of `:name`. Raises ExpressionError with the place in the statement."""
    info = known(catalog, query.source.name)
    _refuse_remote(query, catalog)
    alias = folded(query.source.alias) if query.source.alias is not None else info.name
    columns = Columns((From(alias, info, node_name(alias)),))
    pull = not query.emit
    scope = Scope((("", columns.sources[0].types()),), parameters or {}, catalog.types)
    found: list[Column] = []
    items: list[str] = []
    for name, tree in named(query, columns):
        if pull:
            refuse_places(tree)
        text = columns.canonical(tree)
        kind = typed(text, scope, tree)
        role = _role(info, tree, columns) if pull or info.kind is RelationKind.TABLE else Role.VALUE
        found.append(Column(name, kind, role if pull or role is not Role.META else Role.VALUE))
        items.append(text)
    where = ""
    if query.where is not None:
        if pull:
            refuse_places(query.where)
        where = columns.canonical(query.where, "WHERE")
        _boolean(where, scope, query.where)
    check_names(found, query)
    return RowQuery(info.name, tuple(found), tuple(items), where, query.limit or 0, catalog.types)


def rich(query: Query, catalog: InSession, query_id: str, topic: str) -> RichQuery:
    """The topology behind any other query, and the view of its result. Raises ExpressionError."""
    sources = [known(catalog, s.name) for s in (query.source, *(j.source for j in query.joins))]
    _refuse_remote(query, catalog)
    aliases = [folded(s.alias) if s.alias is not None else i.name for s, i in zip((query.source, *(j.source for j in query.joins)), sources, strict=True)]
    columns = Columns(tuple(From(a, i, node_name(a)) for a, i in zip(aliases, sources, strict=True)))
    items = named(query, columns)
    grouping = query.group_by
    if grouping is None and any(calls_of(item, aggregates.NAMES) for item in query.items):
        grouping = (ast.Number(query.start, query.end, "0"),)  # everything is one group
    inner = replace(query, limit=None, order_by=(), group_by=grouping, items=tuple(
        ast.Selected(tree.start, tree.end, tree, ast.Ident(tree.start, tree.end, f"{ITEM}{n}", True)) for n, (_, tree) in enumerate(items)))
    made = select(inner, catalog, transient=True)
    reset = catalog.setting("auto.offset.reset").lower()
    if query.emit and reset != "earliest":
        for node in made.nodes:
            if node.HasField("source_stream"):
                node.source_stream.origin.start.latest = True
    sink = made.add("result").sink
    sink.relation, sink.topic.topic = query_id, topic
    sink.topic.key_format.name = "JSON" if made.keys else "NONE"
    sink.topic.value_format.name = "JSON"
    definition = topology_pb2.Topology(name=query_id, nodes=made.nodes)
    shown = tuple(Column(name, t.STRING) for name, _ in items)
    check_names(list(shown), query)
    return RichQuery(definition, RowQuery(query_id, shown, tuple(quoted(f"{ITEM}{n}") for n in range(len(items))), "", query.limit or 0, catalog.types),
                     made.trees)


def with_types(rows: RowQuery, info: RelationInfo) -> RowQuery:
    """The view of a rich query's result with the types that its topology gave it."""
    types = {c.name: c.type for c in info.schema}
    return replace(rows, columns=tuple(replace(c, type=types[f"{ITEM}{n}"]) for n, c in enumerate(rows.columns)))


def named(query: Query, columns: Columns) -> list[tuple[str, Ast]]:
    """The result's columns with their expressions; `*` stands for key columns, window bounds, then the others."""
    numbers = Numbers(columns)
    found: list[tuple[str, Ast]] = []
    for item in query.items:
        match item:
            case ast.Star(source=source):
                wanted = "" if source is None else folded(source)
                if wanted and all(s.alias != wanted for s in columns.sources):
                    raise refuse(f"'{wanted}' is not a valid stream/table name or alias.", item)
                for one in columns.sources:
                    if not wanted or one.alias == wanted:
                        found += [(columns.inner(one, c), _column(item, one.alias, c)) for c in _every(one)]
            case ast.StructStar(item=inner):
                kind = typed(columns.canonical(inner), columns.scope(), inner)
                if kind.kind is not Kind.STRUCT:
                    raise refuse("->* takes a STRUCT", inner)
                for name, _ in kind.fields:
                    found.append((name, ast.Dereference(item.start, item.end, inner, ast.Ident(item.start, item.end, name, True))))
            case ast.Selected(item=ast.Name(parts=(*_, last)) as inner, alias=None) if query.window is not None and folded(last) in BOUNDS:
                found.append((folded(last), inner))
            case ast.Selected(item=inner, alias=alias):
                found.append((folded(alias) if alias is not None else numbers.name(inner), inner))
    return found


def _every(source: From) -> list[str]:
    schema = source.info.schema
    bounds = BOUNDS if source.info.window is not None else ()
    return [*(c.name for c in schema.key), *bounds, *(c.name for c in schema if c.role is not Role.KEY)]


def _column(at: Ast, alias: str, name: str) -> ast.Name:
    return ast.Name(at.start, at.end, (ast.Ident(at.start, at.end, alias, True), ast.Ident(at.start, at.end, name, True)))


def typed(text: str, scope: Scope, at: Ast) -> SqlType:
    """The type of canonical text. Refused for NULL, which has none."""
    try:
        found = analyze(text, scope).type
    except ExpressionError as error:
        raise ExpressionError(error.message, at.start, at.end, error.reason, metadata=error.metadata) from None
    if found is None:
        raise refuse("NULL alone has no type: CAST it", at)
    return found


def _boolean(text: str, scope: Scope, at: Ast) -> None:
    try:
        expect_boolean(text, scope)
    except ExpressionError as error:
        raise ExpressionError(error.message, at.start, at.end, error.reason, metadata=error.metadata) from None


def _role(info: RelationInfo, tree: Ast, columns: Columns) -> Role:
    if not isinstance(tree, ast.Name):
        return Role.VALUE
    name = columns.find(tree)[1]
    if name in BOUNDS:
        return Role.WINDOW
    if name == "ROWTIME":
        return Role.META
    column = info.schema.get(name)
    return Role.KEY if column is not None and column.role is Role.KEY and info.kind is RelationKind.TABLE else Role.VALUE


def check_names(columns: list[Column], query: Query) -> None:
    """Refuse two columns of one name."""
    names = [c.name for c in columns]
    twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if twice is not None:
        raise refuse(f"Duplicate column names in the SELECT: `{twice}`. Give one of them an alias.", query)


def refuse_places(tree: Ast) -> None:
    """ROWPARTITION and ROWOFFSET are not in pull queries."""
    for part in columns_in(tree):
        if folded(part.parts[-1]) in PLACES:
            raise refuse(f"Pull queries don't support the following columns in SELECT or WHERE clauses: {folded(part.parts[-1])}", part)


def refuse_clauses(query: Query, info: RelationInfo) -> None:
    """What ksqlDB's pull queries do not have."""
    clauses = (("JOIN", query.joins), ("WINDOW", query.window), ("GROUP BY", query.group_by is not None),
               ("PARTITION BY", query.partition_by is not None), ("HAVING", query.having is not None), ("ORDER BY", query.order_by))
    for name, there in clauses:
        if there:
            raise refuse(f"Pull queries don't support {name} clauses. Add EMIT CHANGES if you intended to issue a push query, or set "
                         "'penstock.pull.extended' to 'true'.", query)
    for tree in query.items:
        if calls_of(tree, aggregates.NAMES):
            raise refuse("Pull queries don't support aggregate functions. Set 'penstock.pull.extended' to 'true' for them.", tree)
        if calls_of(tree, TABLE_FUNCTIONS):
            raise refuse("Table source is not supported with table functions" if info.kind is RelationKind.TABLE
                         else "Pull queries don't support table functions.", tree)


def not_queryable(name: str, at: Ast) -> RequestError:
    """The refusal of a pull query on a table that is not kept."""
    return refuse(f"The `{name}` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_{name} AS SELECT * FROM "
                  f"{name}'. Add EMIT CHANGES if you intended to issue a push query, or set 'penstock.pull.extended' to 'true'.", at, "NOT_A_TABLE",
                  relation=name)
