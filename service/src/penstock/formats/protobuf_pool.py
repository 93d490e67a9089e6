"""Descriptors at run time: pools that know the well-known types, and message classes out of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.type import date_pb2, timeofday_pb2

from penstock.formats.errors import FormatError

FieldProto = descriptor_pb2.FieldDescriptorProto
WRAPPED = {f"google.protobuf.{name}Value": name for name in ("Bool", "Int32", "Int64", "UInt32", "UInt64", "Float", "Double", "String", "Bytes")}
TIMESTAMP, DATE, TIME, DECIMAL = "google.protobuf.Timestamp", "google.type.Date", "google.type.TimeOfDay", "confluent.type.Decimal"


def _decimal_file() -> descriptor_pb2.FileDescriptorProto:
    """confluent/type/decimal.proto: unscaled value (two's complement, big endian), precision, scale."""
    made = descriptor_pb2.FileDescriptorProto(name="confluent/type/decimal.proto", package="confluent.type", syntax="proto3")
    message = made.message_type.add(name="Decimal")
    for number, (name, kind) in enumerate((("value", FieldProto.TYPE_BYTES), ("precision", FieldProto.TYPE_UINT32), ("scale", FieldProto.TYPE_INT32)), 1):
        message.field.add(name=name, number=number, type=kind, label=FieldProto.LABEL_OPTIONAL)
    return made


def _meta_file() -> descriptor_pb2.FileDescriptorProto:
    """confluent/meta.proto as far as schemas import it; its options are read from the text."""
    return descriptor_pb2.FileDescriptorProto(name="confluent/meta.proto", package="confluent", syntax="proto3")


def _known() -> dict[str, descriptor_pb2.FileDescriptorProto]:
    found = {made.name: made for made in (_decimal_file(), _meta_file())}
    modules: tuple[Any, ...] = (any_pb2, descriptor_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2,
                                date_pb2, timeofday_pb2)
    for module in modules:
        proto = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(proto)
        found[proto.name] = proto
    return found


KNOWN = _known()
"""Files that every schema may import."""


def pool_of(files: Sequence[descriptor_pb2.FileDescriptorProto]) -> descriptor_pool.DescriptorPool:
    """A pool with these files (each after what it imports) and the well-known ones. FormatError where they make no sense."""
    pool = descriptor_pool.DescriptorPool()
    for made in (*(k for name, k in KNOWN.items() if all(f.name != name for f in files)), *files):
        try:
            pool.AddSerializedFile(made.SerializeToString())
        except (TypeError, ValueError) as e:
            raise FormatError(f"the Protobuf schema {made.name} makes no sense: {e}") from e
    return pool


def message_of(pool: descriptor_pool.DescriptorPool, name: str) -> Descriptor:
    """The message of a full name. FormatError when there is none."""
    try:
        found: Descriptor = pool.FindMessageTypeByName(name)
    except (KeyError, TypeError) as e:  # upb reports a file that cannot be linked here
        raise FormatError(f"the Protobuf schema has no message {name}: {e}") from e
    return found


def class_of(message: Descriptor) -> type[Message]:
    """The message's class."""
    return message_factory.GetMessageClass(message)
