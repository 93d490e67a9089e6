"""Small functions whose source is generated once: a row out of one decoded object, without a call for each plain column."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from typing import Any

from penstock.expr.code import Module


def plain(name: str) -> bool:
    """Whether a name can stand behind a dot, or as the name of an argument."""
    return name.isidentifier() and name.isascii() and not keyword.iskeyword(name)


def function(module: Module, name: str, argument: str, lines: Sequence[str]) -> Callable[[Any], Any]:
    """A function of one argument with this body; module holds its globals."""
    source = "\n".join([f"def {name}({argument}):", *(f"    {line}" for line in lines)]) + "\n"
    space: dict[str, Any] = dict(module.globals)
    exec(compile(source, f"<{name}>", "exec"), space)  # noqa: S102 - the text is made of a schema's fields, names are bound or checked
    made: Callable[[Any], Any] = space[name]
    return made


def row_of(expressions: Sequence[str]) -> str:
    """Source of the tuple of these expressions."""
    return "(" + "".join(f"{e}, " for e in expressions) + ")"
