"""SQL types as responses give them, and the Python value of each.

| type | Python value |
|---|---|
| BOOLEAN | bool |
| INT, BIGINT | int |
| DOUBLE | float |
| DECIMAL(p, s) | decimal.Decimal |
| STRING | str |
| BYTES | bytes |
| DATE | datetime.date |
| TIME | datetime.time, whole milliseconds |
| TIMESTAMP | datetime.datetime with time zone, whole milliseconds; UTC when it arrives |
| ARRAY<T> | list |
| MAP<K, V> | dict |
| STRUCT<...> | dict with every field, in the type's order |

NULL is None everywhere. A DATE or TIMESTAMP outside the years 1 to 9999, which Python's types do not reach, arrives as its number of
days or milliseconds since 1970; such a number, and a number for a TIME (milliseconds since midnight), may also be sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from penstock_client.enums import name_of
from penstock_client.gen.penstock.v1 import types_pb2


class Kind(Enum):
    """The outermost constructor of a type; names equal TypeKind of the proto without its prefix."""

    BOOLEAN = "BOOLEAN"
    INT = "INT"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL"
    STRING = "STRING"
    BYTES = "BYTES"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    ARRAY = "ARRAY"
    MAP = "MAP"
    STRUCT = "STRUCT"


@dataclass(frozen=True, slots=True)
class SqlType:
    """One SQL type; str() is its SQL text. element is an ARRAY's element and a MAP's value; fields are (name, type) of a STRUCT."""

    kind: Kind
    precision: int = 0
    scale: int = 0
    key: SqlType | None = None
    element: SqlType | None = None
    fields: tuple[tuple[str, SqlType], ...] = ()

    def __str__(self) -> str:
        match self.kind:
            case Kind.DECIMAL:
                return f"DECIMAL({self.precision}, {self.scale})"
            case Kind.ARRAY:
                return f"ARRAY<{self.element}>"
            case Kind.MAP:
                return f"MAP<{self.key}, {self.element}>"
            case Kind.STRUCT:
                return "STRUCT<" + ", ".join(f"{quote(name)} {t}" for name, t in self.fields) + ">"
            case _:
                return str(self.kind.value)


def quote(name: str) -> str:
    """The name as SQL text: bare where it survives folding to upper case, else in backquotes."""
    plain = name.replace("_", "A")
    if plain.isascii() and plain.isalnum() and name == name.upper() and not name[0].isdigit():
        return name
    return "`" + name.replace("`", "``") + "`"


def type_of(message: types_pb2.Type) -> SqlType:
    """The type that a response describes. ValueError for a kind that this client does not know."""
    if message.kind == types_pb2.TYPE_KIND_UNSPECIFIED or message.kind not in types_pb2.TypeKind.values():
        raise ValueError(f"this client does not know the type {message.sql or message.kind}; a newer one may")
    kind = Kind(types_pb2.TypeKind.Name(message.kind).removeprefix("TYPE_KIND_"))
    return SqlType(
        kind,
        message.precision,
        message.scale,
        type_of(message.key) if kind is Kind.MAP else None,
        type_of(message.element) if kind in (Kind.ARRAY, Kind.MAP) else None,
        tuple((field.name, type_of(field.type)) for field in message.fields),
    )


@dataclass(frozen=True, slots=True)
class Column:
    """One column. role is KEY, VALUE, HEADER, WINDOW or META."""

    name: str
    type: SqlType
    role: str = "VALUE"


def columns_of(schema: types_pb2.Schema) -> tuple[Column, ...]:
    """The columns that a response describes."""
    return tuple(Column(c.name, type_of(c.type), _role(c.role)) for c in schema.columns)


def _role(role: types_pb2.ColumnRole) -> str:
    name = name_of(types_pb2.ColumnRole, role, "COLUMN_ROLE_")
    return name if name != "UNSPECIFIED" else "VALUE"


def resolve(names: tuple[str, ...], name: str) -> str | None:
    """The one of `names` that is meant: exactly it, else in upper case, else the only one that differs by case alone."""
    if name in names:
        return name
    if name.upper() in names:
        return name.upper()
    alike = [n for n in names if n.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None
