"""Statements out of text. Expressions in them are read by the same grammar and builder as those of topologies."""

from __future__ import annotations

import functools
from typing import Any

from lark import Lark, Token, v_args

from penstock.errors import ExpressionError
from penstock.expr.ast import Ast, Ident
from penstock.expr.parser import Builder, run_parser
from penstock.expr.tables import parser
from penstock.sql import tree

LONGEST = 1_000_000
"""Code points of a script; longer text is refused before it is read."""

_UNITS = {"MILLISECOND": 1, "SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}


def parse_statement(text: str) -> tree.Statement:
    """The only statement of a text. ExpressionError, without line and column in its message."""
    try:
        found: list[tree.Statement] = run_parser(_lark(), text, "statements")
    except ExpressionError as error:
        raise _syntax(error) from None
    if len(found) != 1:
        raise ExpressionError(f"one statement is expected here, not {len(found)}", 0, len(text))
    return found[0]


def _syntax(error: ExpressionError, place: str = "") -> ExpressionError:
    message = error.message.replace("the expression ends", "the statement ends")
    return ExpressionError(f"{place}Syntax Error: {message}", error.start, error.end, error.reason, metadata=error.metadata)


def parse_statements(text: str) -> list[tree.Statement]:
    """All statements in order. ExpressionError says line and column of what does not fit, and what was expected."""
    if len(text) > LONGEST:
        raise ExpressionError(f"a script has at most {LONGEST} characters, this one {len(text)}", 0, len(text))
    try:
        found: list[tree.Statement] = run_parser(_lark(), text, "statements")
    except ExpressionError as error:
        raise _syntax(error, f"line {place(text, error.start)}: ") from None
    return found


def place(text: str, at: int) -> str:
    """`line:column`, both from 1, of a position."""
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


@functools.cache
def _lark() -> Lark:
    return parser(("statements",), _Statements())


def _span(*parts: Any) -> tuple[int, int]:
    known = [p for p in parts if p is not None]
    return _start(known[0]), _end(known[-1])


def _start(part: Any) -> int:
    return part.start if isinstance(part, Ast) else part.start_pos or 0


def _end(part: Any) -> int:
    return part.end if isinstance(part, Ast) else part.end_pos or 0


def _ident(part: Ident | Token) -> Ident:
    """A name, or a text that stands for one."""
    return part if isinstance(part, Ident) else Ident(_start(part), _end(part), _written(part), True)


def _written(token: Token) -> str:
    return token[1:-1].replace("''", "'") if token.type == "STRING" else str(token)


@v_args(inline=True)
class _Statements(Builder):
    """One method a rule of the statements, in the grammar's order."""

    def statements(self, *found: tree.Statement | None) -> list[tree.Statement]:
        return [f for f in found if f is not None]

    # ---- CREATE

    def create(self, first: Token, replace: Any, source: Token | None, kind: str, unless: Any, name: Ident,
               elements: tuple[tree.Element, ...] | None, with_: tuple[tree.Property, ...] | None, _as: Token | None,
               query: tree.Query | None) -> tree.Create:
        return tree.Create(_start(first), query.end if query else name.end, kind, name, bool(replace), source is not None, bool(unless), elements,
                           with_ or (), query)

    def create_type(self, first: Token, _type: Token, unless: Any, name: Ident, _as: Token, written: tuple[str, int]) -> tree.CreateType:
        return tree.CreateType(_start(first), written[1] + len(written[0]), name, bool(unless), *written)

    def or_replace(self, *_: Token) -> bool:
        return True

    def if_not_exists(self, *_: Token) -> bool:
        return True

    def if_exists(self, *_: Token) -> bool:
        return True

    def kind(self, word: Token) -> str:
        return word.upper()

    def elements(self, *parts: Any) -> tuple[tree.Element, ...]:
        return tuple(p for p in parts if isinstance(p, tree.Element))

    def element(self, name: Ident, written: tuple[str, int], constraint: tuple[str, str] | None) -> tree.Element:
        return tree.Element(name.start, written[1] + len(written[0]), name, *written, *(constraint or ("", "")))

    def constraint(self, *words: Token) -> tuple[str, str]:
        first = words[0].upper()
        if first == "HEADER":
            return "HEADER", _written(words[2])
        return ("PRIMARY KEY" if first == "PRIMARY" else first), ""

    def with_(self, *parts: Any) -> tuple[tree.Property, ...]:
        return tuple(p for p in parts if isinstance(p, tree.Property))

    def property(self, name: Ident | Token, sign: Token, value: tuple[str, bool, int]) -> tree.Property:
        if sign != "=":
            raise ExpressionError(f"unexpected {str(sign)!r}: expected '='", _start(sign), _end(sign))
        written = name.text if isinstance(name, Ident) else _written(name)
        return tree.Property(_start(name), value[2], written.upper(), value[0], value[1])

    def number_value(self, minus: Token | None, number: Token) -> tuple[str, bool, int]:
        return ("-" if minus else "") + str(number), False, _end(number)

    def text_value(self, token: Token) -> tuple[str, bool, int]:
        return _written(token), True, _end(token)

    def word_value(self, word: Token | Ident) -> tuple[str, bool, int]:
        return (word.text if isinstance(word, Ident) else str(word)), False, _end(word)

    # ---- ALTER, DROP, INSERT

    def alter(self, first: Token, kind: str, name: Ident, *additions: tree.Element) -> tree.Alter:
        return tree.Alter(_start(first), additions[-1].end, kind, name, additions)

    def addition(self, _add: Token, _column: Token | None, name: Ident, written: tuple[str, int]) -> tree.Element:
        return tree.Element(name.start, written[1] + len(written[0]), name, *written)

    def drop(self, first: Token, kind: str, unless: Any, name: Ident, delete: Token | None, _topic: Token | None) -> tree.Drop:
        return tree.Drop(_start(first), name.end, kind, name, bool(unless), delete is not None)

    def drop_type(self, first: Token, _type: Token, unless: Any, name: Ident) -> tree.Drop:
        return tree.Drop(_start(first), name.end, "TYPE", name, bool(unless), False)

    def insert_select(self, first: Token, _into: Token, name: Ident, with_: tuple[tree.Property, ...] | None, query: tree.Query) -> tree.InsertSelect:
        return tree.InsertSelect(_start(first), query.end, name, with_ or (), query)

    def insert_values(self, first: Token, _into: Token, name: Ident, columns: tuple[Ident, ...] | None, _values: Token, values: tuple[Ast, ...],
                      close: Token) -> tree.InsertValues:
        return tree.InsertValues(_start(first), _end(close), name, columns, values)

    def names(self, *parts: Any) -> tuple[Ident, ...]:
        return tuple(p for p in parts if isinstance(p, Ident))

    # ---- SELECT

    def query(self, first: Token, *parts: Any) -> tree.Query:
        at = next(i for i, p in enumerate(parts) if isinstance(p, Token) and p.type == "FROM")
        items, source = parts[:at], parts[at + 1]
        joins = tuple(p for p in parts[at + 2:] if isinstance(p, tree.Join))
        window, where, group_by, partition_by, having, order_by, emit, limit = parts[at + 2 + len(joins):]
        end = max([source.end, *(j.end for j in joins), *(c.end for c in (window, where, having) if c is not None),
                   *(g[-1].end for g in (group_by, partition_by, order_by) if g)])
        return tree.Query(_start(first), end, items, source, joins, window, where, group_by, partition_by, having, emit or "", limit, order_by or ())

    def source(self, name: Ident, _as: Token | None, alias: Ident | None) -> tree.Source:
        return tree.Source(name.start, alias.end if alias else name.end, name, alias)

    def join(self, kind: str | None, first: Token, source: tree.Source, within: tree.Within | None, _on: Token, condition: Ast) -> tree.Join:
        return tree.Join(_start(first), condition.end, kind or "INNER", source, within, condition)

    def join_kind(self, *words: Token | None) -> str:
        assert words[0] is not None
        return words[0].upper()

    def within_both(self, first: Token, around: int, _grace: Token | None, _period: Token | None, grace: int | None) -> tree.Within:
        return tree.Within(_start(first), _end(first), around, around, grace)

    def within_pair(self, first: Token, before: int, after: int, close: Token, _grace: Token | None, _period: Token | None,
                    grace: int | None) -> tree.Within:
        return tree.Within(_start(first), _end(close), before, after, grace)

    def duration(self, number: Token, unit: Token) -> int:
        """Milliseconds."""
        word = unit.upper()
        scale = _UNITS.get(word.removesuffix("S"))
        if scale is None:
            raise ExpressionError(f"unknown unit {unit}: expected DAYS, HOURS, MINUTES, SECONDS or MILLISECONDS", _start(unit), _end(unit))
        return int(number) * scale

    def window(self, first: Token, _name: Ident | None, spec: tree.WindowSpec) -> tree.WindowSpec:
        return spec

    def tumbling(self, first: Token, _size: Token, size: int, *rest: Any) -> tree.WindowSpec:
        return self._window("TUMBLING", first, size, 0, rest)

    def hopping(self, first: Token, _size: Token, size: int, _advance: Token, _by: Token, advance: int, *rest: Any) -> tree.WindowSpec:
        return self._window("HOPPING", first, size, advance, rest)

    def session(self, first: Token, gap: int, *rest: Any) -> tree.WindowSpec:
        return self._window("SESSION", first, gap, 0, rest)

    def _window(self, kind: str, first: Token, size: int, advance: int, rest: tuple[Any, ...]) -> tree.WindowSpec:
        extras: dict[str, int] = dict(r for r in rest if isinstance(r, tuple))
        return tree.WindowSpec(_start(first), _end(rest[-1]), kind, size, advance, extras.get("retention"), extras.get("grace"))

    def retention(self, _word: Token, ms: int) -> tuple[str, int]:
        return "retention", ms

    def grace(self, _word: Token, _period: Token, ms: int) -> tuple[str, int]:
        return "grace", ms

    def where(self, _word: Token, condition: Ast) -> Ast:
        return condition

    def group_by(self, _group: Token, _by: Token, keys: tuple[Ast, ...]) -> tuple[Ast, ...]:
        return keys

    def partition_by(self, _partition: Token, _by: Token, keys: tuple[Ast, ...]) -> tuple[Ast, ...]:
        return keys

    def keys(self, *parts: Any) -> tuple[Ast, ...]:
        return tuple(p for p in parts if isinstance(p, Ast))

    def having(self, _word: Token, condition: Ast) -> Ast:
        return condition

    def order_by(self, _order: Token, _by: Token, *parts: Any) -> tuple[tree.Order, ...]:
        return tuple(p for p in parts if isinstance(p, tree.Order))

    def order_item(self, by: Ast, word: Token | None) -> tree.Order:
        return tree.Order(by.start, by.end, by, word is not None and word.upper() == "DESC")

    def emit(self, _emit: Token, word: Token) -> str:
        return word.upper()

    def limit(self, _word: Token, number: Token) -> int:
        return int(number)

    # ---- the rest

    def admin(self, *parts: Any) -> tree.Admin:
        statement = next((p for p in parts if isinstance(p, tree.Statement)), None)
        words = tuple(self._word(p) for p in parts if p is not None and not isinstance(p, tree.Statement))
        return tree.Admin(*_span(*parts), words, statement)

    def _word(self, part: Token | Ident) -> str:
        if isinstance(part, Ident):
            return part.text if part.quoted else part.text.upper()
        return _written(part) if part.type == "STRING" else part.upper()

    def assert_values(self, first: Token, _values: Token, name: Ident, columns: tuple[Ident, ...] | None, _word: Token, values: tuple[Ast, ...],
                      close: Token) -> tree.Assert:
        return tree.Assert(_start(first), _end(close), "VALUES", name, columns, values)

    def assert_null(self, first: Token, _null: Token, _values: Token, name: Ident, columns: tuple[Ident, ...], _key: Token,
                    values: tuple[Ast, ...], close: Token) -> tree.Assert:
        return tree.Assert(_start(first), _end(close), "NULL", name, columns, values)

    def assert_relation(self, first: Token, absent: Token | None, _exists: Token | None, kind: str, name: Ident, elements: tuple[tree.Element, ...] | None,
                        with_: tuple[tree.Property, ...] | None, timeout: int | None) -> tree.Assert:
        return tree.Assert(_start(first), name.end, "RELATION", name, kind=kind, elements=elements, properties=with_ or (), exists=absent is None,
                           timeout_ms=timeout)

    def assert_topic(self, first: Token, absent: Token | None, _exists: Token | None, _topic: Token, topic: Ident | Token,
                     with_: tuple[tree.Property, ...] | None, timeout: int | None) -> tree.Assert:
        name = _ident(topic)
        return tree.Assert(_start(first), name.end, "TOPIC", name, properties=with_ or (), exists=absent is None, timeout_ms=timeout)

    def assert_schema(self, first: Token, absent: Token | None, _exists: Token | None, word: Token, subject: Ident | None, schema_id: int | None,
                      timeout: int | None) -> tree.Assert:
        name = subject or Ident(_start(first), _end(word), "", True)
        return tree.Assert(_start(first), name.end, "SCHEMA", name, exists=absent is None, timeout_ms=timeout, schema_id=schema_id or 0)

    def timeout(self, _word: Token, ms: int) -> int:
        return ms

    def subject(self, _word: Token, name: Ident | Token) -> Ident:
        return _ident(name)

    def schema_id(self, _word: Token, number: Token) -> int:
        return int(number)

    def print(self, first: Token, topic: Ident | Token, _from: Token | None, beginning: Token | None, every: int | None,
              limit: int | None) -> tree.Print:
        name = _ident(topic)
        return tree.Print(_start(first), name.end, name.text, beginning is not None, every or 1, limit)

    def print_every(self, _word: Token, number: Token) -> int:
        if not int(number):
            raise ExpressionError("INTERVAL is at least 1", _start(number), _end(number))
        return int(number)
