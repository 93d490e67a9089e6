"""CREATE ... AS SELECT and INSERT INTO ... SELECT: a topology whose sink publishes the result, or inserts into a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2

from penstock.expr.ast import Ast
from penstock.plan.nodes import Format, RelationKind
from penstock.sql.catalog import SqlCatalog, known, lookup
from penstock.sql.declare import DEFAULT_KEY, wrapped
from penstock.sql.faults import folded, refuse
from penstock.sql.properties import With, check_format, read
from penstock.sql.select import Selected, node_name, select
from penstock.sql.tree import Create, InsertSelect
from penstock.types.schema import Role

PREFIX = "ksql.output.topic.name.prefix"


@dataclass(frozen=True, slots=True)
class Written:
    """A topology, and the trees of its expressions, with their places in the statement, by text."""

    definition: topology_pb2.Topology
    trees: Mapping[str, Ast]


def create_as(statement: Create, catalog: SqlCatalog, query_id: str) -> Written:
    """The topology of CREATE ... AS SELECT, named by the query's id."""
    assert statement.query is not None
    if statement.source:
        raise refuse("CREATE SOURCE ... AS SELECT does not exist", statement)
    if statement.elements is not None:
        raise refuse("CREATE ... AS SELECT takes no list of columns", statement.elements[0] if statement.elements else statement)
    name = folded(statement.name)
    given = read(statement.properties, statement.name, declaration=False)
    made = select(statement.query, catalog)
    _check_kind(statement, made)
    sink = made.add(_free(made, node_name(name))).sink
    sink.relation = name
    sink.topic.topic = given.text("KAFKA_TOPIC") or catalog.setting(PREFIX) + name
    sink.topic.key_format.CopyFrom(_message(_key_format(given, made, catalog)))
    sink.topic.value_format.CopyFrom(_message(_value_format(given, made, catalog)))
    _timestamp(given, made, sink.topic)
    if given.number("PARTITIONS") or given.number("REPLICAS") or given.number("RETENTION_MS") is not None:
        sink.topic.create.partitions = given.number("PARTITIONS") or 0
        sink.topic.create.replicas = given.number("REPLICAS") or 0
        if given.number("RETENTION_MS") is not None:
            sink.topic.create.retention.FromMilliseconds(given.number("RETENTION_MS") or 0)
    return _written(query_id, made)


def insert_select(statement: InsertSelect, catalog: SqlCatalog, query_id: str) -> Written:
    """The topology of INSERT INTO ... SELECT."""
    for p in statement.properties:
        if p.name != "QUERY_ID":
            raise refuse(f"Invalid config variable(s) in the WITH clause: {p.name}", p)
    target = known(catalog, statement.name)
    if catalog.read_only(target.name):
        raise refuse(f"Cannot insert into read-only {target.kind.value.lower()}: {target.name}", statement.name)
    if target.kind is RelationKind.TABLE:
        raise refuse(f"INSERT INTO can only be used to insert into a stream. {target.name} is a table.", statement.name)
    if any(c.role is Role.HEADER for c in target.schema):
        raise refuse(f"Cannot insert into {target.name} because it has header columns", statement.name)
    made = select(statement.query, catalog)
    if made.table:
        raise refuse("INSERT INTO can only be used to insert into a stream, and the SELECT gives a table.", statement.query)
    sink = made.add(_free(made, node_name(target.name))).sink
    sink.relation, sink.insert = target.name, True
    return _written(query_id, made)


def target_of(statement: Create, catalog: SqlCatalog) -> str | None:
    """The relation that exists already under the name of a CREATE; refused unless the statement allows for it."""
    found = lookup(catalog, statement.name)
    if found is not None and statement.replace and catalog.read_only(found.name):
        raise refuse(f"Cannot add {statement.kind.lower()} '{found.name}': CREATE OR REPLACE is not supported on source "
                     f"{statement.kind.lower()}s.", statement)
    if found is None or statement.replace or statement.if_not_exists:
        return None if found is None else found.name
    raise refuse(f"Cannot add {statement.kind.lower()} '{found.name}': A {found.kind.value.lower()} with the same name already exists",
                 statement.name, "NAME_TAKEN", relation=found.name)


def _check_kind(statement: Create, made: Selected) -> None:
    if made.table != (statement.kind == "TABLE"):
        found = "TABLE" if made.table else "STREAM"
        raise refuse(f"Invalid result type. Your SELECT query produces a {found}. Please use CREATE {found} AS SELECT statement instead.", statement)


def _free(made: Selected, name: str) -> str:
    return name if all(n.name.lower() != name.lower() for n in made.nodes) else f"{name}_sink"


def _key_format(given: With, made: Selected, catalog: SqlCatalog) -> Format:
    source = made.columns.sources[0].info.topic.key_format
    name = given.key_format() or ("NONE" if any(n.partition_by.without_key for n in made.nodes) else source.name)
    if not made.keys and given.text("KEY_FORMAT") and name != "NONE":
        raise refuse("Key format specified for stream without key columns.", given.given["KEY_FORMAT"])
    if name == "NONE" and made.keys and not given.key_format():
        name = check_format(catalog.setting(DEFAULT_KEY) or "KAFKA", given.at)
    if name == "NONE" and made.keys:
        shown = ", ".join(f"`{k.out}` KEY" for k in made.keys)
        raise refuse(f"The 'NONE' format can only be used when no columns are defined. Got: [{shown}]", given.at)
    return given.format(name, "key", source)


def _value_format(given: With, made: Selected, catalog: SqlCatalog) -> Format:
    source = made.columns.sources[0].info.topic.value_format
    name = given.value_format() or source.name
    check_format(name, given.at)
    columns = next(n for n in reversed(made.nodes) if n.HasField("select")).select.columns
    return wrapped(given.format(name, "value", source), given, len(columns), catalog)


def _timestamp(given: With, made: Selected, topic: relation_pb2.TopicBinding) -> None:
    text = given.text("TIMESTAMP")
    if not text:
        return
    columns = [c.alias for c in next(n for n in reversed(made.nodes) if n.HasField("select")).select.columns]
    names = [*columns, *(k.out for k in made.keys)]
    name = next((n for n in (text.strip("`"), text.upper()) if n in names), None)
    if name is None:
        raise refuse(f"The TIMESTAMP column set in the WITH clause does not exist in the schema: '{text.upper()}'", given.given["TIMESTAMP"])
    topic.timestamp_column, topic.timestamp_format = name, given.text("TIMESTAMP_FORMAT")


def _message(fmt: Format) -> relation_pb2.Format:
    return relation_pb2.Format(name=fmt.name, properties=dict(fmt.properties))


def _written(query_id: str, made: Selected) -> Written:
    return Written(topology_pb2.Topology(name=query_id, nodes=made.nodes), made.trees)
