"""Syntax trees to typed expressions: names, types, overloads and implicit casts, or an ExpressionError with the place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from penstock.errors import ExpressionError
from penstock.expr import aggregates, ast, constructors, lambdas, operators
from penstock.expr.aggregate import Aggregate
from penstock.expr.ast import Ast
from penstock.expr.functions import FUNCTIONS, choose
from penstock.expr.functions.registry import widens
from penstock.expr.functions.shifts import UNIT_FUNCTIONS, UNITS
from penstock.expr.operators import coerce, mismatch, shown
from penstock.expr.parser import parse_expression
from penstock.expr.remote import PREFIX, RemoteFunction
from penstock.expr.scope import Scope, match_name
from penstock.expr.typed import Call, Case, Cast, ColumnRef, Expr, FieldAccess, Literal, Parameter, Subscript, Variable
from penstock.types import sqltype as t
from penstock.types.cast import is_castable
from penstock.types.parse import parse_type
from penstock.types.sqltype import Kind, SqlType

DEEPEST = 100
"""Levels of nesting; deeper expressions are refused before Python's own limits are met."""

TABLE_FUNCTIONS = ("EXPLODE", "CUBE_EXPLODE")
_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "distinct", "not_distinct"})


def analyze(text: str | Ast, scope: Scope) -> Expr:
    """The typed expression."""
    tree = _tree(text)
    if isinstance(tree, ast.Name):
        return _column(tree, scope)
    return _Analyzer(scope).expression(tree)


def _column(tree: ast.Name, scope: Scope) -> ColumnRef:
    source, name, kind = scope.column(tree)
    return ColumnRef(kind, name, source)


def expect_boolean(text: str | Ast, scope: Scope) -> Expr:
    """The typed expression, which must be BOOLEAN."""
    tree = _tree(text)
    expr = analyze(tree, scope)
    if expr.type != t.BOOLEAN:
        raise mismatch(f"a condition must be BOOLEAN, this is {shown(expr.type)}", tree, t.BOOLEAN, shown(expr.type))
    return expr


def _tree(text: str | Ast) -> Ast:
    return parse_expression(text) if isinstance(text, str) else text


@dataclass(frozen=True, slots=True)
class Projected:
    """One item of a projection. explodes: expr is an array of which each element becomes a row; type is the column's type."""

    expr: Expr
    explodes: bool
    type: SqlType | None


def analyze_projection(text: str | Ast, scope: Scope) -> Projected:
    """An expression, or EXPLODE(array) or CUBE_EXPLODE(array) at its top. The text is an expression without alias (see parse_projection)."""
    tree = _tree(text)
    name = tree.name.text.upper() if isinstance(tree, ast.FunctionCall) else ""
    if isinstance(tree, ast.FunctionCall) and name in TABLE_FUNCTIONS:
        if len(tree.args) != 1:
            raise ExpressionError(f"{name} takes one array", tree.start, tree.end)
        expr = analyze(tree.args[0], scope)
        if expr.type is None or expr.type.kind is not Kind.ARRAY:
            raise mismatch(f"Function '{name}' does not accept parameters ({shown(expr.type)}). It takes an ARRAY", tree.args[0], "ARRAY",
                           shown(expr.type))
        if name == "CUBE_EXPLODE":
            combined = Call(t.array(expr.type), "fn:CUBE_EXPLODE/1", (expr,))
            return Projected(combined, True, expr.type)
        return Projected(expr, True, expr.type.element)
    expr = analyze(tree, scope)
    function = FUNCTIONS.get(name)
    if function is not None and function.table and expr.type is not None:
        return Projected(expr, True, expr.type.element)
    return Projected(expr, False, expr.type)


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """One call of an aggregate function. name is Aggregate.name; literals are its extra constant arguments."""

    name: str
    arguments: tuple[Expr, ...]
    literals: tuple[object, ...]
    aggregate: Aggregate


def analyze_aggregate(text: str | Ast, scope: Scope) -> AggregateCall:
    """A call of an aggregate function, arguments typed over the input."""
    tree = _tree(text)
    if not isinstance(tree, ast.FunctionCall):
        raise ExpressionError("an aggregate function such as COUNT(*) is expected", tree.start, tree.end)
    name = tree.name.text.upper()
    if name not in aggregates.NAMES:
        raise _unknown_function(tree, aggregates.NAMES)
    if tree.star and name != "COUNT":
        raise ExpressionError(f"{name}(*) is not supported", tree.start, tree.end)
    count = aggregates.NAMES[name]
    values = tree.args[:count] if count >= 0 else tree.args[:max(1, len(tree.args) + count)]
    arguments = tuple(analyze(arg, scope) for arg in values)
    literals = tuple(_constant(arg, scope) for arg in tree.args[len(values):])
    try:
        aggregate = aggregates.find(name, tuple(a.type for a in arguments), literals)
    except TypeError as error:
        raise ExpressionError(str(error), tree.start, tree.end) from None
    return AggregateCall(aggregate.name, arguments, literals, aggregate)


def _constant(tree: Ast, scope: Scope) -> object:
    expr = analyze(tree, scope)
    if not isinstance(expr, Literal):
        raise ExpressionError("this argument must be a literal", tree.start, tree.end)
    return expr.value


def _unknown_function(tree: ast.FunctionCall, known: Iterable[str]) -> ExpressionError:
    name = tree.name.text
    close = difflib.get_close_matches(name.upper(), list(known), n=5, cutoff=0.6)
    hint = f", did you mean {close[0]}?" if close else ""
    return ExpressionError(f"there is no function {name}{hint}", tree.name.start, tree.name.end, "UNKNOWN_FUNCTION",
                           metadata={"function": name, "candidates": ",".join(close)})


class _Analyzer:
    """One walk over a tree."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.depth = 0
        self.variables: dict[str, SqlType | None] = {}

    def expression(self, tree: Ast) -> Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError(f"nested more than {DEEPEST} levels deep", tree.start, tree.end)
        expr = self._typed(tree)
        self.depth -= 1
        return expr

    def _typed(self, tree: Ast) -> Expr:
        match tree:
            case ast.Name(parts=(ident,)) if ident.text.upper() in self.variables and not ident.quoted:
                return Variable(self.variables[ident.text.upper()], ident.text.upper())
            case ast.Name():
                return _column(tree, self.scope)
            case ast.Number(text=text):
                return self.number(tree, text)
            case ast.Text(value=value):
                return Literal(t.STRING, value)
            case ast.Bool(value=flag):
                return Literal(t.BOOLEAN, flag)
            case ast.Null():
                return Literal(None, None)
            case ast.Param():
                return self.parameter(tree)
            case ast.Operator():
                return self.operator(tree)
            case ast.FunctionCall():
                return self.call(tree)
            case ast.CastTo():
                return self.cast(tree)
            case ast.ArrayOf(items=items):
                return constructors.array(tree, [self.expression(i) for i in items])
            case ast.MapOf(entries=entries):
                return constructors.map_(tree, [(self.expression(k), self.expression(v)) for k, v in entries])
            case ast.StructOf(fields=fields):
                return constructors.struct(tree, [(name, self.expression(v)) for name, v in fields])
            case ast.LambdaOf():
                raise ExpressionError("a lambda can only be the last arguments of TRANSFORM, FILTER and REDUCE", tree.start, tree.end)
            case ast.CaseWhen():
                return self.case(tree)
            case ast.Dereference():
                return self.dereference(tree)
            case ast.Index():
                return self.index(tree)
        raise ExpressionError("* is only allowed alone in a projection", tree.start, tree.end)

    def number(self, tree: Ast, text: str) -> Expr:
        try:
            return operators.number_literal(text)
        except ValueError as error:
            raise ExpressionError(str(error), tree.start, tree.end) from None

    def parameter(self, tree: ast.Param) -> Expr:
        if tree.name not in self.scope.parameters:
            raise ExpressionError(f"parameter :{tree.name} is not given", tree.start, tree.end)
        return Parameter(self.scope.parameters[tree.name], tree.name)

    # ---- operators

    def operator(self, tree: ast.Operator) -> Expr:
        op = tree.op
        args = [self.expression(arg) for arg in tree.args]
        match op:
            case "and" | "or" | "not":
                for arg, at in zip(args, tree.args):
                    if arg.type not in (t.BOOLEAN, None):
                        raise mismatch(f"{op.upper()} takes BOOLEAN, this is {shown(arg.type)}", at, t.BOOLEAN, shown(arg.type))
                return Call(t.BOOLEAN, op, tuple(args))
            case "neg":
                return operators.negate(args[0], tree)
            case "between":
                low = operators.comparison("ge", args[0], args[1], tree)
                high = operators.comparison("le", args[0], args[2], tree)
                return self.between(low, high)
            case "in":
                return self.in_list(tree, args)
            case "like":
                return self.like(tree, args)
            case "is_null" | "is_not_null":
                return Call(t.BOOLEAN, op, (args[0],))
            case "concat":
                return self.chosen("CONCAT", args, tree)
        if op in _COMPARISONS:
            return operators.comparison(op, args[0], args[1], tree)
        return operators.arithmetic(op, args[0], args[1], tree)

    def between(self, low: Expr, high: Expr) -> Expr:
        """One operator when both comparisons look at the same value, so that it is computed once."""
        assert isinstance(low, Call) and isinstance(high, Call)
        if low.args[0] == high.args[0]:
            return Call(t.BOOLEAN, "between", (low.args[0], low.args[1], high.args[1]))
        return Call(t.BOOLEAN, "and", (low, high))

    def in_list(self, tree: ast.Operator, args: list[Expr]) -> Expr:
        value = args[0]
        if isinstance(value, ColumnRef) and value.name in operators.MILLISECOND_COLUMNS:
            args = [value, *(operators.as_time(a, value, at) for a, at in zip(args[1:], tree.args[1:]))]
        return Call(t.BOOLEAN, "in", tuple(operators.united(args, list(tree.args))))

    def like(self, tree: ast.Operator, args: list[Expr]) -> Expr:
        for arg, at in zip(args, tree.args):
            if arg.type not in (t.STRING, None):
                raise mismatch(f"LIKE takes STRING, this is {shown(arg.type)}", at, t.STRING, shown(arg.type))
        if len(args) == 3:
            escape = args[2]
            assert isinstance(escape, Literal)
            if len(str(escape.value)) != 1:
                raise ExpressionError("ESCAPE takes one character", tree.args[2].start, tree.args[2].end)
        return Call(t.BOOLEAN, "like", tuple(args))

    # ---- calls

    def call(self, tree: ast.FunctionCall) -> Expr:
        name = tree.name.text.upper()
        if name in lambdas.NAMES:
            return lambdas.call(self, tree)
        if name in FUNCTIONS:
            if tree.star:
                raise ExpressionError(f"{name}(*) is not supported", tree.start, tree.end)
            return self.chosen(name, self.arguments(name, tree), tree)
        if name in self.scope.functions:
            return self.remote(self.scope.functions[name], tree)
        if name in aggregates.NAMES:
            raise ExpressionError(f"the aggregate function {name} cannot be used here", tree.start, tree.end)
        if name in TABLE_FUNCTIONS:
            raise ExpressionError(f"the table function {name} can only stand alone in the columns of an Explode", tree.start, tree.end)
        raise _unknown_function(tree, (*FUNCTIONS, *self.scope.functions))

    def remote(self, function: RemoteFunction, tree: ast.FunctionCall) -> Expr:
        """A call of a function that programs compute."""
        if self.variables:
            raise ExpressionError(f"{function.name} is computed by programs, for rows and not for the elements of a lambda: leave the lambda out, or let "
                                  "the function take the whole array", tree.start, tree.end, "UNSUPPORTED", metadata={"function": function.name})
        args = [self.expression(arg) for arg in tree.args]
        fits = not tree.star and len(args) == len(function.arguments) and all(
            arg.type in (None, wanted) or arg.type is not None and widens(arg.type, wanted) for arg, wanted in zip(args, function.arguments))
        if not fits:
            given = "*" if tree.star else ", ".join(shown(arg.type) for arg in args)
            raise ExpressionError(f"Function '{function.name}' does not accept parameters ({given}). It takes "
                                  f"{function.name}({', '.join(map(str, function.arguments))})", tree.start, tree.end)
        coerced = (coerce(arg, wanted, at) for arg, wanted, at in zip(args, function.arguments, tree.args))
        return Call(function.result, PREFIX + function.name, tuple(coerced))

    def arguments(self, name: str, tree: ast.FunctionCall) -> list[Expr]:
        """Arguments of a call; DATEADD and its kin begin with a unit as a bare word."""
        if name not in UNIT_FUNCTIONS or not tree.args:
            return [self.expression(arg) for arg in tree.args]
        unit = tree.args[0]
        word = unit.parts[0].text.upper() if isinstance(unit, ast.Name) and len(unit.parts) == 1 else ""
        if word not in UNITS:
            raise ExpressionError(f"{name} begins with a unit: DAYS, HOURS, MINUTES, SECONDS or MILLISECONDS", unit.start, unit.end)
        return [Literal(t.STRING, word), *(self.expression(arg) for arg in tree.args[1:])]

    def chosen(self, name: str, args: list[Expr], tree: Ast) -> Expr:
        places = tree.args if isinstance(tree, (ast.FunctionCall, ast.Operator)) else (tree,) * len(args)
        try:
            found = choose(name, tuple(arg.type for arg in args))
        except TypeError as error:
            raise ExpressionError(str(error), tree.start, tree.end) from None
        coerced = (coerce(arg, wanted, at) for arg, wanted, at in zip(args, found.parameters, places))
        return Call(found.result, f"fn:{name}/{found.function.version}", tuple(coerced))

    def cast(self, tree: ast.CastTo) -> Expr:
        arg = self.expression(tree.arg)
        try:
            target = parse_type(tree.type_text, self.scope.custom_type)
        except ExpressionError as error:
            raise ExpressionError(error.message, tree.type_start + error.start, tree.type_start + error.end) from None
        if not is_castable(arg.type, target):
            raise mismatch(f"Cast of {shown(arg.type)} to {target} is not supported", tree, target, shown(arg.type))
        return Literal(target, None) if arg.type is None else Cast(target, arg)

    # ---- CASE, -> and [ ]

    def case(self, tree: ast.CaseWhen) -> Expr:
        if tree.operand is not None:
            raise ExpressionError("CASE value WHEN ... is not supported: write CASE WHEN value = ... THEN", tree.start, tree.operand.end,
                                  "UNSUPPORTED", metadata={"feature": "simple CASE"})
        whens, result = [], None
        for when, then in tree.whens:
            condition = self.expression(when)
            if condition.type != t.BOOLEAN:
                raise mismatch(f"WHEN takes BOOLEAN, this is {shown(condition.type)}", when, t.BOOLEAN, shown(condition.type))
            value = self.expression(then)
            result = self.branch(result, value, then)
            whens.append((condition, value))
        otherwise = None if tree.otherwise is None else self.expression(tree.otherwise)
        if otherwise is not None and tree.otherwise is not None:
            result = self.branch(result, otherwise, tree.otherwise)
        if result is None:
            raise mismatch("a CASE needs a result that is not NULL", tree)
        return Case(result, tuple(whens), otherwise)

    def branch(self, result: SqlType | None, value: Expr, at: Ast) -> SqlType | None:
        if result is not None and value.type is not None and value.type != result:
            raise mismatch(f"all results of a CASE need one type: {result} came first, this is {value.type}", at, result, value.type)
        return result if value.type is None else value.type

    def dereference(self, tree: ast.Dereference) -> Expr:
        arg = self.expression(tree.arg)
        if arg.type is None or arg.type.kind is not Kind.STRUCT:
            raise mismatch(f"-> takes a STRUCT, this is {shown(arg.type)}", tree.arg, "STRUCT", shown(arg.type))
        fields = dict(arg.type.fields)
        name = match_name(tree.field, fields)
        if name is None:
            close = difflib.get_close_matches(tree.field.text.upper(), fields, n=5, cutoff=0.5)
            raise ExpressionError(f"there is no field {tree.field.text} in {arg.type}", tree.field.start, tree.field.end, "UNKNOWN_COLUMN",
                                  metadata={"column": tree.field.text, "candidates": ",".join(close or fields)})
        return FieldAccess(fields[name], arg, name)

    def index(self, tree: ast.Index) -> Expr:
        arg, index = self.expression(tree.arg), self.expression(tree.index)
        kind = None if arg.type is None else arg.type.kind
        wanted = (t.INT, t.BIGINT) if kind is Kind.ARRAY else (arg.type.key,) if arg.type is not None and kind is Kind.MAP else None
        if wanted is None or arg.type is None:
            raise mismatch(f"[...] takes an ARRAY or a MAP, this is {shown(arg.type)}", tree.arg, "ARRAY or MAP", shown(arg.type))
        if index.type not in wanted:
            raise mismatch(f"the index of {arg.type} must be {wanted[0]}, this is {shown(index.type)}", tree.index, wanted[0] or "",
                           shown(index.type))
        return Subscript(arg.type.element, arg, index)
