"""Text to syntax tree. The grammar is grammar.lark, its tables are loaded on first use (tables.py)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError

from penstock.errors import ExpressionError
from penstock.expr import ast
from penstock.expr.ast import Ast, Ident
from penstock.expr.tables import parser

LONGEST = 100_000
"""Code points of an expression; longer text is refused before it is read."""

_COMPARISONS = {"=": "eq", "<>": "ne", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_BINARY = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod"}
_READABLE = {
    "NAME": "a name", "BACKQUOTED": "a name", "DOUBLEQUOTED": "a name", "STRING": "a text", "INTEGER": "a number", "DECIMAL": "a number",
    "FLOAT": "a number", "PARAMETER": "a parameter", "COMPARE": "a comparison", "CONCAT": "'||'", "PLUS": "'+'", "MINUS": "'-'",
    "STAR": "'*'", "SLASH": "'/'", "PERCENT": "'%'", "RPAR": "')'", "LPAR": "'('", "LSQB": "'['", "RSQB": "']'", "COMMA": "','",
    "DOT": "'.'", "$END": "the end", "TYPE_ARGUMENTS": "'('", "TYPE_TEXT": "'<'", "ARRAY_OF": "a name", "MAP_OF": "a name", "STRUCT_OF": "a name", "LAMBDA": "a name", "__ANON_0": "'->'",
    "AT_ZONE": "AT TIME ZONE",
}


def parse_expression(text: str) -> Ast:
    """One expression; ExpressionError says where it stops making sense and what was expected."""
    return _parse(text, "expression")


def parse_projection(text: str) -> Ast:
    """`expression [AS alias]` as Selected, or `*` / `source.*` as Star."""
    return _parse(text, "projection")


@functools.lru_cache(1024)
def _parse(text: str, start: str) -> Ast:
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression has at most {LONGEST} characters, this one {len(text)}", 0, len(text))
    column = _column(text)
    if column is not None:
        return column if start == "expression" else ast.Selected(column.start, column.end, column, None)
    tree: Any = run_parser(_lark(), text, start)
    assert isinstance(tree, Ast)
    return tree


_COLUMN = re.compile(r"(`(?:``|[^`])+`)(?:\.(`(?:``|[^`])+`))?")
"""BACKQUOTED of the grammar, or two of them."""


def _column(text: str) -> ast.Name | None:
    """A column in backquotes: most of the texts that SQL writes for the planner are that, and need no parser."""
    found = _COLUMN.fullmatch(text)
    if found is None:
        return None
    end, first = found.end(1), Ident(0, found.end(1), text[1:found.end(1) - 1].replace("``", "`"), True)
    if end == len(text):
        return ast.Name(0, end, (first,))
    return ast.Name(0, len(text), (first, Ident(end + 1, len(text), text[end + 2:-1].replace("``", "`"), True)))


DEEPEST = 180
"""Levels of a syntax tree. Each costs a few frames of Python's stack wherever a tree is walked."""
DEEPEST_CASE = 15
"""CASEs (and COALESCEs) in CASEs: each branch is a block of the generated code, and Python takes twenty."""


def run_parser(lark: Lark, text: str, start: str) -> Any:
    """What the grammar's rule `start` makes of the text; ExpressionError where it does not fit, or is too deep."""
    try:
        return _shallow(lark.parse(text, start=start))
    except UnexpectedToken as error:
        raise _unexpected(text, error.token, error.accepts or error.expected) from None
    except UnexpectedCharacters as error:
        raise _unknown_character(text, error.pos_in_stream or 0, error.allowed or set()) from None
    except UnexpectedEOF as error:
        raise ExpressionError(f"the expression ends early: expected {_choices(map(str, error.expected))}", len(text), len(text)) from None
    except VisitError as error:
        raise error.orig_exc from None


@functools.cache
def _lark() -> Lark:
    return parser(("expression", "projection"), Builder())


def _shallow(tree: Any) -> Any:
    """The tree, or list of trees, unless it is too deep."""
    waiting: list[tuple[Any, int, int]] = [(tree, 0, 0)]
    while waiting:
        part, level, cases = waiting.pop()
        if not isinstance(part, Ast):
            waiting += [(p, level, cases) for p in part if isinstance(p, Ast | tuple)]
            continue
        if isinstance(part, Ident) or isinstance(part, ast.Name) and level < DEEPEST:
            continue
        if isinstance(part, ast.CaseWhen) or isinstance(part, ast.FunctionCall) and part.name.text.upper() == "COALESCE":
            cases += 1
        if level > DEEPEST or cases > DEEPEST_CASE:
            what = f"CASE or COALESCE is nested more than {DEEPEST_CASE} deep" if cases > DEEPEST_CASE else f"the expression is more than {DEEPEST} levels deep"
            raise ExpressionError(f"{what}: split it", part.start, part.end)
        names: tuple[str, ...] = type(part).__match_args__[2:]  # behind start and end
        for name in names:
            value = getattr(part, name)
            if isinstance(value, Ast | tuple):
                waiting.append((value, level + 1, cases))
    return tree


def _unexpected(text: str, token: Token, expected: set[str]) -> ExpressionError:
    if token.type == "$END":
        return ExpressionError(f"the expression ends early: expected {_choices(expected)}", len(text), len(text))
    start = token.start_pos or 0
    return ExpressionError(f"unexpected {str(token)!r}: expected {_choices(expected)}", start, start + len(token))


def _unknown_character(text: str, at: int, allowed: set[str]) -> ExpressionError:
    if text[at] in "'\"`" and text[at:].count(text[at]) % 2:
        return ExpressionError(f"the quote {text[at]} is not closed", at, len(text))
    return ExpressionError(f"unexpected {text[at]!r}: expected {_choices(allowed)}", at, at + 1)


_AFTER_VALUE = frozenset({"PLUS", "MINUS", "STAR", "SLASH", "PERCENT", "CONCAT", "LSQB", "__ANON_0", "AT_ZONE"})
_AFTER_CONDITION = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "LIKE", "IS", "COMPARE"})


def _choices(expected: Iterable[str]) -> str:
    """What may stand there. That every operator may go on from a whole value or condition is known, and hides what is missing."""
    names = set(expected)
    for operators, sign in ((_AFTER_VALUE, {"CONCAT"}), (_AFTER_CONDITION, {"AND", "OR"})):
        if sign <= names and names - operators:
            names -= operators
    words = sorted({_READABLE.get(name, name) for name in names})
    if "a name" in words and "a number" in words:
        words = [w for w in words if w not in ("a name", "a number", "a text", "a parameter", "'('", "CASE", "CAST", "TRUE", "FALSE", "NULL",
                                               "'+'", "'-'")]
        words.insert(0, "an expression")
    if len(words) > 1:
        return ", ".join(words[:-1]) + " or " + words[-1]
    return words[0] if words else "the end"


def _start(item: Token | Ast) -> int:
    return item.start if isinstance(item, Ast) else item.start_pos or 0


def _end(item: Token | Ast) -> int:
    return item.end if isinstance(item, Ast) else item.end_pos or 0


def _op(name: str, *args: Ast, start: int | None = None, end: int | None = None) -> ast.Operator:
    return ast.Operator(args[0].start if start is None else start, args[-1].end if end is None else end, name, args)


@v_args(inline=True)
class Builder(Transformer[Token, Ast]):
    """Called by the parser at each reduction; one method a grammar alternative."""

    def bare(self, token: Token) -> Ident:
        return Ident(_start(token), _end(token), str(token), False)

    def quoted(self, token: Token) -> Ident:
        quote = token[0]
        return Ident(_start(token), _end(token), token[1:-1].replace(quote * 2, quote), True)

    def star(self, token: Token) -> Ast:
        return ast.Star(_start(token), _end(token), None)

    def qualified_star(self, source: Ident, token: Token) -> Ast:
        return ast.Star(source.start, _end(token), source)

    def struct_star(self, item: Ast, token: Token) -> Ast:
        return ast.StructStar(item.start, _end(token), item)

    def selected(self, item: Ast) -> Ast:
        return ast.Selected(item.start, item.end, item, None)

    def aliased(self, item: Ast, _as: Token, alias: Ident) -> Ast:
        return ast.Selected(item.start, alias.end, item, alias)

    def aliased_bare(self, item: Ast, alias: Ident) -> Ast:
        return ast.Selected(item.start, alias.end, item, alias)

    def number(self, token: Token) -> Ast:
        return ast.Number(_start(token), _end(token), str(token))

    def string(self, token: Token) -> Ast:
        return ast.Text(_start(token), _end(token), token[1:-1].replace("''", "'"))

    def true(self, token: Token) -> Ast:
        return ast.Bool(_start(token), _end(token), True)

    def false(self, token: Token) -> Ast:
        return ast.Bool(_start(token), _end(token), False)

    def null(self, token: Token) -> Ast:
        return ast.Null(_start(token), _end(token))

    def parameter(self, token: Token) -> Ast:
        return ast.Param(_start(token), _end(token), str(token[1:]))

    def column(self, name: Ident) -> Ast:
        return ast.Name(name.start, name.end, (name,))

    def qualified(self, source: Ident, name: Ident) -> Ast:
        return ast.Name(source.start, name.end, (source, name))

    def call_empty(self, name: Ident, close: Token) -> Ast:
        return ast.FunctionCall(name.start, _end(close), name, (), False)

    def call_star(self, name: Ident, _star: Token, close: Token) -> Ast:
        return ast.FunctionCall(name.start, _end(close), name, (), True)

    def call(self, name: Ident, args: tuple[Ast, ...], close: Token) -> Ast:
        return ast.FunctionCall(name.start, _end(close), name, args, False)

    def at_zone(self, value: Ast, at: Token, zone: Ast) -> Ast:
        """The clock's time in the zone, as CONVERT_TZ gives it."""
        start, end = _start(at), _end(at)
        return ast.FunctionCall(value.start, zone.end, Ident(start, end, "CONVERT_TZ", False), (value, ast.Text(start, end, "UTC"), zone), False)

    def arguments(self, *args: Ast) -> tuple[Ast, ...]:
        return args

    def array_of(self, first: Token, items: tuple[Ast, ...] | None, close: Token) -> Ast:
        return ast.ArrayOf(_start(first), _end(close), items or ())

    def entry(self, key: Ast, value: Ast) -> tuple[Ast, Ast]:
        return key, value

    def field(self, name: Ident, value: Ast) -> tuple[Ident, Ast]:
        return name, value

    def map_of(self, first: Token, *rest: Any) -> Ast:
        return ast.MapOf(_start(first), _end(rest[-1]), tuple(e for e in rest[:-1] if e is not None))

    def struct_of(self, first: Token, *rest: Any) -> Ast:
        return ast.StructOf(_start(first), _end(rest[-1]), tuple(f for f in rest[:-1] if f is not None))

    def lambda_(self, head: Token, body: Ast) -> Ast:
        return ast.LambdaOf(_start(head), body.end, tuple(re.findall(r"\w+", head)), body)

    def parenthesised(self, inner: Ast, _close: Token) -> Ast:
        return inner

    def dereference(self, arg: Ast, field: Ident) -> Ast:
        return ast.Dereference(arg.start, field.end, arg, field)

    def index(self, arg: Ast, index: Ast, close: Token) -> Ast:
        return ast.Index(arg.start, _end(close), arg, index)

    def case_when(self, _when: Token, condition: Ast, _then: Token, result: Ast) -> tuple[Ast, Ast]:
        return condition, result

    def case_else(self, _else: Token, result: Ast) -> Ast:
        return result

    def case(self, first: Token, *rest: Any) -> Ast:
        *whens, otherwise, end = rest
        return ast.CaseWhen(_start(first), _end(end), None, tuple(whens), otherwise)

    def case_simple(self, first: Token, operand: Ast, *rest: Any) -> Ast:
        *whens, otherwise, end = rest
        return ast.CaseWhen(_start(first), _end(end), operand, tuple(whens), otherwise)

    def cast(self, first: Token, arg: Ast, _as: Token, written: tuple[str, int], close: Token) -> Ast:
        return ast.CastTo(_start(first), _end(close), arg, *written)

    def type_span(self, name: Token, rest: Token | None = None) -> tuple[str, int]:
        if rest is None:
            return str(name), _start(name)
        return f"{name}{' ' * (_start(rest) - _end(name))}{rest}", _start(name)

    def _chain(self, name: str, left: Ast, right: Ast) -> Ast:
        """a AND b AND c is one operator of three operands: long conditions do not nest."""
        first = left.args if isinstance(left, ast.Operator) and left.op == name else (left,)
        return ast.Operator(left.start, right.end, name, (*first, right))

    def or_(self, left: Ast, _or: Token, right: Ast) -> Ast:
        return self._chain("or", left, right)

    def and_(self, left: Ast, _and: Token, right: Ast) -> Ast:
        return self._chain("and", left, right)

    def concat(self, left: Ast, _concat: Token, right: Ast) -> Ast:
        return self._chain("concat", left, right)

    def not_(self, first: Token, arg: Ast) -> Ast:
        return _op("not", arg, start=_start(first))

    def compare(self, left: Ast, sign: Token, right: Ast) -> Ast:
        return _op(_COMPARISONS[sign], left, right)

    def between(self, value: Ast, _between: Token, low: Ast, _and: Token, high: Ast) -> Ast:
        return _op("between", value, low, high)

    def not_between(self, value: Ast, _not: Token, _between: Token, low: Ast, _and: Token, high: Ast) -> Ast:
        return _op("not", _op("between", value, low, high))

    def in_(self, value: Ast, _in: Token, args: tuple[Ast, ...], close: Token) -> Ast:
        return _op("in", value, *args, end=_end(close))

    def not_in(self, value: Ast, _not: Token, _in: Token, args: tuple[Ast, ...], close: Token) -> Ast:
        return _op("not", _op("in", value, *args, end=_end(close)))

    def like(self, value: Ast, _like: Token, pattern: Ast, escape: Token | None, char: Token | None) -> Ast:
        return _op("like", value, pattern, *(() if char is None else (self.string(char),)))

    def not_like(self, value: Ast, _not: Token, _like: Token, pattern: Ast, escape: Token | None, char: Token | None) -> Ast:
        return _op("not", self.like(value, _like, pattern, escape, char))

    def is_null(self, value: Ast, _is: Token, null: Token) -> Ast:
        return _op("is_null", value, end=_end(null))

    def is_not_null(self, value: Ast, _is: Token, _not: Token, null: Token) -> Ast:
        return _op("is_not_null", value, end=_end(null))

    def distinct(self, left: Ast, _is: Token, _distinct: Token, _from: Token, right: Ast) -> Ast:
        return _op("distinct", left, right)

    def not_distinct(self, left: Ast, _is: Token, _not: Token, _distinct: Token, _from: Token, right: Ast) -> Ast:
        return _op("not_distinct", left, right)

    def binary(self, left: Ast, sign: Token, right: Ast) -> Ast:
        return _op(_BINARY[sign], left, right)

    def minus(self, sign: Token, arg: Ast) -> Ast:
        if isinstance(arg, ast.Number) and not arg.text.startswith("-") and arg.start == _end(sign):
            return ast.Number(_start(sign), arg.end, "-" + arg.text)
        return _op("neg", arg, start=_start(sign))

    def plus(self, sign: Token, arg: Ast) -> Ast:
        return arg
