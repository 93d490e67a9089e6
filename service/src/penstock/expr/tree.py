"""Questions about expressions: which columns they read, whether they always give the same, what their column is called."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from penstock.expr import ast
from penstock.expr.ast import Ast
from penstock.expr.functions import FUNCTIONS
from penstock.expr.typed import Call, Case, Cast, ColumnRef, Construct, Expr, FieldAccess, Lambda, Subscript


def children(expr: Expr) -> tuple[Expr, ...]:
    """Direct parts."""
    match expr:
        case Call(args=args):
            return args
        case Cast(arg=arg) | FieldAccess(arg=arg):
            return (arg,)
        case Subscript(arg=arg, index=index):
            return (arg, index)
        case Case(whens=whens, otherwise=otherwise):
            parts = tuple(part for when in whens for part in when)
            return parts if otherwise is None else (*parts, otherwise)
        case Construct(parts=parts):
            return parts
        case Lambda(body=body):
            return (body,)
        case _:
            return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all its parts."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def columns_of(expr: Expr) -> frozenset[tuple[int, str]]:
    """(input, column name) of every column that is read."""
    return frozenset((e.source, e.name) for e in walk(expr) if isinstance(e, ColumnRef))


def is_deterministic(expr: Expr) -> bool:
    """Whether equal rows give equal values: no RANDOM, UUID or clock."""
    names = (e.op.removeprefix("fn:").partition("/")[0] for e in walk(expr) if isinstance(e, Call) and e.op.startswith("fn:"))
    return all(name not in FUNCTIONS or FUNCTIONS[name].deterministic for name in names)


def default_name(tree: Ast, taken: Collection[str], index: int) -> str:
    """The name of a column without alias. A column keeps its name, `a->b` is B (B_1, ... when taken), anything else KSQL_COL_index, or
    the next number that is free."""
    match tree:
        case ast.Name(parts=parts):
            return _folded(parts[-1])
        case ast.Dereference(field=field):
            name = _folded(field)
            return name if name not in taken else _numbered(name + "_", 1, taken)
        case _:
            return _numbered("KSQL_COL_", index, taken)


def _folded(ident: ast.Ident) -> str:
    return ident.text if ident.quoted else ident.text.upper()


def _numbered(prefix: str, number: int, taken: Collection[str]) -> str:
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"
