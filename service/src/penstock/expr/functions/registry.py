"""The registry of scalar functions: one decorator declares a function, its overloads and its documentation.

    @scalar("LPAD", "STRING, INT, STRING -> STRING", text="Fills up on the left.", arguments=("text", "length", "padding"))
    def lpad(text: str, length: int, padding: str) -> str | None: ...

A signature is `PARAMETER, ... -> RESULT`. A parameter is a type; `T`, `K`, `V` stand for any type, the same everywhere in a signature;
`DECIMAL` for any DECIMAL; `INT!` is primitive: null there is an error; a last `T...` takes one or more. RESULT is a type, `=0` for the
type of argument 0, or comes from the `result` function.
Unless nulls=True a null argument gives null and the implementation never sees None. inline is a Python expression with {0}, {1}
for the arguments; it must mean the same as the function. factory=True: the decorated function gets the argument types and returns the
implementation. safe=True: it cannot raise for any argument of its types, so that no try is needed around it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from penstock.types import sqltype as t
from penstock.types.coerce import RANK, as_decimal, common_type
from penstock.types.parse import SIMPLE
from penstock.types.sqltype import Kind, SqlType

Implementation = Callable[..., Any]
ResultType = Callable[[tuple[SqlType, ...]], SqlType]
F = TypeVar("F", bound=Implementation)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A type with holes: name is a kind or a generic letter."""

    name: str
    parts: tuple[Pattern, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}<{', '.join(map(str, self.parts))}>" if self.parts else self.name

    def generics(self) -> int:
        """How many holes."""
        return len(self.name) == 1 and 1 or sum(p.generics() for p in self.parts)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter."""

    pattern: Pattern
    primitive: bool


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a function with its implementation."""

    parameters: tuple[Parameter, ...]
    variadic: bool
    result: Pattern | ResultType | int
    implementation: Implementation
    nulls: bool
    inline: str | None
    factory: bool
    safe: bool
    text: str

    def parameter(self, index: int) -> Parameter:
        """The declared parameter of argument `index`."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def takes(self, count: int) -> bool:
        """Whether it can be called with that many arguments."""
        return count >= len(self.parameters) if self.variadic else count == len(self.parameters)

    def bound(self, types: tuple[SqlType, ...]) -> Implementation:
        """The callable for these argument types."""
        return self.implementation(types) if self.factory else self.implementation


@dataclass(slots=True)
class Function:
    """One function: documentation and overloads. version is raised when the meaning changes, since plans store it."""

    name: str
    text: str
    arguments: tuple[str, ...]
    category: str
    deterministic: bool
    version: int = 1
    overloads: list[Overload] = field(default_factory=list)
    table: bool = False  # gives an array whose elements become rows where it is exploded


@dataclass(frozen=True, slots=True)
class Chosen:
    """An overload chosen for a call: the types that its arguments must be cast to, and its result."""

    function: Function
    overload: Overload
    parameters: tuple[SqlType | None, ...]
    result: SqlType | None


FUNCTIONS: dict[str, Function] = {}


def scalar(name: str, *signatures: str, text: str = "", arguments: Sequence[str] = (), result: ResultType | None = None, nulls: bool = False,
           inline: str | None = None, factory: bool = False, safe: bool = False, deterministic: bool = True) -> Callable[[F], F]:
    """Declare a scalar function, or further overloads of one. The category is the module's name."""

    def declare(implementation: F) -> F:
        entry = FUNCTIONS.get(name)
        if entry is None:
            entry = FUNCTIONS[name] = Function(name, text, tuple(arguments), implementation.__module__.rpartition(".")[2], deterministic)
        for signature in signatures:
            entry.overloads.append(_overload(signature, implementation, result, nulls, inline, factory, safe))
        return implementation

    return declare


def _overload(signature: str, implementation: Implementation, result: ResultType | None, nulls: bool, inline: str | None,
              factory: bool, safe: bool) -> Overload:
    left, _, right = (part.strip() for part in signature.partition("->"))
    variadic = left.endswith("...")
    texts = _split(left.removesuffix("..."))
    parameters = tuple(Parameter(_pattern(p.removesuffix("!")), p.endswith("!")) for p in texts)
    gives: Pattern | ResultType | int
    if result is not None:
        gives = result
    else:
        gives = int(right[1:]) if right.startswith("=") else _pattern(right)
    return Overload(parameters, variadic, gives, implementation, nulls, inline, factory, safe, signature)


def _split(text: str) -> list[str]:
    """Parts between commas that are in no brackets."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign == "<") - (sign == ">")
        if sign == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    rest = text[start:].strip()
    return [*parts, rest] if rest else parts


def _pattern(text: str) -> Pattern:
    m = re.fullmatch(r"(\w+)(?:<(.*)>)?", text)
    if m is None or not (len(m[1]) == 1 or m[1] in Kind.__members__):
        raise ValueError(f"bad type {text!r} in a signature")
    return Pattern(m[1], tuple(_pattern(p) for p in _split(m[2])) if m[2] else ())


# ---- choosing an overload

def choose(name: str, types: tuple[SqlType | None, ...]) -> Chosen:
    """The overload for these argument types (None is NULL). KeyError: no such function; TypeError: it does not take them."""
    return _choose(name, types)


@functools.lru_cache(4096)
def _choose(name: str, types: tuple[SqlType | None, ...]) -> Chosen:
    function = FUNCTIONS[name]
    candidates = [o for o in function.overloads if o.takes(len(types))]
    found = [c for o in candidates if (c := _exact(o, types))] or [c for o in candidates if (c := _widened(o, types))]
    found.sort(key=lambda c: c[0])
    shown = ", ".join("NULL" if one is None else str(one) for one in types)
    if not found:
        accepted = "; ".join(f"{name}({o.text.partition('->')[0].strip()})" for o in function.overloads)
        raise TypeError(f"Function '{name}' does not accept parameters ({shown}). It takes {accepted}")
    if len(found) > 1 and found[0][0] == found[1][0]:
        raise TypeError(f"Function '{name}' cannot be resolved due to ambiguous method parameters ({shown}). Add explicit casts")
    _, overload, parameters, bound = found[0]
    return Chosen(function, overload, parameters, _result(overload, parameters, bound))


Candidate = tuple[tuple[int, bool], Overload, tuple[SqlType | None, ...], dict[str, SqlType]]


def _rank(overload: Overload) -> tuple[int, bool]:
    """Smaller is better. How far arguments are cast does not count: two overloads that differ in that only are ambiguous, as in ksqlDB."""
    return sum(p.pattern.generics() for p in overload.parameters), overload.variadic


def _exact(overload: Overload, types: tuple[SqlType | None, ...]) -> Candidate | None:
    bound: dict[str, SqlType] = {}
    for index, given in enumerate(types):
        if given is not None and not _match(overload.parameter(index).pattern, given, bound):
            return None
    return _rank(overload), overload, types, bound


def _match(pattern: Pattern, given: SqlType, bound: dict[str, SqlType]) -> bool:
    if len(pattern.name) == 1:
        return bound.setdefault(pattern.name, given) == given
    if given.kind.value != pattern.name:
        return False
    inner = [p for p in (given.key, given.element) if p is not None]
    return all(_match(p, g, bound) for p, g in zip(pattern.parts, inner))


_TEXT_TO = {Kind.TIME, Kind.DATE, Kind.TIMESTAMP, Kind.BYTES}


def _widened(overload: Overload, types: tuple[SqlType | None, ...]) -> Candidate | None:
    """With implicit casts: numbers to wider numbers, STRING to times and BYTES; generics bind to the common type."""
    bound, parameters = _generic_types(overload, types), []
    if bound is None:
        return None
    for index, given in enumerate(types):
        pattern = overload.parameter(index).pattern
        target = given
        if given is not None and not _match(pattern, given, bound):
            wanted = bound.get(pattern.name) if len(pattern.name) == 1 else SIMPLE.get(pattern.name)
            if pattern.name == "DECIMAL" and given.kind in (Kind.INT, Kind.BIGINT):
                wanted = as_decimal(given)
            if wanted is None or not widens(given, wanted):
                return None
            target = wanted
        parameters.append(target)
    return _rank(overload), overload, tuple(parameters), bound


def _generic_types(overload: Overload, types: tuple[SqlType | None, ...]) -> dict[str, SqlType] | None:
    bound: dict[str, SqlType] = {}
    for index, given in enumerate(types):
        name = overload.parameter(index).pattern.name
        if len(name) == 1 and given is not None:
            common = _common(bound.get(name), given)
            if common is None:
                return None
            bound[name] = common
    return bound


def _common(left: SqlType | None, right: SqlType) -> SqlType | None:
    """The wider number, or the time type beside a STRING."""
    try:
        return common_type(left, right)
    except TypeError:
        for text, other in ((left, right), (right, left)):
            if text == t.STRING and other is not None and other.kind in _TEXT_TO:
                return other
        return None


def widens(given: SqlType, wanted: SqlType) -> bool:
    """Whether an argument of one type is taken for a parameter of another: a number for a wider one, a STRING for a time or BYTES."""
    if given.kind in RANK and wanted.kind in RANK:
        return RANK[given.kind] <= RANK[wanted.kind]
    return given.kind is Kind.STRING and wanted.kind in _TEXT_TO


def _result(overload: Overload, parameters: tuple[SqlType | None, ...], bound: dict[str, SqlType]) -> SqlType | None:
    if isinstance(overload.result, int):
        return parameters[overload.result] or _build(overload.parameter(overload.result).pattern, bound)
    if isinstance(overload.result, Pattern):
        return _build(overload.result, bound)
    try:
        return overload.result(tuple(p for p in parameters if p is not None))
    except IndexError:
        raise TypeError("NULL alone does not say which type is meant: add an explicit cast") from None


def _build(pattern: Pattern, bound: dict[str, SqlType]) -> SqlType | None:
    if len(pattern.name) == 1:
        return bound.get(pattern.name)
    parts = [_build(p, bound) or t.STRING for p in pattern.parts]
    match pattern.name:
        case "ARRAY":
            return t.array(parts[0])
        case "MAP":
            return t.map_of(parts[0], parts[1])
        case name:
            return SIMPLE.get(name)


def compile_call(name: str, *constants: object) -> Callable[[Any], Any]:
    """A function of one STRING with text constants behind it, such as ("PARSE_TIMESTAMP", pattern), as a Python function of that value;
    null gives null, an error raises ValueError."""
    types = (t.STRING,) * (1 + len(constants))
    implementation = choose(name, types).overload.bound(types)
    return lambda value: None if value is None else implementation(value, *constants)


# ---- what ListFunctions shows

@dataclass(frozen=True, slots=True)
class Description:
    """Documentation of a function. kind: SCALAR, AGGREGATE or TABLE. signatures: `(STRING, INT) -> STRING`."""

    name: str
    kind: str
    category: str
    text: str
    arguments: tuple[str, ...]
    signatures: tuple[str, ...]


def descriptions() -> Iterator[Description]:
    """All scalar functions by name."""
    for name in sorted(FUNCTIONS):
        f = FUNCTIONS[name]
        yield Description(name, "TABLE" if f.table else "SCALAR", f.category, f.text, f.arguments, tuple(_shown(o) for o in f.overloads))


def _shown(overload: Overload) -> str:
    left, _, right = (part.strip() for part in overload.text.partition("->"))
    if right.startswith("="):
        right = str(overload.parameters[int(right[1:])].pattern)
    return f"({left.replace('!', '')}) -> {right}"
