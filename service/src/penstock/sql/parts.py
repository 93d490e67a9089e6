"""What is in a syntax tree: its columns, its calls, all parts of a kind."""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import UnionType

from penstock.expr import ast
from penstock.expr.ast import Ast, Ident

WITH_UNITS = frozenset({"DATEADD", "DATESUB", "TIMEADD", "TIMESUB", "TIMESTAMPADD", "TIMESTAMPSUB"})
"""Functions that begin with a unit as a bare word, which is no column."""


def walk(tree: Ast, look_inside: Callable[[Ast], bool], variables: frozenset[str] = frozenset()) -> None:
    """Shows the tree and its parts, from the outside in and from left to right. What is no expression is not shown: names of functions and
    fields, the parameters of lambdas, units. variables: upper-case names of such parameters around."""
    if isinstance(tree, ast.Name):
        if not (variables and is_variable(tree, variables)):
            look_inside(tree)
        return
    if not look_inside(tree):
        return
    if isinstance(tree, ast.FunctionCall):
        skipped = 1 if has_unit(tree.name, tree.args) else 0
        _each(tree.args[skipped:], look_inside, variables)
    elif isinstance(tree, ast.LambdaOf):
        walk(tree.body, look_inside, variables | {p.upper() for p in tree.parameters})
    else:
        fields: tuple[str, ...] = type(tree).__match_args__[2:]  # behind start and end
        for field in fields:
            _each(getattr(tree, field), look_inside, variables)


def _each(value: object, look_inside: Callable[[Ast], bool], variables: frozenset[str]) -> None:
    if isinstance(value, tuple):
        for item in value:
            _each(item, look_inside, variables)
    elif isinstance(value, Ast) and not isinstance(value, Ident):
        walk(value, look_inside, variables)


def is_variable(name: ast.Name, variables: frozenset[str]) -> bool:
    """Whether the name is a parameter of a lambda around it."""
    return len(name.parts) == 1 and not name.parts[0].quoted and name.parts[0].text.upper() in variables


def has_unit(name: Ident, args: tuple[Ast, ...]) -> bool:
    """Whether the first argument of a call is a unit."""
    return bool(args) and isinstance(args[0], ast.Name) and len(args[0].parts) == 1 and name.text.upper() in WITH_UNITS


def parts_of(tree: Ast, kinds: type | UnionType) -> list[Ast]:
    """All parts of these kinds."""
    found: list[Ast] = []

    def look_inside(part: Ast) -> bool:
        if isinstance(part, kinds):
            found.append(part)
        return True

    walk(tree, look_inside)
    return found


def columns_in(tree: Ast) -> list[ast.Name]:
    """Every column that is named."""
    return [part for part in parts_of(tree, ast.Name) if isinstance(part, ast.Name)]


def calls_of(tree: Ast, names: Collection[str]) -> list[ast.FunctionCall]:
    """Calls of these functions, outermost first, none inside another of them. names: upper case."""
    found: list[ast.FunctionCall] = []

    def look_inside(part: Ast) -> bool:
        if isinstance(part, ast.FunctionCall) and part.name.text.upper() in names:
            found.append(part)
            return False
        return True

    walk(tree, look_inside)
    return found
