"""TRANSFORM, FILTER and REDUCE: calls whose last arguments are lambdas, typed from the collection that they run over."""

from __future__ import annotations

from typing import Protocol

from penstock.errors import ExpressionError
from penstock.expr import ast
from penstock.expr.functions.registry import Description
from penstock.expr.operators import mismatch, shown
from penstock.expr.scope import Scope, match_name
from penstock.expr.typed import Call, Expr, Lambda
from penstock.types import sqltype as t
from penstock.types.sqltype import Kind, SqlType

NAMES = ("TRANSFORM", "FILTER", "REDUCE")

DESCRIPTIONS = (
    Description("TRANSFORM", "SCALAR", "lambdas", "Applies a function to each element of an array, or two to each entry of a map.",
                ("collection", "lambda"), ("(ARRAY<T>, T => R) -> ARRAY<R>", "(MAP<K, V>, (K, V) => R, (K, V) => S) -> MAP<R, S>")),
    Description("FILTER", "SCALAR", "lambdas", "Keeps the elements or entries for which the condition holds.", ("collection", "lambda"),
                ("(ARRAY<T>, T => BOOLEAN) -> ARRAY<T>", "(MAP<K, V>, (K, V) => BOOLEAN) -> MAP<K, V>")),
    Description("REDUCE", "SCALAR", "lambdas", "Folds a collection into one value, from a start; a null collection gives the start.",
                ("collection", "start", "lambda"), ("(ARRAY<T>, S, (S, T) => S) -> S", "(MAP<K, V>, S, (S, K, V) => S) -> S")),
)


class Analysis(Protocol):
    """The analyser, as far as lambdas need it. variables: types of the parameters of all lambdas around, by upper-case name."""

    scope: Scope
    variables: dict[str, SqlType | None]

    def expression(self, tree: ast.Ast) -> Expr:
        """Type a part."""


def call(analysis: Analysis, tree: ast.FunctionCall) -> Expr:
    """One of NAMES."""
    name = tree.name.text.upper()
    values = [a for a in tree.args if not isinstance(a, ast.LambdaOf)]
    functions = [a for a in tree.args if isinstance(a, ast.LambdaOf)]
    if list(tree.args) != [*values, *functions] or len(values) != (2 if name == "REDUCE" else 1):
        raise _refused(tree, name, [analysis.expression(v) for v in values])
    args = [analysis.expression(v) for v in values]
    collection = args[0].type
    if collection is None or collection.kind not in (Kind.ARRAY, Kind.MAP):
        raise _refused(tree, name, args)
    of_map = collection.kind is Kind.MAP
    if len(functions) != (2 if name == "TRANSFORM" and of_map else 1):
        raise _refused(tree, name, args)
    parts = [collection.key, collection.element] if of_map else [collection.element]
    given = [args[1].type, *parts] if name == "REDUCE" else parts
    made = [_lambda(analysis, f, given) for f in functions]
    result = _result(tree, name, args, made, functions)
    return Call(result, name.lower(), (*args, *made))


def _result(tree: ast.FunctionCall, name: str, args: list[Expr], made: list[Lambda], places: list[ast.LambdaOf]) -> SqlType | None:
    collection = args[0].type
    assert collection is not None
    if name == "FILTER":
        if made[0].type != t.BOOLEAN:
            raise mismatch(f"FILTER takes a condition, this is {shown(made[0].type)}", places[0], t.BOOLEAN, shown(made[0].type))
        return collection
    if name == "REDUCE":
        if args[1].type != made[0].type:
            raise mismatch(f"REDUCE begins with {shown(args[1].type)} and its lambda gives {shown(made[0].type)}", places[0],
                           shown(args[1].type), shown(made[0].type))
        return args[1].type
    kinds = [m.type for m in made]
    if any(k is None for k in kinds):
        raise mismatch("TRANSFORM needs a lambda whose type is known", tree)
    return t.map_of(*kinds) if len(kinds) == 2 else t.array(*kinds)  # type: ignore[arg-type]


def _lambda(analysis: Analysis, tree: ast.LambdaOf, types: list[SqlType | None]) -> Lambda:
    names = [p.upper() for p in tree.parameters]
    if len(names) != len(types):
        raise ExpressionError(f"this lambda needs {len(types)} parameters, not {len(names)}", tree.start, tree.end)
    for name in names:
        if names.count(name) > 1 or name in analysis.variables:
            raise ExpressionError(f"Reusing lambda arguments in nested lambda is not allowed: {name}", tree.start, tree.end)
        if any(match_name(ast.Ident(tree.start, tree.end, name, False), columns) for _, columns in analysis.scope.inputs):
            raise ExpressionError(f"Lambda function argument can't be a column name: {name}", tree.start, tree.end)
    outer = analysis.variables
    analysis.variables = outer | dict(zip(names, types, strict=True))
    body = analysis.expression(tree.body)
    analysis.variables = outer
    return Lambda(body.type, tuple(names), body)


def _refused(tree: ast.FunctionCall, name: str, args: list[Expr]) -> ExpressionError:
    given = ", ".join([*(shown(a.type) for a in args), *("LAMBDA" for a in tree.args if isinstance(a, ast.LambdaOf))])
    return ExpressionError(f"Function '{name}' does not accept parameters ({given})", tree.start, tree.end)
