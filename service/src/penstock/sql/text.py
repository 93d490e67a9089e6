"""Syntax trees as text that the planner reads: every identifier in backquotes, every operator in brackets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from penstock.expr import ast
from penstock.expr.ast import Ast, Ident
from penstock.expr.parser import parse_expression
from penstock.sql.faults import folded, unsupported
from penstock.sql.parts import has_unit, is_variable
from penstock.types.sqltype import quoted

Hook = Callable[[Ast, frozenset[str]], str | None]
"""(part, parameters of lambdas around it) -> text that stands for the whole part, or None: asked for each part from the outside in. Names
that are no such parameter must be answered."""

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
          "and": "AND", "or": "OR", "concat": "||", "distinct": "IS DISTINCT FROM", "not_distinct": "IS NOT DISTINCT FROM"}


def literal(value: str) -> str:
    """A text in quotes."""
    return "'" + value.replace("'", "''") + "'"


def write(tree: Ast, hook: Hook, variables: frozenset[str] = frozenset()) -> str:
    """The text. variables: upper-case names of the parameters of lambdas around."""
    if variables and isinstance(tree, ast.Name) and is_variable(tree, variables):
        return tree.parts[0].text.upper()
    found = hook(tree, variables)
    if found is not None:
        return found

    def part(item: Ast) -> str:
        return write(item, hook, variables)

    match tree:
        case ast.Number(text=text):
            return f"({text})" if text.startswith("-") else text
        case ast.Text(value=value):
            return literal(value)
        case ast.Bool(value=flag):
            return "TRUE" if flag else "FALSE"
        case ast.Null():
            return "NULL"
        case ast.Param(name=name):
            return f":{name}"
        case ast.Operator():
            return f"({_operator(tree, part)})"
        case ast.CaseWhen(operand=operand, whens=whens, otherwise=otherwise):
            first = "" if operand is None else f" {part(operand)}"
            branches = "".join(f" WHEN {part(w)} THEN {part(r)}" for w, r in whens)
            return f"CASE{first}{branches}{'' if otherwise is None else f' ELSE {part(otherwise)}'} END"
        case ast.CastTo(arg=arg, type_text=kind):
            return f"CAST({part(arg)} AS {kind})"
        case ast.FunctionCall(name=name, args=args, star=star):
            return f"{name.text.upper()}({'*' if star else ', '.join(_arguments(name, args, part))})"
        case ast.Dereference(arg=arg, field=field):
            return f"{part(arg)}->{quoted(folded(field))}"
        case ast.Index(arg=arg, index=index):
            return f"{part(arg)}[{part(index)}]"
        case ast.ArrayOf(items=items):
            return f"ARRAY[{', '.join(map(part, items))}]"
        case ast.MapOf(entries=entries):
            return "MAP(" + ", ".join(f"{part(k)} := {part(v)}" for k, v in entries) + ")"
        case ast.StructOf(fields=fields):
            return "STRUCT(" + ", ".join(f"{quoted(folded(n))} := {part(v)}" for n, v in fields) + ")"
        case ast.LambdaOf(parameters=parameters, body=body):
            inner = variables | {p.upper() for p in parameters}
            return f"({', '.join(p.upper() for p in parameters)}) => {write(body, hook, inner)}"
    raise unsupported("this expression", tree)


def rewrite(tree: Ast, hook: Hook, variables: frozenset[str] = frozenset()) -> Ast:
    """The tree of what `write` gives, but with its places in the statement: what the planner has to say of it is said there."""
    if isinstance(tree, ast.Name) and variables and is_variable(tree, variables):
        return _upper(tree)
    found = hook(tree, variables)
    if found is not None:
        read = parse_expression(found)
        return ast.Name(tree.start, tree.end, read.parts) if isinstance(read, ast.Name) else replace(read, start=tree.start, end=tree.end)

    def part(item: Ast) -> Ast:
        return rewrite(item, hook, variables)

    match tree:
        case ast.Operator(args=args):
            return ast.Operator(tree.start, tree.end, tree.op, tuple(map(part, args)))
        case ast.FunctionCall(name=name, args=args):
            unit = (_upper(args[0]),) if has_unit(name, args) and isinstance(args[0], ast.Name) else ()
            return ast.FunctionCall(tree.start, tree.end, name, (*unit, *map(part, args[len(unit):])), tree.star)
        case ast.CaseWhen(operand=operand, whens=whens, otherwise=otherwise):
            return replace(tree, operand=None if operand is None else part(operand), whens=tuple((part(w), part(r)) for w, r in whens),
                           otherwise=None if otherwise is None else part(otherwise))
        case ast.CastTo(arg=arg):
            return replace(tree, arg=part(arg))
        case ast.Dereference(arg=arg, field=field):
            return replace(tree, arg=part(arg), field=_exact(field))
        case ast.Index(arg=arg, index=index):
            return replace(tree, arg=part(arg), index=part(index))
        case ast.ArrayOf(items=items):
            return replace(tree, items=tuple(map(part, items)))
        case ast.MapOf(entries=entries):
            return replace(tree, entries=tuple((part(k), part(v)) for k, v in entries))
        case ast.StructOf(fields=fields):
            return replace(tree, fields=tuple((_exact(n), part(v)) for n, v in fields))
        case ast.LambdaOf(parameters=parameters, body=body):
            names = tuple(p.upper() for p in parameters)
            return replace(tree, parameters=names, body=rewrite(body, hook, variables.union(names)))
    return tree


def _upper(name: ast.Name) -> ast.Name:
    return replace(name, parts=(replace(name.parts[0], text=name.parts[0].text.upper()),))


def _exact(name: Ident) -> Ident:
    return replace(name, text=folded(name), quoted=True)


def _arguments(name: Ident, args: tuple[Ast, ...], part: Callable[[Ast], str]) -> list[str]:
    """A unit stands as it is."""
    if has_unit(name, args) and isinstance(args[0], ast.Name):
        return [args[0].parts[0].text.upper(), *map(part, args[1:])]
    return [part(arg) for arg in args]


def _operator(tree: ast.Operator, part: Callable[[Ast], str]) -> str:
    args = [part(a) for a in tree.args]
    match tree.op:
        case "not":
            return f"NOT {args[0]}"
        case "neg":
            return f"- {args[0]}"
        case "is_null":
            return f"{args[0]} IS NULL"
        case "is_not_null":
            return f"{args[0]} IS NOT NULL"
        case "between":
            return f"{args[0]} BETWEEN {args[1]} AND {args[2]}"
        case "in":
            return f"{args[0]} IN ({', '.join(args[1:])})"
        case "like":
            return f"{args[0]} LIKE {args[1]}" + (f" ESCAPE {args[2]}" if len(args) == 3 else "")
    return f" {_SIGNS[tree.op]} ".join(args)
