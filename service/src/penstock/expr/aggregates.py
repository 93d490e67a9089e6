"""The aggregate functions: state and inlined code (expr/aggregate.py says how the pieces are used).

The id of an aggregate is `NAME/argument type`, so that a plan finds it again; by_id is the inverse of find's name.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from time import time_ns

from penstock.expr.aggregate import Aggregate, Emitter
from penstock.expr.code import Module
from penstock.expr.functions.numbers import sort_key
from penstock.expr.functions.registry import Description
from penstock.types import java
from penstock.types import sqltype as t
from penstock.types.cast import WIDE
from penstock.types.parse import parse_type
from penstock.types.sqltype import Kind, SqlType

Maker = Callable[[str, SqlType, tuple[object, ...]], Aggregate]

WideMaker = Callable[[str, tuple[SqlType, ...], tuple[object, ...]], Aggregate]

NAMES: dict[str, int] = {}
"""Names of all aggregate functions and how many of their arguments are values, the rest being literals; -1: all but the last."""
_MAKERS: dict[str, Maker] = {}
_WIDE_MAKERS: dict[str, WideMaker] = {}
_DESCRIPTIONS: dict[str, Description] = {}


def find(name: str, types: tuple[SqlType | None, ...], literals: tuple[object, ...] = ()) -> Aggregate:
    """The aggregate for these argument types; TypeError when it does not take them. There are no implicit casts."""
    if name == "COUNT" and not types and not literals:
        return _count_all()
    known = tuple(kind for kind in types if kind is not None)
    if len(known) != len(types) or not types:
        raise TypeError(f"Function '{name}' does not accept parameters ({', '.join('NULL' if k is None else str(k) for k in types)})")
    if len(known) > 1 or name not in _MAKERS:
        if name not in _WIDE_MAKERS:
            raise TypeError(f"Function '{name}' takes one value")
        variant = t.struct(*((f"A{i}", kind) for i, kind in enumerate(known)))
        return _WIDE_MAKERS[name](f"{name}/{len(known)}:{variant}", known, literals)
    kind = known[0]
    return _MAKERS[name](f"{name}/{kind}", kind, literals)


def by_id(name: str, literals: tuple[object, ...] = ()) -> Aggregate:
    """The aggregate that a plan names; KeyError when there is none."""
    function, _, variant = name.partition("/")
    count, wide, columns = variant.partition(":STRUCT<")
    if wide and count.isdecimal():
        return find(function, tuple(kind for _, kind in parse_type("STRUCT<" + columns).fields), literals)
    return find(function, () if variant == "*" else (parse_type(variant),), literals)


def descriptions() -> list[Description]:
    """Documentation of all aggregates by name."""
    return [_DESCRIPTIONS[name] for name in sorted(_DESCRIPTIONS)]


def aggregate(name: str, text: str, signatures: tuple[str, ...], arguments: tuple[str, ...] = ("value",)) -> Callable[[Maker], Maker]:
    """Declare an aggregate function."""

    def declare(maker: Maker) -> Maker:
        NAMES[name] = 1
        _MAKERS[name] = maker
        _DESCRIPTIONS[name] = Description(name, "AGGREGATE", "aggregates", text, arguments, signatures)
        return maker

    return declare


def wide_aggregate(name: str, text: str, signatures: tuple[str, ...], arguments: tuple[str, ...],
                   values: int) -> Callable[[WideMaker], WideMaker]:
    """Declare an aggregate of several values, or the form of one that takes several; values as in NAMES."""

    def declare(maker: WideMaker) -> WideMaker:
        NAMES[name] = values
        _WIDE_MAKERS[name] = maker
        before = _DESCRIPTIONS.get(name)
        _DESCRIPTIONS[name] = Description(name, "AGGREGATE", "aggregates", text, arguments, (*(before.signatures if before else ()), *signatures))
        return maker

    return declare


def no_literals(name: str, literals: tuple[object, ...]) -> None:
    if literals:
        raise TypeError(f"Function '{name.partition('/')[0]}' takes one argument")


def only(name: str, kind: SqlType, kinds: frozenset[Kind]) -> None:
    if kind.kind not in kinds:
        raise TypeError(f"Function '{name.partition('/')[0]}' does not accept parameters ({kind})")


def unless_null(*statements: str) -> Emitter:
    """Statements that run when the argument is not null; {s}, {t} are state variables, {a} the argument."""

    def emit(module: Module, state: list[str], arguments: list[str]) -> list[str]:
        names = names_of(state, arguments)
        return [f"if {arguments[0]} is not None:", *(f"    {s.format_map(names)}" for s in statements)]

    return emit


def names_of(state: list[str], arguments: list[str]) -> dict[str, str]:
    return {"s": state[0], "t": state[1] if len(state) > 1 else "", "a": arguments[0] if arguments else "",
            "b": arguments[1] if len(arguments) > 1 else ""}


def first_state(module: Module, state: list[str]) -> str:
    return state[0]


NUMBERS = frozenset({Kind.INT, Kind.BIGINT, Kind.DOUBLE})
ORDERED = NUMBERS | {Kind.DECIMAL, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.STRING, Kind.BYTES}


# ---- COUNT

def _count_all() -> Aggregate:
    return Aggregate(
        "COUNT/*", (), t.BIGINT, ("count",), ("0",), add=lambda m, s, a: [f"{s[0]} += 1"], undo=lambda m, s, a: [f"{s[0]} -= 1"],
        merge=lambda m, s, o: [f"{s[0]} += {o[0]}"], value=first_state)


@aggregate("COUNT", "Number of rows, or of values that are not null.", ("() -> BIGINT", "(T) -> BIGINT"))
def _count(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    no_literals(name, literals)
    return Aggregate(name, (kind,), t.BIGINT, ("count",), ("0",), add=unless_null("{s} += 1"), undo=unless_null("{s} -= 1"),
                     merge=lambda m, s, o: [f"{s[0]} += {o[0]}"], value=first_state)


# ---- SUM and AVG

def added(sign: str, kind: SqlType, state: str, value: str, module: Module) -> list[str]:
    """state += value in the type: wrapping for whole numbers, an error where a DECIMAL overflows."""
    match kind.kind:
        case Kind.INT | Kind.BIGINT:
            wrap = java.wrap32 if kind.kind is Kind.INT else java.wrap64
            low, high = (java.INT_MIN, java.INT_MAX) if kind.kind is Kind.INT else (java.LONG_MIN, java.LONG_MAX)
            return [f"{state} {sign}= {value}", f"if not {low} <= {state} <= {high}:",
                    f"    {state} = {module.bind(wrap, wrap.__name__)}({state})"]
        case Kind.DECIMAL:
            fits = module.bind(Context(prec=kind.precision, traps=[InvalidOperation]), "fits")
            unit = module.bind(Decimal(1).scaleb(-kind.scale), f"scale_{kind.scale}")
            method = WIDE.add if sign == "+" else WIDE.subtract
            return [f"{state} = {module.bind(method, 'decimal_' + method.__name__)}({state}, {value}).quantize({unit}, None, {fits})"]
        case _:
            return [f"{state} {sign}= {value}"]


def summing(sign: str, kind: SqlType, *more: str) -> Emitter:
    def emit(module: Module, state: list[str], arguments: list[str]) -> list[str]:
        body = [*added(sign, kind, state[0], arguments[0], module), *(m.format_map(names_of(state, arguments)) for m in more)]
        return [f"if {arguments[0]} is not None:", *(f"    {line}" for line in body)]

    return emit


def zero(kind: SqlType) -> str:
    return "0.0" if kind.kind is Kind.DOUBLE else "0"


def total(kind: SqlType) -> Callable[[Module, list[str]], str]:
    """The sum as a result: a DECIMAL that nothing was added to has its scale too."""
    if kind.kind is not Kind.DECIMAL:
        return first_state
    nothing = Decimal(0).scaleb(-kind.scale)
    return lambda module, state: f"({state[0]} or {module.bind(nothing, 'decimal_zero')})"


@aggregate("SUM", "Sum of the values that are not null; INT and BIGINT wrap.",
           ("(INT) -> INT", "(BIGINT) -> BIGINT", "(DOUBLE) -> DOUBLE", "(DECIMAL) -> DECIMAL"))
def _sum(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    no_literals(name, literals)
    only(name, kind, NUMBERS | {Kind.DECIMAL})
    return Aggregate(name, (kind,), kind, ("sum",), (zero(kind),), add=summing("+", kind), undo=summing("-", kind),
                     merge=lambda m, s, o: added("+", kind, s[0], o[0], m), value=total(kind))


@aggregate("AVG", "Average of the values that are not null, 0.0 without any; the sum is kept in the type of the values.",
           ("(INT) -> DOUBLE", "(BIGINT) -> DOUBLE", "(DOUBLE) -> DOUBLE"))
def _avg(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    no_literals(name, literals)
    only(name, kind, NUMBERS)
    return Aggregate(
        name, (kind,), t.DOUBLE, ("sum", "count"), (zero(kind), "0"), add=summing("+", kind, "{t} += 1"),
        undo=summing("-", kind, "{t} -= 1"), merge=lambda m, s, o: [*added("+", kind, s[0], o[0], m), f"{s[1]} += {o[1]}"],
        value=lambda m, s: f"(float({s[0]}) / {s[1]} if {s[1]} else 0.0)")


# ---- MIN and MAX

def _better(sign: str, kind: SqlType, module: Module, state: str, value: str) -> list[str]:
    """state = value where it is the better one; texts are ordered by UTF-16 units, bytes as signed."""
    key = sort_key(kind.kind)
    name = "" if key is None else module.bind(key, getattr(key, "__name__", "sort_key"))
    return [f"if {value} is not None and ({state} is None or {name}({value}) {sign} {name}({state})):", f"    {state} = {value}"]


def _extreme(sign: str) -> Maker:
    def make(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
        no_literals(name, literals)
        only(name, kind, ORDERED)
        field = "min" if sign == "<" else "max"
        return Aggregate(name, (kind,), kind, (field,), ("None",), add=lambda m, s, a: _better(sign, kind, m, s[0], a[0]), undo=None,
                         merge=lambda m, s, o: _better(sign, kind, m, s[0], o[0]), value=first_state)

    return make


_SAME = tuple(f"({kind}) -> {kind}" for kind in ("INT", "BIGINT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP", "STRING", "BYTES"))
aggregate("MIN", "The smallest value that is not null.", _SAME)(_extreme("<"))
aggregate("MAX", "The largest value that is not null.", _SAME)(_extreme(">"))


# ---- EARLIEST_BY_OFFSET and LATEST_BY_OFFSET

def _how(name: str, literals: tuple[object, ...]) -> tuple[int, bool]:
    """(how many values, 0 for a single one; whether nulls are ignored)."""
    count, *rest = literals if literals and not isinstance(literals[0], bool) else (0, *literals)
    if len(rest) > 1 or not all(isinstance(r, bool) for r in rest) or not isinstance(count, int) or count < 0 or (count == 0 and len(literals) > 1):
        raise TypeError(f"Function '{name.partition('/')[0]}' takes a value, a whole number of at least 1 and whether nulls are ignored")
    if count == 0 and literals and not isinstance(literals[0], bool):
        raise TypeError(f"'{name.partition('/')[0]}' must keep at least 1 value")
    return count, bool(rest[0]) if rest else True


def _adding(ignore: bool, *statements: str) -> Emitter:
    """Statements over {s}, {t} and {a}, only where {a} is not null if nulls are ignored."""
    if ignore:
        return unless_null(*statements)
    return lambda module, state, arguments: [s.format_map(names_of(state, arguments)) for s in statements]


_BY_OFFSET = ("(T) -> T", "(T, BOOLEAN) -> T", "(T, INT) -> ARRAY<T>", "(T, INT, BOOLEAN) -> ARRAY<T>")
_BY_OFFSET_ARGUMENTS = ("value", "count", "ignore_nulls")


@aggregate("LATEST_BY_OFFSET", "The last value, or the last n; nulls are ignored unless the last argument is false.", _BY_OFFSET, _BY_OFFSET_ARGUMENTS)
def _latest(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    count, ignore = _how(name, literals)
    if count:
        return Aggregate(name, (kind,), t.array(kind), ("latest",), ("[]",), add=_adding(ignore, f"{{s}} = [*{{s}}, {{a}}][-{count}:]"), undo=None,
                         merge=None, value=first_state)
    return Aggregate(name, (kind,), kind, ("latest",), ("None",), add=_adding(ignore, "{s} = {a}"), undo=None, merge=None, value=first_state)


@aggregate("EARLIEST_BY_OFFSET", "The first value, or the first n; nulls are ignored unless the last argument is false.", _BY_OFFSET,
           _BY_OFFSET_ARGUMENTS)
def _earliest(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    count, ignore = _how(name, literals)
    if count:
        return Aggregate(name, (kind,), t.array(kind), ("earliest",), ("[]",), undo=None, merge=None, value=first_state,
                         add=_adding(ignore, f"if len({{s}}) < {count}: {{s}} = [*{{s}}, {{a}}]"))
    if ignore:
        return Aggregate(name, (kind,), kind, ("earliest",), ("None",), undo=None, merge=None, value=first_state,
                         add=lambda m, s, a: [f"if {s[0]} is None:", f"    {s[0]} = {a[0]}"])
    return Aggregate(name, (kind,), kind, ("earliest", "seen"), ("None", "False"), undo=None, merge=None, value=first_state,
                     add=lambda m, s, a: [f"if not {s[1]}:", f"    {s[0]}, {s[1]} = {a[0]}, True"])


# ---- the same in sessions, which merge: each value remembers when it came

def _newer(values: list[list[object]], more: list[list[object]], keep: int) -> list[list[object]]:
    """[order, value] pairs of both in the order of arrival, cut to the first `keep`."""
    return sorted([*values, *more], key=lambda pair: pair[0])[:keep]  # type: ignore[arg-type, return-value]


def _ordered(latest: bool) -> Maker:
    def make(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
        count, ignore = _how(name, literals)
        keep = count or 1

        def add(module: Module, state: list[str], arguments: list[str]) -> list[str]:
            pair = f"[{module.bind(time_ns, 'time_ns')}(), {{a}}]"
            if latest:
                return _adding(ignore, f"{{s}} = [*{{s}}, {pair}][-{keep}:]")(module, state, arguments)
            return _adding(ignore, f"if len({{s}}) < {keep}: {{s}} = [*{{s}}, {pair}]")(module, state, arguments)

        def merge(module: Module, state: list[str], other: list[str]) -> list[str]:
            if latest and not count:
                return [f"{state[0]} = {module.bind(max, 'newest')}({state[0]}, {other[0]}, key=lambda pairs: pairs[-1][0] if pairs else -1)"]
            return [f"{state[0]} = {module.bind(_newer, 'newer')}({state[0]}, {other[0]}, {keep})"]

        def value(module: Module, state: list[str]) -> str:
            return f"[pair[1] for pair in {state[0]}]" if count else f"({state[0]}[-1][1] if {state[0]} else None)"

        return Aggregate(name, (kind,), t.array(kind) if count else kind, ("ordered",), ("[]",), add=add, undo=None, merge=merge, value=value)

    return make


_MAKERS["LATEST_BY_OFFSET@SESSION"] = _ordered(True)
_MAKERS["EARLIEST_BY_OFFSET@SESSION"] = _ordered(False)


def for_session(aggregate: Aggregate, literals: tuple[object, ...]) -> Aggregate:
    """The form of an aggregate that sessions take: one whose states can be merged, where there is one."""
    function, _, variant = aggregate.name.partition("/")
    return by_id(f"{function}@SESSION/{variant}", literals) if f"{function}@SESSION" in _MAKERS else aggregate


# ---- lists. A state's list is never changed in place: the old one may still be read.

def _top(keep: list[object], value: object, k: int, key: Callable[[object], object] | None) -> list[object]:
    """The list in descending order with the value after its equals, cut to k."""
    return heapq.nlargest(k, [*keep, value], key=key)  # type: ignore[type-var,arg-type,unused-ignore]


@aggregate("TOPK", "The k largest values in descending order; equal values are kept.",
           tuple(f"({kind}, INT) -> ARRAY<{kind}>" for kind in ("INT", "BIGINT", "DOUBLE", "STRING")), ("value", "k"))
def _topk(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    only(name, kind, NUMBERS | {Kind.STRING})
    if len(literals) != 1 or not isinstance(literals[0], int) or isinstance(literals[0], bool) or literals[0] < 1:
        raise TypeError("Function 'TOPK' takes a value and a whole number of at least 1")
    k, key = literals[0], sort_key(kind.kind)

    def add(module: Module, state: list[str], arguments: list[str]) -> list[str]:
        (s, *_), (a, *_) = state, arguments
        plain = "" if key is None else module.bind(key, "sort_key")
        order = "None" if key is None else plain
        return [f"if {a} is not None and (len({s}) < {k} or {plain}({a}) > {plain}({s}[-1])):",
                f"    {s} = {module.bind(_top, 'top')}({s}, {a}, {k}, {order})"]

    def merge(module: Module, state: list[str], other: list[str]) -> list[str]:
        order = "None" if key is None else module.bind(key, "sort_key")
        return [f"{state[0]} = {module.bind(heapq.nlargest, 'nlargest')}({k}, {state[0]} + {other[0]}, {order})"]

    return Aggregate(name, (kind,), t.array(kind), ("top",), ("[]",), add=add, undo=None, merge=merge, value=first_state)


def _without_last(values: list[object], value: object) -> list[object]:
    """The list without the last element equal to the value."""
    for index in range(len(values) - 1, -1, -1):
        if values[index] == value:
            return values[:index] + values[index + 1:]
    return values


def _limit(name: str, literals: tuple[object, ...]) -> int | None:
    """The largest number of elements that a list may have."""
    if not literals:
        return None
    if len(literals) > 1 or not isinstance(literals[0], int) or isinstance(literals[0], bool) or literals[0] < 0:
        raise TypeError(f"Function '{name.partition('/')[0]}' takes a value, and a number of elements that is not negative")
    return literals[0]


@aggregate("COLLECT_LIST", "All values in the order of arrival, nulls too; the first ones only, where a limit is given.",
           ("(T) -> ARRAY<T>", "(T, INT) -> ARRAY<T>"), ("value", "limit"))
def _collect_list(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    limit = _limit(name, literals)
    add, cut = ("", "") if limit is None else (f"if len({{0}}) < {limit}: ", f"[:{limit}]")
    return Aggregate(
        name, (kind,), t.array(kind), ("list",), ("[]",), add=lambda m, s, a: [f"{add.format(s[0])}{s[0]} = [*{s[0]}, {a[0]}]"],
        undo=lambda m, s, a: [f"{s[0]} = {m.bind(_without_last, 'without_last')}({s[0]}, {a[0]})"],
        merge=lambda m, s, o: [f"{s[0]} = ({s[0]} + {o[0]}){cut}"], value=first_state)


@aggregate("COLLECT_SET", "The distinct values in the order of first arrival, null is a value; the first ones only, where a limit is given.",
           ("(T) -> ARRAY<T>", "(T, INT) -> ARRAY<T>"), ("value", "limit"))
def _collect_set(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    limit = _limit(name, literals)
    room, cut = ("", "") if limit is None else (f"len({{0}}) < {limit} and ", f"[:{limit}]")
    return Aggregate(
        name, (kind,), t.array(kind), ("set",), ("[]",),
        add=lambda m, s, a: [f"if {room.format(s[0])}{a[0]} not in {s[0]}:", f"    {s[0]} = [*{s[0]}, {a[0]}]"], undo=None,
        merge=lambda m, s, o: [f"{s[0]} = ({s[0]} + [v for v in {o[0]} if v not in {s[0]}]){cut}"], value=first_state)


# The other families declare themselves; they are written with what stands above.
from penstock.expr import aggregate_rankings, aggregate_statistics  # noqa: E402, F401
