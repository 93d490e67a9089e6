"""Functions of users, found by entry points of the group `penstock.functions`: each names a module, all of whose functions are taken, or one
function.

    # my_functions.py
    from penstock.plugins.functions import Aggregation, aggregate_function, scalar_function, table_function

    @scalar_function("INITIALS", "STRING -> STRING", text="The first letter of each word.", arguments=("name",))
    def initials(name): return "".join(word[0] for word in name.split())

    @table_function("WORDS", "STRING -> ARRAY<STRING>", text="A row for each word.")
    def words(text): return text.split()

    @aggregate_function("PRODUCT", "DOUBLE -> DOUBLE", text="The product of the values.")
    class Product(Aggregation):
        state = {"product": 1.0, "zeros": 0}
        def add(self, state, value): return (state[0] * (value or 1.0), state[1] + (value == 0))
        def undo(self, state, value): return (state[0] / (value or 1.0), state[1] - (value == 0))
        def merge(self, state, other): return (state[0] * other[0], state[1] + other[1])
        def value(self, state): return 0.0 if state[1] else state[0]

    # pyproject.toml
    [project.entry-points."penstock.functions"]
    mine = "my_functions"

They take part in plans by name: install them on every node before a topology uses them, and keep their meaning. A null argument gives null
(an aggregate passes over it) unless `nulls` is set; a function that raises gives null, and is counted, as a built-in one.
"""

from __future__ import annotations

import ast
import functools
import inspect
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, TypeVar

from penstock.errors import RequestError
from penstock.expr import aggregates
from penstock.expr.aggregate import Aggregate, Emitter
from penstock.expr.code import Module
from penstock.expr.functions import FUNCTIONS, scalar
from penstock.types.parse import parse_type
from penstock.types.sqltype import Kind, SqlType

log = logging.getLogger("penstock.plugins")

GROUP = "penstock.functions"
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_MARK = "__penstock_function__"

T = TypeVar("T")
State = Any
"""A tuple of the values of `Aggregation.state`, in their order."""


class Aggregation:
    """Base of aggregate functions; one instance serves every group. state: names and initial values (numbers, texts, bytes, None, and lists of
    them) of what a group keeps. Without `undo` it does not aggregate tables, without `merge` it is not for session windows."""

    state: Mapping[str, Any] = {}
    undo: Callable[..., State] | None = None
    merge: Callable[[State, State], State] | None = None

    def add(self, state: State, *arguments: Any) -> State:
        """The state with one more row."""
        raise NotImplementedError

    def value(self, state: State) -> Any:
        """The result."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Declared:
    """A function as its decorator declares it. kind: SCALAR, TABLE or AGGREGATE."""

    name: str
    kind: str
    signatures: tuple[str, ...]
    text: str
    arguments: tuple[str, ...]
    deterministic: bool
    nulls: bool
    made: Any


def scalar_function(name: str, *signatures: str, text: str = "", arguments: Sequence[str] = (), deterministic: bool = True,
                    nulls: bool = False) -> Callable[[T], T]:
    """A function of one row. signatures: `STRING, INT -> STRING`; types with a letter, `ARRAY<T> -> T`, stand for any."""
    return _declare("SCALAR", name, signatures, text, arguments, deterministic, nulls)


def table_function(name: str, *signatures: str, text: str = "", arguments: Sequence[str] = (), deterministic: bool = True,
                   nulls: bool = False) -> Callable[[T], T]:
    """A function that gives a row for each element: it returns a list, and its signatures say ARRAY<...>. For an Explode node, or SELECT in
    SQL; in other places it gives the array."""
    return _declare("TABLE", name, signatures, text, arguments, deterministic, nulls)


def aggregate_function(name: str, *signatures: str, text: str = "", arguments: Sequence[str] = (), nulls: bool = False) -> Callable[[T], T]:
    """Of a subclass of Aggregation. Signatures have types without letters."""
    return _declare("AGGREGATE", name, signatures, text, arguments, True, nulls)


def _declare(kind: str, name: str, signatures: Sequence[str], text: str, arguments: Sequence[str], deterministic: bool, nulls: bool) -> Callable[[T], T]:
    def declare(made: T) -> T:
        setattr(made, _MARK, Declared(name, kind, tuple(signatures), text, tuple(arguments), deterministic, nulls, made))
        return made

    return declare


@functools.cache
def install() -> None:
    """Read the entry points, once. What cannot be loaded is logged and left out; topologies that use it are refused then."""
    for point in entry_points(group=GROUP):
        try:
            found = point.load()
            for made in vars(found).values() if inspect.ismodule(found) else (found,):
                if _MARK in getattr(made, "__dict__", {}):
                    add(made)
        except Exception as e:
            log.error("functions of %s (%s) cannot be installed: %s: %s", point.name, point.value, type(e).__name__, e)


def add(made: Any) -> None:
    """Make a decorated function known in this process. Raises RequestError(PLUGIN_FAILED)."""
    declared: Declared = made.__dict__[_MARK]
    if not NAME.fullmatch(declared.name):
        raise _failed(declared.name, "a function's name is in upper case, [A-Z][A-Z0-9_]{0,63}")
    if declared.name in FUNCTIONS or declared.name in aggregates.NAMES:
        raise _failed(declared.name, "there is a function of this name")
    try:
        if declared.kind == "AGGREGATE":
            _add_aggregate(declared)
        else:
            _add_scalar(declared)
    except (ValueError, TypeError) as e:
        FUNCTIONS.pop(declared.name, None)
        raise _failed(declared.name, str(e)) from e


def _add_scalar(declared: Declared) -> None:
    table = declared.kind == "TABLE"
    for signature in declared.signatures:
        if table and not signature.rpartition("->")[2].strip().upper().startswith("ARRAY<"):
            raise ValueError(f"a table function gives an ARRAY, not {signature.rpartition('->')[2].strip()}")
    scalar(declared.name, *declared.signatures, text=declared.text, arguments=declared.arguments, nulls=declared.nulls,
           deterministic=declared.deterministic)(declared.made)
    FUNCTIONS[declared.name].table = table


@dataclass(frozen=True, slots=True)
class _Form:
    arguments: tuple[SqlType, ...]
    result: SqlType


def _add_aggregate(declared: Declared) -> None:
    if not (isinstance(declared.made, type) and issubclass(declared.made, Aggregation)):
        raise TypeError("an aggregate is a subclass of Aggregation")
    for name, value in declared.made.state.items():
        if not _plain(value):
            raise TypeError(f"the initial {name} is no plain value: {value!r}")
    forms = [_form(signature) for signature in declared.signatures]
    if not forms or {len(f.arguments) for f in forms} != {len(forms[0].arguments)} or not forms[0].arguments:
        raise ValueError("an aggregate needs signatures, with equal numbers of arguments")
    aggregation = declared.made()
    names = declared.arguments or tuple(f"value{n or ''}" for n in range(len(forms[0].arguments)))
    shown = tuple(f"({', '.join(map(str, f.arguments))}) -> {f.result}" for f in forms)
    if len(forms[0].arguments) == 1:
        aggregates.aggregate(declared.name, declared.text, shown, names)(
            lambda variant, kind, literals: _aggregate(declared, aggregation, forms, variant, (kind,), literals))
    else:
        aggregates.wide_aggregate(declared.name, declared.text, shown, names, len(forms[0].arguments))(
            lambda variant, kinds, literals: _aggregate(declared, aggregation, forms, variant, kinds, literals))


def _plain(value: object) -> bool:
    """Whether generated code can make it anew from its text."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


def _form(signature: str) -> _Form:
    left, _, right = signature.partition("->")
    fields = parse_type("STRUCT<" + ", ".join(f"A{n} {part}" for n, part in enumerate(_parts(left))) + ">").fields
    return _Form(tuple(kind for _, kind in fields), parse_type(right.strip()))


def _parts(text: str) -> list[str]:
    """At commas outside of brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "<(") - (sign in ">)")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [p.strip() for p in parts]


def _aggregate(declared: Declared, made: Aggregation, forms: Sequence[_Form], variant: str, kinds: tuple[SqlType, ...],
               literals: tuple[object, ...]) -> Aggregate:
    form = next((f for f in forms if f.arguments == kinds), None)
    if form is None or literals:
        raise TypeError(f"Function '{declared.name}' does not accept parameters ({', '.join(map(str, kinds))})")
    state = tuple(made.state)
    undo = None if made.undo is None else _step(made.undo, declared, "undo")
    return Aggregate(variant, kinds, form.result, state, tuple(repr(v) for v in made.state.values()), _step(made.add, declared, "add"), undo,
                     None if made.merge is None else _merge(made.merge, declared), _value(made, declared, form.result))


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)},)"


def _step(function: Callable[..., State], declared: Declared, what: str) -> Emitter:
    def emit(module: Module, state: list[str], arguments: list[str]) -> list[str]:
        call = f"{_tuple(state)} = {module.bind(function, f'{what}_{declared.name.lower()}')}({_tuple(state)}, {', '.join(arguments)})"
        if declared.nulls:
            return [call]
        return [f"if {' and '.join(f'{a} is not None' for a in arguments)}:", f"    {call}"]

    return emit


def _merge(function: Callable[[State, State], State], declared: Declared) -> Emitter:
    return lambda module, state, other: [
        f"{_tuple(state)} = {module.bind(function, f'merge_{declared.name.lower()}')}({_tuple(state)}, {_tuple(other)})"]


def _value(made: Aggregation, declared: Declared, result: SqlType) -> Callable[[Module, list[str]], str]:
    def value(state: State) -> Any:
        found = made.value(state)
        return float(found) if result.kind is Kind.DOUBLE and isinstance(found, int) else found

    return lambda module, state: f"{module.bind(value, f'value_{declared.name.lower()}')}({_tuple(state)})"


def _failed(name: str, why: str) -> RequestError:
    return RequestError("PLUGIN_FAILED", f"function {name}: {why}", {"function": name})
