"""AVRO, JSON_SR and PROTOBUF against fastavro and protobuf themselves: wire format, schemas in both directions, what a schema evolves into."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from google.protobuf import descriptor_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.errors import RegistryError, RequestError
from penstock.expr.code import Module, indent
from penstock.formats import avro, avro_schema, json_schema, protobuf, protobuf_schema, schemas
from penstock.formats.errors import FormatError
from penstock.formats.framing import frame, read_indexes, write_indexes
from penstock.formats.inferred import fields_of
from penstock.formats.protobuf_pool import class_of
from penstock.formats.protobuf_text import parse_schema
from penstock.formats.registry import reader, writer
from penstock.formats.schemas import WrittenSchema
from penstock.plan.nodes import Format
from penstock.types import sqltype as t
from penstock.types.parse import parse_type
from penstock.types.schema import Column, Role

COLUMNS = tuple(Column(name, parse_type(text)) for name, text in (
    ("I", "INT"), ("B", "BIGINT"), ("D", "DOUBLE"), ("T", "STRING"), ("F", "BOOLEAN"), ("Y", "BYTES"), ("M", "DECIMAL(6, 2)"), ("DAY", "DATE"),
    ("AT", "TIME"), ("TS", "TIMESTAMP"), ("L", "ARRAY<INT>"), ("O", "MAP<STRING, STRUCT<X INT>>"), ("R", "STRUCT<P INT, Q ARRAY<STRING>>")))
ROW: tuple[Any, ...] = (-7, 2**62, 2.5, "ü", True, b"\0\xff", Decimal("-12.34"), 19782, 43_200_123, 1_709_208_000_123, [1, 2], {"k": {"X": 1}},
                        {"P": 3, "Q": ["z"]})
NULLS = (None,) * len(COLUMNS)


def pinned(name: str, schema: WrittenSchema, schema_id: int = 7, **properties: str) -> Format:
    return schemas.pin(Format(name, tuple(sorted(properties.items()))), schema_id, schema)


def generated(fmt: Format, columns: tuple[Column, ...], data: bytes) -> tuple[Any, ...]:
    """What the generated code reads."""
    module = Module()
    targets = {c.name: module.fresh("v") for c in columns}
    body = reader(fmt, columns, "value").code(module, "data", list(targets), targets)
    exec("\n".join(["def read(data):", *indent(body), f"    return ({''.join(v + ', ' for v in targets.values())})"]), module.globals)
    found: tuple[Any, ...] = module.globals["read"](data)
    return found


# ---- Avro

def test_avro_is_what_fastavro_reads() -> None:
    text = avro_schema.text_of(COLUMNS, False)
    fmt = pinned("AVRO", WrittenSchema("AVRO", text))
    data = writer(fmt, COLUMNS, "value").write(ROW)
    assert data is not None and data[:5] == b"\0\0\0\0\x07"
    seen = fastavro.schemaless_reader(io.BytesIO(data[5:]), fastavro.parse_schema(json.loads(text)), None)
    assert isinstance(seen, dict)
    assert (seen["I"], seen["M"], seen["DAY"].isoformat(), seen["AT"].isoformat()) == (-7, Decimal("-12.34"), "2024-02-29", "12:00:00.123000")
    assert seen["TS"].isoformat() == "2024-02-29T12:00:00.123000+00:00"
    assert seen["O"] == [{"key": "k", "value": {"X": 1}}]  # a map whose keys may be null, as Connect writes it
    assert reader(fmt, COLUMNS, "value").read(data) == generated(fmt, COLUMNS, data) == ROW
    nothing = writer(fmt, COLUMNS, "value").write(NULLS)
    assert nothing is not None and reader(fmt, COLUMNS, "value").read(nothing) == NULLS


def test_avro_reads_what_fastavro_writes_by_another_schema() -> None:
    older = {"type": "record", "name": "x.Older", "fields": [
        {"name": "i", "type": "int"}, {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-micros"}}, {"name": "m", "type": {"type": "map", "values": "float"}},
        {"name": "f", "type": {"type": "fixed", "name": "Two", "size": 2}}, {"name": "gone", "type": "string"}]}
    out = io.BytesIO(frame(3))
    out.seek(5)
    fastavro.schemaless_writer(out, fastavro.parse_schema(older), {"i": 5, "kind": "B", "ts": 1_500_000, "m": {"a": 0.5}, "f": b"ab", "gone": "x"})
    columns = tuple(Column(n, parse_type(of)) for n, of in (("I", "STRING"), ("KIND", "STRING"), ("TS", "TIMESTAMP"), ("M", "MAP<STRING, DOUBLE>"),
                                                            ("F", "BYTES"), ("NEW", "INT")))
    fmt = pinned("AVRO", WrittenSchema("AVRO", avro_schema.text_of(columns, False)))
    asked: list[int] = []

    def lookup(schema_id: int) -> WrittenSchema:
        asked.append(schema_id)
        return WrittenSchema("AVRO", json.dumps(older))

    with schemas.using(lookup):
        made = reader(fmt, columns, "value")
    for _ in range(3):
        assert made.read(out.getvalue()) == ("5", "B", 1500, {"a": 0.5}, b"ab", None)
    assert asked == [3]


@pytest.mark.parametrize(("value", "wanted"), [(None, None), (5, {"INT": 5, "STRING": None, "P": None}), ("q", {"INT": None, "STRING": "q", "P": None}),
                                               (("P", {"x": 1}), {"INT": None, "STRING": None, "P": {"X": 1}})])
def test_a_union_of_several_types_is_a_struct(value: Any, wanted: Any) -> None:
    text = '{"type": "record", "name": "U", "fields": [{"name": "u", "type": ["null", "int", "string", {"type": "record", "name": "P", "fields": [{"name": "x", "type": "int"}]}]}, {"name": "p", "type": ["null", "P"]}]}'
    schema = WrittenSchema("AVRO", text)
    fields = fields_of(schema, False, "", True, "")
    assert fields == (("U", parse_type("STRUCT<INT INT, STRING STRING, P STRUCT<X INT>>")), ("P", parse_type("STRUCT<X INT>")))
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(text)), {"u": value, "p": {"x": 2}})
    columns = [Column(*f) for f in fields]
    assert avro.decoder(avro.names_of(schema), columns, False, 0)(out.getvalue()) == (wanted, {"X": 2})


def test_avro_writes_by_a_given_schema_with_its_defaults() -> None:
    text = json.dumps({"type": "record", "name": "Given", "fields": [
        {"name": "n", "type": "int", "default": 9}, {"name": "more", "type": "string", "default": "d"}, {"name": "maybe", "type": ["null", "int"]}]})
    fmt = pinned("AVRO", WrittenSchema("AVRO", text))
    columns = (Column("N", t.INT),)
    data = writer(fmt, columns, "value").write((None,))
    assert data is not None
    assert fastavro.schemaless_reader(io.BytesIO(data[5:]), fastavro.parse_schema(json.loads(text)), None) == {"n": 9, "more": "d", "maybe": None}


def test_a_schema_that_does_not_take_the_columns_refuses_rows_and_can_be_read() -> None:
    text = '{"type": "record", "name": "G", "fields": [{"name": "A", "type": "int"}, {"name": "B", "type": "string"}]}'
    fmt = pinned("AVRO", WrittenSchema("AVRO", text))
    columns = (Column("A", t.INT),)
    with pytest.raises(FormatError, match="requires B"):
        writer(fmt, columns, "value").write((1,))
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(text)), {"A": 4, "B": "x"})
    assert reader(fmt, columns, "value").read(frame(7) + out.getvalue()) == (4,)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", b"\1\0\0\0\7\2", b"\0\0\0\0\7", b"\0\0\0\0\7\4", b"\0\0\0\0\7\2\xff\xff\xff\xff\xff\xff"])
def test_what_is_no_avro_record_is_a_bad_record(data: bytes) -> None:
    columns = (Column("T", t.STRING),)
    fmt = pinned("AVRO", WrittenSchema("AVRO", avro_schema.text_of(columns, False)))
    with pytest.raises(FormatError):
        reader(fmt, columns, "value").read(data)


def test_a_registry_that_does_not_answer_is_no_fault_of_the_record() -> None:
    columns = (Column("T", t.STRING),)
    fmt = pinned("AVRO", WrittenSchema("AVRO", avro_schema.text_of(columns, False)))

    def silent(schema_id: int) -> WrittenSchema:
        raise RegistryError("it does not answer")

    with schemas.using(silent), pytest.raises(RegistryError):
        reader(fmt, columns, "value").read(b"\0\0\0\0\x09\0")


VALUES = st.tuples(
    st.none() | st.integers(-2**31, 2**31 - 1), st.none() | st.integers(-2**63, 2**63 - 1), st.none() | st.floats(allow_nan=False), st.none() | st.text(),
    st.none() | st.booleans(), st.none() | st.binary(), st.none() | st.integers(-999_999, 999_999).map(lambda n: Decimal(n).scaleb(-2)),
    st.none() | st.integers(-10_000, 10_000), st.none() | st.integers(0, 86_399_999), st.none() | st.integers(-2**40, 2**40),
    st.none() | st.lists(st.none() | st.integers(-2**31, 2**31 - 1)), st.none() | st.dictionaries(st.text(), st.none() | st.fixed_dictionaries({"X": st.none() | st.integers(0, 300)})),
    st.none() | st.fixed_dictionaries({"P": st.none() | st.integers(0, 5), "Q": st.none() | st.lists(st.none() | st.text())}))
NAMES = avro.names_of(WrittenSchema("AVRO", avro_schema.text_of(COLUMNS, False)))
OWN = avro.AvroWriter(COLUMNS, NAMES, b"", False)


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_avro_agrees_with_fastavro(row: tuple[Any, ...]) -> None:
    data = OWN.write(row)
    assert data is not None and avro.decoder(NAMES, COLUMNS, False, 0)(data) == row
    seen = fastavro.schemaless_reader(io.BytesIO(data), NAMES.plain, None)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, NAMES.plain, seen)
    assert out.getvalue() == data


@given(VALUES, st.integers(0, 400), st.binary(max_size=3))
@settings(max_examples=60, deadline=None)
def test_broken_avro_is_a_bad_record_and_nothing_else(row: tuple[Any, ...], at: int, put: bytes) -> None:
    data = OWN.write(row) or b""
    try:
        found = avro.decoder(NAMES, COLUMNS, False, 0)(data[:at] + put + data[at + 1:])
    except FormatError:
        return
    assert len(found) == len(COLUMNS)


# ---- Protobuf

@pytest.mark.parametrize("nullable", ["", "OPTIONAL", "WRAPPER"])
def test_protobuf_round_trip_by_descriptor_and_by_text(nullable: str) -> None:
    properties = {"NULLABLE_REPRESENTATION": nullable} if nullable else {}
    schema = WrittenSchema("PROTOBUF", protobuf_schema.text_of(COLUMNS, nullable))
    fmt = pinned("PROTOBUF", schema, **properties)
    data = writer(fmt, COLUMNS, "value").write(ROW)
    assert data is not None and data[:6] == b"\0\0\0\0\x07\0"
    assert reader(fmt, COLUMNS, "value").read(data) == generated(fmt, COLUMNS, data) == ROW
    bare = Format("PROTOBUF_NOSR", fmt.properties[:1] if nullable else ())
    assert writer(bare, COLUMNS, "value").write(ROW) == data[6:]
    nothing = reader(fmt, COLUMNS, "value").read(writer(fmt, COLUMNS, "value").write(NULLS) or b"")
    scalars = nothing[:6]
    assert scalars == ((None,) * 6 if nullable else (0, 0, 0.0, "", False, b"")) and nothing[6:] == (None, None, None, None, [], {}, None)


def test_protobuf_message_is_what_protobuf_itself_reads() -> None:
    message = parse_schema(WrittenSchema("PROTOBUF", protobuf_schema.text_of(COLUMNS))).named("")
    found: Any = class_of(message).FromString(writer(Format("PROTOBUF_NOSR"), COLUMNS, "value").write(ROW) or b"")
    assert (found.I, found.B, found.T, found.TS.ToMilliseconds(), found.DAY.year, found.AT.hours) == (-7, 2**62, "ü", ROW[9], 2024, 12)
    assert (found.M.scale, found.M.precision, int.from_bytes(found.M.value, "big", signed=True)) == (2, 6, -1234)
    assert dict(found.O)["k"].X == 1 and list(found.R.Q) == ["z"]


@pytest.mark.parametrize(("indexes", "data"), [([0], b"\0"), ([1], b"\2\2"), ([0, 2], b"\4\0\4"), ([70], b"\2\x8c\1")])
def test_message_indexes(indexes: list[int], data: bytes) -> None:
    assert write_indexes(indexes) == data
    assert read_indexes(frame(1) + data + b"rest") == (tuple(indexes), 5 + len(data))


def test_protobuf_reads_the_message_that_a_record_names() -> None:
    text = """syntax = "proto3"; package p;
      // two messages
      message A { int32 x = 1; message In { string s = 1; enum E { ZERO = 0; ONE = 1; } E e = 2; } In in = 2; }
      message B { uint64 X = 1; oneof which { bool yes = 2; float rate = 3; } map<int32, string> m = 4; repeated sint64 many = 5; }"""
    schema = WrittenSchema("PROTOBUF", text)
    parsed = parse_schema(schema)
    assert fields_of(schema, False, "B", True, "") == (
        ("X", t.BIGINT), ("YES", t.BOOLEAN), ("RATE", t.DOUBLE), ("M", parse_type("MAP<STRING, STRING>")), ("MANY", parse_type("ARRAY<BIGINT>")))
    inner = parsed.named("p.A.In")
    assert parsed.indexes(inner) == [0, 0] and parsed.at((0, 0)).full_name == "p.A.In"
    b: Any = class_of(parsed.named("B"))
    columns = tuple(Column(n, of) for n, of in fields_of(schema, False, "B", True, ""))
    fmt = pinned("PROTOBUF", schema, SCHEMA_FULL_NAME="B")
    made = reader(fmt, columns, "value")
    data = frame(7) + b"\2\2" + b(X=2**64 - 1, rate=0.5, m={3: "c"}, many=[-1]).SerializeToString()
    assert made.read(data) == (-1, None, 0.5, {"3": "c"}, [-1])
    written = writer(fmt, columns[:1], "value").write((5,))
    assert written == frame(7) + b"\2\2" + b(X=5).SerializeToString()
    in_columns = tuple(Column(n, of) for n, of in fields_of(schema, False, "p.A.In", False, ""))
    message: Any = class_of(inner)
    assert reader(fmt, in_columns, "value").read(frame(7) + write_indexes([0, 0]) + message(s="q", e=1).SerializeToString()) == ("q", "ONE")


def test_protobuf_text_with_imports_and_references() -> None:
    event = 'syntax = "proto3"; package e; import "google/protobuf/wrappers.proto"; message Event { google.protobuf.Int64Value at = 1; }'
    schema = WrittenSchema("PROTOBUF", 'syntax = "proto3"; import "event.proto"; message Holder { e.Event event = 1; option deprecated = true; reserved 5 to 9; }',
                           (("event.proto", event),))
    assert fields_of(schema, False, "", True, "") == (("EVENT", parse_type("STRUCT<AT BIGINT>")),)
    holder: Any = class_of(parse_schema(schema).named("Holder"))
    data = holder(event={"at": {"value": 3}}).SerializeToString()
    columns = [Column("EVENT", parse_type("STRUCT<AT BIGINT>"))]
    assert protobuf.decoder(parse_schema(schema).named(""), columns, False)(data) == ({"AT": 3},)
    with pytest.raises(FormatError, match="imports event.proto"):
        parse_schema(WrittenSchema("PROTOBUF", schema.text))


@pytest.mark.parametrize(("text", "wrong"), [("message A { int32 x = ; }", "line 1"), ("message A {", "not the end"), ("nonsense", "a message"),
                                             ('syntax = "proto9"; message A {}', "proto9"), ("message A { Missing m = 1; }", "Missing")])
def test_what_is_no_proto_file_is_told(text: str, wrong: str) -> None:
    with pytest.raises(FormatError, match=wrong):
        parse_schema(WrittenSchema("PROTOBUF", text)).named("")


def test_proto2_with_defaults_and_required_fields() -> None:
    schema = WrittenSchema("PROTOBUF", 'syntax = "proto2"; message A { required int32 x = 1; optional string s = 2 [default = "d"]; }')
    made: Any = class_of(parse_schema(schema).named("A"))
    columns = [Column("X", t.INT), Column("S", t.STRING)]
    assert protobuf.decoder(parse_schema(schema).named("A"), columns, False)(made(x=1).SerializeToString()) == (1, None)
    file = descriptor_pb2.FileDescriptorProto()
    parse_schema(schema).named("A").file.CopyToProto(file)
    assert file.message_type[0].field[1].default_value == "d"


# ---- JSON_SR

def test_json_sr_is_framed_json() -> None:
    text = json_schema.text_of(COLUMNS, False)
    fmt = pinned("JSON_SR", WrittenSchema("JSON", text))
    data = writer(fmt, COLUMNS, "value").write(ROW)
    assert data is not None and data[:5] == frame(7) and json.loads(data[5:])["M"] == -12.34
    assert reader(fmt, COLUMNS, "value").read(data) == generated(fmt, COLUMNS, data) == ROW
    with pytest.raises(FormatError, match="schema id"):
        reader(fmt, COLUMNS, "value").read(data[5:])


# ---- schemas in both directions

@pytest.mark.parametrize("name", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_columns_are_inferred_from_the_schema_that_they_make(name: str) -> None:
    text = {"AVRO": avro_schema.text_of, "JSON_SR": json_schema.text_of}
    made = protobuf_schema.text_of(COLUMNS) if name == "PROTOBUF" else text[name](COLUMNS, False)
    assert fields_of(WrittenSchema(schemas.TYPE_OF[name], made), False, "", False, "") == tuple((c.name, c.type) for c in COLUMNS)


@pytest.mark.parametrize(("name", "of"), [("AVRO", "ARRAY<INT>"), ("AVRO", "STRUCT<X INT>"), ("JSON_SR", "DECIMAL(4, 2)"), ("JSON_SR", "MAP<STRING, INT>")])
def test_a_bare_column_is_inferred(name: str, of: str) -> None:
    column = Column("ROWVAL", parse_type(of))
    made = (avro_schema.text_of if name == "AVRO" else json_schema.text_of)([column], True)
    assert fields_of(WrittenSchema(schemas.TYPE_OF[name], made), True, "", True, "ROWVAL") == (("ROWVAL", column.type),)


def test_a_schema_that_refers_to_itself_has_no_type() -> None:
    text = '{"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}'
    with pytest.raises(FormatError, match="refers to itself"):
        fields_of(WrittenSchema("AVRO", text), False, "", True, "")


def test_a_renamed_key_is_written_by_place() -> None:
    schema = WrittenSchema("AVRO", '{"type": "record", "name": "K", "fields": [{"name": "A", "type": "int"}, {"name": "B", "type": "string"}]}')
    named = (Column("A", t.INT, Role.KEY), Column("B", t.STRING, Role.KEY))
    renamed = (Column("L_A", t.INT, Role.KEY), Column("L_B", t.STRING, Role.KEY))
    fmt = pinned("AVRO", schema)
    data = writer(fmt, named, "key").write((1, "x"))
    assert data is not None and writer(fmt, renamed, "key").write((1, "x")) == data
    assert reader(fmt, renamed, "key").read(data) == (1, "x")


@pytest.mark.parametrize("fmt", [Format("AVRO", (("SCHEMA_ID", "x"),)), Format("PROTOBUF", (("NULLABLE_REPRESENTATION", "MAYBE"),)),
                                 Format("PROTOBUF_NOSR", (("SCHEMA_ID", "1"),)), Format("JSON", (("SCHEMA_ID", "1"),))])
def test_properties_that_a_format_does_not_take(fmt: Format) -> None:
    with pytest.raises(RequestError) as refused:
        reader(fmt, (Column("A", t.INT), Column("B", t.INT)), "value")
    assert refused.value.reason == "INVALID_FORMAT"


def test_a_worker_has_the_libraries_of_formats_only_when_a_plan_uses_them() -> None:
    code = ("import sys, penstock.node.worker; print(*{'fastavro', 'google.protobuf'} & set(sys.modules)); from penstock.formats.registry import reader; "
            "from penstock.plan.nodes import Format; from penstock.types import sqltype as t; from penstock.types.schema import Column; "
            "reader(Format('AVRO'), (Column('A', t.BIGINT), Column('B', t.STRING)), 'value'); print('fastavro' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split("\n") == ["", "True", ""]
