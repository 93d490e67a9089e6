"""Typed expressions as SQL text, for people: EXPLAIN. Analysing the text again gives the same expression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from penstock.expr.typed import Call, Case, Cast, ColumnRef, Construct, Expr, FieldAccess, Lambda, Literal, Parameter, Subscript, Variable
from penstock.types.cast import cast
from penstock.types.sqltype import STRING, Kind, quote

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
          "and": "AND", "or": "OR", "distinct": "IS DISTINCT FROM", "not_distinct": "IS NOT DISTINCT FROM"}
_STRENGTH = {"or": 1, "and": 2, "not": 3, "add": 5, "sub": 5, "mul": 6, "div": 6, "mod": 6, "neg": 7}
_COMPARISON, _ATOM = 4, 9


def to_sql(expr: Expr, inputs: Sequence[str] = ()) -> str:
    """The text. inputs: names of the node's inputs where columns are to be qualified (joins)."""
    return _Printer(tuple(inputs)).text(expr, 0)


class _Printer:
    def __init__(self, inputs: tuple[str, ...]) -> None:
        self.inputs = inputs

    def text(self, expr: Expr, around: int) -> str:
        """Text of an expression inside an operator that binds with strength `around`."""
        written, strength = self.written(expr)
        return f"({written})" if strength < around else written

    def written(self, expr: Expr) -> tuple[str, int]:
        match expr:
            case ColumnRef(name=name, source=source):
                return (f"{quote(self.inputs[source])}.{quote(name)}" if self.inputs else quote(name)), _ATOM
            case Literal():
                return literal(expr), _ATOM
            case Parameter(name=name):
                return f":{name}", _ATOM
            case Cast(arg=arg, implicit=True):
                return self.written(arg)
            case Cast(type=kind, arg=arg):
                return f"CAST({self.text(arg, 0)} AS {kind})", _ATOM
            case FieldAccess(arg=arg, name=name):
                return f"{self.text(arg, _ATOM)}->{quote(name)}", _ATOM
            case Subscript(arg=arg, index=index):
                return f"{self.text(arg, _ATOM)}[{self.text(index, 0)}]", _ATOM
            case Case():
                return self.case(expr), _ATOM
            case Construct():
                return self.construct(expr), _ATOM
            case Variable(name=name):
                return name, _ATOM
            case Lambda(parameters=parameters, body=body):
                return f"({', '.join(parameters)}) => {self.text(body, 0)}", 0
            case Call():
                return self.call(expr)
        raise TypeError(f"not an expression: {expr!r}")

    def case(self, expr: Case) -> str:
        whens = "".join(f" WHEN {self.text(w, 0)} THEN {self.text(r, 0)}" for w, r in expr.whens)
        otherwise = "" if expr.otherwise is None else f" ELSE {self.text(expr.otherwise, 0)}"
        return f"CASE{whens}{otherwise} END"

    def construct(self, expr: Construct) -> str:
        assert expr.type is not None
        parts = [self.text(p, 0) for p in expr.parts]
        match expr.type.kind:
            case Kind.ARRAY:
                return f"ARRAY[{', '.join(parts)}]"
            case Kind.MAP:
                return "MAP(" + ", ".join(f"{k} := {v}" for k, v in zip(parts[::2], parts[1::2], strict=True)) + ")"
            case _:
                return "STRUCT(" + ", ".join(f"{quote(n)} := {v}" for (n, _), v in zip(expr.type.fields, parts, strict=True)) + ")"

    def call(self, expr: Call) -> tuple[str, int]:
        op, args = expr.op, expr.args
        if op.startswith("fn:"):
            name = op.removeprefix("fn:").partition("/")[0]
            return f"{name}({', '.join(self.text(a, 0) for a in args)})", _ATOM
        if op in ("transform", "filter", "reduce"):
            return f"{op.upper()}({', '.join(self.text(a, 0) for a in args)})", _ATOM
        strength = _STRENGTH.get(op, _COMPARISON)
        # Equal strength nests to the left only, and comparisons do not nest.
        first = self.text(args[0], strength + (strength == _COMPARISON))
        rest = [self.text(a, strength + 1) for a in args[1:]]
        match op:
            case "not":
                return f"NOT {first}", strength
            case "neg":
                inner = self.text(args[0], _ATOM)
                return (f"-({inner})" if inner.startswith("-") else f"-{inner}"), strength  # `--` begins a comment
            case "is_null":
                return f"{first} IS NULL", strength
            case "is_not_null":
                return f"{first} IS NOT NULL", strength
            case "between":
                return f"{first} BETWEEN {rest[0]} AND {rest[1]}", strength
            case "in":
                return f"{first} IN ({', '.join(rest)})", strength
            case "like":
                escape = f" ESCAPE {rest[1]}" if len(rest) == 2 else ""
                return f"{first} LIKE {rest[0]}{escape}", strength
        return f" {_SIGNS[op]} ".join([first, *rest]), strength


def literal(expr: Literal) -> str:
    """A constant as SQL writes it; a number keeps its type where SQL can say it."""
    value = expr.value
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return _double(value)
        case Decimal():
            text = format(value, "f")
            return text if "." in text else f"{text}."
        case str():
            return "'" + value.replace("'", "''") + "'"
        case bytes():
            return f"TO_BYTES('{value.hex()}', 'hex')"
    if expr.type is not None and expr.type.kind in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP):
        return f"'{cast(value, expr.type, STRING)}'"
    return str(value)


def _double(value: float) -> str:
    """With an exponent, or SQL takes it for a DECIMAL."""
    if not math.isfinite(value):
        return f"CAST('{'NaN' if math.isnan(value) else 'Infinity' if value > 0 else '-Infinity'}' AS DOUBLE)"
    text = repr(value)
    return text.upper() if "e" in text else f"{text}E0"
