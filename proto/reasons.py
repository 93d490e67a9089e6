"""The reasons of errors.proto, for the generators of error classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_ENTRY = re.compile(r"((?: *// [^\n]*\n)+) *ERROR_REASON_(\w+) = [1-9]\d*;")


@dataclass(frozen=True, slots=True)
class Reason:
    """One value of ErrorReason. name: without its prefix, such as UNKNOWN_RELATION. text: its comment without the first words, on one line."""

    name: str
    text: str

    @property
    def camel(self) -> str:
        """The name as class names are written, such as UnknownRelation."""
        return "".join(word.capitalize() for word in self.name.split("_"))


def reasons(proto: Path) -> list[Reason]:
    """Every reason of the folder's errors.proto but UNSPECIFIED, in its order."""
    out = []
    for comment, name in _ENTRY.findall((proto / "penstock/v1/errors.proto").read_text()):
        text = " ".join(line.strip().removeprefix("// ") for line in comment.strip().splitlines())
        out.append(Reason(name, text.removeprefix(f"ERROR_REASON_{name} is ")))
    return out
