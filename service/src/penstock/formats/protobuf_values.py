"""Values of Protobuf messages: to columns and back, as functions by field and SQL type, made once a schema.

A field is read as a type that holds all of its values: whole numbers of up to 32 bits as INT, wider and unsigned ones as BIGINT (the
largest unsigned 64-bit numbers wrap, as in Java), enums by name. A field with presence that is not set is null, another has its default.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from penstock.formats.errors import FormatError
from penstock.formats.protobuf_pool import DATE, DECIMAL, TIME, TIMESTAMP, WRAPPED, class_of
from penstock.formats.protobuf_schema import field_name
from penstock.types.cast import fits_exactly
from penstock.types.java import double_text, wrap64
from penstock.types.sqltype import Kind, SqlType

Convert = Callable[[Any], object]
Read = Callable[[Any], object]
"""From a message to the value of one of its fields."""

_EPOCH = datetime.date(1970, 1, 1).toordinal()
_SMALL = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32}
_WIDE = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64, FieldDescriptor.TYPE_SFIXED64, FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32}
_UNSIGNED = {FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64}
_REAL = {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}


def message_type(field: FieldDescriptor) -> Descriptor:
    """The message of a field that holds one."""
    found = field.message_type
    assert found is not None, field.full_name
    return found


def _enum_type(field: FieldDescriptor) -> EnumDescriptor:
    found = field.enum_type
    assert found is not None, field.full_name
    return found


def find_field(message: Descriptor, name: str) -> FieldDescriptor | None:
    """The field of a column: of its name, else of a name that differs by case alone."""
    wanted = field_name(name)
    found: FieldDescriptor | None = message.fields_by_name.get(wanted)
    return found or next((f for f in message.fields if f.name.upper() == wanted.upper()), None)


def fields_for(message: Descriptor, columns: Sequence[str], by_place: bool) -> list[FieldDescriptor | None]:
    """The field of each column by name. by_place (keys): by place where a name is missing, since a key column may be renamed."""
    found = [find_field(message, name) for name in columns]
    return list(message.fields) if by_place and None in found and len(message.fields) == len(columns) else found


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


# ---- reading

def reads(field: FieldDescriptor, of: SqlType) -> Read:
    """The function from a message to the field's value as this type. FormatError where the field holds something else."""
    name = field.name
    if is_map(field):
        return _reads_map(field, of)
    if field.is_repeated:
        if of.kind is not Kind.ARRAY or of.element is None:
            raise _mismatch(field, of)
        convert = converts(field, of.element)
        return (lambda m: list(getattr(m, name))) if convert is None else (lambda m: [convert(v) for v in getattr(m, name)])
    one = converts(field, of) or _same
    if field.has_presence:
        return lambda m: one(getattr(m, name)) if m.HasField(name) else None
    return lambda m: one(getattr(m, name))


def _reads_map(field: FieldDescriptor, of: SqlType) -> Read:
    name, value = field.name, message_type(field).fields_by_name["value"]
    key = message_type(field).fields_by_name["key"]
    if of.kind is not Kind.MAP or of.element is None:
        raise _mismatch(field, of)
    convert, texts = converts(value, of.element), converts(key, SqlType(Kind.STRING))
    if convert is None and texts is None:
        return lambda m: dict(getattr(m, name))
    to_text, to_value = texts or _same, convert or _same

    def read(m: Any) -> object:
        found = getattr(m, name)
        return {to_text(k): to_value(found[k]) for k in found}

    return read


def _same(value: Any) -> Any:
    return value


def converts(field: FieldDescriptor, of: SqlType) -> Convert | None:
    """From a single value of the field's type; None: as it is."""
    if field.type in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP):
        return _of_message(field, of)
    if field.type == FieldDescriptor.TYPE_ENUM:
        if of.kind is not Kind.STRING:
            raise _mismatch(field, of)
        names = {v.number: v.name for v in _enum_type(field).values}
        return lambda value: names.get(value, str(value))
    kind = of.kind
    if kind is Kind.INT and field.type in _SMALL or kind is Kind.BIGINT and field.type in _SMALL | _WIDE or kind is Kind.DOUBLE and field.type in _REAL:
        return None
    if kind is Kind.BIGINT and field.type in _UNSIGNED:
        return wrap64
    if (kind, field.type) in ((Kind.STRING, FieldDescriptor.TYPE_STRING), (Kind.BYTES, FieldDescriptor.TYPE_BYTES), (Kind.BOOLEAN, FieldDescriptor.TYPE_BOOL)):
        return None
    if kind is Kind.STRING and field.type == FieldDescriptor.TYPE_BOOL:
        return lambda value: "true" if value else "false"
    if kind is Kind.STRING and field.type in _REAL:
        return double_text
    if kind is Kind.STRING and field.type in _SMALL | _WIDE | _UNSIGNED:
        return str
    raise _mismatch(field, of)


def _of_message(field: FieldDescriptor, of: SqlType) -> Convert:
    message = message_type(field)
    full = message.full_name
    if full in WRAPPED:
        inner = converts(message.fields_by_name["value"], of)
        return (lambda m: m.value) if inner is None else (lambda m: inner(m.value))
    match of.kind, full:
        case Kind.TIMESTAMP, _ if full == TIMESTAMP:
            return lambda m: m.seconds * 1000 + m.nanos // 1_000_000
        case Kind.DATE, _ if full == DATE:
            return _date
        case Kind.TIME, _ if full == TIME:
            return lambda m: ((m.hours * 60 + m.minutes) * 60 + m.seconds) * 1000 + m.nanos // 1_000_000
        case Kind.DECIMAL, _ if full == DECIMAL:
            return lambda m: fits_exactly(Decimal(int.from_bytes(m.value, "big", signed=True)).scaleb(-m.scale), of)
        case Kind.STRUCT, _:
            return struct_reader(message, of)
    raise _mismatch(field, of)


def struct_reader(message: Descriptor, of: SqlType) -> Convert:
    """From a message to a STRUCT; fields that the message does not have are null."""
    found = [(name, None if (field := find_field(message, name)) is None else reads(field, t)) for name, t in of.fields]
    return lambda m: {name: None if read is None else read(m) for name, read in found}


def _date(m: Any) -> int:
    try:
        return datetime.date(m.year, m.month, m.day).toordinal() - _EPOCH
    except ValueError as e:
        raise FormatError(f"{m.year}-{m.month}-{m.day} is no date") from e


def _mismatch(field: FieldDescriptor, of: SqlType) -> FormatError:
    return FormatError(f"the schema's field {field.full_name} cannot be read as {of}")


# ---- writing

def writes(field: FieldDescriptor, of: SqlType) -> Convert | None:
    """From a column's value (not null) to what the message's constructor takes for the field; None: the value itself. FormatError where the
    field cannot hold the type."""
    if is_map(field):
        if of.kind is not Kind.MAP or of.element is None:
            raise _unwritable(field, of)
        convert = _writes_one(message_type(field).fields_by_name["value"], of.element)
        one = convert or _same
        return lambda value: {k: one(_present(field, v)) for k, v in value.items()}
    if field.is_repeated:
        if of.kind is not Kind.ARRAY or of.element is None:
            raise _unwritable(field, of)
        convert = _writes_one(field, of.element)
        each = convert or _same
        return lambda value: [each(_present(field, v)) for v in value]
    return _writes_one(field, of)


def _present(field: FieldDescriptor, value: object) -> object:
    if value is None:
        raise FormatError(f"Protobuf's {field.full_name} cannot hold a null inside")
    return value


def _writes_one(field: FieldDescriptor, of: SqlType) -> Convert | None:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _to_message(field, of)
    if field.type == FieldDescriptor.TYPE_ENUM and of.kind is Kind.STRING:
        numbers: Mapping[str, int] = {v.name: v.number for v in _enum_type(field).values}

        def number(value: str) -> int:
            if value not in numbers:
                raise FormatError(f"{value!r} is no value of enum {_enum_type(field).full_name}")
            return numbers[value]

        return number
    whole = _SMALL | _WIDE | _UNSIGNED
    fits: dict[Kind, set[int]] = {
        Kind.INT: whole, Kind.BIGINT: whole, Kind.DOUBLE: _REAL, Kind.BOOLEAN: {FieldDescriptor.TYPE_BOOL},
        Kind.STRING: {FieldDescriptor.TYPE_STRING}, Kind.BYTES: {FieldDescriptor.TYPE_BYTES},
    }
    if field.type not in fits.get(of.kind, ()):
        raise _unwritable(field, of)
    return None


def _to_message(field: FieldDescriptor, of: SqlType) -> Convert:
    message = message_type(field)
    made: Any = class_of(message)
    full = message.full_name
    if full in WRAPPED:
        inner = _writes_one(message.fields_by_name["value"], of)
        return (lambda v: made(value=v)) if inner is None else (lambda v: made(value=inner(v)))
    match of.kind, full:
        case Kind.TIMESTAMP, _ if full == TIMESTAMP:
            return lambda v: made(seconds=v // 1000, nanos=v % 1000 * 1_000_000)
        case Kind.DATE, _ if full == DATE:
            return lambda v: _to_date(made, v)
        case Kind.TIME, _ if full == TIME:
            return lambda v: made(hours=v // 3_600_000, minutes=v // 60_000 % 60, seconds=v // 1000 % 60, nanos=v % 1000 * 1_000_000)
        case Kind.DECIMAL, _ if full == DECIMAL:
            return lambda v: made(value=unscaled(v, of.scale), precision=of.precision, scale=of.scale)
        case Kind.STRUCT, _:
            write = builder(message, of.fields)
            names = [name for name, _ in of.fields]
            return lambda v: write([v.get(name) for name in names])
    raise _unwritable(field, of)


def unscaled(value: Decimal, scale: int) -> bytes:
    """Two's complement, big endian, as few bytes as will do (BigInteger.toByteArray)."""
    number = int(value.scaleb(scale))
    return number.to_bytes((number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True)


def _to_date(made: Any, days: int) -> Message:
    try:
        day = datetime.date.fromordinal(days + _EPOCH)
    except (ValueError, OverflowError) as e:
        raise FormatError(f"day {days} is outside the years 1 to 9999") from e
    found: Message = made(year=day.year, month=day.month, day=day.day)
    return found


def builder(message: Descriptor, fields: Sequence[tuple[str, SqlType]], by_place: bool = False) -> Callable[[Sequence[object]], Any]:
    """From values in the order of these fields to a message. FormatError for a field that the message does not have."""
    made: Any = class_of(message)
    steps: list[tuple[str, Convert | None]] = []
    for (name, of), field in zip(fields, fields_for(message, [name for name, _ in fields], by_place), strict=True):
        if field is None:
            raise FormatError(f"the schema's message {message.full_name} has no field for {name}")
        steps.append((field.name, writes(field, of)))
    return lambda values: made(**{name: v if convert is None else convert(v) for (name, convert), v in zip(steps, values, strict=True) if v is not None})


def _unwritable(field: FieldDescriptor, of: SqlType) -> FormatError:
    return FormatError(f"the schema's field {field.full_name} cannot hold {of}")
