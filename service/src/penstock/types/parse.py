"""SQL type text to SqlType: `DECIMAL(10, 2)`, `ARRAY<STRUCT<A INT, "b" STRING>>`, with ksqlDB's synonyms."""

from __future__ import annotations

import re
from collections.abc import Callable

from penstock.errors import ExpressionError
from penstock.types import sqltype as t
from penstock.types.sqltype import SqlType

SIMPLE: dict[str, SqlType] = {
    "BOOLEAN": t.BOOLEAN, "INT": t.INT, "INTEGER": t.INT, "BIGINT": t.BIGINT, "DOUBLE": t.DOUBLE, "STRING": t.STRING,
    "VARCHAR": t.STRING, "BYTES": t.BYTES, "DATE": t.DATE, "TIME": t.TIME, "TIMESTAMP": t.TIMESTAMP,
}
_TOKEN = re.compile(r'\s*(?:([A-Za-z0-9_@]+)|`((?:``|[^`])+)`|"((?:""|[^"])+)"|([<>(),])|(\S))')
_DEEPEST = 32

Resolve = Callable[[str], SqlType | None]


def parse_type(text: str, resolve: Resolve | None = None) -> SqlType:
    """The type that the text names; ExpressionError otherwise. resolve: looks up names that are not built in (custom types)."""
    return _Reader(text, resolve).read()


class _Reader:
    """One pass over the tokens of a type."""

    def __init__(self, text: str, resolve: Resolve | None) -> None:
        self.text, self.resolve = text, resolve
        self.tokens = list(_TOKEN.finditer(text))
        self.at = 0

    def read(self) -> SqlType:
        found = self.type(0)
        if self.at < len(self.tokens):
            raise self.error("the end")
        return found

    def error(self, expected: str) -> ExpressionError:
        if self.at < len(self.tokens):
            m = self.tokens[self.at]
            start, end = m.start(m.lastindex or 0), m.end()
        else:
            start = end = len(self.text)
        return ExpressionError(f"bad type {self.text.strip()!r}: expected {expected}", start, end)

    def peek(self) -> str:
        return self.tokens[self.at].group(4) or "" if self.at < len(self.tokens) else ""

    def take(self, sign: str) -> None:
        if self.peek() != sign:
            raise self.error(f"'{sign}'")
        self.at += 1

    def word(self, expected: str) -> str:
        word = self.tokens[self.at].group(1) if self.at < len(self.tokens) else None
        if not word:
            raise self.error(expected)
        self.at += 1
        return word.upper()

    def name(self) -> str:
        m = self.tokens[self.at] if self.at < len(self.tokens) else None
        if m is None or m.lastindex not in (1, 2, 3):
            raise self.error("a field name")
        self.at += 1
        if m.group(1):
            return m.group(1).upper()
        return m.group(2).replace("``", "`") if m.group(2) else m.group(3).replace('""', '"')

    def type(self, depth: int) -> SqlType:
        if depth > _DEEPEST:
            raise self.error("a type that is nested less deeply")
        at = self.at
        word = self.word("a type")
        match word:
            case "DECIMAL" | "DEC" | "NUMERIC":
                return self.decimal()
            case "ARRAY":
                self.take("<")
                element = self.type(depth + 1)
                self.take(">")
                return t.array(element)
            case "MAP":
                self.take("<")
                key = self.type(depth + 1)
                self.take(",")
                value = self.type(depth + 1)
                self.take(">")
                return t.map_of(key, value)
            case "STRUCT":
                return self.struct(depth)
        if word == "CHARACTER" and self.at < len(self.tokens) and (self.tokens[self.at].group(1) or "").upper() == "VARYING":
            self.at += 1
            word = "VARCHAR"
        if word in ("VARCHAR", "STRING") and self.peek() == "(":
            self.take("(")
            self.word("a length")
            self.take(")")
        found = SIMPLE.get(word) or (self.resolve(word) if self.resolve else None)
        if found is None:
            self.at = at
            raise self.error("a type such as STRING, BIGINT or ARRAY<INT>")
        return found

    def number(self) -> int:
        word = self.word("a number")
        if not word.isdecimal():
            self.at -= 1
            raise self.error("a number")
        return int(word)

    def decimal(self) -> SqlType:
        self.take("(")
        precision, scale = self.number(), 0
        if self.peek() == ",":
            self.at += 1
            scale = self.number()
        if precision < 1 or not 0 <= scale <= precision:
            self.at -= 1
            raise self.error("DECIMAL(p, s) with p >= 1 and 0 <= s <= p")
        self.take(")")
        return t.decimal(precision, scale)

    def struct(self, depth: int) -> SqlType:
        self.take("<")
        fields: list[tuple[str, SqlType]] = []
        while self.peek() != ">":
            if fields:
                self.take(",")
            name = self.name()
            if any(name == other for other, _ in fields):
                self.at -= 1
                raise self.error(f"another field name, {name} is there twice")
            fields.append((name, self.type(depth + 1)))
        self.take(">")
        return t.struct(*fields)
