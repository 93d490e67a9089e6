"""SQL types (ksqlDB's) and how a value of each lives in Python.

| type | Python value |
|---|---|
| BOOLEAN | bool |
| INT, BIGINT | int within 32 / 64 bits |
| DOUBLE | float |
| DECIMAL(p, s) | decimal.Decimal with exactly s digits behind the point |
| STRING | str |
| BYTES | bytes |
| DATE | int, days since 1970-01-01 |
| TIME | int, milliseconds since midnight |
| TIMESTAMP | int, milliseconds since 1970-01-01T00:00Z |
| ARRAY<T> | list |
| MAP<K, V> | dict |
| STRUCT<...> | dict with every field, in the type's order |

NULL is None everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


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
    """One SQL type. str(t) is its SQL text."""

    kind: Kind
    precision: int = 0  # DECIMAL
    scale: int = 0  # DECIMAL
    key: SqlType | None = None  # MAP
    element: SqlType | None = None  # ARRAY, and the value of a MAP
    fields: tuple[tuple[str, SqlType], ...] = field(default=())  # STRUCT

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
    """The name as SQL text: bare where unquoted folding keeps it, else in backquotes."""
    plain = name.replace("_", "A").replace("@", "A")
    if plain.isalnum() and plain.isascii() and name == name.upper() and not name[0].isdigit():
        return name
    return quoted(name)


def quoted(name: str) -> str:
    """The name in backquotes: as it is, whatever folding does."""
    return "`" + name.replace("`", "``") + "`"


BOOLEAN = SqlType(Kind.BOOLEAN)
INT = SqlType(Kind.INT)
BIGINT = SqlType(Kind.BIGINT)
DOUBLE = SqlType(Kind.DOUBLE)
STRING = SqlType(Kind.STRING)
BYTES = SqlType(Kind.BYTES)
DATE = SqlType(Kind.DATE)
TIME = SqlType(Kind.TIME)
TIMESTAMP = SqlType(Kind.TIMESTAMP)


def decimal(precision: int, scale: int) -> SqlType:
    """DECIMAL(precision, scale)."""
    return SqlType(Kind.DECIMAL, precision=precision, scale=scale)


def array(element: SqlType) -> SqlType:
    """ARRAY<element>."""
    return SqlType(Kind.ARRAY, element=element)


def map_of(key: SqlType, value: SqlType) -> SqlType:
    """MAP<key, value>."""
    return SqlType(Kind.MAP, key=key, element=value)


def struct(*fields: tuple[str, SqlType]) -> SqlType:
    """STRUCT<name type, ...>."""
    return SqlType(Kind.STRUCT, fields=tuple(fields))
