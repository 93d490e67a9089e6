"""The Protobuf schema that follows from columns, as a descriptor and as text: proto3, fields numbered from 1 in the order of the columns,
messages ConnectDefault1, ConnectDefault2 and so on as ksqlDB names them.

| column | field |
|---|---|
| BOOLEAN INT BIGINT DOUBLE STRING BYTES | bool int32 int64 double string bytes; by NULLABLE_REPRESENTATION optional, or google.protobuf.*Value |
| DECIMAL | confluent.type.Decimal with its precision and scale as options |
| DATE TIME TIMESTAMP | google.type.Date, google.type.TimeOfDay, google.protobuf.Timestamp |
| ARRAY MAP STRUCT | repeated, map<string, ...>, a message within |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from google.protobuf import descriptor_pb2

from penstock.errors import RequestError
from penstock.formats.protobuf_pool import DATE, DECIMAL, TIME, TIMESTAMP, FieldProto
from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

FILE = "penstock.proto"
_SCALARS: dict[Kind, tuple[FieldProto.Type.ValueType, str, str]] = {
    Kind.BOOLEAN: (FieldProto.TYPE_BOOL, "bool", "BoolValue"), Kind.INT: (FieldProto.TYPE_INT32, "int32", "Int32Value"),
    Kind.BIGINT: (FieldProto.TYPE_INT64, "int64", "Int64Value"), Kind.DOUBLE: (FieldProto.TYPE_DOUBLE, "double", "DoubleValue"),
    Kind.STRING: (FieldProto.TYPE_STRING, "string", "StringValue"), Kind.BYTES: (FieldProto.TYPE_BYTES, "bytes", "BytesValue"),
}
_MESSAGES = {Kind.DECIMAL: DECIMAL, Kind.DATE: DATE, Kind.TIME: TIME, Kind.TIMESTAMP: TIMESTAMP}
_FILES = {DECIMAL: "confluent/type/decimal.proto", DATE: "google/type/date.proto", TIME: "google/type/timeofday.proto",
          TIMESTAMP: "google/protobuf/timestamp.proto"}
WRAPPERS = "google/protobuf/wrappers.proto"


@dataclass
class _Draft:
    nullable: str
    imports: list[str] = field(default_factory=list)
    made: int = 0

    def needs(self, file: str) -> None:
        if file not in self.imports:
            self.imports.append(file)

    def name(self) -> str:
        self.made += 1
        return f"ConnectDefault{self.made}"


def file_of(columns: Sequence[Column], nullable: str = "", name: str = "") -> descriptor_pb2.FileDescriptorProto:
    """The schema of these columns, its message under the given name. RequestError INVALID_FORMAT for types that Protobuf does not have."""
    draft = _Draft(nullable)
    package, _, simple = name.rpartition(".")
    made = descriptor_pb2.FileDescriptorProto(name=FILE, package=package, syntax="proto3")
    own = draft.name()
    _fill(made.message_type.add(name=simple or own), [(c.name, c.type) for c in columns], draft, f"{package}." if package else "")
    made.dependency.extend(draft.imports)
    return made


def field_name(name: str) -> str:
    """A column's name as a field may have it."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
    return f"x{plain}" if plain[0].isdigit() else plain


def _fill(message: descriptor_pb2.DescriptorProto, fields: Sequence[tuple[str, SqlType]], draft: _Draft, within: str) -> None:
    scope = f"{within}{message.name}."
    for number, (name, of) in enumerate(fields, 1):
        made = message.field.add(name=field_name(name), number=number, label=FieldProto.LABEL_OPTIONAL)
        if of.kind is Kind.ARRAY:
            assert of.element is not None
            if of.element.kind in (Kind.ARRAY, Kind.MAP):
                raise RequestError("INVALID_FORMAT", f"PROTOBUF has no {of}, column {name}: wrap the inner one in a STRUCT", {"format": "PROTOBUF"})
            made.label = FieldProto.LABEL_REPEATED
            _type(made, of.element, message, draft, scope)
        elif of.kind is Kind.MAP:
            made.label, made.type = FieldProto.LABEL_REPEATED, FieldProto.TYPE_MESSAGE
            entry = message.nested_type.add(name=_entry(made.name))
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, type=FieldProto.TYPE_STRING, label=FieldProto.LABEL_OPTIONAL)
            value = entry.field.add(name="value", number=2, label=FieldProto.LABEL_OPTIONAL)
            assert of.element is not None
            if of.element.kind in (Kind.ARRAY, Kind.MAP):
                raise RequestError("INVALID_FORMAT", f"PROTOBUF has no {of}, column {name}: wrap the inner one in a STRUCT", {"format": "PROTOBUF"})
            _type(value, of.element, message, draft, scope)
            made.type_name = f".{scope}{entry.name}"
        else:
            scalar = of.kind in _SCALARS
            if scalar and draft.nullable == "WRAPPER":
                draft.needs(WRAPPERS)
                made.type, made.type_name = FieldProto.TYPE_MESSAGE, f".google.protobuf.{_SCALARS[of.kind][2]}"
                continue
            _type(made, of, message, draft, scope)
            if scalar and draft.nullable == "OPTIONAL":
                made.proto3_optional = True
                made.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{made.name}")


def _type(made: FieldProto, of: SqlType, message: descriptor_pb2.DescriptorProto, draft: _Draft, scope: str) -> None:
    if of.kind in _SCALARS:
        made.type = _SCALARS[of.kind][0]
        return
    made.type = FieldProto.TYPE_MESSAGE
    if of.kind is Kind.STRUCT:
        inner = message.nested_type.add(name=draft.name())
        _fill(inner, of.fields, draft, scope)
        made.type_name = f".{scope}{inner.name}"
        return
    full = _MESSAGES[of.kind]
    draft.needs(_FILES[full])
    made.type_name = f".{full}"


def _entry(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"


# ---- text

def text_of(columns: Sequence[Column], nullable: str = "", name: str = "") -> str:
    """The schema of these columns as a .proto file."""
    made = file_of(columns, nullable, name)
    imports = list(made.dependency)
    if _FILES[DECIMAL] in imports:
        imports.insert(0, "confluent/meta.proto")
    lines = ['syntax = "proto3";', *([f"package {made.package};"] if made.package else []), ""]
    lines += [f'import "{file}";' for file in imports] + ([""] if imports else [])
    lines += _message(made.message_type[0], [(c.name, c.type) for c in columns], 0)
    return "\n".join(lines) + "\n"


def _message(message: descriptor_pb2.DescriptorProto, fields: Sequence[tuple[str, SqlType]], depth: int) -> list[str]:
    pad = "  " * depth
    lines = [f"{pad}message {message.name} {{"]
    inner: list[str] = []
    nested = {n.name: n for n in message.nested_type}
    for made, (_, of) in zip(message.field, fields, strict=True):
        element = of.element if of.kind in (Kind.ARRAY, Kind.MAP) and of.element is not None else of
        source = made
        if of.kind is Kind.MAP:
            source = nested[made.type_name.rpartition(".")[2]].field[1]
        word = _word(source)
        if of.kind is Kind.MAP:
            word = f"map<string, {word}>"
        elif of.kind is Kind.ARRAY:
            word = f"repeated {word}"
        elif made.proto3_optional:
            word = f"optional {word}"
        lines.append(f"{pad}  {word} {made.name} = {made.number}{_options(element, pad)};")
        if element.kind is Kind.STRUCT:
            inner += ["", *_message(nested[source.type_name.rpartition(".")[2]], element.fields, depth + 1)]
    return [*lines, *inner, f"{pad}}}"]


def _word(made: FieldProto) -> str:
    if made.type != FieldProto.TYPE_MESSAGE:
        return next(word for kind, word, _ in _SCALARS.values() if kind == made.type)
    full = made.type_name.lstrip(".")
    return full if full.startswith(("google.", "confluent.")) else full.rpartition(".")[2]


def _options(of: SqlType, pad: str) -> str:
    if of.kind is not Kind.DECIMAL:
        return ""
    params = [f'{{\n{pad}      key: "{key}",\n{pad}      value: "{value}"\n{pad}    }}' for key, value in (("precision", of.precision), ("scale", of.scale))]
    return f" [(confluent.field_meta) = {{\n{pad}    params: [{', '.join(params)}]\n{pad}  }}]"
