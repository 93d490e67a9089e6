"""A demo's recount: what was published against what the inputs say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from penstock.cli.demo.stage import Stage


class Recount:
    """Counts what is missing, what is there twice, and what has another value."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.lost = 0
        self.doubled = 0
        self.wrong: list[str] = []

    def count(self, expected: Counter[Any], got: Counter[Any]) -> None:
        """Compare how often each thing is there."""
        self.lost += (expected - got).total()
        self.doubled += (got - expected).total()

    def rows(self, expected: Mapping[Any, Any], got: Mapping[Any, Any], what: str) -> None:
        """Compare a table: keys that are missing are lost, others are wrong."""
        self.lost += len(expected.keys() - got.keys())
        if unlike := [key for key in got if key not in expected or expected[key] != got[key]]:
            self.wrong.append(f"{what} of {unlike[0]}: {got[unlike[0]]}, expected {expected.get(unlike[0])}")

    def right(self, what: str, expected: Any, got: Any) -> None:
        """Compare one answer."""
        if expected != got:
            self.wrong.append(f"{what}: {got}, expected {expected}")

    def close(self, text: str) -> bool:
        """Say the result; whether all agrees."""
        for line in self.wrong:
            self._stage.say(f"[red]wrong[/] {line}")
        self._stage.say(f"recount of {text}: " + ("[red]values differ[/]" if self.wrong else "every value right"))
        print(f"{self.lost} lost, {self.doubled} doubled", flush=True)
        return not self.lost and not self.doubled and not self.wrong


def moment(value: Any) -> datetime:
    """A TIMESTAMP, or milliseconds since 1970, as a time in UTC."""
    return value if isinstance(value, datetime) else datetime.fromtimestamp(value / 1000, UTC)
