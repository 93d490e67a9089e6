"""The expressions of a node, or of a part of one, whatever they are in."""

from __future__ import annotations

from enum import Enum

from penstock.expr.typed import Expr
from penstock.plan.nodes import Projection, StoreSpec
from penstock.types.schema import Schema

_WITHOUT = (str, Schema, StoreSpec, Enum)


def expressions_of(node: object) -> list[Expr]:
    """All of them, in the order of the node's fields; parts of expressions are not listed."""
    found: list[Expr] = []
    _gather(node, found)
    return found


def _gather(value: object, found: list[Expr]) -> None:
    if isinstance(value, tuple):
        for item in value:
            if isinstance(item, Projection):
                found.append(item.expr)
            else:
                _gather(item, found)
    elif isinstance(value, Expr):
        found.append(value)
    elif value is not None and not isinstance(value, _WITHOUT):
        fields: tuple[str, ...] = getattr(value, "__match_args__", ())
        for name in fields:
            _gather(getattr(value, name), found)
