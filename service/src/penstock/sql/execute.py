"""Executing statements: each is decided here, on one state of the catalog, into an effect (effects.py) that a node carries out on its log and
registry, and a test without a node on its memory. Nothing here does anything.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.plan.nodes import RelationKind
from penstock.plan.relations import RelationInfo
from penstock.sql import assertions, effects, tree
from penstock.sql.catalog import InSession, QueryInfo, StatementCatalog, known, lookup
from penstock.sql.declare import declare, schema_of, type_of
from penstock.sql.effects import Effect
from penstock.sql.faults import folded, refuse
from penstock.sql.insert import insert_values
from penstock.sql.listings import listing
from penstock.sql.parameters import Parameters
from penstock.sql.persistent import Written, create_as, insert_select, target_of
from penstock.sql.replace import check_relation
from penstock.sql.script import Parsed, normal
from penstock.sql.session import Session
from penstock.types.schema import Role, Schema

LONGEST_ID = 64
"""Of a topology's name, which a query's id is."""


def decide(parsed: Parsed, session: Session, catalog: StatementCatalog, *, apply: bool = False,
           parameters: Parameters = MappingProxyType({})) -> Effect:
    """What this statement does now. Raises RequestError, ExpressionError with the place in `parsed.text`.

    parameters: types and values of `:name` in INSERT INTO ... VALUES.
    apply: a statement that has been executed already, in the same words, does nothing; what cannot be repeated is refused.
    """
    here = InSession(catalog, session)
    statement = parsed.statement
    if apply:
        done = _applied(parsed, here)
        if done is not None:
            return done
    match statement:
        case tree.Create(query=None):
            return _declare(statement, here)
        case tree.Create():
            return _create_as(statement, here)
        case tree.InsertSelect():
            return _insert_select(statement, here)
        case tree.InsertValues():
            return insert_values(statement, here, parameters)
        case tree.CreateType():
            return _create_type(statement, here)
        case tree.Drop(kind="TYPE"):
            return _drop_type(statement, here)
        case tree.Drop():
            return _drop(statement, here)
        case tree.Alter():
            return _alter(statement, here)
        case tree.Assert():
            return assertions.decide(statement, here)
        case tree.Admin():
            return _admin(statement, here)
        case tree.Query() | tree.Print():
            what = "SELECT" if isinstance(statement, tree.Query) else "PRINT"
            raise refuse(f"{what} gives rows: send it as a query, not as a statement", statement)
    raise refuse(f"{type(statement).__name__} cannot be executed", statement)


# ---- streams and tables

def _declare(statement: tree.Create, catalog: InSession) -> Effect:
    made = declare(statement, catalog)
    existing = target_of(statement, catalog)
    kind, name = statement.kind.capitalize(), made.info.name
    if existing is not None and statement.if_not_exists:
        return effects.Nothing(f"Cannot add {statement.kind.lower()} `{existing}`: A {statement.kind.lower()} with the same name already exists.")
    if existing is not None:
        old = catalog.find(existing)
        assert old is not None
        if catalog.made_by_query(existing):
            raise refuse(f"Cannot replace {existing}, which a query makes, by a declaration: drop it first", statement)
        check_relation(old, made.info, statement)
    info, partitions = made.info, catalog.topic_partitions(made.info.topic.topic)
    create = None
    if partitions is None:
        if not info.topic.partitions:
            raise refuse(f"Kafka topic does not exist: {info.topic.topic}", statement.name, "MISSING_TOPIC", topic=info.topic.topic)
        create = effects.NewTopic(info.topic.partitions, made.replicas, made.retention_ms)
    elif info.topic.partitions and partitions != info.topic.partitions:
        raise refuse(f"A Kafka topic with the name '{info.topic.topic}' already exists, with different partition/replica configuration than "
                     f"required. KSQL expects {info.topic.partitions} partitions (topic has {partitions})", statement.name)
    else:
        info = replace(info, topic=replace(info.topic, partitions=partitions))
    table = made.read_only and info.kind is RelationKind.TABLE
    return effects.Declare(f"{kind} {name} {'replaced' if existing else 'created'}", info, create, existing is not None, made.read_only,
                           query_id(f"CST_{name}", catalog) if table else "")


def _create_as(statement: tree.Create, catalog: InSession) -> Effect:
    assert statement.query is not None
    existing = target_of(statement, catalog)
    if existing is not None and statement.if_not_exists:
        return effects.Nothing(f"Cannot add {statement.kind.lower()} `{existing}`: A {statement.kind.lower()} with the same name already exists.")
    name = folded(statement.name)
    if existing is None:
        started = query_id(f"C{statement.kind[0]}AS_{name}", catalog)
        return _start(started, create_as(statement, catalog, started), name)
    old = catalog.find(existing)
    assert old is not None
    if old.kind.value != statement.kind:
        raise refuse(f"Cannot upgrade data source: DataSource '`{existing}`' has type = {old.kind.value} which is not upgradeable to "
                     f"{statement.kind}", statement)
    running = next((q for q in catalog.queries() if q.creates == existing), None)
    if running is None:
        started = query_id(f"C{statement.kind[0]}AS_{name}", catalog)
        return _start(started, create_as(statement, catalog, started), name, forgets=existing)
    return _start(running.id, create_as(statement, catalog, running.id), name, replaces=running.id)


def _start(query: str, made: Written, publishes: str, *, replaces: str = "", forgets: str = "") -> effects.Start:
    return effects.Start(f"Created query with ID {query}", query, made.definition, publishes, replaces, forgets, made.trees)


def _insert_select(statement: tree.InsertSelect, catalog: InSession) -> Effect:
    named = next((p.value for p in statement.properties if p.name == "QUERY_ID"), "")
    if named and any(q.id.upper() == named.upper() for q in catalog.queries()):
        raise refuse(f"Query ID '{named}' already exists.", statement, "NAME_TAKEN", name=named)
    started = named.upper() if named else query_id("INSERTQUERY", catalog)
    return _start(started, insert_select(statement, catalog, started), "")


def query_id(prefix: str, catalog: StatementCatalog | InSession) -> str:
    """The id of a query that begins now: ksqlDB's, with what no name of a topology can hold replaced."""
    number = str(catalog.next_number())
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in prefix)
    return f"{plain[:LONGEST_ID - len(number) - 1]}_{number}"


def _alter(statement: tree.Alter, catalog: InSession) -> Effect:
    found = known(catalog, statement.name)
    if found.kind.value != statement.kind:
        raise refuse(f"Incompatible data source type is {found.kind.value}, but statement was ALTER {statement.kind}", statement)
    if catalog.read_only(found.name):
        raise refuse(f"Cannot alter {statement.kind.lower()} '{found.name}': ALTER operations are not supported on source "
                     f"{statement.kind.lower()}s.", statement)
    if catalog.made_by_query(found.name):
        raise refuse("ALTER command is not supported for CREATE ... AS statements.", statement)
    added = schema_of(statement.additions, RelationKind.STREAM, catalog)
    for column in added:
        if found.schema.get(column.name) is not None:
            raise refuse(f"Cannot add column `{column.name}` to schema. A column with the same name already exists.", statement)
    headers = tuple(c for c in found.schema if c.role is Role.HEADER)
    schema = Schema((*(c for c in found.schema if c.role is not Role.HEADER), *added, *headers))
    return effects.Declare(f"{statement.kind.capitalize()} {found.name} altered successfully.", replace(found, schema=schema), None, True, False, "")


def _drop(statement: tree.Drop, catalog: InSession) -> Effect:
    name = folded(statement.name)
    found = lookup(catalog, statement.name)
    if found is None:
        if statement.if_exists:
            return effects.Nothing(f"{statement.kind.capitalize()} {name} does not exist.")
        raise refuse(f"{statement.kind.capitalize()} {name} does not exist.", statement.name, "UNKNOWN_RELATION", relation=name)
    if found.kind.value != statement.kind:
        raise refuse(f"Incompatible data source type is {found.kind.value}, but statement was DROP {statement.kind}", statement)
    queries = catalog.queries()
    maker = next((q.id for q in queries if q.creates == name), "")
    readers = [q.id for q in queries if q.id != maker and name in q.reads]
    writers = [q.id for q in queries if q.id != maker and name in q.writes]
    if readers or writers:
        told = [f"The following queries {what} this source: [{', '.join(ids)}]."
                for what, ids in (("read from", readers), ("write into", writers)) if ids]
        raise refuse(f"Cannot drop {name}. {' '.join(told)} You need to terminate them before dropping {name}.", statement.name, "RELATION_IN_USE",
                     relation=name, readers=", ".join([*readers, *writers]))
    if catalog.read_only(name) and statement.delete_topic:
        raise refuse(f"Cannot delete topic for read-only source: {name}", statement.name)
    return effects.Drop(f"Source {name} (topic: {found.topic.topic}) was dropped.", name, maker, statement.delete_topic)


# ---- types

def _create_type(statement: tree.CreateType, catalog: InSession) -> Effect:
    name = folded(statement.name)
    if name in catalog.types:
        if statement.if_not_exists:
            return effects.Nothing(f"{name} is already registered with type {catalog.types[name]}")
        raise refuse(f"Cannot register custom type '{name}' since it is already registered", statement.name, "NAME_TAKEN", name=name)
    element = tree.Element(statement.start, statement.end, statement.name, statement.type_text, statement.type_start)
    of = type_of(element, catalog)
    return effects.PutType(f"Registered custom type with name '{name}' and SQL type {of}", name, of)


def _drop_type(statement: tree.Drop, catalog: InSession) -> Effect:
    name = folded(statement.name)
    if name in catalog.types:
        return effects.PutType(f"Dropped type '{name}'", name, None)
    if statement.if_exists:
        return effects.Nothing(f"Type '{name}' does not exist")
    raise refuse(f"Type {name} does not exist.", statement.name)


# ---- administration

def _admin(statement: tree.Admin, catalog: InSession) -> Effect:
    words = tuple(w for w in statement.words if w)
    match words:
        case ("SHOW" | "LIST", *_):
            return listing(statement, catalog)
        case ("DESCRIBE", "FUNCTION", name):
            return effects.DescribeFunction("", name)
        case ("DESCRIBE", "STREAMS" | "TABLES" as kind, *_):
            return listing(replace(statement, words=("SHOW", kind, "EXTENDED")), catalog)
        case ("DESCRIBE", name, *rest):
            return effects.Describe("", _exact(name, statement, catalog).name, bool(rest))
        case ("EXPLAIN", *_):
            return _explain(statement, words, catalog)
        case ("TERMINATE", which):
            found = _named(which, statement, catalog)
            return effects.Terminate(f"Query terminated: {', '.join(q.id for q in found)}" if found else "No queries to terminate", _ids(found))
        case ("PAUSE" | "RESUME" as what, which):
            found = _named(which, statement, catalog)
            return effects.Desire(f"Query {what.lower()}{'d' if what == 'PAUSE' else 'd'}: {', '.join(q.id for q in found)}", _ids(found), what == "PAUSE")
        case ("SET", name, _, value):
            return effects.Changed(f"Successfully changed local property '{name}' to '{value}'.", catalog.session.set(name, value))
        case ("UNSET", name):
            return effects.Changed(f"Successfully unset local property '{name}'.", catalog.session.unset(name))
        case ("DEFINE", name, _, value):
            return effects.Changed(f"{name} = '{value}'", catalog.session.define(name, value))
        case ("UNDEFINE", name):
            return effects.Changed(f"{name} is not defined any more", catalog.session.undefine(name, statement))
    raise refuse(f"{' '.join(words)} cannot be executed", statement)


def _explain(statement: tree.Admin, words: tuple[str, ...], catalog: InSession) -> Effect:
    match statement.statement:
        case None:
            query, = _named(words[1], statement, catalog)
            return effects.Explain("", query.id, None)
        case tree.Query() as query_:
            return effects.ExplainQuery("", query_)
        case tree.Create(query=tree.Query()) | tree.InsertSelect() as inner:
            started = _create_as(inner, catalog) if isinstance(inner, tree.Create) else _insert_select(inner, catalog)
            if isinstance(started, effects.Start):
                return effects.Explain("", "", started.definition, started.trees)
            return effects.Explain("", "", topology_pb2.Topology())
    raise refuse("The provided statement does not run a query: EXPLAIN takes a query's id, a SELECT, CREATE ... AS SELECT or INSERT INTO ... SELECT",
                 statement)


def _exact(name: str, statement: tree.Admin, catalog: InSession) -> RelationInfo:
    found = catalog.find(name)
    if found is None or found.name != name:
        raise refuse(f"Could not find STREAM/TABLE '{name}' in the Metastore", statement, "UNKNOWN_RELATION", relation=name)
    return found


def _named(which: str, statement: tree.Admin, catalog: InSession) -> list[QueryInfo]:
    """The query of an id, or all."""
    queries = list(catalog.queries())
    if which == "ALL":
        return queries
    found = [q for q in queries if q.id == which] or [q for q in queries if q.id.upper() == which.upper()]
    if not found:
        raise refuse(f"Unknown queryId: {which}", statement, "UNKNOWN_TOPOLOGY", topology=which, candidates=", ".join(q.id for q in queries[:5]))
    return found


def _ids(found: list[QueryInfo]) -> tuple[str, ...]:
    return tuple(q.id for q in found)


# ---- scripts that are executed again and again

def _applied(parsed: Parsed, catalog: InSession) -> Effect | None:
    """The effect of a statement of a script that is applied: nothing where it stands already; None where it is to be executed. Raises
    RequestError where something else stands in its place, or where a repeat would do something else than the first time."""
    statement, text = parsed.statement, normal(parsed.text)
    match statement:
        case tree.Create():
            found = lookup(catalog, statement.name)
            if found is None:
                return None
            if normal(catalog.text_of(found.name)) == text:
                return effects.Nothing(f"{found.kind.value.capitalize()} {found.name} is unchanged")
            if statement.replace or statement.if_not_exists:
                return None
            told = catalog.text_of(found.name) or "no statement"
            raise refuse(f"{found.kind.value.capitalize()} {found.name} was made by another statement:\n  {told}\nthe script has\n  {parsed.text}\n"
                         "CREATE OR REPLACE changes it where that is possible; else drop it first", statement.name, "NAME_TAKEN", relation=found.name)
        case tree.InsertSelect():
            same = next((q for q in catalog.queries() if normal(q.text) == text), None)
            return None if same is None else effects.Nothing(f"Query {same.id} is unchanged")
        case tree.CreateType():
            name = folded(statement.name)
            if name not in catalog.types:
                return None
            of = type_of(tree.Element(statement.start, statement.end, statement.name, statement.type_text, statement.type_start), catalog)
            if catalog.types[name] == of:
                return effects.Nothing(f"Type {name} is unchanged")
            raise refuse(f"Type {name} is {catalog.types[name]}, not {of}: drop it first", statement.name, "NAME_TAKEN", name=name)
        case tree.Alter():
            columns = known(catalog, statement.name).schema
            wanted = schema_of(statement.additions, RelationKind.STREAM, catalog)
            return effects.Nothing(f"{folded(statement.name)} has these columns") if all(columns.get(c.name) == c for c in wanted) else None
        case tree.Drop(if_exists=False):
            raise refuse("a script that is applied again and again drops with IF EXISTS", statement)
        case tree.InsertValues():
            raise refuse("INSERT INTO ... VALUES would append a row each time the script is applied: use `penstock sql -f`", statement)
    return None
