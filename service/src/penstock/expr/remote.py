"""Functions that programs elsewhere compute: what an expression needs to know of one, and how calls stand in typed expressions.

A call has the op `remote:NAME`. The planner puts a stage before the node whose expression has one, and a column in the place of the call: no
plan that runs has them, and nothing emits code for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.expr.tree import walk
from penstock.expr.typed import Call, Expr
from penstock.types.sqltype import SqlType

PREFIX = "remote:"


@dataclass(frozen=True, slots=True)
class RemoteFunction:
    """A declared function. name: upper case. nulls: it is called with null arguments too; else the result is null then. cache_rows: results
    that a task keeps. timeout_ms and max_attempts: of a bundle, as a RemoteProcessor's."""

    name: str
    arguments: tuple[SqlType, ...]
    result: SqlType
    version: int = 1
    deterministic: bool = False
    nulls: bool = False
    timeout_ms: int = 30_000
    max_attempts: int = 0
    cache_rows: int = 0
    bundle_rows: int = 1000
    text: str = ""

    @property
    def signature(self) -> str:
        """As ListFunctions shows it, without the name."""
        return f"({', '.join(map(str, self.arguments))}) -> {self.result}"


def called(expr: Expr) -> Iterator[Call]:
    """Calls of such functions in an expression, outer ones first."""
    return (part for part in walk(expr) if isinstance(part, Call) and part.op.startswith(PREFIX))
