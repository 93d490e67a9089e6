"""Typing rules of operators: which operands they take, what they give, what is converted implicitly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from penstock.errors import ExpressionError
from penstock.expr.ast import Ast
from penstock.expr.typed import Call, Cast, ColumnRef, Construct, Expr, FieldAccess, Literal, Subscript
from penstock.types import sqltype as t
from penstock.types import times
from penstock.types.cast import WIDE, cast
from penstock.types.coerce import RANK, as_decimal, common_type
from penstock.types.sqltype import Kind, SqlType

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
         "distinct": "IS DISTINCT FROM", "not_distinct": "IS NOT DISTINCT FROM"}
TIMES = frozenset({Kind.DATE, Kind.TIME, Kind.TIMESTAMP})
MILLISECOND_COLUMNS = frozenset({"ROWTIME", "WINDOWSTART", "WINDOWEND"})
_ONLY_EQUALITY = frozenset({Kind.BOOLEAN, Kind.ARRAY, Kind.MAP, Kind.STRUCT})
_EQUALITY = frozenset({"eq", "ne", "distinct", "not_distinct"})


def mismatch(message: str, at: Ast, expected: object = "", actual: object = "") -> ExpressionError:
    """TYPE_MISMATCH at a node."""
    metadata = {k: str(v) for k, v in (("expected", expected), ("actual", actual)) if v}
    return ExpressionError(message, at.start, at.end, "TYPE_MISMATCH", metadata=metadata)


def shown(type_: SqlType | None) -> str:
    """A type in a message."""
    return "NULL" if type_ is None else str(type_)


def coerce(expr: Expr, target: SqlType | None, at: Ast) -> Expr:
    """The expression with an implicit cast where its type differs; literals are converted here."""
    if target is None or expr.type == target:
        return expr
    if expr.type is None:
        return Literal(target, None)
    if isinstance(expr, Literal):
        try:
            return Literal(target, cast(expr.value, expr.type, target))
        except (ValueError, TypeError) as error:
            raise mismatch(str(error), at, target, expr.type) from None
    return Cast(target, expr, implicit=True)


# ---- arithmetic

def arithmetic(op: str, left: Expr, right: Expr, at: Ast) -> Expr:
    """+ - * / % of two operands."""
    a, b = left.type, right.type
    if op == "add" and a == b == t.STRING:
        return Call(t.STRING, "add", (left, right))
    if a is None or b is None or a.kind not in RANK or b.kind not in RANK:
        raise mismatch(f"{shown(a)} {SIGNS[op]} {shown(b)} is not supported", at, "numbers", f"{shown(a)}, {shown(b)}")
    if Kind.DOUBLE in (a.kind, b.kind):
        return Call(t.DOUBLE, op, tuple(coerce(e, t.DOUBLE, at) if e.type != t.DOUBLE else e for e in (left, right)))
    if Kind.DECIMAL in (a.kind, b.kind):
        return Call(decimal_result(op, as_decimal(a), as_decimal(b)), op, (left, right))
    return Call(t.BIGINT if t.BIGINT in (a, b) else t.INT, op, (left, right))


def decimal_result(op: str, a: SqlType, b: SqlType) -> SqlType:
    """Precision and scale of a result; the value is computed with exactly that many digits and without rounding."""
    p1, s1, p2, s2 = a.precision, a.scale, b.precision, b.scale
    match op:
        case "add" | "sub":
            return t.decimal(max(s1, s2) + max(p1 - s1, p2 - s2) + 1, max(s1, s2))
        case "mul":
            return t.decimal(p1 + p2 + 1, s1 + s2)
        case "div":
            scale = max(6, s1 + p2 + 1)
            return t.decimal(p1 - s1 + s2 + scale, scale)
        case _:
            return t.decimal(min(p1 - s1, p2 - s2) + max(s1, s2), max(s1, s2))


def negate(arg: Expr, at: Ast) -> Expr:
    """Unary minus."""
    if arg.type is None or arg.type.kind not in RANK:
        raise mismatch(f"- {shown(arg.type)} is not supported", at, "a number", shown(arg.type))
    return Call(arg.type, "neg", (arg,))


# ---- comparison

def comparison(op: str, left: Expr, right: Expr, at: Ast) -> Expr:
    """= <> < <= > >= and IS [NOT] DISTINCT FROM."""
    if left.type is None or right.type is None:
        if op in ("distinct", "not_distinct"):
            other = right if left.type is None else left
            return Call(t.BOOLEAN, "is_not_null" if op == "distinct" else "is_null", (other,))
        raise mismatch("Comparison with NULL not supported: use IS NULL or IS NOT NULL", at)
    left, right = as_time(left, right, at), as_time(right, left, at)
    if not comparable(op, left.type, right.type):
        raise mismatch(f"Cannot compare {shown(left.type)} to {shown(right.type)} with {SIGNS[op]}", at, shown(left.type), shown(right.type))
    if {left.type, right.type} == {t.DATE, t.TIMESTAMP}:
        left, right = coerce(left, t.TIMESTAMP, at), coerce(right, t.TIMESTAMP, at)
    return Call(t.BOOLEAN, op, (left, right))


def comparable(op: str, a: SqlType | None, b: SqlType | None) -> bool:
    """Whether these types may be compared."""
    if a is None or b is None:
        return False
    if a.kind in RANK and b.kind in RANK or {a.kind, b.kind} == {Kind.DATE, Kind.TIMESTAMP}:
        return True
    return a.kind is b.kind and (a.kind not in _ONLY_EQUALITY or op in _EQUALITY)


def as_time(side: Expr, other: Expr, at: Ast) -> Expr:
    """A STRING beside a time type is parsed; a STRING literal beside ROWTIME, WINDOWSTART or WINDOWEND becomes milliseconds."""
    if side.type != t.STRING or other.type is None:
        return side
    if other.type.kind in TIMES:
        return coerce(side, other.type, at)
    if isinstance(side, Literal) and isinstance(other, ColumnRef) and other.name in MILLISECOND_COLUMNS:
        try:
            return Literal(t.BIGINT, times.parse_timestamp(str(side.value)))
        except ValueError as error:
            raise mismatch(str(error), at, t.TIMESTAMP, t.STRING) from None
    return side


# ---- lists of values that must agree (IN)

def united(items: list[Expr], places: list[Ast]) -> list[Expr]:
    """The expressions coerced to a common type; STRING literals adapt to what stands beside them."""
    items = _adapted(items, places)
    target: SqlType | None = None
    for item, at in zip(items, places):
        try:
            target = common_type(target, item.type)
        except TypeError as error:
            raise mismatch(f"operator does not exist: {error}", at, target or "", item.type or "") from None
    return [coerce(item, target, at) if item.type is not None else item for item, at in zip(items, places)]


def _adapted(items: list[Expr], places: list[Ast]) -> list[Expr]:
    literal = [isinstance(item, Literal) for item in items]
    if any(i.type == t.STRING and not lit for i, lit in zip(items, literal)):
        return [coerce(i, t.STRING, at) if lit and i.type is not None else i for i, lit, at in zip(items, literal, places)]
    others = {i.type for i in items if i.type is not None and i.type != t.STRING}
    if not others:
        return items
    kinds = {o.kind for o in others}
    if len(kinds) == 1 and kinds <= {Kind.ARRAY, Kind.MAP, Kind.STRUCT}:
        items = _parts_adapted(items, places, next(iter(kinds)))
    return [_as_other(i, others, at) if lit and i.type == t.STRING else i for i, lit, at in zip(items, literal, places)]


def _parts_adapted(items: list[Expr], places: list[Ast], kind: Kind) -> list[Expr]:
    """Literals inside constructors adapt to what stands in the same place of the others."""
    found = list(items)
    slots: dict[object, list[tuple[int, int | None, Expr]]] = {}
    for number, item in enumerate(items):
        if item.type is not None and item.type.kind is kind:
            for slot, at, part in _slots(item):
                slots.setdefault(slot, []).append((number, at, part))
    for parts in slots.values():
        adapted = _adapted([p for _, _, p in parts], [places[number] for number, _, _ in parts])
        for (number, at, before), after in zip(parts, adapted, strict=True):
            if at is not None and after is not before:
                found[number] = _with_part(found[number], at, after)
    return found


def _slots(item: Expr) -> Iterator[tuple[object, int | None, Expr]]:
    """(place, index of the argument, expression) of the parts of a value; of one that is not written out their types only."""
    kind = item.type
    assert kind is not None
    if not isinstance(item, Construct):
        if kind.kind is Kind.STRUCT:
            yield from ((name, None, FieldAccess(field, item, name)) for name, field in kind.fields)
        else:
            yield "element", None, Subscript(kind.element, item, item)
            if kind.key is not None:
                yield "key", None, Subscript(kind.key, item, item)
        return
    for at, part in enumerate(item.parts):
        yield kind.fields[at][0] if kind.kind is Kind.STRUCT else "key" if kind.kind is Kind.MAP and at % 2 == 0 else "element", at, part


def _with_part(item: Expr, at: int, part: Expr) -> Expr:
    """A constructor with another argument; its own type follows."""
    assert isinstance(item, Construct) and item.type is not None and part.type is not None
    args = (*item.parts[:at], part, *item.parts[at + 1:])
    kind = item.type
    if kind.kind is Kind.STRUCT:
        kind = t.struct(*((name, part.type if i == at else field) for i, (name, field) in enumerate(kind.fields)))
    elif kind.kind is Kind.MAP and at % 2 == 0:
        kind = t.map_of(part.type, kind.element)  # type: ignore[arg-type]
    else:
        kind = t.array(part.type) if kind.kind is Kind.ARRAY else t.map_of(kind.key, part.type)  # type: ignore[arg-type]
    return Construct(kind, args)


def _as_other(item: Expr, others: set[SqlType], at: Ast) -> Expr:
    """A STRING literal beside numbers is read as one, beside BOOLEAN as a boolean word, beside times as a time."""
    assert isinstance(item, Literal)
    kinds = {o.kind for o in others}
    if kinds <= RANK.keys():
        try:
            return _text_number(str(item.value).strip())
        except ValueError:
            raise mismatch(f"{item.value!r} is not a number", at, "a number", t.STRING) from None
    if kinds == {Kind.BOOLEAN}:
        word = str(item.value).strip().lower()
        if not word or not any(known.startswith(word) for known in ("true", "yes", "false", "no")):
            raise mismatch(f"{item.value!r} is not a boolean word", at, t.BOOLEAN, t.STRING)
        return coerce(item, t.BOOLEAN, at)
    if len(others) == 1 and kinds <= TIMES:
        return coerce(item, next(iter(others)), at)
    return item


def _text_number(text: str) -> Literal:
    """A number in a text: as a literal, but one with an exponent is a DECIMAL too, as Java's BigDecimal reads it."""
    if "e" not in text.lower():
        return number_literal(text)
    try:
        number = Decimal(text)
        plain = format(number, "f")
    except InvalidOperation:
        raise ValueError(f"{text} is not a number") from None
    whole, _, fraction = plain.lstrip("-").partition(".")
    return Literal(t.decimal(max(1, len(whole.lstrip("0")) + len(fraction), len(fraction) + 1), len(fraction)), Decimal(plain))


def number_literal(text: str) -> Literal:
    """A number as written: INT, BIGINT, DECIMAL of exactly its digits, or DOUBLE with an exponent; ValueError otherwise."""
    if "e" in text.lower():
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text} is too large for a DOUBLE")
        return Literal(t.DOUBLE, value)
    if "." in text:
        try:
            number = WIDE.plus(Decimal(text))
        except InvalidOperation:
            raise ValueError(f"{text} is not a number") from None
        _, digits, exponent = number.as_tuple()
        scale = -int(exponent)
        return Literal(t.decimal(max(len(digits), scale + (1 if abs(number) < 1 else 0), 1), scale), number)
    whole = int(text) if len(text) < 40 else 1 << 64
    if -(1 << 31) <= whole < 1 << 31:
        return Literal(t.INT, whole)
    if -(1 << 63) <= whole < 1 << 63:
        return Literal(t.BIGINT, whole)
    raise ValueError(f"{text} does not fit BIGINT")
