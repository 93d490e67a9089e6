"""Statements on formats whose schemas stand in a registry: columns that come from it, ids, names, sinks that register, and what is refused."""

from __future__ import annotations

import json

import pytest
from penstock.errors import RequestError
from penstock.formats.schemas import SchemaType, WrittenSchema, using
from penstock.sql.parser import parse_statements
from penstock.testing.records import DriverRecord, TopicCodec
from penstock.testing.sql_engine import SqlEngine

AVRO = json.dumps({"type": "record", "name": "Sale", "fields": [{"name": "shop", "type": "string"}, {"name": "lines", "type": {"type": "array", "items": {
    "type": "record", "name": "Line", "fields": [{"name": "sku", "type": ["null", "string"]}, {"name": "n", "type": "int"}]}}}]})
PROTO = 'syntax = "proto3"; message First { int32 a = 1; } message Second { string shop = 1; uint32 total = 2; }'


@pytest.fixture
def engine() -> SqlEngine:
    made = SqlEngine()
    made.catalog.topics["sales"] = 1
    return made


def put(engine: SqlEngine, subject: str, text: str, of: SchemaType = "AVRO") -> int:
    return engine.catalog.schemas.register(subject, WrittenSchema(of, text))


def run(engine: SqlEngine, text: str) -> None:
    for statement in parse_statements(text):
        engine.execute(statement)


def columns(engine: SqlEngine, name: str) -> list[str]:
    return [f"{c.name} {c.type} {c.role.value}" for c in engine.catalog.relations[name].schema]


def test_columns_come_from_the_newest_schema(engine: SqlEngine) -> None:
    put(engine, "sales-value", '{"type": "record", "name": "Sale", "fields": [{"name": "old", "type": "int"}]}')
    put(engine, "sales-value", AVRO)
    run(engine, "CREATE STREAM S (ID INT KEY) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO');")
    assert columns(engine, "S") == ["ID INT KEY", "SHOP STRING VALUE", "LINES ARRAY<STRUCT<SKU STRING, N INT>> VALUE"]


def test_a_schema_by_its_id_keeps_the_names(engine: SqlEngine) -> None:
    first = put(engine, "elsewhere", AVRO)
    run(engine, f"CREATE STREAM S WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID={first});")
    assert columns(engine, "S") == ["shop STRING VALUE", "lines ARRAY<STRUCT<`sku` STRING, `n` INT>> VALUE"]


def test_keys_and_bare_values(engine: SqlEngine) -> None:
    put(engine, "sales-key", '"long"')
    put(engine, "sales-value", '{"type": "map", "values": "double"}')
    run(engine, "CREATE TABLE T WITH (KAFKA_TOPIC='sales', FORMAT='AVRO', WRAP_SINGLE_VALUE=FALSE);")
    assert columns(engine, "T") == ["ROWKEY BIGINT KEY", "ROWVAL MAP<STRING, DOUBLE> VALUE"]


def test_a_message_by_its_name(engine: SqlEngine) -> None:
    put(engine, "sales-value", PROTO, "PROTOBUF")
    run(engine, "CREATE STREAM S WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='PROTOBUF', VALUE_SCHEMA_FULL_NAME='Second');")
    assert columns(engine, "S") == ["SHOP STRING VALUE", "TOTAL BIGINT VALUE"]


def test_a_sink_registers_its_schemas_and_writes_by_them(engine: SqlEngine) -> None:
    run(engine, """CREATE STREAM S (ID INT KEY, SHOP STRING, N INT) WITH (KAFKA_TOPIC='sales', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');
        CREATE TABLE COUNTS WITH (FORMAT='AVRO') AS SELECT SHOP, COUNT(*) AS N FROM S GROUP BY SHOP;
        CREATE STREAM COPY WITH (VALUE_FORMAT='PROTOBUF', VALUE_PROTOBUF_NULLABLE_REPRESENTATION='OPTIONAL') AS SELECT * FROM S;""")
    registry = engine.catalog.schemas
    assert [registry.latest(s) is not None for s in ("COUNTS-key", "COUNTS-value", "COPY-value", "COPY-key", "sales-value")] == [True] * 3 + [False] * 2
    engine.run([("sales", DriverRecord(0, 0, b"\0\0\0\1", b'{"SHOP": "a", "N": null}')), ("sales", DriverRecord(1, 1, b"\0\0\0\2", b'{"SHOP": "a", "N": 3}'))])
    for topic, wanted in (("COUNTS", [("a", {"N": 1}), ("a", {"N": 2})]), ("COPY", [(1, {"SHOP": "a", "N": None}), (2, {"SHOP": "a", "N": 3})])):
        info = engine.catalog.relations[topic]
        with using(registry.by_id):
            codec = TopicCodec(info.topic, info.schema)
        found = [codec.decode(r, 0) for r in engine.log[topic]]
        assert [(f.key, f.value) for f in found] == wanted
        value = engine.log[topic][0].value
        assert value is not None and value[:5] == b"\0" + (registry.latest(f"{topic}-value") or (0,))[0].to_bytes(4, "big")


def test_insert_values_writes_by_the_registered_schema(engine: SqlEngine) -> None:
    put(engine, "sales-value", AVRO)
    run(engine, "CREATE STREAM S (ID INT KEY) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO'); INSERT INTO S (ID, SHOP, LINES) VALUES (1, 'a', ARRAY[STRUCT(SKU := 'x', N := 2)]);")
    (record,) = engine.log["sales"]
    info = engine.catalog.relations["S"]
    assert TopicCodec(info.topic, info.schema).decode(record, 0).value == {"SHOP": "a", "LINES": [{"SKU": "x", "N": 2}]}


def test_tables_whose_keys_have_other_schemas_join(engine: SqlEngine) -> None:
    engine.catalog.topics |= {"l": 1, "r": 1}
    put(engine, "l-key", '"int"')
    put(engine, "r-key", '{"type": "int", "doc": "another"}')
    run(engine, """CREATE TABLE L (A INT) WITH (KAFKA_TOPIC='l', KEY_FORMAT='AVRO', VALUE_FORMAT='JSON');
        CREATE TABLE R (B INT) WITH (KAFKA_TOPIC='r', KEY_FORMAT='AVRO', VALUE_FORMAT='JSON');
        CREATE TABLE J AS SELECT L.ROWKEY AS K, A, B FROM L JOIN R ON L.ROWKEY = R.ROWKEY;""")
    (left, _), (right, _) = engine.catalog.schemas.latest("l-key") or (0, 0), engine.catalog.schemas.latest("r-key") or (0, 0)  # type: ignore[misc]
    assert left != right
    keys = [b"\0" + n.to_bytes(4, "big") + b"\x02" for n in (left, right)]
    engine.run([("l", DriverRecord(0, 0, keys[0], b'{"A": 1}')), ("r", DriverRecord(0, 1, keys[1], b'{"B": 2}'))])
    assert [r.value for r in engine.log["J"]] == [b'{"A":1,"B":2}']


@pytest.mark.parametrize(("statement", "says"), [
    ("CREATE STREAM S WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO');", "does not exist in the Schema Registry"),
    ("CREATE STREAM S WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=99);", "Schema 99 not found"),
    ("CREATE STREAM S WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='JSON');", "No columns"),
    ("CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1);", "cannot both exist"),
    ("CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='JSON', VALUE_SCHEMA_ID=1);", "should support schema inference"),
    ("CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='JSON', VALUE_SCHEMA_FULL_NAME='x');", "fullSchemaName"),
    ("CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO', VALUE_PROTOBUF_NULLABLE_REPRESENTATION='OPTIONAL');", "nullableRepresentation"),
    ("CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='PROTOBUF', WRAP_SINGLE_VALUE=FALSE);", "does not support 'WRAP_SINGLE_VALUE'"),
    ("CREATE STREAM S (A MAP<INT, INT>) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO');", "STRING keys"),
    ("CREATE STREAM S (`1a` INT) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO');", "not compatible with Avro"),
    ("CREATE TABLE S WITH (KAFKA_TOPIC='sales', KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO');", "does not exist in the Schema Registry")])
def test_refusals(engine: SqlEngine, statement: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        run(engine, statement)


def test_a_sink_whose_columns_are_not_the_schemas(engine: SqlEngine) -> None:
    given = put(engine, "other", '{"type": "record", "name": "O", "fields": [{"name": "B", "type": "int"}, {"name": "A", "type": "int"}]}')
    run(engine, "CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='JSON');")
    with pytest.raises(RequestError, match="missing or reordered"):
        run(engine, f"CREATE STREAM OUT WITH (VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID={given}) AS SELECT A FROM S;")
    assert "OUT" not in engine.catalog.relations
