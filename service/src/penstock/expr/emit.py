"""Typed expressions to Python source.

An expression is inlined: operators become Python operators on local variables, and a try stands only around what can raise (in Python
3.11 it costs nothing until it does). An arithmetic operand that is None raises by itself, which is what the language asks for: a null
there is an error and makes the whole expression null. Comparisons check for None, since a null there is just false.
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

from penstock.expr import runtime
from penstock.expr.code import Code, Env, indent
from penstock.expr.functions import choose
from penstock.expr.functions.arrays import combinations
from penstock.expr.pieces import Parts, Piece, caught, null_guard
from penstock.expr.typed import Call, Case, Cast, ColumnRef, Construct, Expr, FieldAccess, Lambda, Literal, Parameter, Subscript, Variable
from penstock.types import java, sqltype
from penstock.types.cast import WIDE, caster_of
from penstock.types.sqltype import Kind, SqlType

_BOUNDS = {Kind.INT: ("-2147483648", "2147483647", java.wrap32), Kind.BIGINT: ("-9223372036854775808", "9223372036854775807", java.wrap64)}
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_RING = frozenset({"add", "sub", "mul"})
_LONGEST_INLINE_CASE = 6


def emit_value(expr: Expr, env: Env) -> Code:
    """Code whose value is the expression's value; an error is reported and gives None."""
    piece = _Emitter(env).emit(expr)
    if piece.raises:
        piece = caught(env.module, piece, env.report, hint=_hint(expr))
    return Code(piece.lines, piece.value)


def emit_condition(expr: Expr, env: Env) -> Code:
    """Code whose value is true, or false (or None); an error is reported and gives False."""
    piece = _Emitter(env).emit(expr)
    if piece.raises:
        piece = caught(env.module, piece, env.report, failed="False", hint="holds")
    return Code(piece.lines, piece.value)


def emit_strict(expr: Expr, env: Env) -> Code:
    """Code whose value is the expression's value; an error is raised."""
    piece = _Emitter(env).emit(expr)
    return Code(piece.lines, piece.value)


def _hint(expr: Expr) -> str:
    if isinstance(expr, Call):
        return expr.op.removeprefix("fn:").partition("/")[0].lower() + "_"
    return "value"


class _Emitter:
    """Emits one expression."""

    def __init__(self, env: Env) -> None:
        self.env = env
        self.module = env.module
        self.variables: dict[str, str] = {}

    def bind(self, value: object, hint: str) -> str:
        return self.module.bind(value, hint)

    def emit(self, expr: Expr) -> Piece:
        match expr:
            case ColumnRef(name=name, source=source):
                return Piece(self.env.columns[source][name], atom=True, nullable=True)
            case Literal(value=value):
                return self.constant(value)
            case Parameter(name=name):
                return self.constant(self.env.parameters[name])
            case Cast():
                return self.cast(expr)
            case Case():
                return self.case(expr)
            case FieldAccess(arg=arg, name=name):
                return null_guard(Parts(self.module, self.emit(arg)), f"{{0}}[{_braced(repr(name))}]", raises=False)
            case Subscript():
                return self.subscript(expr)
            case Construct():
                return self.construct(expr)
            case Variable(name=name):
                return Piece(self.variables[name], atom=True, nullable=True)
            case Lambda():
                return self.lambda_(expr)
            case Call(op="transform" | "filter" | "reduce"):
                return self.over_elements(expr)
            case Call(op=op):
                return self.function(expr) if op.startswith("fn:") else self.operator(expr)
        raise TypeError(f"not an expression: {expr!r}")

    def constant(self, value: object) -> Piece:
        if value is None:
            return Piece("None", atom=True, nullable=True)
        if isinstance(value, (bool, str)):
            return Piece(repr(value), atom=True)
        if isinstance(value, (int, float)) and math.isfinite(value):
            return Piece(repr(value) if value >= 0 else f"({value!r})", atom=True)
        return Piece(self.bind(value, re.sub(r"\W", "_", f"const_{value}"[:24])), atom=True)

    # ---- operators

    def operator(self, expr: Call) -> Piece:
        match expr.op:
            case "add" | "sub" | "mul" | "div" | "mod":
                return self.arithmetic(expr)
            case "neg":
                return self.negate(expr)
            case "and" | "or":
                return self.connect(expr)
            case "not":
                return self.negation(expr)
            case "is_null" | "is_not_null":
                parts = Parts(self.module, self.emit(expr.args[0]))
                if isinstance(expr.args[0], Literal) and expr.args[0].value is not None:
                    return self.constant(expr.op == "is_not_null")
                return parts.piece(f"({parts.pieces[0].value} {'is' if expr.op == 'is_null' else 'is not'} None)")
            case "between":
                return self.between(expr)
            case "in":
                return self.in_list(expr)
            case "like":
                return self.like(expr)
            case "distinct" | "not_distinct":
                return self.distinct(expr)
            case _:
                return self.comparison(expr.op, expr.args[0], expr.args[1])

    def arithmetic(self, expr: Call) -> Piece:
        assert expr.type is not None
        parts = Parts(self.module, *(self.unwrapped(arg, expr) for arg in expr.args))
        left, right = (p.value for p in parts.pieces)
        match expr.type.kind:
            case Kind.STRING:
                return self.joined(parts)
            case Kind.DECIMAL:
                return self.decimal_arithmetic(expr, parts)
            case Kind.DOUBLE:
                if expr.op in _SIGNS:
                    return parts.piece(f"({left} {_SIGNS[expr.op]} {right})", raises=True)
                if expr.op == "div" and _nonzero(expr.args[1]):
                    return parts.piece(f"({left} / {right})", raises=True)
                helper = java.double_divide if expr.op == "div" else java.double_remainder
                return parts.piece(f"{self.bind(helper, helper.__name__)}({left}, {right})", raises=True)
            case _:
                return self.integer_arithmetic(expr, parts)

    def unwrapped(self, arg: Expr, outer: Call) -> Piece:
        """An operand. Inside + - * of one integer type only the whole result needs to be wrapped: the low bits are the same."""
        if not (isinstance(arg, Call) and arg.type == outer.type and arg.op in _RING and outer.op in _RING
                and outer.type in (sqltype.INT, sqltype.BIGINT)):
            return self.emit(arg)
        parts = Parts(self.module, *(self.unwrapped(a, arg) for a in arg.args))
        left, right = (p.value for p in parts.pieces)
        return parts.piece(f"({left} {_SIGNS[arg.op]} {right})", raises=True)

    def integer_arithmetic(self, expr: Call, parts: Parts) -> Piece:
        left, right = (p.value for p in parts.pieces)
        if expr.op in _SIGNS:
            return self.wrapped(f"{left} {_SIGNS[expr.op]} {right}", expr.type, parts)
        if parts.pieces[0].atom and _positive(expr.args[1]):
            sign = "//" if expr.op == "div" else "%"
            return parts.piece(f"({left} {sign} {right} if {left} >= 0 else -(-{left} {sign} {right}))", raises=True)
        helper = java.divide if expr.op == "div" else java.remainder
        value = f"{self.bind(helper, helper.__name__)}({left}, {right})"
        return self.wrapped(value, expr.type, parts) if expr.op == "div" else parts.piece(value, raises=True)

    def wrapped(self, value: str, kind: SqlType | None, parts: Parts) -> Piece:
        """The low 32 or 64 bits; two comparisons as long as nothing overflows."""
        assert kind is not None
        low, high, wrap = _BOUNDS[kind.kind]
        name = self.module.fresh("n")
        return parts.piece(f"({name} if {low} <= ({name} := {value}) <= {high} else {self.bind(wrap, wrap.__name__)}({name}))", raises=True)

    def decimal_arithmetic(self, expr: Call, parts: Parts) -> Piece:
        """Computed with exactly the result's precision, rounding being an error, then set to its scale."""
        assert expr.type is not None
        left, right = (p.value for p in parts.pieces)
        method = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "mod": "remainder"}[expr.op]
        context = Context(prec=expr.type.precision, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
        compute = self.bind(getattr(context, method), f"decimal_{method}")
        unit = self.bind(runtime.unit(expr.type.scale), f"scale_{expr.type.scale}")
        value = f"{compute}({left}, {right}).quantize({unit}, None, {self.bind(WIDE, 'wide')})"
        return parts.piece(value if expr.op in ("add", "sub") else f"{self.bind(WIDE.plus, 'without_negative_zero')}({value})", raises=True)

    def joined(self, parts: Parts) -> Piece:
        """STRING + STRING: a null operand becomes the text `null`."""
        values = []
        for piece in parts.pieces:
            if not piece.nullable:
                values.append(piece.value)
            elif piece.atom:
                values.append(f"({piece.value} if {piece.value} is not None else 'null')")
            else:
                name = self.module.fresh("s")
                values.append(f"({name} if ({name} := {piece.value}) is not None else 'null')")
        return parts.piece(f"({values[0]} + {values[1]})")

    def negate(self, expr: Call) -> Piece:
        assert expr.type is not None
        parts = Parts(self.module, self.emit(expr.args[0]))
        value = parts.pieces[0].value
        match expr.type.kind:
            case Kind.INT | Kind.BIGINT:
                return self.wrapped(f"-{value}", expr.type, parts)
            case Kind.DECIMAL:
                return parts.piece(f"{value}.copy_negate()", raises=True)
            case _:
                return parts.piece(f"(-{value})", raises=True)

    # ---- AND, OR, NOT: Java's, a null that is reached is an error

    def truth(self, piece: Piece) -> Piece:
        if not piece.nullable:
            return piece
        parts = Parts(self.module, piece)
        (test,), (name,) = parts.guarded()
        missing = self.bind(runtime.null_boolean, "null_boolean")
        return parts.piece(f"({name} if {test} is not None else {missing}())", raises=True)

    def connect(self, expr: Call) -> Piece:
        pieces = [self.truth(self.emit(arg)) for arg in expr.args]
        if not any(p.lines for p in pieces[1:]) and max(p.depth for p in pieces) < 10:
            parts = Parts(self.module, *pieces)
            return parts.piece("(" + f" {expr.op} ".join(p.value for p in parts.pieces) + ")")
        name = self.module.fresh("both" if expr.op == "and" else "either")
        lines = [*pieces[0].lines, f"{name} = {pieces[0].value}"]
        for piece in pieces[1:]:
            lines.append(f"if {'' if expr.op == 'and' else 'not '}{name}:")
            lines.extend(indent([*piece.lines, f"{name} = {piece.value}"]))
        return Piece(name, tuple(lines), atom=True, raises=any(p.raises for p in pieces))

    def negation(self, expr: Call) -> Piece:
        parts = Parts(self.module, self.truth(self.emit(expr.args[0])))
        return parts.piece(f"(not {parts.pieces[0].value})")

    # ---- comparison: null is false

    def comparison(self, op: str, left: Expr, right: Expr) -> Piece:
        return self.compared(op, self.operands(op, left, right), left.type, right.type)

    def operands(self, op: str, left: Expr, right: Expr) -> Parts:
        """Both sides in forms that Python compares as the language does."""
        a, b = self.side(left, right.type), self.side(right, left.type)
        parts = Parts(self.module, a, b)
        if op not in ("eq", "ne", "distinct", "not_distinct") and (key := _sort_key(left, right)):
            name = self.bind(key, "sort_key")
            parts = Parts(self.module, *(null_guard(Parts(self.module, p), f"{name}({{0}})", False) for p in (a, b)))
        return parts

    def side(self, expr: Expr, other: SqlType | None) -> Piece:
        """INT and BIGINT beside DOUBLE are widened to it, DOUBLE beside DECIMAL becomes its shortest text's value."""
        piece = self.emit(expr)
        kinds = expr.type and expr.type.kind, other and other.kind
        if kinds == (Kind.BIGINT, Kind.DOUBLE):
            if isinstance(expr, Literal):
                return self.constant(float(expr.value))  # type: ignore[arg-type]
            return null_guard(Parts(self.module, piece), "float({0})", False)
        if kinds == (Kind.DOUBLE, Kind.DECIMAL):
            name = self.bind(java.decimal_of_double, "decimal_of_double")
            return null_guard(Parts(self.module, piece), f"{name}({{0}})", True)
        return piece

    def compared(self, op: str, parts: Parts, a: SqlType | None, b: SqlType | None) -> Piece:
        double = Kind.DOUBLE in (a and a.kind, b and b.kind) and Kind.DECIMAL not in (a and a.kind, b and b.kind)
        if op == "eq" and not all(p.nullable for p in parts.pieces):
            return parts.piece(f"({parts.pieces[0].value} == {parts.pieces[1].value})")
        if op == "ne" and double:
            parts.store_all()
        tests, (left, right) = parts.guarded()
        checks = [f"{test} is not None" for test in tests]
        if op == "ne" and double:
            return parts.piece("(" + " and ".join([*checks, f"({left} < {right} or {left} > {right})"]) + ")")
        return parts.piece("(" + " and ".join([*checks, f"{left} {_SIGNS[op]} {right}"]) + ")")

    def between(self, expr: Call) -> Piece:
        value, low, high = expr.args
        kinds = {e.type.kind for e in expr.args if e.type is not None}
        if kinds <= {Kind.INT, Kind.BIGINT} or kinds in ({Kind.DOUBLE}, {Kind.TIMESTAMP}):
            parts = Parts(self.module, self.emit(low), self.emit(value), self.emit(high))
            if not parts.pieces[0].nullable and not parts.pieces[2].nullable:
                tests, (a, x, b) = parts.guarded()
                checks = [f"{test} is not None" for test in tests]
                return parts.piece("(" + " and ".join([*checks, f"{a} <= {x} <= {b}"]) + ")")
        stored = Parts(self.module, self.emit(value))
        stored.store_all()
        shared = _Known(value.type, stored.pieces[0])
        both = Call(sqltype.BOOLEAN, "and", (Call(sqltype.BOOLEAN, "ge", (shared, low)), Call(sqltype.BOOLEAN, "le", (shared, high))))
        piece = _WithKnown(self.env).emit(both)
        return Piece(piece.value, (*stored.lines, *piece.lines), piece.atom, piece.nullable, stored.raises or piece.raises, piece.depth)

    def in_list(self, expr: Call) -> Piece:
        value, *items = expr.args
        if all(isinstance(i, Literal) for i in items) and value.type is not None and value.type.kind not in _UNHASHABLE:
            known = frozenset(i.value for i in items if isinstance(i, Literal) and i.value is not None)
            parts = Parts(self.module, self.emit(value))
            return parts.piece(f"({parts.pieces[0].value} in {self.bind(known, 'one_of')})")
        parts = Parts(self.module, *(self.emit(arg) for arg in expr.args))
        parts.store_all()
        name, *others = (p.value for p in parts.pieces)
        guard = "" if isinstance(value, Literal) and value.value is not None else f"{name} is not None and "
        return parts.piece(f"({guard}({' or '.join(f'{name} == {other}' for other in others)}))")

    def like(self, expr: Call) -> Piece:
        value, pattern, *escape = expr.args
        char = str(escape[0].value) if escape and isinstance(escape[0], Literal) else ""
        if isinstance(pattern, Literal) and pattern.value is not None and not runtime.ends_escaped(str(pattern.value), char):
            parts = Parts(self.module, self.emit(value))
            match = self.bind(runtime.like_pattern(str(pattern.value), char).fullmatch, "like_" + str(pattern.value)[:16])
            return parts.piece(f"({match}({parts.pieces[0].value}) is not None)", raises=True)
        parts = Parts(self.module, self.emit(value), self.emit(pattern))
        left, right = (p.value for p in parts.pieces)
        return parts.piece(f"{self.bind(runtime.like, 'like')}({left}, {right}, {char!r})", raises=True)

    def distinct(self, expr: Call) -> Piece:
        parts = self.operands(expr.op, *expr.args)
        left, right = (p.value for p in parts.pieces)
        return parts.piece(f"({left} {'!=' if expr.op == 'distinct' else '=='} {right})")

    # ---- CASE: only the branch that is taken is evaluated

    def case(self, expr: Case) -> Piece:
        whens = [(self.truth(self.emit(when)), self.emit(then)) for when, then in expr.whens]
        last = self.constant(None) if expr.otherwise is None else self.emit(expr.otherwise)
        pieces = [p for when in whens for p in when] + [last]
        nullable = any(then.nullable for _, then in whens) or last.nullable
        raises = any(p.raises for p in pieces)
        if len(whens) <= _LONGEST_INLINE_CASE and not any(p.lines for p in pieces) and max(p.depth for p in pieces) < 6:
            value = "".join(f"{then.value} if {when.value} else " for when, then in whens) + last.value
            return Piece(f"({value})", (), False, nullable, raises, max(p.depth for p in pieces) + 1)
        name = self.module.fresh("case")
        lines = ["while True:"]
        for when, then in whens:
            lines += indent([*when.lines, f"if {when.value}:", *indent([*then.lines, f"{name} = {then.value}", "break"])])
        lines += indent([*last.lines, f"{name} = {last.value}", "break"])
        return Piece(name, tuple(lines), True, nullable, raises)

    # ---- casts, subscripts, functions

    def cast(self, expr: Cast) -> Piece:
        piece = self.emit(expr.arg)
        assert expr.type is not None
        if expr.arg.type is None:
            return self.constant(None)
        caster = caster_of(expr.arg.type, expr.type)
        if caster is None:
            return piece
        source, target = expr.arg.type.kind, expr.type.kind
        template, raises = _CASTS.get((source, target), ("", True))
        if not template:
            template = self.bind(caster, f"cast_{source.value}_{target.value}".lower()) + "({0})"
        return null_guard(Parts(self.module, piece), template, raises)

    def subscript(self, expr: Subscript) -> Piece:
        parts = Parts(self.module, self.emit(expr.arg), self.emit(expr.index))
        assert expr.arg.type is not None
        if expr.arg.type.kind is Kind.MAP:
            return _nullable(null_guard(parts, "{0}.get({1})", raises=False))
        return _nullable(null_guard(parts, self.bind(runtime.element, "element") + "({0}, {1})", raises=False))

    # ---- constructors and lambdas

    def construct(self, expr: Construct) -> Piece:
        """A part that can fail is caught on its own."""
        assert expr.type is not None
        pieces = [caught(self.module, p, self.env.report) if p.raises else p for p in (self.emit(part) for part in expr.parts)]
        parts = Parts(self.module, *pieces)
        values = [p.value for p in parts.pieces]
        match expr.type.kind:
            case Kind.ARRAY:
                return parts.piece(f"[{', '.join(values)}]")
            case Kind.MAP:
                return parts.piece("{" + ", ".join(f"{k}: {v}" for k, v in zip(values[::2], values[1::2], strict=True)) + "}")
            case _:
                return parts.piece("{" + ", ".join(f"{n!r}: {v}" for (n, _), v in zip(expr.type.fields, values, strict=True)) + "}")

    def lambda_(self, expr: Lambda) -> Piece:
        """A function of its own; columns of the row around are read as they are. What it raises fails the whole call."""
        outer = self.variables
        names = [self.module.fresh(name.lower()) for name in expr.parameters]
        self.variables = outer | dict(zip(expr.parameters, names, strict=True))
        body = self.emit(expr.body)
        self.variables = outer
        name = self.module.fresh("each")
        lines = [f"def {name}({', '.join(names)}):", *indent([*body.lines, f"return {body.value}"])]
        return Piece(name, tuple(lines), atom=True, raises=True)

    def over_elements(self, expr: Call) -> Piece:
        """TRANSFORM, FILTER, REDUCE: a null collection gives null, or REDUCE's start."""
        first = expr.args[0].type
        assert first is not None
        helper = getattr(runtime, f"{expr.op}_{'array' if first.kind is Kind.ARRAY else 'map'}")
        parts = Parts(self.module, *(self.emit(arg) for arg in expr.args))
        call = self.bind(helper, helper.__name__) + "(" + ", ".join(p.value for p in parts.pieces) + ")"
        return parts.piece(call, nullable=True, raises=True)

    def function(self, expr: Call) -> Piece:
        name, _, version = expr.op.removeprefix("fn:").partition("/")
        if name == "CUBE_EXPLODE":
            cube = self.bind(combinations, "combinations")
            return _nullable(null_guard(Parts(self.module, self.emit(expr.args[0])), cube + "({0})", raises=True))
        found = choose(name, tuple(arg.type for arg in expr.args))
        if version != str(found.function.version):
            raise ValueError(f"version {version} of {name} is not known, only {found.function.version}")
        overload = found.overload
        types = tuple(p for p in found.parameters if p is not None)
        pieces = [self.argument(arg) for arg in expr.args]
        pieces = [self.primitive(p) if overload.parameter(i).primitive else p for i, p in enumerate(pieces)]
        parts = Parts(self.module, *pieces)
        call = overload.inline
        if call is None:
            call = self.bind(overload.bound(types), name.lower()) + "(" + ", ".join(f"{{{i}}}" for i in range(len(pieces))) + ")"
        elif not overload.nulls and any(call.count(f"{{{i}}}") > 1 for i in range(len(pieces))):
            parts.store_all()
        if overload.nulls:
            return parts.piece(call.format(*(p.value for p in parts.pieces)), nullable=True, raises=not overload.safe)
        return _nullable(null_guard(parts, call, raises=not overload.safe))

    def argument(self, expr: Expr) -> Piece:
        """Casts and calls as arguments of calls are caught on their own: only that argument becomes null."""
        piece = self.emit(expr)
        own = isinstance(expr, Cast) or isinstance(expr, Call) and expr.op.startswith("fn:")
        return caught(self.module, piece, self.env.report) if own and piece.raises else piece

    def primitive(self, piece: Piece) -> Piece:
        if not piece.nullable:
            return piece
        parts = Parts(self.module, piece)
        (test,), (name,) = parts.guarded()
        missing = self.bind(runtime.null_argument, "null_argument")
        return parts.piece(f"({name} if {test} is not None else {missing}())", raises=True)


class _Known(Expr):
    """An operand that was emitted already."""

    __slots__ = ("piece",)
    piece: Piece

    def __init__(self, type_: SqlType | None, piece: Piece) -> None:
        object.__setattr__(self, "type", type_)
        object.__setattr__(self, "piece", piece)


class _WithKnown(_Emitter):
    """Emits expressions that contain _Known."""

    def emit(self, expr: Expr) -> Piece:
        return expr.piece if isinstance(expr, _Known) else super().emit(expr)


_UNHASHABLE = frozenset({Kind.ARRAY, Kind.MAP, Kind.STRUCT, Kind.BOOLEAN})
_CASTS: dict[tuple[Kind, Kind], tuple[str, bool]] = {
    (Kind.INT, Kind.DOUBLE): ("float({0})", False),
    (Kind.BIGINT, Kind.DOUBLE): ("float({0})", False),
    (Kind.DECIMAL, Kind.DOUBLE): ("float({0})", False),
    (Kind.INT, Kind.STRING): ("str({0})", False),
    (Kind.BIGINT, Kind.STRING): ("str({0})", False),
    (Kind.BOOLEAN, Kind.STRING): ("('true' if {0} else 'false')", False),
}
"""Casts that need no helper: (template, whether it can raise)."""


def _nullable(piece: Piece) -> Piece:
    return Piece(piece.value, piece.lines, piece.atom, True, piece.raises, piece.depth)


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _positive(expr: Expr) -> bool:
    return isinstance(expr, Literal) and isinstance(expr.value, int) and expr.value > 0


def _nonzero(expr: Expr) -> bool:
    return isinstance(expr, Literal) and isinstance(expr.value, (int, float, Decimal)) and expr.value != 0


def _sort_key(left: Expr, right: Expr) -> object:
    """Texts are ordered by UTF-16 units and bytes as signed ones, unlike in Python; an ASCII literal makes no difference."""
    kind = left.type and left.type.kind
    if kind is Kind.BYTES:
        return java.signed_key
    if kind is Kind.STRING and not any(isinstance(e, Literal) and isinstance(e.value, str) and e.value.isascii() for e in (left, right)):
        return java.utf16_key
    return None
