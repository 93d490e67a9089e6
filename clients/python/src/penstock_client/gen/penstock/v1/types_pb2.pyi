from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TypeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TYPE_KIND_UNSPECIFIED: _ClassVar[TypeKind]
    TYPE_KIND_BOOLEAN: _ClassVar[TypeKind]
    TYPE_KIND_INT: _ClassVar[TypeKind]
    TYPE_KIND_BIGINT: _ClassVar[TypeKind]
    TYPE_KIND_DOUBLE: _ClassVar[TypeKind]
    TYPE_KIND_DECIMAL: _ClassVar[TypeKind]
    TYPE_KIND_STRING: _ClassVar[TypeKind]
    TYPE_KIND_BYTES: _ClassVar[TypeKind]
    TYPE_KIND_DATE: _ClassVar[TypeKind]
    TYPE_KIND_TIME: _ClassVar[TypeKind]
    TYPE_KIND_TIMESTAMP: _ClassVar[TypeKind]
    TYPE_KIND_ARRAY: _ClassVar[TypeKind]
    TYPE_KIND_MAP: _ClassVar[TypeKind]
    TYPE_KIND_STRUCT: _ClassVar[TypeKind]

class ColumnRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLUMN_ROLE_UNSPECIFIED: _ClassVar[ColumnRole]
    COLUMN_ROLE_KEY: _ClassVar[ColumnRole]
    COLUMN_ROLE_VALUE: _ClassVar[ColumnRole]
    COLUMN_ROLE_HEADER: _ClassVar[ColumnRole]
    COLUMN_ROLE_WINDOW: _ClassVar[ColumnRole]
    COLUMN_ROLE_META: _ClassVar[ColumnRole]
TYPE_KIND_UNSPECIFIED: TypeKind
TYPE_KIND_BOOLEAN: TypeKind
TYPE_KIND_INT: TypeKind
TYPE_KIND_BIGINT: TypeKind
TYPE_KIND_DOUBLE: TypeKind
TYPE_KIND_DECIMAL: TypeKind
TYPE_KIND_STRING: TypeKind
TYPE_KIND_BYTES: TypeKind
TYPE_KIND_DATE: TypeKind
TYPE_KIND_TIME: TypeKind
TYPE_KIND_TIMESTAMP: TypeKind
TYPE_KIND_ARRAY: TypeKind
TYPE_KIND_MAP: TypeKind
TYPE_KIND_STRUCT: TypeKind
COLUMN_ROLE_UNSPECIFIED: ColumnRole
COLUMN_ROLE_KEY: ColumnRole
COLUMN_ROLE_VALUE: ColumnRole
COLUMN_ROLE_HEADER: ColumnRole
COLUMN_ROLE_WINDOW: ColumnRole
COLUMN_ROLE_META: ColumnRole

class Type(_message.Message):
    __slots__ = ("sql", "kind", "precision", "scale", "key", "element", "fields")
    SQL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    sql: str
    kind: TypeKind
    precision: int
    scale: int
    key: Type
    element: Type
    fields: _containers.RepeatedCompositeFieldContainer[StructField]
    def __init__(self, sql: _Optional[str] = ..., kind: _Optional[_Union[TypeKind, str]] = ..., precision: _Optional[int] = ..., scale: _Optional[int] = ..., key: _Optional[_Union[Type, _Mapping]] = ..., element: _Optional[_Union[Type, _Mapping]] = ..., fields: _Optional[_Iterable[_Union[StructField, _Mapping]]] = ...) -> None: ...

class StructField(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, _Mapping]] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("name", "type", "role", "header")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    role: ColumnRole
    header: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, _Mapping]] = ..., role: _Optional[_Union[ColumnRole, str]] = ..., header: _Optional[str] = ...) -> None: ...

class Schema(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    def __init__(self, columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("boolean", "integer", "floating", "text", "binary", "list", "entries", "fields")
    BOOLEAN_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    FLOATING_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BINARY_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    boolean: bool
    integer: int
    floating: float
    text: str
    binary: bytes
    list: ValueList
    entries: ValueEntries
    fields: ValueList
    def __init__(self, boolean: _Optional[bool] = ..., integer: _Optional[int] = ..., floating: _Optional[float] = ..., text: _Optional[str] = ..., binary: _Optional[bytes] = ..., list: _Optional[_Union[ValueList, _Mapping]] = ..., entries: _Optional[_Union[ValueEntries, _Mapping]] = ..., fields: _Optional[_Union[ValueList, _Mapping]] = ...) -> None: ...

class ValueList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class ValueEntries(_message.Message):
    __slots__ = ("keys", "values")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[Value]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, keys: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...
