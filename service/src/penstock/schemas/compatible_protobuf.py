"""Protobuf: fields go by number and must keep a type of the same form on the wire; fields and messages may come and go, but not the message
that records are of, nor a field of a oneof; a required field is one for ever."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor

from penstock.formats.protobuf_text import parse_schema
from penstock.formats.protobuf_values import message_type
from penstock.formats.schemas import WrittenSchema

_F = FieldDescriptor
_FAMILIES = (
    {_F.TYPE_INT32, _F.TYPE_UINT32, _F.TYPE_INT64, _F.TYPE_UINT64, _F.TYPE_BOOL, _F.TYPE_ENUM}, {_F.TYPE_SINT32, _F.TYPE_SINT64},
    {_F.TYPE_STRING, _F.TYPE_BYTES}, {_F.TYPE_FIXED32, _F.TYPE_SFIXED32}, {_F.TYPE_FIXED64, _F.TYPE_SFIXED64},
)
"""Types that are read for one another."""


def unreadable(reader: WrittenSchema, writer: WrittenSchema) -> list[str]:
    """What the reader cannot read."""
    mine = {m.name: m for m in parse_schema(reader).messages}
    found: list[str] = []
    for message in parse_schema(writer).messages:
        if message.name not in mine:
            found.append(f"the message {message.name} is gone")
        else:
            found += _messages(mine[message.name], message, set())
    return found


def _messages(reader: Descriptor, writer: Descriptor, seen: set[tuple[str, str]]) -> Iterator[str]:
    names = reader.full_name, writer.full_name
    if names in seen:
        return
    seen.add(names)
    written = {f.number: f for f in writer.fields}
    for field in reader.fields:
        found = written.pop(field.number, None)
        if found is None:
            if field.is_required:
                yield f"{field.full_name}: the required field is new"
        else:
            yield from _fields(field, found, seen)
    for gone in written.values():
        if gone.is_required:
            yield f"{gone.full_name}: the required field is gone"
        elif (within := _oneof(gone)) is not None and within.name in reader.oneofs_by_name:
            yield f"{gone.full_name}: a field of a oneof is gone"
    for oneof in reader.oneofs:
        moved = [f for f in oneof.fields if _oneof(f) is not None and f.number in writer.fields_by_number and _oneof(writer.fields_by_number[f.number]) is None]
        if len(moved) > 1:
            yield f"{oneof.full_name}: fields that could be there together are in a oneof now: {', '.join(f.name for f in moved)}"


def _oneof(field: FieldDescriptor) -> OneofDescriptor | None:
    """The oneof that a field stands in; that of an `optional` field is none."""
    within = field.containing_oneof
    return None if within is None or len(within.fields) == 1 and within.name == f"_{field.name}" else within


def _fields(reader: FieldDescriptor, writer: FieldDescriptor, seen: set[tuple[str, str]]) -> Iterator[str]:
    at = f"{reader.full_name} = {reader.number}"
    if reader.is_repeated != writer.is_repeated and reader.type not in (_F.TYPE_STRING, _F.TYPE_BYTES, _F.TYPE_MESSAGE):
        yield f"{at}: repeated on one side only"
    if reader.message_type is not None and writer.message_type is not None:
        yield from _messages(message_type(reader), message_type(writer), seen)
    elif reader.type != writer.type and not any(reader.type in f and writer.type in f for f in _FAMILIES):
        yield f"{at}: the type changed"
