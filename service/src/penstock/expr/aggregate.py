"""What an aggregate function is: a piece of state and four small pieces of generated code over it.

State is a flat tuple of Python values, one for each entry of `state`; the operator keeps it in the store as part of one packed
tuple (state/codec.py). The code pieces see state in local variables and arguments in local variables, and are inlined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from penstock.expr.code import Module
from penstock.types.sqltype import SqlType

Emitter = Callable[[Module, list[str], list[str]], list[str]]
"""(module, state variables, argument variables) -> statements that update the state variables in place (unindented)."""


@dataclass(frozen=True)
class Aggregate:
    """One aggregate function for given argument types.

    name: upper-case name and variant, stored in plans, such as "SUM/BIGINT".
    result: type of the result.
    state: names of the state's fields, in order (these are field ids: never reuse one for another meaning).
    init: Python expressions of the initial state, one a field.
    add / undo / merge: code; undo is None where a table cannot be aggregated with it, merge(module, state, other state).
    value: (module, state variables) -> Python expression of the result.
    """

    name: str
    arguments: tuple[SqlType, ...]
    result: SqlType
    state: tuple[str, ...]
    init: tuple[str, ...]
    add: Emitter
    undo: Emitter | None
    merge: Emitter | None
    value: Callable[[Module, list[str]], str]
