"""What the names in an expression may mean, and how identifiers are resolved."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from penstock.errors import ExpressionError
from penstock.expr.ast import Ident, Name
from penstock.expr.remote import RemoteFunction
from penstock.expr.typed import ColumnRef
from penstock.types.sqltype import SqlType, quote, quoted


@dataclass(frozen=True, slots=True)
class Scope:
    """inputs: for each input its alias ("" where it cannot be named) and its columns, pseudo columns included, by exact name.
    parameters: the types of `:name`. types: custom types by upper-case name. functions: those that programs compute, by upper-case name."""

    inputs: tuple[tuple[str, Mapping[str, SqlType]], ...] = ()
    parameters: Mapping[str, SqlType | None] = field(default_factory=dict)
    types: Mapping[str, SqlType] = field(default_factory=dict)
    functions: Mapping[str, RemoteFunction] = field(default_factory=dict)

    def custom_type(self, name: str) -> SqlType | None:
        """A type that CREATE TYPE made."""
        return self.types.get(name)

    def exact(self) -> dict[str, ColumnRef]:
        """Columns by the text that names them in backquotes, without a source where there is one input: what is read of them without reading."""
        found: dict[str, ColumnRef] = {}
        for i, (source, columns) in enumerate(self.inputs):
            prefix = f"{quoted(source)}." if source else ""
            for name, kind in columns.items():
                column, text = ColumnRef(kind, name, i), quoted(name)
                if len(self.inputs) == 1:
                    found[text] = column
                if prefix:
                    found[prefix + text] = column
        return found

    def column(self, name: Name) -> tuple[int, str, SqlType]:
        """Input number, exact name and type of a column; ExpressionError UNKNOWN_COLUMN or INVALID_EXPRESSION (ambiguous)."""
        *source, ident = name.parts
        inputs = self._input(source[0]) if source else range(len(self.inputs))
        found = [(i, n) for i in inputs if (n := match_name(ident, self.inputs[i][1])) is not None]
        if len(found) > 1:
            found = _best(ident, found)
        if len(found) > 1:
            named = " or ".join(f"{quote(self.inputs[i][0] or str(i))}.{quote(n)}" for i, n in found)
            raise ExpressionError(f"column {ident.text} is ambiguous: write {named}", name.start, name.end)
        if not found:
            raise self._unknown(name, ident, [n for i in inputs for n in self.inputs[i][1]])
        index, exact = found[0]
        return index, exact, self.inputs[index][1][exact]

    def _input(self, source: Ident) -> tuple[int]:
        if source.quoted:
            for i in range(len(self.inputs)):
                if self.inputs[i][0] == source.text:
                    return (i,)
        aliases = {alias: i for i, (alias, _) in enumerate(self.inputs) if alias}
        exact = match_name(source, aliases)
        if exact is None:
            raise ExpressionError(f"there is no source {source.text} here" + _hint(source.text, aliases), source.start, source.end,
                                  "UNKNOWN_COLUMN", metadata={"column": source.text, "candidates": _candidates(source.text, aliases)})
        return (aliases[exact],)

    def _unknown(self, name: Name, ident: Ident, known: list[str]) -> ExpressionError:
        written = ".".join(part.text for part in name.parts)
        return ExpressionError(f"there is no column {written}" + _hint(ident.text, known), name.start, name.end, "UNKNOWN_COLUMN",
                               metadata={"column": written, "candidates": _candidates(ident.text, known)})


def match_name(ident: Ident, names: Iterable[str]) -> str | None:
    """Quoted: exactly. Else upper-cased; else as written; else the only name that differs by case alone."""
    if ident.quoted:
        return ident.text if ident.text in names else None
    known = names if isinstance(names, (Mapping, set, frozenset)) else list(names)
    upper = ident.text.upper()
    if upper in known:
        return upper
    if ident.text in known:
        return ident.text
    close = [n for n in known if n.upper() == upper]
    return close[0] if len(close) == 1 else None


def _best(ident: Ident, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Over several inputs an earlier rule of match_name wins too."""
    for wanted in (ident.text.upper(), ident.text):
        if exact := [f for f in found if f[1] == wanted]:
            return exact
    return found


def _close(text: str, known: Iterable[str]) -> list[str]:
    by_upper = {n.upper(): n for n in sorted(known, reverse=True)}
    return [by_upper[n] for n in difflib.get_close_matches(text.upper(), by_upper, n=5, cutoff=0.5)]


def _candidates(text: str, known: Iterable[str]) -> str:
    return ",".join(_close(text, known))


def _hint(text: str, known: Iterable[str]) -> str:
    close = _close(text, known)
    return f", did you mean {quote(close[0])}?" if close else ""
