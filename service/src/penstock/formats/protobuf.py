"""PROTOBUF and PROTOBUF_NOSR: messages, with or without the frame of a schema registry. Message classes are made at run time and parsed by
protobuf's C code; what reads their fields is generated once a schema.

A bare column (PROTOBUF_NOSR) that is a STRUCT is the message itself; of any other type it is a message of one field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError

from penstock.expr.code import Code, Module
from penstock.formats import protobuf_values as values
from penstock.formats.errors import FormatError
from penstock.formats.framing import frame, id_of, read_indexes, write_indexes
from penstock.formats.generated import function, plain, row_of
from penstock.formats.protobuf_pool import class_of, message_of, pool_of
from penstock.formats.protobuf_schema import file_of
from penstock.formats.protobuf_text import Parsed, parse_schema
from penstock.formats.row_reader import Decode
from penstock.formats.schemas import Lookup, WrittenSchema
from penstock.types.schema import Column
from penstock.types.sqltype import Kind


def own_message(columns: Sequence[Column], nullable: str, bare: bool) -> Descriptor:
    """The message that follows from the columns."""
    made = file_of(_fields(columns, bare), nullable)
    return message_of(pool_of([made]), made.message_type[0].name)


def _fields(columns: Sequence[Column], bare: bool) -> Sequence[Column]:
    """The columns as fields of the message: a bare STRUCT's fields, else the columns."""
    if bare and columns[0].type.kind is Kind.STRUCT:
        return [Column(name, of) for name, of in columns[0].type.fields]
    return columns


def decoder(message: Descriptor, columns: Sequence[Column], bare: bool, by_place: bool = False) -> Decode:
    """From a message's bytes to the columns. A column without a field is null. FormatError for a field of another type."""
    module = Module()
    name, data = module.fresh("read_message"), module.fresh("data")
    found = module.fresh("m")
    parse = module.bind(class_of(message).FromString, "parse")
    if bare and columns[0].type.kind is Kind.STRUCT:
        row = [f"{module.bind(values.struct_reader(message, columns[0].type), 'struct')}({found})"]
    else:
        fields = values.fields_for(message, [c.name for c in columns], by_place)
        row = [_expression(module, found, field, c) for c, field in zip(columns, fields, strict=True)]
    read = function(module, name, data, [f"{found} = {parse}({data})", f"return {row_of(row)}"])

    def decode(given: bytes) -> tuple[object, ...]:
        try:
            result: tuple[object, ...] = read(given)
        except (DecodeError, ArithmeticError, ValueError, UnicodeDecodeError) as e:
            raise FormatError(f"no {message.full_name}: {e}") from e
        return result

    return decode


def _expression(module: Module, found: str, field: FieldDescriptor | None, column: Column) -> str:
    if field is None:
        return "None"
    read = values.reads(field, column.type)
    simple = plain(field.name) and not field.is_repeated and values.converts(field, column.type) is None
    if not simple:
        return f"{module.bind(read, 'read_' + field.name)}({found})"
    value = f"{found}.{field.name}"
    return f"({value} if {found}.HasField({field.name!r}) else None)" if field.has_presence else value


class ProtobufWriter:
    """Writes messages (formats/port.py, Writer). head: what stands before each. A bare column that is null is a null part."""

    def __init__(self, columns: Sequence[Column], message: Descriptor, head: bytes, bare: bool, by_place: bool = False) -> None:
        fields = _fields(columns, bare)
        try:
            self._build = values.builder(message, [(c.name, c.type) for c in fields], by_place)
        except FormatError as e:
            raise FormatError(f"{e.reason}; it is written from {', '.join(f'{c.name} {c.type}' for c in columns)}") from e
        self._inner = [c.name for c in fields] if fields is not columns else None
        self._head = head
        self._bare = bare

    def code(self, module: Module, values: Sequence[str]) -> Code:
        given = "".join(f"{v}, " for v in values)
        return Code((), f"{module.bind(self.write, 'to_protobuf')}(({given}))")

    def write(self, values: Sequence[object]) -> bytes | None:
        if self._bare:
            if values[0] is None:
                return None
            if self._inner is not None:
                struct: Any = values[0]
                values = [struct.get(name) for name in self._inner]
        try:
            data: bytes = self._head + self._build(values).SerializeToString()
        except (TypeError, ValueError, OverflowError) as e:
            raise FormatError(f"no Protobuf message: {e}") from e
        return data


def framed_decode(columns: Sequence[Column], lookup: Lookup, known: Mapping[int, WrittenSchema], by_place: bool) -> Decode:
    """Reads each record by the schema and message that its frame names; a decoder is made once for each."""
    decoders: dict[tuple[bytes, int], Decode] = {}

    def made(schema_id: int, indexes: tuple[int, ...]) -> Decode:
        schema = known.get(schema_id) or lookup(schema_id)
        if schema.type != "PROTOBUF":
            raise FormatError(f"schema {schema_id} is not Protobuf but {schema.type}")
        return decoder(parse_schema(schema).at(indexes), columns, False, by_place)

    def decode(data: bytes) -> tuple[object, ...]:
        if data[5:6] == b"\0":  # the first message, as almost always
            at, place = 6, (data[:6], 0)
            found = decoders.get(place)
            if found is None:
                found = decoders[place] = made(id_of(data), (0,))
            return found(data[6:])
        schema_id = id_of(data)
        indexes, at = read_indexes(data)
        place = (data[:at], at)
        found = decoders.get(place)
        if found is None:
            found = decoders[place] = made(schema_id, indexes)
        return found(data[at:])

    return decode


def framed_writer(columns: Sequence[Column], schema_id: int, schema: WrittenSchema, full_name: str, by_place: bool) -> ProtobufWriter:
    """Writes the message of this name in a registered schema, or its first one."""
    parsed: Parsed = parse_schema(schema)
    message = parsed.named(full_name)
    return ProtobufWriter(columns, message, frame(schema_id) + write_indexes(parsed.indexes(message)), False, by_place)
