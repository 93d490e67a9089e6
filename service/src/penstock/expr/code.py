"""The shape of generated code: how expressions, formats and operators contribute Python source to one function.

A piece of code is Code(lines, value): statements that run first (unindented; nested blocks indented by four spaces), then a Python
expression that is the result. An Env names things: it maps column names to the local variables that hold them, hands out fresh
local names and binds constants and helper functions as globals of the generated module.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Code(NamedTuple):
    """Statements and the expression that gives the result once they ran."""

    lines: tuple[str, ...]
    value: str


_RESERVED = frozenset(keyword.kwlist) | frozenset(dir(builtins))
"""A column may be called `len` or `if`; a variable of generated code must not."""


RESERVED = frozenset({*keyword.kwlist, *dir(builtins)})
"""Names that a column may have and a variable must not."""


@dataclass
class Module:
    """One generated module: its globals and the names already taken."""

    globals: dict[str, object] = field(default_factory=dict)
    _ids: dict[int, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=lambda: set(_RESERVED))

    def fresh(self, hint: str) -> str:
        """A name that nothing else in the module uses, readable: the hint, with a number where needed."""
        base = re.sub(r"\W", "_", hint, flags=re.ASCII) or "x"
        if base[0].isdigit():
            base = "_" + base
        name, n = base, 1
        while name in self._taken:
            n += 1
            name = f"{base}_{n}"
        self._taken.add(name)
        return name

    def bind(self, value: object, hint: str) -> str:
        """A global name for this object; the same object gets the same name."""
        name = self._ids.get(id(value))
        if name is None:
            name = self.fresh(hint)
            self._ids[id(value)] = name
            self.globals[name] = value
        return name


@dataclass(frozen=True)
class Env:
    """Where an expression is compiled.

    columns: for each input (0 left, 1 right) the local variable of each column, by column name. A variable holds None for NULL.
    report: name of a global function report(exc: Exception) that counts an expression error; called by generated code.
    parameters: values of `:name`.
    """

    module: Module
    columns: tuple[Mapping[str, str], ...]
    report: str
    parameters: Mapping[str, object] = field(default_factory=dict)


def indent(lines: tuple[str, ...] | list[str], by: int = 1) -> list[str]:
    """The lines, `by` levels further in."""
    return ["    " * by + line for line in lines]
