"""Values of stores as bytes: the same bytes in LMDB and in the changelog.

    format, 1 byte | schema id, 4 bytes big endian | msgpack array (timestamp ms, field, field, ...)

Fields are identified by name: the schema id names the list of names that a value was written with, so that a value written before a
field was added still decodes (added fields are None, dropped ones are left out). What msgpack cannot say goes into extensions: Decimal
with all its digits, integers beyond 64 bits, maps whose keys are such. A tuple comes back as a list, as an ARRAY is one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from penstock.errors import StateError
from penstock.plan.nodes import StoreSpec
from penstock.state.port import Value

FORMAT = 1
HEADER = struct.Struct(">BI")
DECIMAL, BIG_INT, PAIRS = 1, 2, 3

_PLAIN = frozenset((int, str, float, bool, bytes, type(None)))
_encode = msgspec.msgpack.Encoder().encode


def schema_id(spec: StoreSpec) -> int:
    """The part of the spec's fingerprint that stands in values."""
    return spec.schema_id & 0xFFFFFFFF


def _portable(value: object) -> object:
    """The value with extensions in place of what msgpack has no type for."""
    kind = type(value)
    if kind is Decimal:
        return msgspec.msgpack.Ext(DECIMAL, str(value).encode())
    if kind is list or kind is tuple:
        return [_portable(v) for v in value]  # type: ignore[attr-defined]
    if kind is dict:
        if _PLAIN.issuperset(map(type, value)):  # type: ignore[call-overload]
            return {k: _portable(v) for k, v in value.items()}  # type: ignore[attr-defined]
        return msgspec.msgpack.Ext(PAIRS, _encode([(_portable(k), _portable(v)) for k, v in value.items()]))  # type: ignore[attr-defined]
    if kind is int and not -(1 << 63) <= value < 1 << 64:  # type: ignore[operator]
        return msgspec.msgpack.Ext(BIG_INT, str(value).encode())
    return value


def _extension(code: int, data: memoryview) -> object:
    if code == PAIRS:
        return dict(_decode(data))
    text = bytes(data).decode()
    if code == DECIMAL:
        return Decimal(text)
    if code == BIG_INT:
        return int(text)
    raise StateError(f"a stored value has the unknown extension {code}")


_decode = msgspec.msgpack.Decoder(tuple, ext_hook=_extension).decode


def packer(spec: StoreSpec) -> Callable[[Value], bytes]:
    """The function that packs this store's values."""
    head = HEADER.pack(FORMAT, schema_id(spec))
    plain, encode = _PLAIN.issuperset, _encode

    def pack(value: Value) -> bytes:
        if plain(map(type, value)):
            try:
                return head + encode(value)
            except OverflowError:
                pass  # an integer beyond 64 bits: as an extension
        return head + encode(tuple(_portable(v) for v in value))

    return pack


def unpacker(spec: StoreSpec, older: Mapping[int, Sequence[str]] | None = None) -> Callable[[bytes], Value]:
    """The function that unpacks this store's values. older: field names by schema id of what was written before; it may grow
    while the function is in use."""
    head = HEADER.pack(FORMAT, schema_id(spec))
    size, decode = HEADER.size, _decode
    history: Mapping[int, Sequence[str]] = {} if older is None else older
    before = {schema & 0xFFFFFFFF: names for schema, names in spec.older}

    def unpack(data: bytes) -> Value:
        if data.startswith(head):
            return decode(data[size:])
        return _unpack_other(spec, history, before, data)

    return unpack


def _unpack_other(spec: StoreSpec, history: Mapping[int, Sequence[str]], before: Mapping[int, Sequence[str]], data: bytes) -> Value:
    """A value of another schema. Without a field list (a changelog from before, read into a new environment) fields count by position,
    as they can only have been added behind."""
    if len(data) < HEADER.size:
        raise StateError(f"store {spec.name}: a value of {len(data)} bytes is no stored value")
    version, schema = HEADER.unpack_from(data)
    if version != FORMAT:
        raise StateError(f"store {spec.name}: a value has format {version}, this program reads {FORMAT}")
    values = _decode(data[HEADER.size:])
    names = history.get(schema) or before.get(schema)
    if names is None:
        names = spec.fields[:len(values) - 1]
        if len(names) != len(values) - 1:
            raise StateError(f"store {spec.name}: a value of the unknown schema {schema:08x} has {len(values) - 1} fields, "
                             f"more than {', '.join(spec.fields) or 'none'}")
    by_name = dict(spec.initial) | dict(zip(names, values[1:], strict=True))
    return (values[0], *(by_name.get(name) for name in spec.fields))
