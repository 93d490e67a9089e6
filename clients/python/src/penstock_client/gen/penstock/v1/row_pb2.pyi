from penstock_client.gen.penstock.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RowKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROW_KIND_UNSPECIFIED: _ClassVar[RowKind]
    ROW_KIND_UPSERT: _ClassVar[RowKind]
    ROW_KIND_DELETE: _ClassVar[RowKind]
ROW_KIND_UNSPECIFIED: RowKind
ROW_KIND_UPSERT: RowKind
ROW_KIND_DELETE: RowKind

class RowSchema(_message.Message):
    __slots__ = ("id", "schema", "table")
    ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    id: int
    schema: _types_pb2.Schema
    table: bool
    def __init__(self, id: _Optional[int] = ..., schema: _Optional[_Union[_types_pb2.Schema, _Mapping]] = ..., table: _Optional[bool] = ...) -> None: ...

class RowBatch(_message.Message):
    __slots__ = ("schema_id", "row_count", "columns", "kinds")
    SCHEMA_ID_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    schema_id: int
    row_count: int
    columns: _containers.RepeatedCompositeFieldContainer[ColumnData]
    kinds: _containers.RepeatedScalarFieldContainer[RowKind]
    def __init__(self, schema_id: _Optional[int] = ..., row_count: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[ColumnData, _Mapping]]] = ..., kinds: _Optional[_Iterable[_Union[RowKind, str]]] = ...) -> None: ...

class ColumnData(_message.Message):
    __slots__ = ("validity", "booleans", "ints", "longs", "doubles", "strings", "binaries", "lists", "maps", "structs")
    VALIDITY_FIELD_NUMBER: _ClassVar[int]
    BOOLEANS_FIELD_NUMBER: _ClassVar[int]
    INTS_FIELD_NUMBER: _ClassVar[int]
    LONGS_FIELD_NUMBER: _ClassVar[int]
    DOUBLES_FIELD_NUMBER: _ClassVar[int]
    STRINGS_FIELD_NUMBER: _ClassVar[int]
    BINARIES_FIELD_NUMBER: _ClassVar[int]
    LISTS_FIELD_NUMBER: _ClassVar[int]
    MAPS_FIELD_NUMBER: _ClassVar[int]
    STRUCTS_FIELD_NUMBER: _ClassVar[int]
    validity: bytes
    booleans: BoolArray
    ints: IntArray
    longs: LongArray
    doubles: DoubleArray
    strings: StringArray
    binaries: BytesArray
    lists: ListArray
    maps: MapArray
    structs: StructArray
    def __init__(self, validity: _Optional[bytes] = ..., booleans: _Optional[_Union[BoolArray, _Mapping]] = ..., ints: _Optional[_Union[IntArray, _Mapping]] = ..., longs: _Optional[_Union[LongArray, _Mapping]] = ..., doubles: _Optional[_Union[DoubleArray, _Mapping]] = ..., strings: _Optional[_Union[StringArray, _Mapping]] = ..., binaries: _Optional[_Union[BytesArray, _Mapping]] = ..., lists: _Optional[_Union[ListArray, _Mapping]] = ..., maps: _Optional[_Union[MapArray, _Mapping]] = ..., structs: _Optional[_Union[StructArray, _Mapping]] = ...) -> None: ...

class BoolArray(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, values: _Optional[_Iterable[bool]] = ...) -> None: ...

class IntArray(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...

class LongArray(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...

class DoubleArray(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class StringArray(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class BytesArray(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, values: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ListArray(_message.Message):
    __slots__ = ("lengths", "elements")
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    elements: ColumnData
    def __init__(self, lengths: _Optional[_Iterable[int]] = ..., elements: _Optional[_Union[ColumnData, _Mapping]] = ...) -> None: ...

class MapArray(_message.Message):
    __slots__ = ("lengths", "keys", "values")
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    keys: ColumnData
    values: ColumnData
    def __init__(self, lengths: _Optional[_Iterable[int]] = ..., keys: _Optional[_Union[ColumnData, _Mapping]] = ..., values: _Optional[_Union[ColumnData, _Mapping]] = ...) -> None: ...

class StructArray(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[ColumnData]
    def __init__(self, fields: _Optional[_Iterable[_Union[ColumnData, _Mapping]]] = ...) -> None: ...
