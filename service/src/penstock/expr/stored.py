"""Typed expressions as plain data and back: how plans keep them (never as SQL text).

An expression is a list: a tag, then its fields. Types are their SQL text; values that msgpack has no form for are tagged.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from penstock.expr.typed import Call, Case, Cast, ColumnRef, Construct, Expr, FieldAccess, Lambda, Literal, Parameter, Subscript, Variable
from penstock.types.parse import parse_type
from penstock.types.sqltype import SqlType

Data = Any
"""None, bool, int, float, str, and lists of those."""


def type_to_data(type_: SqlType | None) -> str | None:
    """A type as its SQL text; None for the type of NULL."""
    return None if type_ is None else str(type_)


@functools.lru_cache(4096)
def type_from_data(data: str | None) -> SqlType | None:
    """Inverse of type_to_data."""
    return None if data is None else parse_type(data)


def value_to_data(value: object) -> Data:
    """A constant: Decimal, bytes, lists and dicts are tagged lists, the rest is itself."""
    match value:
        case Decimal():
            return ["decimal", str(value)]
        case bytes():
            return ["bytes", value.hex()]
        case list():
            return ["list", *map(value_to_data, value)]
        case dict():
            return ["dict", *([value_to_data(k), value_to_data(v)] for k, v in value.items())]
        case float() if not math.isfinite(value):
            return ["double", repr(value)]
    return value


def value_from_data(data: Data) -> object:
    """Inverse of value_to_data."""
    if not isinstance(data, list):
        return data
    tag, *rest = data
    match tag:
        case "decimal":
            return Decimal(rest[0])
        case "bytes":
            return bytes.fromhex(rest[0])
        case "list":
            return [value_from_data(v) for v in rest]
        case "dict":
            return {value_from_data(k): value_from_data(v) for k, v in rest}
        case "double":
            return float(rest[0])
    raise ValueError(f"unknown kind of constant {tag!r} in a stored plan")


def to_data(expr: Expr) -> Data:
    """The expression as nested lists."""
    kind = type_to_data(expr.type)
    match expr:
        case ColumnRef(name=name, source=source):
            return ["column", kind, name, source]
        case Literal(value=value):
            return ["literal", kind, value_to_data(value)]
        case Parameter(name=name):
            return ["parameter", kind, name]
        case Call(op=op, args=args):
            return ["call", kind, op, [to_data(a) for a in args]]
        case Cast(arg=arg, implicit=implicit):
            return ["cast", kind, to_data(arg), implicit]
        case Case(whens=whens, otherwise=otherwise):
            return ["case", kind, [[to_data(w), to_data(r)] for w, r in whens], None if otherwise is None else to_data(otherwise)]
        case FieldAccess(arg=arg, name=name):
            return ["field", kind, to_data(arg), name]
        case Subscript(arg=arg, index=index):
            return ["subscript", kind, to_data(arg), to_data(index)]
        case Construct(parts=parts):
            return ["construct", kind, [to_data(p) for p in parts]]
        case Variable(name=name):
            return ["variable", kind, name]
        case Lambda(parameters=parameters, body=body):
            return ["lambda", kind, list(parameters), to_data(body)]
    raise TypeError(f"not an expression: {expr!r}")


_READERS: dict[str, Callable[..., Expr]] = {
    "column": ColumnRef,
    "literal": lambda kind, value: Literal(kind, value_from_data(value)),
    "parameter": Parameter,
    "call": lambda kind, op, args: Call(kind, op, tuple(from_data(a) for a in args)),
    "cast": lambda kind, arg, implicit: Cast(kind, from_data(arg), implicit),
    "case": lambda kind, whens, otherwise: Case(
        kind, tuple((from_data(w), from_data(r)) for w, r in whens), None if otherwise is None else from_data(otherwise)),
    "field": lambda kind, arg, name: FieldAccess(kind, from_data(arg), name),
    "subscript": lambda kind, arg, index: Subscript(kind, from_data(arg), from_data(index)),
    "construct": lambda kind, parts: Construct(kind, tuple(from_data(p) for p in parts)),
    "variable": Variable,
    "lambda": lambda kind, parameters, body: Lambda(kind, tuple(parameters), from_data(body)),
}


def from_data(data: Data) -> Expr:
    """Inverse of to_data; ValueError for a tag of another version."""
    tag, kind, *fields = data
    reader = _READERS.get(tag)
    if reader is None:
        raise ValueError(f"unknown kind of expression {tag!r} in a stored plan")
    return reader(type_from_data(kind), *fields)
