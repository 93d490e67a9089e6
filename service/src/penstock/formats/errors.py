"""What a reader raises for a record that it cannot read."""

from __future__ import annotations

from penstock.errors import PenstockError


class FormatError(PenstockError):
    """The bytes do not hold the declared columns; reason says which and why. The record goes to the dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
