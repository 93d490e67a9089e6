"""AVRO: binary Avro behind the frame of a schema registry, or bare, by the schema that follows from the columns. fastavro decodes and
encodes; what takes its values apart is made once a schema.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fastavro

from penstock.expr.code import Code, Module
from penstock.formats import avro_encode
from penstock.formats import avro_values as values
from penstock.formats.avro_decode import Unusual, bare_decoder, row_decoder
from penstock.formats.avro_schema import text_of
from penstock.formats.avro_values import Names
from penstock.formats.errors import FormatError
from penstock.formats.framing import HEAD, frame, id_of
from penstock.formats.generated import function, row_of
from penstock.formats.row_reader import Decode
from penstock.formats.schemas import Lookup, WrittenSchema
from penstock.types.schema import Column

_BAD = (EOFError, ValueError, IndexError, KeyError, TypeError, ArithmeticError, UnicodeDecodeError, OverflowError, StopIteration, MemoryError,
        struct.error)
"""What fastavro raises for bytes that the schema does not fit: a length gone wrong asks for any memory."""


@functools.lru_cache(1024)
def names_of(schema: WrittenSchema) -> Names:
    """A registered schema, parsed. FormatError."""
    return Names(schema.text, schema.references)


def own_names(columns: Sequence[Column], bare: bool, name: str = "") -> Names:
    """The schema that follows from the columns, parsed."""
    return Names(text_of(columns, bare, name))


def decoder(names: Names, columns: Sequence[Column], bare: bool, skip: int, by_place: bool = False) -> Decode:
    """From bytes, of which the first `skip` are a frame, to the columns. A column without a field is null. FormatError for a field of
    another type."""
    root = names.resolve(names.root)
    if not bare and values.kind_of(root) != "record":
        raise FormatError(f"the schema is a {values.kind_of(root)}, not a record of the columns")
    fields = [] if bare else values.fields_for(root["fields"], [c.name for c in columns], by_place)
    whole = values.nullable(values.reads(names, root, columns[0].type)) if bare else None
    converts = [None if field is None else values.nullable(values.reads(names, field["type"], c.type)) for c, field in zip(columns, fields, strict=not bare)]
    try:
        read = bare_decoder(names, columns[0], skip) if bare else row_decoder(names, columns, fields, skip)
    except Unusual:
        read = _by_fastavro(names, fields, converts, bare, whole, skip)

    def decode(given: bytes) -> tuple[object, ...]:
        try:
            return read(given)
        except _BAD as e:
            raise FormatError(f"malformed Avro: {e or type(e).__name__}") from e

    return decode


def _by_fastavro(names: Names, fields: Sequence[Mapping[str, Any] | None], converts: Sequence[values.Convert | None], bare: bool,
                 whole: values.Convert | None, skip: int) -> Decode:
    """For schemas that are not decoded here."""
    module = Module()
    data, fo, found = module.fresh("data"), module.fresh("stream"), module.fresh("v")
    reader = functools.partial(fastavro.schemaless_reader, return_record_name=True) if names.unions else fastavro.schemaless_reader
    lines = [f"{fo} = {module.bind(io.BytesIO, 'BytesIO')}({data})", *([f"{fo}.seek({skip})"] if skip else []),
             f"{found} = {module.bind(reader, 'read_avro')}({fo}, {module.bind(names.plain, 'schema')}, None)"]
    row = [_called(module, whole, found)] if bare else [
        "None" if field is None else _called(module, convert, f"{found}[{field['name']!r}]") for field, convert in zip(fields, converts, strict=True)]
    return function(module, module.fresh("read_record"), data, [*lines, f"return {row_of(row)}"])


def _called(module: Module, convert: values.Convert | None, value: str) -> str:
    return value if convert is None else f"{module.bind(convert, 'convert')}({value})"


def framed_decode(columns: Sequence[Column], bare: bool, lookup: Lookup, known: Mapping[int, WrittenSchema], by_place: bool) -> Decode:
    """Reads each record by the schema that its frame names; a decoder is made once for each."""
    decoders: dict[bytes, Decode] = {}

    def decode(data: bytes) -> tuple[object, ...]:
        found = decoders.get(data[:HEAD])
        if found is None:
            schema_id = id_of(data)
            schema = known.get(schema_id) or lookup(schema_id)
            if schema.type != "AVRO":
                raise FormatError(f"schema {schema_id} is not Avro but {schema.type}")
            found = decoders[data[:HEAD]] = decoder(names_of(schema), columns, bare, HEAD, by_place)
        return found(data)

    return decode


class AvroWriter:
    """Writes by one schema (formats/port.py, Writer). A bare column that is null is a null part."""

    def __init__(self, columns: Sequence[Column], names: Names, head: bytes, bare: bool, by_place: bool = False) -> None:
        """FormatError where the schema cannot hold the columns."""
        self._schema = names.plain
        self._head = head
        self._bare = bare
        root = names.resolve(names.root)
        self._encode = self._encoder(names, root, columns, bare, by_place)
        if bare:
            convert = values.writes(names, root, columns[0].type)
            self._record: Callable[[Sequence[Any]], Any] = (lambda row: row[0]) if convert is None else (lambda row: convert(row[0]))
            return
        if values.kind_of(root) != "record":
            raise FormatError(f"the schema is a {values.kind_of(root)}, not a record of the columns")
        module = Module()
        row, items = module.fresh("row"), []
        for n, (c, field) in enumerate(zip(columns, values.fields_for(root["fields"], [c.name for c in columns], by_place), strict=True)):
            if field is None:
                raise FormatError(f"the schema's record {root['name']} has no field for {c.name}")
            items.append(f"{field['name']!r}: {_called(module, values.writes_field(names, field, c.type), f'{row}[{n}]')}")
        written = {f["name"] for f in values.fields_for(root["fields"], [c.name for c in columns], by_place) if f is not None}
        for field in root["fields"]:
            if field["name"] not in written and not values.may_be_left_out(names, field):
                raise FormatError(f"the schema's record {root['name']} requires {field['name']}, which no column gives")
        self._record = function(module, module.fresh("make_record"), row, [f"return {{{', '.join(items)}}}"])

    @staticmethod
    def _encoder(names: Names, root: Any, columns: Sequence[Column], bare: bool, by_place: bool) -> Callable[[Sequence[Any]], bytes] | None:
        """The fast way; None where the schema has to go by fastavro, or does not take the columns, which is told below."""
        fields = [(c.name, c.type) for c in columns]
        try:
            if bare:
                values.writes(names, root, columns[0].type)
                one = avro_encode.encoder(names, root, columns[0].type)
                return lambda row: one(row[0])
            if values.kind_of(root) != "record":
                return None
            given = values.fields_for(root["fields"], [c.name for c in columns], by_place)
            if None in given:
                return None
            for c, field in zip(columns, given, strict=True):
                assert field is not None
                values.writes_field(names, field, c.type)
            return avro_encode.record(names, root, fields, (), given)
        except (Unusual, FormatError, *_BAD):
            return None

    def code(self, module: Module, values: Sequence[str]) -> Code:
        given = "".join(f"{v}, " for v in values)
        return Code((), f"{module.bind(self.write, 'to_avro')}(({given}))")

    def write(self, values: Sequence[object]) -> bytes | None:
        if self._bare and values[0] is None:
            return None
        if self._encode is not None:
            try:
                return self._head + self._encode(values)
            except (*_BAD, AttributeError) as e:
                raise FormatError(f"Unable to serialize record: {e or type(e).__name__}") from e
        out = io.BytesIO()
        out.write(self._head)
        try:
            fastavro.schemaless_writer(out, self._schema, self._record(values))
        except (*_BAD, AttributeError) as e:
            raise FormatError(f"Unable to serialize record: {e or type(e).__name__}") from e
        return out.getvalue()


def framed_writer(columns: Sequence[Column], schema_id: int, schema: WrittenSchema, bare: bool, by_place: bool) -> AvroWriter:
    """Writes by a registered schema."""
    return AvroWriter(columns, names_of(schema), frame(schema_id), bare, by_place)
