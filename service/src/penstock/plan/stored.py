"""A plan as bytes: what the registry keeps. Readable by every later version.

msgpack of plain data: a frozen dataclass is a map of its fields, nodes also say their kind ("Filter"), an enum is its value, a type its
SQL text, an expression the form of expr/stored.py. Rules for change:
- a new field has a default: plans stored before get it. A field left at its default is not written.
- a field that this version does not know is refused: a newer version has given it a meaning that must not be lost.
- nothing changes its meaning; where that is needed, VERSION grows and `loads` keeps reading the older ones.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from penstock.errors import PenstockError
from penstock.expr import stored as expressions
from penstock.expr.typed import Expr
from penstock.plan import nodes
from penstock.plan.resolved import ResolvedPlan
from penstock.types.sqltype import SqlType

VERSION = 1
KIND = "node"
"""The entry that says a node's kind; no node has a field of this name."""

KINDS: dict[str, type[nodes.Node]] = {
    name: kind for name, kind in vars(nodes).items() if isinstance(kind, type) and issubclass(kind, nodes.Node) and kind is not nodes.Node
}
"""Node classes by the name that is stored."""


class UnreadablePlan(PenstockError):
    """The stored plan was written by a newer version, or is damaged."""


def dumps(plan: ResolvedPlan) -> bytes:
    """The plan's stored form."""
    return msgspec.msgpack.encode({"version": VERSION, "plan": _writer(ResolvedPlan)(plan)})


def loads(data: bytes) -> ResolvedPlan:
    """Inverse of dumps. Raises UnreadablePlan."""
    try:
        stored = msgspec.msgpack.decode(data)
        if stored["version"] != VERSION:
            raise UnreadablePlan(f"the plan was stored in form {stored['version']}, this version reads form {VERSION}")
        plan = _reader(ResolvedPlan)(stored["plan"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as e:
        raise UnreadablePlan(f"a stored plan is not readable: {e}") from e
    assert isinstance(plan, ResolvedPlan)
    return plan


Codec = Callable[[Any], Any]


@functools.cache
def _writer(hint: Any) -> Codec:
    """Value to plain data, for a field of this type."""
    match _shape(hint):
        case "optional", inner:
            write = _writer(inner)
            return lambda value: None if value is None else write(value)
        case "list", inner:
            write = _writer(inner)
            return lambda value: [write(v) for v in value]
        case "tuple", inners:
            writes = tuple(map(_writer, inners))
            return lambda value: [w(v) for w, v in zip(writes, value, strict=True)]
        case "leaf", (write, _):
            return typing.cast(Codec, write)
    if hint is nodes.Node:
        return lambda node: {KIND: type(node).__name__, **_writer(_hint(type(node)))(node)}
    fields = _fields(hint)
    return lambda value: {name: write(given) for name, write, _, default in fields if (given := getattr(value, name)) != default}


@functools.cache
def _reader(hint: Any) -> Codec:
    """Inverse of _writer."""
    match _shape(hint):
        case "optional", inner:
            read = _reader(inner)
            return lambda data: None if data is None else read(data)
        case "list", inner:
            read = _reader(inner)
            return lambda data: tuple(read(d) for d in data)
        case "tuple", inners:
            reads = tuple(map(_reader, inners))
            return lambda data: tuple(r(d) for r, d in zip(reads, data, strict=True))
        case "leaf", (_, read):
            return typing.cast(Codec, read)
    if hint is nodes.Node:
        return _read_node
    readers = {name: read for name, _, read, _ in _fields(hint)}
    return lambda data: hint(**{name: readers[name](value) for name, value in data.items()})


def _read_node(data: dict[str, Any]) -> nodes.Node:
    kind = KINDS[data[KIND]]
    node = _reader(_hint(kind))({name: value for name, value in data.items() if name != KIND})
    assert isinstance(node, nodes.Node)
    return node


@functools.cache
def _fields(cls: type) -> tuple[tuple[str, Codec, Codec, object], ...]:
    """(name, writer, reader, default) of a dataclass' fields; fields without a default have one that nothing equals."""
    hints = typing.get_type_hints(cls)
    return tuple((f.name, _writer(hints[f.name]), _reader(hints[f.name]), f.default) for f in dataclasses.fields(cls))


def _shape(hint: Any) -> tuple[str, Any]:
    """How a field's type is stored."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (a for a in args if a is not types.NoneType)
        return "optional", inner
    if origin is tuple:
        return ("list", args[0]) if len(args) == 2 and args[1] is ... else ("tuple", args)
    if hint is object:
        return "leaf", (expressions.value_to_data, expressions.value_from_data)
    if hint is SqlType:
        return "leaf", (expressions.type_to_data, expressions.type_from_data)
    if hint is Expr:
        return "leaf", (expressions.to_data, expressions.from_data)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "leaf", (lambda value: value.value, hint)
    if hint in (str, int, bool):
        return "leaf", (_same, _same)
    if dataclasses.is_dataclass(hint):
        return "record", hint
    raise TypeError(f"a plan cannot hold {hint}")


def _hint(cls: type) -> Any:
    """A class as a type hint; mypy takes classes for unhashable where their values are."""
    return cls


def _same(value: Any) -> Any:
    return value
