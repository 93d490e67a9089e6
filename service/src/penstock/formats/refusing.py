"""A writer of what cannot be written: each row is refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.expr.code import Code, Module
from penstock.formats.errors import FormatError


class RefusingWriter:
    """Refuses every row (formats/port.py, Writer)."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def code(self, module: Module, values: Sequence[str]) -> Code:
        given = "".join(f"{v}, " for v in values)
        return Code((), f"{module.bind(self.write, 'refuse')}(({given}))")

    def write(self, values: Sequence[object]) -> bytes | None:
        raise FormatError(self.reason)
